"""What the binary refuses; tabulating/rerunning_test.py has the trainings."""

from experiments.benchmarks import peer_process
from tests import forked


def test_seeds_are_integers():
    flags = ("--gin_file=tables/frappe.gin", "--fuxictr=checkout", "--seeds=1,x")
    result = forked.run("experiments.rerun", *flags)
    assert result.returncode == 1
    assert "Error: --seeds must be one or more integers of at least 0" in result.stderr
    assert "Received: --seeds=1,x\n" in result.stderr


def test_the_library_needs_a_checkout(tmp_path):
    python = peer_process.python_of(tmp_path, "fuxictr")
    python.parent.mkdir(parents=True)
    python.touch()
    flags = ("--gin_file=tables/frappe.gin", f"--peers_dir={tmp_path}")
    result = forked.run("experiments.rerun", *flags)
    assert result.returncode == 1
    assert "Error: FuxiCTR cannot run: its wheel has no models: give --fuxictr" in result.stderr
