import pytest

from aim_keras.datasets import planted
from experiments import fitting, pipeline
from experiments.reporting import run_page
from tests import forked
from tests.experiments.main_job import quickstart


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def finished(tmp_path_factory, data_dir):
    """The folder and the output of a small run of the quick start, started as a user starts it."""
    run_dir = tmp_path_factory.mktemp("runs") / "run"
    return run_dir, forked.output_of_python("-m", *quickstart(run_dir, data_dir))


@pytest.fixture
def new_job(tmp_path):
    """What the stages of a run share, on so many rows of train and of valid."""

    def new_job(num_train, num_valid=100, batch_size=100):
        sizes = {"num_train": num_train, "num_valid": num_valid, "num_test": 100}
        builder = planted.builder(tmp_path, **sizes)
        builder.download_and_prepare()
        return fitting.Job(builder, batch_size, seed=0)

    return new_job


@pytest.fixture
def without_export_and_report(monkeypatch):
    """Runs end with `metrics.json`: the SavedModel and the report have tests of their own."""
    monkeypatch.setattr(pipeline, "export_saved_model", lambda *given: None)
    monkeypatch.setattr(run_page, "write", lambda run_dir: None)
