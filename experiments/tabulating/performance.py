"""Tables 2 to 5 and 10: AUC and log loss, ours beside the published."""

import math

import numpy as np
from scipy import stats

from experiments.markdown import table
from experiments.tabulating import published
from experiments.tabulating.cells import mean, metrics, percent, thousands
from experiments.tabulating.plan import KINDS

BENCHMARKED = ("factorization", "other", "automl", "aim", "related", "control")
BASELINES = ("factorization", "other", "automl", "related")
METRICS = {"auc": "AUC", "log_loss": "log loss"}
MARKS = {True: "✓", False: "×", None: "-"}


def table_2(results):
    """All systems, the relative improvement over FM, and the test of AIM's significance."""
    plan = results.plan
    paper = {row["system"]: row for row in published.paper(2)["rows"] if plan.paper}
    board = published.leaderboard(plan.leaderboard) if plan.leaderboard else {}
    kinds = {s.name: s.kind for s in plan.systems if s.kind in BENCHMARKED}
    kinds |= {name: row["kind"] for name, row in paper.items() if name not in kinds}
    names = sorted(kinds, key=lambda name: BENCHMARKED.index(kinds[name]))
    on_board = {system.name: system.published or system.name for system in plan.systems}
    header = [
        *("category", "model", "seeds", "AUC", "log loss", "Rel. Impr."),
        *("interactions", "parameters (k)"),
        *([plan.leaderboard] if plan.leaderboard else []),
        *(f"paper, {data}" for data in plan.paper),
    ]
    rows = []
    for name in names:
        seeds = len(results.of(name))
        row = [KINDS[kinds[name]], name, str(seeds) if seeds else "", *_ours(results, name)]
        row += [_improvement(results, name), _interactions(results, name)]
        row.append(thousands(results.values(name, "parameters")))
        if plan.leaderboard:
            row.append(metrics(board.get(on_board.get(name, name))))
        for data in plan.paper:
            of_paper = paper[name][data] if name in paper else None
            improvement = f" / {percent(of_paper['improvement'])}" if of_paper else ""
            row.append(metrics(of_paper) + improvement)
        rows.append(row)
    return [table(header, rows), *_significance(results), results.missing(names)]


def table_of_reruns(results):
    """What the leaderboard's own models give on these data, beside what it publishes."""
    board = published.leaderboard(results.plan.leaderboard)
    rows = []
    for rerun in results.plan.reruns:
        records = results.reruns(rerun)
        ours = [mean([r["test"][metric] for r in records]) for metric in METRICS]
        of_board = metrics(board.get(rerun.published or rerun.name))
        rows.append([rerun.name, str(len(records) or "not run yet"), *ours, of_board])
    shown = table(["model", "seeds", "AUC", "log loss", results.plan.leaderboard], rows)
    return [shown, *_against_reruns(results)]


def table_3(results):
    """AutoFIS and AIM by the highest order, and which share of its interactions is re-trained."""

    def ratio(row):
        records = results.of(row["system"])
        order = row["order"]
        kept = [record["interactions"].get(str(order), 0) for record in records]
        candidates = [math.comb(record["fields"], order) for record in records]
        return mean([100 * n / all_ for n, all_ in zip(kept, candidates, strict=True) if all_], 2)

    return _against_paper(results, 3, {"FI ratio (%)": ratio}, "ratio")


def table_4(results):
    """AIM without some of its components."""
    marks = {name: lambda row, name=name: MARKS[row[name]] for name in ("FIS", "IFS", "EDS")}
    return _against_paper(results, 4, marks)


def table_5(results):
    """Shared and function-wise embeddings, with and without the search of dimensions."""
    return _against_paper(results, 5, _parameters(results), "parameters_10_million")


def table_10(results):
    """The interactions and functions that AIM found in other models."""
    return _against_paper(results, 10, _parameters(results))


def _parameters(results):
    return {"parameters (k)": lambda row: thousands(results.values(row["system"], "parameters"))}


def _against_paper(results, number, columns, published_column=None):
    """A table with the rows of the paper's, some columns of ours and one more of the paper's."""
    rows = published.paper(number)["rows"]
    units = {None: "", "ratio": "%", "parameters_10_million": "e7"}[published_column]
    header = ["model", *columns, "AUC", "log loss", *(f"paper, {d}" for d in results.plan.paper)]
    cells = []
    for row in rows:
        ours = [row["model"], *(cell(row) for cell in columns.values())]
        ours += _ours(results, row["system"])
        for data in results.plan.paper:
            more = f" / {row[data][published_column]:g}{units}" if published_column else ""
            ours.append(metrics(row[data]) + more)
        cells.append(ours)
    return [table(header, cells), results.missing(row["system"] for row in rows)]


def _ours(results, name):
    return [mean(results.values(name, "test", metric)) for metric in ("auc", "log_loss")]


def relative_improvement(auc, base):
    """Percent by which an AUC is above another, 100 (auc / base - 1), as the paper's Table 2."""
    return 100 * (auc / base - 1)


def _improvement(results, name):
    aucs, base = results.values(name, "test", "auc"), results.values("FM", "test", "auc")
    return percent(relative_improvement(np.mean(aucs), np.mean(base))) if aucs and base else ""


def _interactions(results, name):
    records = results.of(name)
    orders = sorted({int(order) for record in records for order in record["interactions"]})
    kept = ([record["interactions"].get(str(p), 0) for record in records] for p in orders)
    means = " + ".join(f"{np.mean(of_order):.1f}".removesuffix(".0") for of_order in kept)
    return f"groups: {means}" if 1 in orders else means


def _significance(results):
    """The best AIM on valid against the strongest others on test, which are harder opponents."""
    names = [s.name for s in results.plan.systems if s.kind in BASELINES]
    return _aim_against(results, "the best others on test", {n: results.of(n) for n in names})


def _against_reruns(results):
    """The same against the strongest of the re-run models."""
    found = {rerun.name: results.reruns(rerun) for rerun in results.plan.reruns}
    return _aim_against(results, "the best of these on test", found)


def _aim_against(results, whom, found):
    """The tests of AIM against the best of each metric, out of records by name."""
    aim = _best(results, ("aim",), "valid", seeds=2)
    found = {name: [r["test"] for r in records] for name, records in found.items() if records}
    if aim is None or not found:
        return []
    start = f"{aim} (the best AIM on valid) against {whom}"
    found = {name: scores for name, scores in found.items() if len(scores) >= 2}
    if not found or len(results.of(aim)) < 2:
        return [f"{start}: a t-test needs two seeds of both."]
    said = []
    for metric, title in METRICS.items():
        means = {name: np.mean([s[metric] for s in scores]) for name, scores in found.items()}
        best = (max if metric == "auc" else min)(means, key=means.get)
        ours = results.values(aim, "test", metric)
        test = stats.ttest_ind(ours, [s[metric] for s in found[best]])
        said.append(f"{title} ({best}) t = {test.statistic:.2f}, p = {test.pvalue:.2g}")
    return [f"{start}, two-tailed unpaired t-tests: {'; '.join(said)}."]


def _best(results, kinds, split, seeds=1):
    """The system of the highest mean AUC, out of those with so many seeds, or else out of all."""
    names = [s.name for s in results.plan.systems if s.kind in kinds and results.of(s.name)]
    names = [name for name in names if len(results.of(name)) >= seeds] or names
    if not names:
        return None
    return max(names, key=lambda name: np.mean(results.values(name, split, "auc")))
