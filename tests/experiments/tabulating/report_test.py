"""What the report shows of made-up records."""

import dataclasses

import pytest
from scipy import stats

from aim_keras.analysis import rank_correlation
from experiments.tabulating import complexity, performance, published, report
from experiments.tabulating.cells import mean, percent, thousands
from experiments.tabulating.runs import Run
from experiments.tabulating.tuning import table_of_tuning
from tests.experiments.tabulating.made_up import result, results_of, system

FM, DEEPFM = system("FM"), system("DeepFM")
AIM = system("AIM(2nd)", "aim")
KEPT = [
    {"auc": auc, "interactions": {"2": n}, "units": {"2": 2 * n}, "parameters": 10_000 + n}
    for auc, n in ((0.82, 9), (0.83, 18))
]


def cells(markdown):
    """`{first cell: the others}` of a Markdown table."""
    rows = [line[1:-1].split("|") for line in markdown.splitlines()]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}


def test_cells():
    assert mean([0.81234, 0.81434]) == "0.8133 ± 0.0014"
    assert mean([0.81234]) == "0.8123"
    assert mean([]) == ""
    assert thousands([12_345_000, 12_345_000]) == "12,345 ± 0"
    assert thousands([270, 270]) == "0.270 ± 0.000"
    assert thousands([]) == ""
    assert [percent(value) for value in (0, 0.9, 1.154, -0.5)] == ["0%", "0.9%", "1.15%", "-0.5%"]
    assert [percent(value) for value in (-0.001, 100.0)] == ["0%", "100%"]


def test_table_2():
    results = results_of(
        [system("LR", "related"), DEEPFM, FM, AIM, system("Random", "control")],
        {"FM": [0.79, 0.81], "DeepFM": [0.81], "AIM(2nd)": KEPT, "Random": [0.805]},
        seeds=2,
        leaderboard="Frappe_x1",
        paper=("Avazu",),
    )
    shown, significance, missing = performance.table_2(results)
    lines = shown.splitlines()
    assert lines[0] == (
        "| category | model | seeds | AUC | log loss | Rel. Impr. | interactions | parameters (k) "
        "| Frappe_x1 | paper, Avazu |"
    )
    of_model = {line.split(" | ")[1]: line for line in lines}
    assert of_model["FM"] == (
        "| Factorization model | FM | 2 | 0.8000 ± 0.0141 | 0.4000 ± 0.0141 | 0% |  | 4 ± 0 "
        "| 0.9671 / 0.2065 | 0.7793 / 0.3805 / 0% |"
    )
    assert of_model["AIM(2nd)"] == (
        "| AIM | AIM(2nd) | 2 | 0.8250 ± 0.0071 | 0.3750 ± 0.0071 | 3.12% | 13.5 | 10 ± 0 |  |  |"
    )
    assert of_model["LR"] == "| Related model | LR |  |  |  |  |  |  | 0.9356 / 0.3076 |  |"
    assert of_model["FFM"].endswith(
        "|  |  |  |  |  |  | 0.9786 / 0.1860 | 0.7831 / 0.3781 / 0.49% |"
    )
    kinds = [line.split(" | ")[0].strip("| ") for line in lines[2:]]
    order = ["Factorization model", "Other interaction model", "AutoML-based model", "AIM"]
    assert list(dict.fromkeys(kinds)) == [*order, "Related model", "Control"]
    assert significance == (
        "AIM(2nd) (the best AIM on valid) against the best others on test, two-tailed unpaired "
        "t-tests: AUC (FM) t = 2.24, p = 0.15; log loss (FM) t = -2.24, p = 0.15."
    )
    assert missing.startswith("Not run yet: DeepFM (seed 2), LR, Random (seed 2). ")
    assert "Not configured: FwFM, AFM, FFM, IPNN, Fi-GNN" in missing


