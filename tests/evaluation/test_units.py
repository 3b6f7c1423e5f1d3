"""Units of several coders, figures over them, a consensus and rates: by hand, one by one."""

from collections import Counter

import numpy as np
import pytest

from mescope.annotations import Annotation, AnnotationSet
from mescope.evaluation.agreement import agree
from mescope.evaluation.coder_agreement import disagreements, figures
from mescope.evaluation.consensus import consensus
from mescope.evaluation.rates import of_group, of_person
from mescope.evaluation.units import by_face, frame_counts, units
from mescope.events import Interval


def mark(first, last, kind="micro", **fields):
    return Annotation(
        interval=Interval(first, last), kind=kind, onset_s=first / 10, offset_s=last / 10,
        **fields,
    )  # fmt: skip


def sheet(*marks, frames=100):
    return AnnotationSet(video="a.mp4", frames=frames, marks=marks)


ANN = (mark(10, 19, emotion="fear"), mark(40, 49, "macro", emotion="happy"), mark(70, 79))
BOB = (mark(12, 19, emotion="fear"), mark(40, 51, emotion="surprise"), mark(90, 94))


def some(rng, kinds=("micro", "macro")):
    starts = rng.integers(0, 90, rng.integers(0, 7))
    return tuple(mark(int(s), int(s + rng.integers(0, 10)), rng.choice(kinds)) for s in starts)


def test_units_of_two_are_pairs_whatever_the_kind_and_what_is_alone():
    found = units({"ann": ANN, "bob": BOB})
    assert [unit.kinds(("ann", "bob")) for unit in found] == [
        ("micro", "micro"), ("macro", "micro"), ("micro", "none"), ("none", "micro"),
    ]  # fmt: skip
    assert [unit.first for unit in found] == [10, 40, 70, 90]


@pytest.mark.parametrize("seed", range(10))
def test_units_hold_every_mark_once_and_no_coder_twice(seed):
    rng = np.random.default_rng(seed)
    marks = {name: some(rng) for name in ("ann", "bob", "cid")}
    found = units(marks)
    held = Counter((who, id(one)) for unit in found for who, one in unit.marks.items())
    assert held == Counter((who, id(one)) for who, own in marks.items() for one in own)
    assert units(dict(reversed(marks.items()))) == found  # whoever comes first


def test_a_third_joins_where_it_fits_best():
    """Cid's 12-19 is nearer to bob's 12-19 than to ann's; all three are one expression."""
    (found,) = units({"ann": ANN[:1], "bob": BOB[:1], "cid": (mark(12, 20),)})
    assert sorted(found.marks) == ["ann", "bob", "cid"]


@pytest.mark.parametrize("seed", range(20))
def test_frames_are_counted_as_one_by_one(seed):
    rng = np.random.default_rng(seed)
    marks = {"ann": some(rng), "bob": some(rng)}
    wanted = Counter()
    for frame in range(95):
        row = []
        for own in marks.values():
            there = {m.kind for m in own if m.interval.first <= frame <= m.interval.last}
            row.append("micro" if "micro" in there else "macro" if there else "none")
        wanted[tuple(row)] += 1
    assert frame_counts(marks, ("ann", "bob"), 95) == wanted


def test_figures_by_hand():
    found = figures([{"ann": sheet(*ANN), "bob": sheet(*BOB)}], tolerance_s=0.1)
    assert found.units == 4
    # micro-micro, macro-micro, micro-none, none-micro: 1 of 4 alike; by chance
    # (2*3 + 1*0 + 1*1) / 16 = 7/16
    assert found.kind_kappa == pytest.approx((1 / 4 - 7 / 16) / (1 - 7 / 16))
    # values: micro 5, macro 1, none 2 of 8; unlike pairs observed 6 of 8, expected 34 of 56
    assert found.kind_alpha == pytest.approx(1 - (6 / 8) / (34 / 56))
    # fear-fear and happy-surprise: 1 of 2 alike, by chance 1/4
    assert (found.emotion_units, found.emotion_kappa) == (2, pytest.approx(1 / 3))
    assert found.onset.bias == pytest.approx(0.1)  # 0.2 s and 0
    assert found.onset.within == 0.5
    assert (found.offset.pairs, found.offset.bias) == (2, pytest.approx(0.1))


