import pytest
import tensorflow as tf
from absl import app

from experiments import binary


def ending(error):
    @binary.ends_in_words
    def main(argv):
        raise error

    return main


@pytest.mark.parametrize(
    "error",
    [OSError("disk full"), FloatingPointError("NaN"), tf.errors.NotFoundError(None, None, "gone")],
)
def test_what_a_user_can_mend_ends_in_a_sentence(error):
    with pytest.raises(SystemExit, match=f"^Error: {error}\n.*--verbosity=1"):
        ending(error)(["train"])


def test_a_mistake_of_ours_keeps_its_traceback():
    with pytest.raises(KeyError):
        ending(KeyError("alpha"))(["train"])


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            "Stage: retrain\nError: no room\n(--verbosity=1 shows where it came from)\n",
            "Error: no room",
        ),
        ("Error: before\nError: now\n", "Error: now"),
        ("Traceback\nKeyError: 'alpha'\n", "KeyError: 'alpha'"),
        ("", "nothing"),
    ],
)
def test_the_last_error_of_an_output(output, said):
    assert binary.last_error(output) == said


def test_every_argument_is_a_flag():
    binary.refuse_arguments(["train"])
    with pytest.raises(app.UsageError, match=r"Received: \['stray'\]"):
        binary.refuse_arguments(["train", "stray"])
