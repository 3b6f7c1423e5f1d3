"""The fold of events: what people do never changes what a model found."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mescope.app.replay import ACTIONS, ReviewEvent, effective, fold, undoable
from mescope.app.review_mark import ReviewMark, detection, timed

FOUND = [
    detection(1, 30, 40, 49, emotion="surprise", confidence=0.9, action_units=("1", "2")),
    detection(2, 70, 75, 80, emotion="positive", confidence=0.6),
]
FIRST, SECOND = (mark.id for mark in FOUND)


def events(*steps, coder="ann"):
    """Make events from (action, mark, values)."""
    return [
        ReviewEvent(
            seq=i, at="", coder=coder, action=step[0],
            mark=step[1] if len(step) > 1 else None, values=step[2] if len(step) > 2 else {},
        )
        for i, step in enumerate(steps, 1)
    ]  # fmt: skip


def test_a_correction_stands_beside_the_models_own_values():
    state = fold(FOUND, events(("edit", FIRST, {"first": 28, "apex": 40, "last": 49})))
    mark = state.marks[FIRST]
    assert (mark.annotation.interval.first, mark.status, mark.changed, mark.coder) == (
        28, "confirmed", True, "ann",
    )  # fmt: skip
    assert mark.original.interval.first == 30
    assert FOUND[0].annotation.interval.first == 30


def test_a_note_is_not_a_judgement():
    mark = fold(FOUND, events(("edit", FIRST, {"note": "blink?"}))).marks[FIRST]
    assert (mark.status, mark.changed, mark.annotation.note) == ("proposed", False, "blink?")


def test_reset_gives_the_model_back():
    steps = (("reject", FIRST), ("edit", FIRST, {"emotion": "fear"}), ("reset", FIRST))
    assert fold(FOUND, events(*steps)).marks[FIRST] == FOUND[0]


def test_own_marks_are_added_edited_and_removed():
    add = ("add", "h1", {"first": 1, "apex": None, "last": 3})
    state = fold(FOUND, events(add, ("edit", "h1", {"note": "x"})))
    own = state.marks["h1"]
    assert (own.status, own.annotation.note) == ("own", "x")
    assert "h1" not in fold(FOUND, events(add, ("remove", "h1"))).marks
    assert FIRST in fold(FOUND, events(("remove", FIRST))).marks  # nobody removes a detection


def test_undo_takes_back_the_last_thing_of_this_coder_that_counts():
    done = events(("confirm", FIRST), ("reject", SECOND))
    last = undoable(done, "ann")
    assert last.seq == 2
    done.append(ReviewEvent(seq=3, at="", coder="ann", action="undo", undoes=2))
    assert undoable(done, "ann").seq == 1
    assert fold(FOUND, done).marks[SECOND].status == "proposed"
    assert undoable(done, "bea") is None


def test_each_coder_has_a_view_of_their_own():
    done = [*events(("confirm", FIRST)), *events(("reject", FIRST), coder="bea")]
    done = [ReviewEvent(**{k: getattr(e, k) for k in ReviewEvent.__slots__} | {"seq": i})
            for i, e in enumerate(done)]  # fmt: skip
    assert fold(FOUND, done, coder="ann").marks[FIRST].status == "confirmed"
    assert fold(FOUND, done, coder="bea").marks[FIRST].status == "rejected"
    assert fold(FOUND, done, coder="cyd").marks[FIRST].status == "proposed"


def by(*steps):
    """Make events from (coder, action, mark, values)."""
    return [
        ReviewEvent(seq=i, at="", coder=coder, action=action, mark=mark, values=values)
        for i, (coder, action, mark, values) in enumerate(steps, 1)
    ]


def test_what_a_coder_marked_is_that_coders_alone():
    """Else the page showed what is in no file: a correction of it would be nobody's."""
    done = by(
        ("ann", "add", "h1", {"first": 1, "last": 8}),
        ("ann", "add", "h2", {"first": 20, "last": 28}),
        ("bea", "edit", "h1", {"first": 1, "last": 3}),
        ("bea", "remove", "h2", {}),
    )
    both = fold(FOUND, done).marks
    assert {one: both[one] for one in ("h1", "h2")} == {
        one: mark for one, mark in fold(FOUND, done, coder="ann").marks.items() if one in both
        and mark.maker == "human"
    }  # fmt: skip
    assert both["h1"].annotation.interval.last == 8


def test_a_recording_is_reviewed_while_one_coder_says_so():
    done = by(
        ("ann", "reviewed", None, {"reviewed": True}),
        ("bea", "reviewed", None, {"reviewed": True}),
        ("bea", "reviewed", None, {"reviewed": False}),
    )
    assert fold(FOUND, done).finished == {"ann"}


steps = st.lists(
    st.tuples(
        st.sampled_from(ACTIONS),
        st.sampled_from([FIRST, SECOND, "h1", "h2", "gone"]),
        st.sampled_from([
            {}, {"first": 2, "apex": 3, "last": 4}, {"emotion": "fear"}, {"note": "n"},
            {"reviewed": False},
        ]),
    ),
    max_size=30,
)  # fmt: skip


@settings(deadline=None)
@given(steps)
def test_whatever_is_done_can_be_undone_and_the_model_stays(done):
    before = copy.deepcopy(FOUND)
    log = events(*done)
    state = fold(FOUND, log)
    for mark in state.marks.values():
        if mark.maker == "model":
            assert mark.original == next(d for d in before if d.id == mark.id).original
    assert before == FOUND
    while (last := undoable(log, "ann")) is not None:
        undo = {"action": "undo", "undoes": last.seq}
        log.append(ReviewEvent(seq=len(log) + 1, at="", coder="ann", **undo))
    assert effective(log) == []
    assert fold(FOUND, log).marks == {mark.id: mark for mark in FOUND}


@settings(deadline=None)
@given(steps)
def test_entering_one_event_more_equals_folding_all(done):
    log = events(*done)
    state = fold(FOUND, log[:-1])
    if log:
        state.apply(log[-1])
    assert state == fold(FOUND, log)


def test_times_are_those_of_the_frames():
    mark = timed(FOUND[0], [n / 100 for n in range(60)])
    found = mark.annotation
    assert (found.onset_s, found.apex_s, found.offset_s) == (0.3, 0.4, 0.49)
    assert mark.kind == "micro"
    assert timed(FOUND[1], [n / 100 for n in range(60)]).kind is None


def test_marks_come_back_from_what_is_kept():
    edit = ("edit", FIRST, {"emotion": "fear", "note": "x"})
    judged = fold(FOUND, events(edit, ("add", "h1", {"first": 1, "last": 3})))
    for mark in judged.marks.values():
        assert ReviewMark.from_json(json.loads(json.dumps(mark.to_json()))) == mark


@pytest.mark.parametrize("again", [False, True])
def test_two_detections_of_the_same_frames_keep_apart(again):
    one = detection(1, 3, 4, 5, taken=["m3-4-5"] if again else [])
    assert (one.id == "m3-4-5") is not again