def test_pairs_are_those_of_f1_where_kinds_agree():
    rng = np.random.default_rng(3)
    for _ in range(20):
        a, b = sheet(*some(rng, ("micro",))), sheet(*some(rng, ("micro",)))
        counts = agree([(a, b)]).rows["any"].counts
        found = figures([{"a": a, "b": b}])
        assert found.units == counts.tp + counts.fp + counts.fn


def test_disagreements_say_what_and_where():
    found = disagreements(sheet(*ANN), sheet(*BOB), ("ann", "bob"), tolerance_s=0.1)
    assert [(one.frame, one.reasons) for one in found] == [
        (10, ("onset",)), (40, ("kind", "emotion", "offset")),
        (70, ("only ann",)), (90, ("only bob",)),
    ]  # fmt: skip
    (first, *_) = disagreements(sheet(*ANN), sheet(*BOB), ("ann", "bob"), tolerance_s=0.3)
    assert first.frame == 40  # 0.2 s apart is within 0.3


def test_rejected_marks_and_faces():
    own = {"a": (mark(1, 5, status="rejected"), mark(1, 5, face="left")), "b": (mark(1, 5),)}
    (only,) = by_face(own)  # one face each is the same one
    assert [len(marks) for marks in only.values()] == [1, 1]
    (only,) = by_face(own, keys=True)  # one of them unnamed
    assert [len(marks) for marks in only.values()] == [1, 1]


def test_marks_of_two_people_of_a_project_are_not_the_same():
    """Who coded only Anna and who coded only Ben agree on nothing."""
    own = {"a": (mark(1, 5, face="anna"),), "b": (mark(1, 5, face="ben"),)}
    assert len(by_face(own)) == 1  # files of two programs may name one face in two ways
    assert len(by_face(own, keys=True)) == 2
    found = disagreements(sheet(*own["a"]), sheet(*own["b"]), ("a", "b"))
    assert [one.reasons for one in found] == [("only a",), ("only b",)]
    assert consensus(own) == []
    assert figures([{who: sheet(*marks) for who, marks in own.items()}]).units == 2


def test_a_consensus_is_what_most_marked_where_the_middle_has_it():
    cid = (mark(13, 20, emotion="anger", apex=15), mark(71, 79), mark(91, 94))
    found = consensus({"ann": ANN, "bob": BOB, "cid": cid})
    assert [(m.interval.first, m.interval.last) for m in found] == [
        (12, 19), (40, 50), (70, 79), (90, 94),
    ]  # fmt: skip
    assert [m.emotion for m in found] == ["fear", None, None, None]
    assert (found[0].apex, found[1].apex) == (15, None)
    assert "3 of 3 coders" in found[0].note
    assert consensus({"ann": ANN, "bob": BOB, "cid": cid}, least=3) == found[:1]
    with pytest.raises(ValueError, match="two coders"):
        consensus({"ann": ANN})


@pytest.mark.parametrize(
    ("number", "low", "high"),
    [(0, 0, 3.689), (1, 0.0253, 5.572), (5, 1.623, 11.668), (10, 4.795, 18.390)],
)
def test_intervals_of_one_person_are_garwoods(number, low, high):
    rate = of_person(number, 120.0)
    assert rate.a_minute == number / 2
    assert (rate.low, rate.high) == pytest.approx((low / 2, high / 2), abs=5e-4)


def test_a_group_is_drawn_anew_person_by_person():
    people = [(n, 60.0) for n in (0, 1, 2, 3, 14)]
    rate = of_group(people)
    assert (rate.people, rate.a_minute) == (5, 4.0)
    assert rate.low < 2  # wider than the Poisson interval of 20
    assert rate.high > 8
    assert of_person(20, 300.0).low > rate.low
    assert of_group([(3, 60.0)] * 6).low == of_group([(3, 60.0)] * 6).high == 3.0
    few = of_group([(3, 60.0), (5, 0.0)])  # who was not judged is nobody
    assert (few.people, few.a_minute, few.low) == (1, 3.0, None)
    assert of_group([]).a_minute is None
