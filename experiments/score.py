"""Scores raw files by an exported model:
`python -m experiments.score --model=runs/csv/saved_model/1 --paths=day_8.csv --scores=scores.csv`.
"""

from absl import flags

from experiments import binary, scoring

MODEL = flags.DEFINE_string("model", None, "Folder of the SavedModel.", required=True)
PATHS = flags.DEFINE_list("paths", None, "Files, folders or patterns of raw rows.", required=True)
SCORES = flags.DEFINE_string("scores", None, "The CSV file to write.", required=True)
SCHEMA = flags.DEFINE_string("schema", None, "Schema of the data that it was trained on.")
LABEL = flags.DEFINE_string("label", None, "The label's column, to evaluate the scores.")


@binary.ends_in_words
def main(argv):
    binary.refuse_arguments(argv)
    results = scoring.score(MODEL.value, PATHS.value, SCORES.value, SCHEMA.value, LABEL.value)
    print(f"Scores of {results['rows']:,} rows in {SCORES.value}, {results['ctr']:.5f} on average")
    shown = {"clicks": "share of clicks", "log_loss": "log loss", "auc": "AUC"}
    for name in filter(results.__contains__, shown):
        print(f"{shown[name]}: {results[name]:.5f}")


if __name__ == "__main__":
    binary.run(main)
