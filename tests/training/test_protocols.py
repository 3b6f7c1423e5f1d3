"""Originals, copies and macro-expressions in folds: what is tested is never learned from."""

import dataclasses
from pathlib import Path

import pytest
from face_sets import CLASSES, face_clips

from mescope.datasets.flow28 import read_flow_maps
from mescope.errors import DatasetError, LeakError
from mescope.events import Interval
from mescope.samples.provenance import Origin, runs
from mescope.samples.published_maps import map_examples
from mescope.training.protocols import controls_of, folds_of, in_words

REAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "3db_flow28.npz"


def origins(examples, items):
    return [examples.origins[i] for i in items]


@pytest.mark.parametrize("protocol", ["loso", "5-fold", "70-30", "70-30-clips"])
def test_only_original_micro_expressions_are_tested(protocol):  # checks 8 to 11
    data = face_clips()
    for fold in folds_of(data, protocol, 3):
        test, train = origins(data, fold.test), origins(data, fold.train)
        assert all(o.role == "original" and o.kind == "micro" for o in test)
        assert {o.role for o in train} == {"original", "rsmix"}
        assert {o.kind for o in train} == {"micro", "macro"}
        assert not any(a.meets(b) for a in train for b in test)
        shown = {data.persons[i] for i in fold.test} & {data.persons[i] for i in fold.train}
        assert bool(shown) == (protocol == "70-30-clips")


def test_every_other_example_of_training_people_is_learned_from():  # check 10
    data = face_clips(people=10)
    (fold,) = folds_of(data, "70-30", 0)
    assert len(fold.test) == 3 * 4
    assert len(fold.train) == 7 * 4 * 2 * 2  # both kinds, originals and copies
    told = in_words(data, {0: [fold]}, flip=True)
    assert "learns from 168 clips and tests 12" in told[0]  # 2 n + m, n = m = 56


def test_a_split_of_clips_leaves_the_copies_of_tested_clips_out():
    data = face_clips()
    (fold,) = folds_of(data, "70-30-clips", 0)
    assert [sum(data.labels[i] == k for i in fold.test) for k in range(4)] == [2, 2, 2, 2]
    tested = {(data.persons[i], data.origins[i].source) for i in fold.test}
    learned = {(data.persons[i], data.origins[i].source) for i in fold.train}
    assert not tested & learned
    assert (
        len(fold.train) == 2 * (24 - 8) + 2 * 24
    )  # copies of 16 micro-, all macro-expressions


def test_controls_are_those_of_tested_clips():
    data = face_clips()
    fold = folds_of(data, "loso", 0)[2]
    found = controls_of(data, fold)
    assert {data.origins[i].role for i in found} == {"control"}
    assert len(found) == len(fold.test) == 4
    assert {data.persons[i] for i in found} == {("set", "p2")}


def planted(data, number, **changes):
    """The examples with one origin changed."""
    origin = dataclasses.replace(data.origins[number], **changes)
    others = (*data.origins[:number], origin, *data.origins[number + 1 :])
    return dataclasses.replace(data, origins=others)


def place(data, role, person):
    return next(
        i for i, o in enumerate(data.origins)
        if o.role == role and data.persons[i] == ("set", person)
    )  # fmt: skip


@pytest.mark.parametrize("protocol", ["loso", "70-30"])
def test_a_copy_under_another_persons_name_is_refused(protocol):  # check 11, planted leak
    data = face_clips()
    copy = place(data, "rsmix", "p1")
    persons = list(data.persons)
    persons[copy] = ("set", "p4")  # its pixels show p1
    leaking = dataclasses.replace(data, persons=tuple(persons))
    refused = 0
    for seed in range(5):
        p1, p4 = (("set", p) in _tested(data, protocol, seed) for p in ("p1", "p4"))
        if protocol == "loso" or (p1 and not p4):
            refused += 1
            with pytest.raises(LeakError, match=r"rsmix of the .* of set/p1-a"):
                folds_of(leaking, protocol, seed)
    assert refused


