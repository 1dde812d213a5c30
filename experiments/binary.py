"""How each of the binaries starts."""

from absl import app, logging

NOISE = "Using custom data configuration"  # of TFDS, at every look at a builder


def run(main):
    """Runs `main(argv)` with absl's flags parsed and nothing less than a warning shown."""
    logging.set_verbosity(logging.WARNING)
    logging.get_absl_logger().addFilter(lambda record: NOISE not in record.getMessage())
    app.run(main)
