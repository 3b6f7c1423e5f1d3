"""Marks as tests need them: a plain sheet, and hypothesis strategies for hostile ones."""

from dataclasses import replace

from hypothesis import strategies as st

from mescope.annotations import Annotation, AnnotationSet, Clock, timed
from mescope.annotations.annotation import STATUSES
from mescope.annotations.tiers import Cell, Tier
from mescope.events import Interval

NASTY = (
    "", "anna", "model", "Model", "a#b@c.2", "=1+1", "'=x", "''-y", "@sum", "]]>", "<b>&amp;",
    "a --> b", "\x00\x1b[2J", "\ud800lone", "名前 🙂", "‮rtl", "x;y=z%3B", "a\n\nb", "\ufffe",
    "--&gt;", "NOTE mescope {}", '"quoted", "cell"', "a\u2028b\x85c",
)  # fmt: skip

texts = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=12), st.text(st.characters(), max_size=6)
)


@st.composite
def marks(draw, frames=400):
    first = draw(st.integers(0, frames - 1))
    last = draw(st.integers(first, min(frames - 1, first + 60)))
    return Annotation(
        interval=Interval(first, last),
        kind=draw(st.sampled_from(("micro", "macro"))),
        origin=draw(st.sampled_from(("model", "coder"))),
        source=draw(texts),
        apex=draw(st.none() | st.integers(first, last)),
        emotion=draw(st.none() | texts),
        action_units=draw(st.sampled_from(("", "4+L10", "R12B+14", "12 or 14"))),
        score=draw(st.none() | st.floats(0, 1)),
        status=draw(st.sampled_from(STATUSES)),
        face=draw(st.sampled_from(("0", "1", "0.2", "face of 名")) | texts),
        id=draw(texts),
        note=draw(texts),
    )


@st.composite
def tiers(draw):
    """Return a tier of another program: points and spans, several fields, overlap."""
    fields = draw(st.sampled_from((("value",), ("modifier", "comment"), ("a b", "b", "c,|"))))
    first = st.integers(0, 20_000)
    found = draw(st.lists(st.tuples(first, st.sampled_from((0, 40, 700))), max_size=4))
    cells = [
        Cell(start, start + more, tuple(draw(texts) for _ in fields)) for start, more in found
    ]
    return Tier(
        name=draw(texts) or "AU12",
        coder=draw(texts),
        participant=draw(texts),
        event=draw(st.sampled_from((None, "blink", "speech"))),
        fields=fields,
        last_frame=draw(st.booleans()),
        cells=tuple(cells),
    )


RATES = (24000 / 1001, 25.0, 30000 / 1001, 30.0, 60000 / 1001, 200.0)
"""Of cameras: 23.976, 25, 29.97, 30 and 59.94 frames per second, and a fast one."""

LATE = (None, 0.0, 0.523, 5.0, 1.4666667, 3600.04)
"""When players show the first frame, in seconds."""


@st.composite
def sheets(draw, rates=(5.0, *RATES, 29.97, 240.0, 1000.0)):
    """Return a sheet with times of a constant or variable rate, 5 to 1000 per second."""
    rate = draw(st.sampled_from(rates))
    times = None
    if draw(st.booleans()):
        steps = draw(st.lists(st.sampled_from((0.5, 1.0, 3.0)), min_size=8, max_size=8))
        times = [0.0]
        for i in range(399):
            times.append(times[-1] + steps[i % 8] / rate)
    found = draw(st.lists(marks(), max_size=6))
    video = draw(texts.filter(lambda t: t.strip() != "")) + "x.mp4"
    sheet = AnnotationSet(
        video=video,
        subject=draw(texts),
        frames=400,
        marks=tuple(found),
        tiers=tuple(draw(st.lists(tiers(), max_size=2))),
    )
    made = timed(sheet, Clock(rate, times))
    return replace(made, start_offset=draw(st.sampled_from(LATE)))


def mark(first=30, last=39, **fields):
    fields = {"kind": "micro", **fields}
    return Annotation(interval=Interval(first, last), **fields)


def sheet(*found, rate=30.0, frames=90, video="interview.mp4", **fields):
    made = AnnotationSet(video=video, frames=frames, marks=tuple(found), **fields)
    return timed(made, Clock(rate))
