"""Where results come from, on machines of many kinds."""

import importlib.metadata

import tensorflow as tf

from experiments import provenance


def test_versions_are_those_that_run_by_whatever_name_they_were_installed(monkeypatch):
    def version(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    versions = provenance.facts(ours="1")["versions"]
    assert versions["tensorflow"] == tf.__version__
    assert [*versions] == ["python", *provenance.PACKAGES, "ours"]
