"""Published results, transcribed: the paper's tables, and the leaderboard."""

import json
import pathlib

FOLDER = pathlib.Path(__file__).parents[1] / "results"


def paper(number):
    """`{"caption", "rows"}` of the paper's table of that number."""
    content = json.loads((FOLDER / "paper.json").read_text(encoding="utf-8"))
    return content["tables"][str(number)]


def leaderboard(board):
    """`{model: {"auc", "log_loss"}}` of a board."""
    content = json.loads((FOLDER / "leaderboard.json").read_text(encoding="utf-8"))
    return content["boards"][board]
