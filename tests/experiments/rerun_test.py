"""What the binary refuses; tabulating/rerunning_test.py has the trainings."""

from tests import forked


def test_seeds_are_integers():
    flags = ("--gin_file=tables/frappe.gin", "--fuxictr=checkout", "--seeds=1,x")
    result = forked.run("experiments.rerun", *flags)
    assert result.returncode == 1
    assert "Error: --seeds must be one or more integers of at least 0" in result.stderr
    assert "Received: --seeds=1,x\n" in result.stderr