def test_interactions_are_means_over_seeds_by_order():
    kept = [{"interactions": {"2": 4, "10": 3}}, {"interactions": {"2": 1}}]
    groups = [{"interactions": {"1": 2, "2": 4}}]
    results = results_of([FM, AIM], {"AIM(2nd)": kept, "FM": groups}, seeds=2)
    assert performance._interactions(results, "AIM(2nd)") == "2.5 + 1.5"
    assert performance._interactions(results, "FM") == "groups: 2 + 4"


def test_the_best_aim_is_chosen_on_valid_and_its_opponent_on_test():
    third = system("AIM(3rd)", "aim")
    valid = {"valid": {"auc": 0.99, "log_loss": 0.1}}
    ours = [{"auc": 0.81, "log_loss": 0.30, **valid}, {"auc": 0.82, "log_loss": 0.31, **valid}]
    results = results_of(
        [FM, DEEPFM, AIM, third, system("Random", "control")],
        {
            "FM": [{"auc": 0.70, "log_loss": 0.32}, {"auc": 0.71, "log_loss": 0.31}],
            "DeepFM": [{"auc": 0.78, "log_loss": 0.35}, {"auc": 0.80, "log_loss": 0.33}],
            "AIM(2nd)": ours,
            "AIM(3rd)": [0.95, 0.96],
            "Random": [0.97, 0.97],
        },
        seeds=2,
    )
    (said,) = performance._significance(results)
    auc = stats.ttest_ind([0.81, 0.82], [0.78, 0.80])
    loss = stats.ttest_ind([0.30, 0.31], [0.32, 0.31])
    assert said == (
        "AIM(2nd) (the best AIM on valid) against the best others on test, two-tailed unpaired "
        f"t-tests: AUC (DeepFM) t = {auc.statistic:.2f}, p = {auc.pvalue:.2g}; "
        f"log loss (FM) t = {loss.statistic:.2f}, p = {loss.pvalue:.2g}."
    )


def test_a_single_seed_is_not_the_best():
    third = system("AIM(3rd)", "aim")
    seeds = {"FM": [0.70, 0.71], "DeepFM": [0.98], "AIM(2nd)": [0.81, 0.82], "AIM(3rd)": [0.99]}
    results = results_of([FM, DEEPFM, AIM, third], seeds, seeds=2)
    (said,) = performance._significance(results)
    assert said.startswith("AIM(2nd) (the best AIM on valid) against the best others on test, two")
    assert "AUC (FM) t = " in said
    lone = results_of([FM, AIM], {"FM": [0.70], "AIM(2nd)": [0.81, 0.82]}, seeds=2)
    (said,) = performance._significance(lone)
    assert said.endswith("against the best others on test: a t-test needs two seeds of both.")
    alone = results_of([FM, third], {"AIM(3rd)": [0.99]}, seeds=2)
    assert performance._best(alone, ("aim",), "valid", seeds=2) == "AIM(3rd)"


def test_the_best_aim_against_the_best_model_that_was_re_run():
    reruns = tuple({"name": n, "model": n, "options": {}} for n in ("DCNv2", "FinalMLP", "None"))
    results = results_of(
        [AIM], {"AIM(2nd)": [0.82, 0.83]}, 2, leaderboard="Frappe_x1", reruns=reruns
    )
    assert len(performance.table_of_reruns(results)) == 1
    seen = [("DCNv2", 1, 0.80), ("DCNv2", 2, 0.81), ("FinalMLP", 1, 0.99)]
    seen += [("FinalMLP", 1, 0.81), ("FinalMLP", 2, 0.82)]  # of a seed the last one counts
    named = {rerun.name: rerun for rerun in results.plan.reruns}
    for name, seed, auc in seen:
        run = Run("rerun", named[name], seed, named[name].configuration)
        results.all_records.append(result(run, auc))
    shown, said = performance.table_of_reruns(results)
    assert cells(shown)["FinalMLP"][:2] == ["2", "0.8150 ± 0.0071"]
    assert cells(shown)["None"][0] == "not run yet"
    assert said.startswith("AIM(2nd) (the best AIM on valid) against the best of these on test, ")
    test = stats.ttest_ind([0.82, 0.83], [0.81, 0.82])
    assert f"AUC (FinalMLP) t = {test.statistic:.2f}" in said


