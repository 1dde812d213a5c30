"""Where results come from, on machines of many kinds."""

import importlib.metadata
import subprocess
import types

import pytest
import tensorflow as tf

from experiments import provenance


def test_versions_are_those_that_run_by_whatever_name_they_were_installed(monkeypatch):
    def version(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    versions = provenance.facts(ours="1")["versions"]
    assert versions["tensorflow"] == tf.__version__
    assert [*versions] == ["python", *provenance.PACKAGES, "ours"]


@pytest.mark.parametrize(("changed", "mark"), [("", ""), (" M experiments/train.py\n", "+")])
def test_a_commit_is_marked_where_tracked_files_differ(monkeypatch, changed, mark):
    said = {"rev-parse": "c0ffee\n", "status": changed}

    def run(command, **options):
        return types.SimpleNamespace(stdout=said[command[1]])

    monkeypatch.setattr(subprocess, "run", run)
    assert provenance.facts()["commit"] == "c0ffee" + mark
