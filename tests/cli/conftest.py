"""A command line whose analyzer takes no time: results are made up, everything else is real."""

import sys

import pytest
from made_up_results import FakeAnalyzer

import mescope.analysis
from mescope import cli


@pytest.fixture
def analyzer(monkeypatch):
    fake = FakeAnalyzer()

    def load(name="me-tst-plus-small", *, device="cpu", method="model"):
        fake.loaded = (name, device)
        fake.methods.append(method)
        return fake

    monkeypatch.setattr(mescope.analysis, "load", load, raising=False)
    return fake


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys, monkeypatch):
    """Return a function that runs a command and returns (status, stdout, stderr)."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["mescope", *words])
        status = cli.run([str(word) for word in words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call
