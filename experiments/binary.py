"""How each of the binaries starts, and how it ends where something is for its user to mend."""

import functools
import sys

import tensorflow as tf
from absl import app, logging

ERRORS = (ValueError, FloatingPointError, OSError, ImportError, tf.errors.OpError)
NOISE = "Using custom data configuration"  # of TFDS, at every look at a builder


def run(main):
    """Runs `main(argv)` with absl's flags parsed and nothing less than a warning shown."""
    logging.set_verbosity(logging.WARNING)
    logging.get_absl_logger().addFilter(lambda record: NOISE not in record.getMessage())
    app.run(main)


def ends_in_words(main):
    """Decorates a `main(argv)`: what its user can mend ends it with a sentence, no traceback."""

    @functools.wraps(main)
    def decorated(argv):
        try:
            return main(argv)
        except ERRORS as error:
            logging.debug("The error came from", exc_info=True)
            sys.exit(f"Error: {error}\n(--verbosity=1 shows where it came from)")

    return decorated


def last_error(output):
    """The last line of a binary's output that says what its user can mend, or else its last one."""
    lines = output.strip().splitlines() or ["nothing"]
    return next((line for line in reversed(lines) if line.startswith("Error")), lines[-1])


def integers(flag, lowest):
    """The integers of a flag that takes a list.

    Args:
        flag: What `flags.DEFINE_list` gave.
        lowest: The least that each may be.

    Raises:
        ValueError: if there is none, or one that is less or no integer.
    """
    given = flag.value
    if not given or not all(number.isdecimal() and int(number) >= lowest for number in given):
        raise ValueError(
            f"--{flag.name} must be one or more integers of at least {lowest}, such as "
            f"{','.join(flag.default)}. Received: --{flag.name}={','.join(given)}"
        )
    return [int(number) for number in given]


def chosen(only, names):
    """The names that `--only` gives, in the order of all that there are; all where it gives none.

    Raises:
        ValueError: on another name.
    """
    if unknown := [name for name in only if name not in names]:
        raise ValueError(f"only must be of {', '.join(names)}. Received: {unknown}")
    return [name for name in names if not only or name in only]


def refuse_arguments(argv):
    """Raises a `UsageError` if a binary is given anything but flags."""
    if len(argv) > 1:
        raise app.UsageError(f"Every argument is a --flag. Received: {argv[1:]}")