def test_table_3_has_the_share_of_the_highest_order():
    third = system("AIM(3rd)", "aim")
    kept = [{"interactions": {"2": 45, "3": n}} for n in (12, 24)]
    shown, missing = performance.table_3(
        results_of([AIM, third], {"AIM(2nd)": KEPT, "AIM(3rd)": kept}, seeds=2, paper=("Criteo",))
    )
    rows = cells(shown)
    assert rows["model"] == ["FI ratio (%)", "AUC", "log loss", "paper, Criteo"]
    assert rows["AIM(2nd)"] == [
        "30.00 ± 14.14",
        "0.8250 ± 0.0071",
        "0.3750 ± 0.0071",
        "0.8022 / 0.5388 / 22%",
    ]
    assert rows["AIM(3rd)"][0] == "15.00 ± 7.07"
    assert rows["AIM(4th)"] == ["", "", "", "0.8030 / 0.5379 / 0.09%"]
    assert missing == "Not configured: AutoFIS(2nd), AutoFIS(3rd), AutoFIS(4th), AIM(4th)."


def test_tables_4_5_and_10():
    results = results_of([DEEPFM, AIM], {"DeepFM": [0.81], "AIM(2nd)": KEPT}, seeds=2)
    rows = cells(performance.table_4(results)[0])
    paper = ["0.7836 / 0.3776", "0.7991 / 0.5423"]
    assert rows["DeepFM"] == ["-", "-", "-", "0.8100", "0.3900", *paper]
    assert rows["AIM"][:4] == ["✓", "✓", "✓", "0.8250 ± 0.0071"]
    rows = cells(performance.table_5(results)[0])
    assert rows["AIM (FWE)"][0] == "10 ± 0"
    assert rows["AIM (FWE)"][3:] == ["0.7891 / 0.3742 / 3.8e7", "0.8022 / 0.5388 / 3.1e7"]
    rows = cells(performance.table_10(results)[0])
    assert rows["DeepFM"] == ["4", "0.8100", "0.3900", *paper]
    assert rows["PNN+IF(2nd)"] == ["", "", "", "0.7893 / 0.3741", "0.8024 / 0.5387"]


def test_tables_7_to_9():
    stages = {
        "search_interactions_2": {"seconds": 12.0, "epochs": 6},
        "search_dimensions": {"seconds": 5.0, "epochs": 5},
        "retrain": {"seconds": 0.5, "epochs": 0},
    }
    content = [{"stages": stages}, {"stages": {"retrain": {"seconds": 4.0, "epochs": 2}}}]
    results = results_of([FM, AIM], {"FM": [0.8], "AIM(2nd)": content}, seeds=2)
    rows = cells(complexity.table_7(results)[0])
    assert rows["FM"] == ["4", "1", "2.00", "0.50", "2.6", "3.3", "0.53"]
    assert rows["AIM"][2:4] == ["2.00", "0.50 ± 0.00"]
    rows = cells(complexity.table_8(results)[0])
    assert rows["AIM(2nd)"][2:] == ["2.00", "0.50 ± 0.00", "3.8", "9", "0.83"]
    rows = cells(complexity.table_9(results)[0])
    assert rows["AIM(2nd)"] == ["2.00", "1.00", "2.00", "13", "9.2", "9"]


