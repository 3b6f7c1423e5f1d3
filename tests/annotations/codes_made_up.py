"""Codes as tests need them: of any words, several coders and tiers, overlapping."""

from dataclasses import replace

from hypothesis import strategies as st
from marks_made_up import LATE, RATES, texts

from mescope.annotations import AnnotationSet, Clock, timed
from mescope.annotations.coded import CodedSpan, CodedTier
from mescope.annotations.text import one_line
from mescope.events import Interval

words = (
    st.sampled_from(("away", "down", "Gaze", "Gaze-head", "note", "frames", "micro", "blink"))
    | st.sampled_from(("ME-apex", "speech", "a|b", "x;y=z%3B", "Gaze: away", "ME@0", "=1+1"))
    | texts.map(one_line).filter(bool)
)


def several(least=1):
    return st.lists(words, min_size=least, max_size=3, unique_by=str.casefold)


@st.composite
def coded_tiers(draw, clock, name):
    """Return a tier with codes; frames 0 to 399 of a clock."""
    codes = draw(several())
    modifiers = [(one, tuple(draw(several()))) for one in draw(several(0))]
    kind, spans = draw(st.sampled_from(("state", "point"))), []
    for _ in range(draw(st.integers(0, 5))):
        first = draw(st.integers(0, 399))
        more = 0 if kind == "point" else draw(st.sampled_from((0, 1, 7, 60)))
        last = min(399, first + more)
        spans.append(
            CodedSpan(
                code=draw(st.sampled_from(codes)),
                interval=Interval(first, last),
                coder=draw(st.sampled_from(("ann", "ben", "a#b@c.2", "名前 🙂"))),
                onset_s=clock.start_of(first),
                offset_s=clock.start_of(last),
                end_s=clock.end_of(last),
                modifiers=tuple(
                    (one, draw(st.sampled_from(values)))
                    for one, values in modifiers
                    if draw(st.booleans())
                ),
                note=draw(texts),
            )
        )
    return CodedTier(
        name=name,
        kind=kind,
        codes=tuple(codes),
        modifiers=tuple(modifiers),
        spans=tuple(spans),
    )


@st.composite
def clocks(draw, rates=(5.0, *RATES, 1000.0)):
    rate = draw(st.sampled_from(rates))
    steps = draw(st.sampled_from(((1.0,), (0.5, 1.0, 3.0))))
    times = [0.0]
    for i in range(399):
        times.append(times[-1] + steps[i % len(steps)] / rate)
    late = draw(st.sampled_from(LATE)) or 0.0
    return Clock(rate, times, start_offset=late, video="a.mp4")


@st.composite
def coded_sheets(draw, rates=(5.0, *RATES, 1000.0)):
    """Return a set with one to three tiers of codes, and its clock."""
    clock = draw(clocks(rates))
    names = draw(several())
    coded = tuple(draw(coded_tiers(clock, name)) for name in names)
    sheet = timed(AnnotationSet(video="a.mp4", coded=coded), clock)
    return replace(sheet, coded=coded), clock
