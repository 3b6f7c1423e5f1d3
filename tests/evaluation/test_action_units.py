"""F1 of action units against scikit-learn's, and across data sets without shared people."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import f1_score

from mescope.cli import run
from mescope.errors import DatasetError, LeakError
from mescope.evaluation.action_units import UNITS, across_datasets, score_units, unit_matrix
from mescope.evaluation.folds import train_on


@pytest.fixture
def drawn():
    rng = np.random.default_rng(3)
    truth = rng.random((200, len(UNITS))) < 0.3
    found = truth ^ (rng.random(truth.shape) < 0.2)
    return truth, found


def test_per_unit_and_macro_f1_are_those_of_scikit_learn(drawn):
    truth, found = drawn
    scores = score_units(truth, found.astype(int))
    each = f1_score(truth, found, average=None, zero_division=0)
    assert list(scores.f1.values()) == pytest.approx(each.tolist())
    assert scores.macro() == pytest.approx(f1_score(truth, found, average="macro"))
    assert scores.micro == pytest.approx(f1_score(truth, found, average="micro"))


def test_counts_add_over_parts(drawn):
    truth, found = drawn
    halves = [score_units(truth[part], found[part]) for part in (slice(90), slice(90, None))]
    assert halves[0] + halves[1] == score_units(truth, found)
    with pytest.raises(ValueError, match="units differ"):
        halves[0] + score_units(["4"], ["4"], (4,))


def test_what_a_unit_that_never_occurs_does_is_a_policy():
    scores = score_units(["4", "12"], ["4", "12"], (4, 12, 17))
    assert scores.macro() == 1.0
    assert scores.macro("zero") == pytest.approx(2 / 3)
    answered = score_units(["4", "12"], ["4+17", "12"], (4, 12, 17))
    assert answered.macro() == pytest.approx(2 / 3)  # answered and never shown counts 0
    assert score_units(["4"], ["4"], (17,)).macro() == 0.0


@pytest.mark.parametrize(
    ("coding", "units"),
    [
        ("L2+R12", {2, 12}),
        ("12C+ref(7B)", {12, 7}),
        ("AD38+4", {4}),
        ("12(k)+4", {4}),
        ("NULL", set()),
        (None, set()),
        (4, {4}),
        (("R4", "L10"), {4, 10}),
        ({"4"}, {4}),
        ((), set()),
    ],
)
def test_codings_as_sheets_and_records_have_them(coding, units):
    columns = (2, 4, 7, 10, 12)
    found = unit_matrix([coding], columns)[0]
    assert {u for u, there in zip(columns, found, strict=True) if there} == units
    assert score_units([coding], [coding], columns).n == tuple(found.astype(int).tolist())


def test_tables_of_texts_and_of_numbers():
    import pandas as pd

    texts = pd.Series(["4+7", "NULL", None, "12"])
    assert score_units(texts, texts, (4, 7, 12)).n == (1, 1, 1)
    numbers = pd.DataFrame([[1, 0], [0, 1]], columns=["AU4", "AU12"])
    assert score_units(numbers, numbers.to_numpy().tolist(), (4, 12)).tp == (1, 1)
    assert score_units([["4", "7"], ["12", "4"]], [("4",), ("4",)], (4,)).tp == (2,)


def test_a_static_unit_counts_if_it_is_asked_for():
    assert unit_matrix(["12(k)"], (12,), static=True).all()


@pytest.mark.parametrize(
    ("truth", "found", "said"),
    [
        (["4"], ["4", "7"], "expected the units of the same samples, found 1 true and 2"),
        (np.zeros((3, 2)), np.zeros((3, 2)), r"expected an array \(samples, 12 units\)"),
        (np.zeros((3, 12)), np.full((3, 12), 0.4), "expected 0 and 1 for every unit"),
    ],
)
def test_what_cannot_be_compared_is_refused(truth, found, said):
    with pytest.raises(DatasetError, match=said):
        score_units(truth, found)


PERSONS = [
    (dataset, str(i % 4)) for dataset in ("casme2", "samm", "casme3a") for i in range(12)
]


def copy(features, truth):
    """Fit nothing: the features are the units; say how many samples were seen."""
    seen.append(len(features))
    return lambda tested: tested


seen: list[int] = []


def test_each_data_set_is_the_test_once():
    seen.clear()
    units = np.random.default_rng(0).random((36, len(UNITS))) < 0.4
    found = across_datasets(PERSONS, units, units, copy)
    assert set(found) == {"casme2", "samm", "casme3a"}
    assert seen == [24, 24, 24]
    assert all(scores.macro() == 1.0 for scores in found.values())
    assert sum(sum(s.n) for s in found.values()) == units.sum()


def test_some_data_sets_train_and_another_is_tested():
    seen.clear()
    units = np.random.default_rng(1).random((36, 3)) < 0.4
    found = across_datasets(
        PERSONS, units, units, copy, units=(1, 4, 12), train=["casme2"], test=["samm"]
    )
    assert (list(found), seen) == (["samm"], [12])


def test_one_person_in_two_data_sets_is_never_on_both_sides():
    """The caller names SAMM's people alike in its long videos; then no such fold is built."""
    people = [("samm", "006"), ("casme2", "01"), ("samm", "006")]
    with pytest.raises(LeakError, match="expected nobody in both parts"):
        train_on(people, ["samm", "casme2"], ["samm"])
    with pytest.raises(LeakError, match="expected test items"):
        train_on(people, ["samm"], [])
    with pytest.raises(DatasetError, match="found smic"):
        train_on(people, ["smic"], ["samm"])
    with pytest.raises(DatasetError, match="as many persons"):
        across_datasets(people, np.zeros((2, 1)), np.zeros((3, 12)), copy)


def test_units_of_the_hits_in_a_score(tmp_path, capsys):
    head = "subject,video,onset,offset,type,au\n"
    (tmp_path / "t.csv").write_text(
        head + "1,a,10,29,micro,4+L10\n1,a,50,69,micro,12\n1,a,90,99,micro,1\n", "utf-8"
    )
    (tmp_path / "f.csv").write_text(
        head + "1,a,12,30,micro,4\n1,a,50,69,micro,R12+6\n1,a,200,210,micro,1\n", "utf-8"
    )
    words = ["score", str(tmp_path / "f.csv"), str(tmp_path / "t.csv")]
    assert run([*words, "--json"]) == 0
    units = json.loads(capsys.readouterr().out)["action_units"]
    assert units["hits"] == 2
    assert units["units"]["AU4"] == {"n": 1, "tp": 1, "fp": 0, "f1": 1.0}
    assert units["units"]["AU10"]["f1"] == 0.0
    assert units["macro_f1"] == pytest.approx((1 + 0 + 1 + 0) / 4)  # 4, 6, 10, 12
    assert run(words) == 0
    assert "action units on the 2 hits" in capsys.readouterr().out
