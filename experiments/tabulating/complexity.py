"""Tables 6 to 9: dimensions by vocabulary, parameters, and times."""

from aim_keras.analysis import rank_correlation
from experiments import run_files
from experiments.markdown import table
from experiments.tabulating import published
from experiments.tabulating.cells import mean, thousands


def table_6(results):
    """The kept dimensions of each field beside its vocabulary size, of the analysed run."""
    record = results.analysis and results.record(results.analysis)
    paper = published.paper(6)["rows"]
    columns = ([row[name] for row in paper] for name in ("vocabulary", "dimension"))
    theirs = f"{rank_correlation(*columns):.2f} in the paper's (Avazu)"
    if record is None:
        return [f"Not run yet: the analysis. Rank correlation: {theirs}."]
    rows = [
        [row["field"], f"{row['vocabulary_size']:,}", str(row["dimension"])]
        for row in record["analysis"]["dimensions"]
    ]
    ours = record["analysis"]["dimension_rank_correlation"]
    ours = "none, one of both being constant," if ours is None else f"{ours:.2f} here"
    return [
        table(["field", "vocabulary", "dimensions"], rows),
        f"{record['system']}, seed {record['seed']}. Rank correlation of vocabulary and "
        f"dimensions: {ours}, {theirs}.",
    ]


def table_7(results):
    """Parameters, and times of training and inference, of models of order 2."""
    return _costs(results, 7)


def table_8(results):
    """The same of AIM by the highest order."""
    return _costs(results, 8)


def table_9(results):
    """Time of an epoch in each stage of AIM."""
    stages = ("search interactions", "search dimensions", "retrain")
    header = [
        *("model", *(f"{stage} (s)" for stage in stages)),
        *(f"paper (Avazu), {stage} (min)" for stage in stages),
    ]
    rows = published.paper(9)["rows"]
    cells = []
    for row in rows:
        names = [run_files.search_of(row["order"]), "search_dimensions", "retrain"]
        ours = [mean(_epoch_seconds(results, row["system"], name), 2) for name in names]
        cells.append([row["model"], *ours, *(f"{value:g}" for value in row["Avazu"].values())])
    return [table(header, cells), results.missing(row["system"] for row in rows)]


def _costs(results, number):
    header = [
        *("model", "parameters (k)", "of these in tables (k)", "an epoch (s)", "inference (s)"),
        *(
            f"paper (Avazu), {cost}"
            for cost in ("parameters (e7)", "an epoch (min)", "inference (s)")
        ),
    ]
    rows = published.paper(number)["rows"]
    cells = []
    for row in rows:
        name = row["system"]
        ours = [
            thousands(results.values(name, "parameters")),
            thousands(results.values(name, "embedding_parameters")),
            mean(_epoch_seconds(results, name, "retrain"), 2),
            mean(results.values(name, "inference_seconds"), 2),
        ]
        cells.append([row["model"], *ours, *(f"{value:g}" for value in row["Avazu"].values())])
    return [table(header, cells), results.missing(row["system"] for row in rows)]


def _epoch_seconds(results, name, stage):
    """Seconds of an epoch, with its validation; nothing where all epochs were of another process
    or the stage had nothing to search."""
    stages = (record["stages"].get(stage) for record in results.of(name))
    return [s["seconds"] / s["epochs"] for s in stages if s is not None and s["epochs"]]
