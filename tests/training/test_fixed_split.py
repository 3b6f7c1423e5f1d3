"""A published split: trained once, every test part reported apart."""

from __future__ import annotations

import dataclasses

import pytest
from made_recipes import changed
from test_evaluate import RECIPE, planted

from mescope.errors import DatasetError, LeakError, RecipeError
from mescope.evaluation.report_files import as_csv, as_json, from_json
from mescope.training.evaluate import evaluate
from mescope.training.protocols import folds_of, split

PARTS = ("train",) * 12 + ("testA",) * 12 + ("testB",) * 6
SHORT = changed(RECIPE, epochs=1, seeds=1)


def divided(parts=PARTS):
    return dataclasses.replace(planted(5), parts=parts)


def test_both_tests_are_figures_of_their_own():
    report = evaluate(SHORT, divided(), "fixed")
    assert [p.part for p in report.predictions] == list(PARTS[12:])
    assert {p.fold for p in report.predictions} == {"testA+testB"}
    summary = report.summary()
    assert {n: f["clips"] for n, f in summary["datasets"].items()} == {"testA": 12, "testB": 6}
    assert any("testA and testB are the figures" in text for text in summary["cautions"])
    again = from_json(as_json(report))
    assert again.predictions == report.predictions
    assert as_csv(report).splitlines()[1].endswith(",testA")


def test_nobody_is_in_two_parts_and_there_must_be_some():
    with pytest.raises(LeakError, match="nobody in both parts"):
        folds_of(divided(("train",) * 13 + PARTS[13:]), "fixed", 0)
    for parts in ((), ("train",) * 30, PARTS[12:] + ("testB",) * 12):
        with pytest.raises(DatasetError, match="a data set with a published split"):
            folds_of(divided(parts), "fixed", 0)
    with pytest.raises(RecipeError, match="which is for clips"):
        split([("a", "1"), ("a", "2")], [0, 1], "fixed", 0)


def test_another_protocol_on_such_data_is_told():
    report = evaluate(SHORT, divided(), "5-fold")
    assert any("--protocol fixed takes that one" in text for text in report.warnings)
    assert report.summary()["datasets"].keys() == {"a", "b"}
