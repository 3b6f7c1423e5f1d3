"""Where neutral frames are, in which order they go, and that each goes once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mescope.errors import DatasetError
from mescope.events import Interval
from mescope.samples.rsmix.neutral import NeutralFrames


def taken(neutral, first, last):
    found = neutral.find(Interval(first, last))
    if found is not None:
        neutral.use(found.frames)
    return found


def test_first_fit_and_the_next_source_gets_what_follows():
    """spec_rsmix_videomamba, section 8, check 7: stretches [0, 9] and [40, 99]."""
    neutral = NeutralFrames(100, [Interval(10, 39)], guard=0)
    assert neutral.stretches() == [Interval(0, 9), Interval(40, 99)]
    assert taken(neutral, 20, 34).frames == tuple(range(40, 55))
    second = taken(neutral, 20, 34)
    assert second.frames == tuple(range(55, 70))
    assert (second.rule, second.repeated) == ("first fit", 0)


def test_the_last_frame_is_repeated_where_the_stretch_is_short():
    """Check 6: k = 10 and six neutral frames."""
    neutral = NeutralFrames(36, [Interval(0, 29)], guard=0)
    found = taken(neutral, 10, 19)
    assert found.frames == (30, 31, 32, 33, 34, 35, 35, 35, 35, 35)
    assert (found.rule, found.repeated) == ("after the source", 4)
    assert taken(neutral, 20, 21) is None  # all are used


def test_where_nothing_fits_the_first_run_after_the_source_then_the_longest():
    """Section 3.2: fallback."""
    others = [Interval(8, 20), Interval(24, 40), Interval(47, 59)]
    neutral = NeutralFrames(60, others, guard=0)  # free: 0-7, 21-23, 41-46
    assert taken(neutral, 8, 20).frames == (21, 22, 23, *[23] * 10)
    after = taken(neutral, 24, 40)
    assert after.frames[:6] == (41, 42, 43, 44, 45, 46)
    assert after.repeated == 11
    last = taken(neutral, 47, 59)
    assert last.frames == (*range(8), *[7] * 5)
    assert last.rule == "longest"
    assert taken(neutral, 47, 59) is None


def test_the_first_of_equally_long_runs_and_never_a_frame_of_the_source():
    neutral = NeutralFrames(30, [Interval(3, 9), Interval(13, 29)], guard=0)
    assert neutral.find(Interval(13, 29)).frames[:4] == (0, 1, 2, 2)


@pytest.mark.parametrize("guard", [0, 5])
def test_the_guard_band_is_cut_at_the_ends_of_the_recording(guard):
    neutral = NeutralFrames(
        40, [Interval(2, 4), Interval(20, 22), Interval(38, 39)], guard=guard
    )
    expected = {
        0: [Interval(0, 1), Interval(5, 19), Interval(23, 37)],
        5: [Interval(10, 14), Interval(28, 32)],
    }
    assert neutral.stretches() == expected[guard]


def test_no_neutral_frame_at_all():
    assert NeutralFrames(20, [Interval(0, 19)]).find(Interval(3, 5)) is None
    assert NeutralFrames(20, [Interval(4, 15)], guard=5).find(Interval(4, 15)) is None
    assert NeutralFrames(0, []).find(Interval(0, 0)) is None


def test_a_negative_guard_is_refused():
    with pytest.raises(DatasetError, match="guard band of 0 frames or more, found -1"):
        NeutralFrames(10, [], guard=-1)


intervals = st.tuples(st.integers(0, 190), st.integers(0, 40)).map(
    lambda pair: Interval(pair[0], min(199, sum(pair)))
)


@settings(max_examples=200, deadline=None)
@given(st.lists(intervals, max_size=12), st.integers(0, 8))
def test_no_frame_near_an_expression_and_none_twice(expressions, guard):
    """Check 8, against a plain account of which frames are neutral."""
    near = {f for e in expressions for f in range(e.first - guard, e.last + guard + 1)}
    free = set(range(200)) - near
    neutral, used = NeutralFrames(200, expressions, guard=guard), set()
    assert {f for run in neutral.stretches() for f in range(run.first, run.last + 1)} == free
    for source in sorted(expressions):
        found = taken(neutral, source.first, source.last)
        if found is None:
            assert used == free
            continue
        fresh = set(found.frames)
        assert fresh <= free - used
        assert len(found.frames) == len(source) == len(fresh) + found.repeated
        assert np.diff(found.frames).max(initial=0) <= 1
        used |= fresh