def _tested(data, protocol, seed):
    return {data.persons[i] for fold in folds_of(data, protocol, seed) for i in fold.test}


def test_frames_of_a_neighbour_are_refused_even_by_clips():  # check 11, planted leak
    data = face_clips(macro=False)
    (fold,) = folds_of(data, "70-30-clips", 0)
    tested, person = data.origins[fold.test[0]], data.persons[fold.test[0]]
    copy = next(
        i for i in fold.train
        if data.origins[i].role == "original" and data.persons[i] == person
    )  # fmt: skip
    leaking = planted(data, copy, shown=(data.origins[copy].source, tested.source))
    with pytest.raises(LeakError, match="no frames of the test part"):
        folds_of(leaking, "70-30-clips", 0)


def test_a_copy_made_from_tested_frames_is_left_out_of_a_split_of_clips():
    data = face_clips(macro=False)
    (fold,) = folds_of(data, "70-30-clips", 0)
    tested = data.origins[fold.test[0]]
    copy = next(
        i for i in fold.train
        if data.origins[i].role == "rsmix" and data.origins[i].recording == tested.recording
    )  # fmt: skip
    leaking = planted(data, copy, shown=(*data.origins[copy].shown, tested.source))
    (other,) = folds_of(leaking, "70-30-clips", 0)
    assert set(fold.train) - set(other.train) == {copy}


def test_across_data_sets_nobody_of_the_tested_one_is_learned_from():
    """Also not who shows macro-expressions alone, whom no test would notice."""
    data = face_clips(roles=("original",))
    persons = tuple(("ab"[int(subject[1:]) % 2], subject) for _, subject in data.persons)
    shown = tuple(
        dataclasses.replace(o, kind="macro") if person == ("b", "p3") else o
        for o, person in zip(data.origins, persons, strict=True)
    )
    data = dataclasses.replace(data, persons=persons, origins=shown)
    for fold in folds_of(data, "cross-dataset", 0):
        assert {persons[i][0] for i in fold.test} == {fold.name}
        assert {persons[i][0] for i in fold.train} == {"ab".replace(fold.name, "")}
        assert {data.origins[i].kind for i in fold.train} == {"micro", "macro"}


def test_nothing_to_test_is_told():
    data = face_clips(roles=("rsmix",))
    with pytest.raises(DatasetError, match="expected original micro-expressions to test"):
        folds_of(data, "loso", 0)


def test_examples_without_origins_are_all_tested():
    data = dataclasses.replace(face_clips(), origins=())
    assert sum(len(fold.test) for fold in folds_of(data, "loso", 0)) == len(data)
    assert in_words(data, {}, flip=False) == []
    assert data.classes == CLASSES


def test_frames_as_runs():
    assert runs([7, 1, 2, 2]) == (Interval(1, 2), Interval(7, 7))
    one = Origin("original", "micro", ("s", "a"), Interval(1, 2), (Interval(1, 2),))
    assert not one.meets(dataclasses.replace(one, recording=("s", "b")))
    assert not one.meets(dataclasses.replace(one, shown=(Interval(3, 9),)))
    assert one.meets(dataclasses.replace(one, shown=(Interval(9, 9), Interval(2, 3))))


@pytest.mark.skipif(not REAL.exists(), reason="the 442 real maps are not here")
def test_the_composite_has_68_folds_of_people():  # check 25 of MERba
    data = map_examples(read_flow_maps(REAL))
    folds = folds_of(data, "loso", 0)
    assert len(folds) == 68
    assert sorted(i for fold in folds for i in fold.test) == list(range(442))
    for fold in folds:
        train, test = ({data.persons[i] for i in part} for part in (fold.train, fold.test))
        assert len(test) == 1
        assert not train & test
        assert len(fold.train) + len(fold.test) == 442
    assert data.counts == {"negative": 250, "positive": 109, "surprise": 83}
