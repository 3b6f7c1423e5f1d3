"""From every format to every other, and from what a person sets in a program to its frames."""

import io
import itertools
import json
import re
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marks_made_up import LATE, RATES, mark, sheets

from mescope.annotations import AnnotationSet, Clock, dumps, normal, read, timed, writable

ENDINGS = {name: codec.suffixes[-1] for name, codec in writable().items()}
few = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def passed_on(folder, made, form, clock=None):
    """Return a set as it comes out of a file."""
    path = folder / f"marks{ENDINGS[form]}"
    path.write_bytes(dumps([made], form))
    contents = read(path, clock=clock)
    assert (contents.remarks, contents.lost) == ((), 0)
    (back,) = contents.sets
    return back


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(writable(), 2)))
@given(made=sheets(RATES))
@few
def test_from_any_format_to_any_other_and_back(tmp_path, first, second, made):
    """All that a mark says, exactly: frames, times, texts, coders, overlap, late starts."""
    wanted = normal(made)
    once = passed_on(tmp_path, made, first)
    twice = passed_on(tmp_path, once, second)
    again = passed_on(tmp_path, twice, first)
    assert sorted(map(repr, twice.marks)) == sorted(map(repr, wanted.marks))
    assert replace(twice, marks=()) == replace(wanted, marks=())
    assert again == once


def hand_made(data, form):
    """Return a file without what mescope keeps beside the marks: a person's own."""
    if form == "elan":
        root = ET.fromstring(data)
        header = root.find("HEADER")
        for fact in header.findall("PROPERTY"):
            header.remove(fact)
        for tier in root.findall("TIER"):
            if tier.get("TIER_ID").startswith("ME-frames"):
                root.remove(tier)
        return ET.tostring(root)
    if form == "datavyu":
        return by_hand_in_datavyu(data)
    if form == "vtt":
        return re.sub(r"^NOTE mescope .*\n\n", "", data.decode(), flags=re.M).encode()
    project = json.loads(data)
    for observation in project["observations"].values():
        observation["description"] = ""
        for row in observation["events"]:
            row[4] = ""
    return json.dumps(project).encode()


def by_hand_in_datavyu(data):
    """Return an .opf without the column of facts, and without what is stored beside marks."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = archive.read("db").decode()
    sheet = re.sub(r"mescope \(MATRIX.*\n.*\n", "", sheet)
    sheet = re.sub(r"^(\d.*),\{.*\}\)$", r"\1,)", sheet, flags=re.M)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("db", sheet)
    return out.getvalue()


@st.composite
def spans(draw):
    """Return one to five intervals of frames of 400, points and neighbours among them."""
    first = st.integers(0, 399)
    found = draw(
        st.lists(st.tuples(first, st.sampled_from((0, 1, 7, 60))), min_size=1, max_size=5)
    )
    return [(a, min(399, a + more)) for a, more in found]


@pytest.mark.parametrize("form", ["elan", "boris", "datavyu", "vtt"])
@pytest.mark.parametrize("rate", RATES)
@given(found=spans(), late=st.sampled_from(LATE), steady=st.booleans())
@few
def test_marks_set_where_a_player_shows_them_are_of_these_frames(
    tmp_path, form, rate, found, late, steady
):
    """Whole milliseconds, and nothing else to go by than the recording's own times."""
    times, now = [], 0.0
    for i in range(400):
        times.append(now)
        now += 1 / rate if steady else (0.5, 1.0, 3.0)[i % 3] / rate
    clock = Clock(rate, times, start_offset=late or 0.0, video="a.mp4")
    marks = tuple(mark(*span, source="anna") for span in dict.fromkeys(found))
    made = timed(AnnotationSet(video="a.mp4", marks=marks), clock)
    path = tmp_path / f"marks{ENDINGS[form]}"
    path.write_bytes(hand_made(dumps([made], form), form))
    contents = read(path, clock=clock)
    assert (contents.remarks, contents.lost) == ((), 0)
    assert sorted(m.interval for m in contents.sets[0].marks) == sorted(
        m.interval for m in made.marks
    )