def test_table_6():
    results = results_of([AIM], {"AIM(2nd)": KEPT}, seeds=2)
    paper = published.paper(6)["rows"]
    theirs = rank_correlation(*([row[key] for row in paper] for key in ("vocabulary", "dimension")))
    (missing,) = complexity.table_6(results)
    assert missing.startswith("Not run yet: the analysis.")
    assert f"{theirs:.2f}" in missing
    run = Run("analysis", results.table[0].system, 1, "x")
    content = {
        "dimensions": [{"field": "user", "vocabulary_size": 1234, "dimension": 7}],
        "dimension_rank_correlation": 0.456,
    }
    record = {**result(run), "analysis": content}
    analysed = dataclasses.replace(results, analysis=run, all_records=[record])
    shown, said = complexity.table_6(analysed)
    assert cells(shown)["user"] == ["1,234", "7"]
    assert "AIM(2nd), seed 1." in said
    assert "0.46 here" in said


def test_tuning():
    results = results_of([FM, {**AIM, "grid": ("A = 1", ("A = 2", "B = 3"))}, DEEPFM], {})
    aim = results.plan.system("AIM(2nd)")
    runs = [
        Run("tuning", aim, 0, configuration, choice)
        for configuration, choice in zip(("aim(2nd)", "other"), aim.choices, strict=True)
    ]

    def rows(*aucs):
        valid = [
            {**result(run), "valid": {"auc": auc, "log_loss": 0.1}, "test": None}
            for run, auc in zip(runs, aucs, strict=False)
        ]
        return cells(table_of_tuning(dataclasses.replace(results, tuning=runs, all_records=valid)))

    tried = "`A = 1`: 0.81000<br>`A = 2; B = 3`: 0.80000"
    assert rows(0.81, 0.80)["AIM(2nd)"] == [tried, "`A = 1`", "yes"]
    assert rows(0.80, 0.81)["AIM(2nd)"][1:] == ["`A = 2; B = 3`", "no"]
    assert rows(0.81)["AIM(2nd)"] == ["`A = 1`: 0.81000<br>`A = 2; B = 3`: not run yet", "", ""]
    assert "FM" not in rows(0.81, 0.80)


def test_the_whole_report(tmp_path):
    later = {"auc": 0.79, "date": "2026-02-03T04:05:06+00:00"}
    results = results_of([FM, AIM], {"FM": [later, 0.80], "AIM(2nd)": KEPT}, seeds=2)
    path = tmp_path / "R.md"
    report.write(path, results, "python -m experiments.tables")
    text = path.read_text()
    assert text.startswith("# Shop\n\nGenerated by `python -m experiments.tables`: do not edit.\n")
    assert [f"## Table {number}: " in text for number in range(2, 11)] == [True] * 9
    assert text.endswith(
        "## Where it comes from\n\n- Data: shop/1.0.0, id 0123abcd\n"
        "- Machine: abacus, 2 cores, 4 GB\n- Versions: python 3.11.7\n- Commit: c0ffee\n"
        "- Recorded: 2026-01-02T03:04:05+00:00 to 2026-02-03T04:05:06+00:00, 4 records\n"
    )
    report.check(path, results.plan)
    for title in ("Another", "Sho"):
        with pytest.raises(ValueError, match="results holds another report: choose another file"):
            report.check(path, dataclasses.replace(results.plan, title=title, systems=()))


def test_a_report_without_the_papers_figures(tmp_path):
    """It compares the systems of the plan, and no others."""
    results = results_of([FM, AIM], {"FM": [0.79, 0.80], "AIM(2nd)": KEPT}, seeds=2, paper=())
    report.write(tmp_path / "R.md", results, "command")
    text = (tmp_path / "R.md").read_text()
    assert [f"## Table {number}: " in text for number in range(2, 11)] == [True] + [False] * 8
    assert "AIM(2nd) (the best AIM on valid) against the best others on test" in text
    assert not any(word in text for word in ("Figures 7", "Published", "Not configured", "FwFM"))


def test_a_report_of_nothing(tmp_path):
    nothing = dataclasses.replace(results_of([FM, AIM], {}), data=None)
    report.write(tmp_path / "R.md", nothing, "command")
    text = (tmp_path / "R.md").read_text()
    assert "Not run yet: FM, AIM(2nd)." in text
    assert text.endswith("Nothing is recorded.\n")
