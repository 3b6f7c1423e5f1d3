"""Splits by person: what is built holds nobody twice, and what would leak cannot be built."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mescope.datasets.flow28 import read_flow_maps
from mescope.errors import LeakError
from mescope.evaluation import folds

REAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "3db_flow28.npz"

PEOPLE = [("casme2", "01"), ("samm", "01"), ("casme2", "02"), ("casme2", "01"), ("smic", "s3")]


def test_the_same_number_in_two_data_sets_is_two_people():
    names = [fold.name for fold in folds.leave_one_subject_out(PEOPLE)]
    assert names == ["casme2/01", "casme2/02", "samm/01", "smic/s3"]


def test_a_leaking_fold_cannot_be_built():
    with pytest.raises(LeakError, match="found casme2/01"):
        folds.Fold("bad", (0, 1), (3, 4), tuple(PEOPLE))
    with pytest.raises(LeakError, match="expected training items"):
        folds.Fold("bad", (), (3,), tuple(PEOPLE))


def test_cross_dataset_leaves_whole_data_sets_out():
    found = {fold.name: fold.test for fold in folds.cross_dataset(PEOPLE)}
    assert found == {"casme2": (0, 2, 3), "samm": (1,), "smic": (4,)}


def test_too_many_folds_are_refused():
    with pytest.raises(LeakError, match="2 to 4 folds"):
        folds.grouped(PEOPLE, 5, seed=0)
    with pytest.raises(LeakError, match="expected training items"):
        folds.leave_one_subject_out([("a", "1"), ("a", "1")])


people = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("12345")), min_size=2)


@given(people.filter(lambda p: len(set(p)) > 2), st.integers(0, 99))
def test_every_split_tests_everybody_once_and_shares_nobody(persons, seed):
    count = min(3, len(set(persons)))
    for split in (
        folds.leave_one_subject_out(persons),
        folds.grouped(persons, count, seed),
        folds.cross_dataset(persons) if len({d for d, _ in persons}) > 1 else [],
    ):
        tested = sorted(i for fold in split for i in fold.test)
        assert tested == list(range(len(persons))) or not split
        for fold in split:
            assert sorted((*fold.train, *fold.test)) == list(range(len(persons)))
            assert not {persons[i] for i in fold.train} & {persons[i] for i in fold.test}


@given(people.filter(lambda p: len(set(p)) > 3), st.integers(0, 99))
def test_a_hold_out_is_about_its_share_of_people_and_repeats(persons, seed):
    fold = folds.hold_out(persons, 0.3, seed)
    tested = {persons[i] for i in fold.test}
    assert len(tested) == max(1, round(0.3 * len(set(persons))))
    assert fold == folds.hold_out(persons, 0.3, seed)


def test_an_even_hold_out_splits_people_whole_and_classes_evenly():
    rng = np.random.default_rng(0)
    persons = [("a", f"{i // 8}") for i in range(240)]
    labels = rng.integers(0, 4, 240).tolist()
    shares = []
    for seed in range(5):
        fold = folds.balanced_hold_out(persons, labels, 0.3, seed)
        assert len({persons[i] for i in fold.test}) == 9
        assert fold == folds.balanced_hold_out(persons, labels, 0.3, seed)
        plain = folds.hold_out(persons, 0.3, seed)
        shares.append([_unevenness(f, labels) for f in (fold, plain)])
    even, drawn = np.mean(shares, axis=0)
    assert even < 0.5 * drawn
    assert len({folds.balanced_hold_out(persons, labels, 0.3, s).test for s in range(5)}) > 1


def _unevenness(fold, labels):
    labels = np.array(labels)
    share = np.bincount(labels[list(fold.test)], minlength=4) / np.bincount(labels)
    return np.abs(share - 0.3).sum()


def test_a_split_of_clips_takes_its_share_of_every_class():
    persons = [("a", f"{i % 10}") for i in range(100)]
    labels = [0] * 60 + [1] * 30 + [2] * 10
    fold = folds.of_clips(persons, labels, 0.3, 0)
    assert np.bincount([labels[i] for i in fold.test]).tolist() == [18, 9, 3]
    assert {persons[i] for i in fold.test} & {persons[i] for i in fold.train}
    assert not set(fold.test) & set(fold.train)


@pytest.mark.data
@pytest.mark.skipif(not REAL.exists(), reason="the real maps in ../shared/data are not here")
@pytest.mark.parametrize(
    ("dataset", "people", "counts"), [("casme2", 24, (88, 32, 25)), ("samm", 28, (92, 26, 15))]
)
def test_single_data_sets_of_the_composite(dataset, people, counts):
    maps = read_flow_maps(REAL)
    chosen = [i for i, (name, _) in enumerate(maps.persons) if name == dataset]
    found = folds.leave_one_subject_out([maps.persons[i] for i in chosen])
    assert len(found) == people
    assert sorted(i for fold in found for i in fold.test) == list(range(len(chosen)))
    labels = Counter(maps.labels[i] for i in chosen)
    assert tuple(labels[name] for name in ("negative", "positive", "surprise")) == counts
