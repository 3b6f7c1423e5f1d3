"""Files of marks that somebody else made, edited or damaged."""

import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from marks_made_up import mark, sheet

from mescope.annotations import Clock, dumps, files, read, write
from mescope.errors import DatasetError, OutputError

ENDINGS = ("eaf", "boris", "vtt", "json", "csv")


def made(**fields):
    found = mark(30, 39, apex=34, origin="model", source="m", status="proposed", id="d1")
    return sheet(found, **fields)


def put(folder, name, text):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(path, match):
    with pytest.raises(DatasetError, match=match) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)


def told_about(path):
    """Return what a known error says, or nothing; any other error ends the test."""
    try:
        read(path)
    except DatasetError as error:
        return str(error)
    return ""


BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<ANNOTATION_DOCUMENT FORMAT="3.0"><HEADER>&c;</HEADER></ANNOTATION_DOCUMENT>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file://{}">]>
<ANNOTATION_DOCUMENT FORMAT="3.0"><HEADER>&e;</HEADER></ANNOTATION_DOCUMENT>"""
DTD = """<?xml version="1.0"?><!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">
<ANNOTATION_DOCUMENT FORMAT="3.0"/>"""


@pytest.mark.parametrize("text", [BOMB, OUTSIDE, DTD], ids=["bomb", "outside", "dtd"])
def test_entities_are_refused_before_they_are_read(tmp_path, text):
    secret = put(tmp_path, "secret", "hidden")
    refused(put(tmp_path, "a.eaf", text.replace("{}", str(secret))), "document type")


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_no_such_file_is_one_line(tmp_path, ending):
    name = f"a.{ending}"
    refused(put(tmp_path, name, ""), "empty file")
    refused(put(tmp_path, name, b"\xff\xfe\x00\x81garbage\x00" * 50), "expected|cannot")
    refused(put(tmp_path, name, "<html><body>no</body></html>"), "expected")
    (tmp_path / name).unlink()
    refused(tmp_path / name, "cannot be read")
    (tmp_path / name).mkdir()
    refused(tmp_path / name, "plain file")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_huge_file_is_refused_before_it_is_read(tmp_path, ending):
    """500 MB, sparse."""
    path = tmp_path / f"a.{ending}"
    with path.open("wb") as file:
        file.truncate(500_000_000)
    refused(path, "at most 64 MB")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX")
def test_a_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "a.eaf")
    refused(tmp_path / "a.eaf", "plain file")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_cut_at_any_place_never_ends_in_a_traceback(tmp_path, ending):
    data = write([made()], tmp_path / f"whole.{ending}").read_bytes()
    for end in range(1, len(data), max(1, len(data) // 60)):
        path = put(tmp_path, f"cut.{ending}", data[:end])
        assert "\n" not in told_about(path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_any_field_of_another_type_never_ends_in_a_traceback(tmp_path, ending):
    """Every number becomes something else, one at a time."""
    text = write([made()], tmp_path / f"whole.{ending}").read_text()
    for old in ("30", "39", "34", "1000", "1.0", "3.0", "null", '"d1"', "micro", "90"):
        for new in ("-1", "1e999", "NaN", '"x"', "[]", "9" * 400, "\u0663", "1_0", ""):
            path = put(tmp_path, f"a.{ending}", text.replace(old, new))
            assert "\n" not in told_about(path)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": NaN}', '{"results": 1e999}', "{"])
@pytest.mark.parametrize("name", ["a.json", "a.boris"])
def test_json_that_is_none(tmp_path, name, text):
    """BORIS writes NaN for times that there are not, so its projects may hold it."""
    refused(put(tmp_path, name, text), "expected JSON|expected a BORIS project")


def test_deep_xml_is_refused(tmp_path):
    refused(put(tmp_path, "a.eaf", "<a>" * 10_000 + "</a>" * 10_000), "nested")


def eaf(tmp_path, change, **fields):
    root = ET.fromstring(dumps([made(**fields)], "elan"))
    change(root)
    return put(tmp_path, "a.eaf", ET.tostring(root))


def first_slot(root, value):
    for slot in root.iter("TIME_SLOT"):
        if slot.get("TIME_VALUE") == "1000":
            if value is None:
                del slot.attrib["TIME_VALUE"]
            else:
                slot.set("TIME_VALUE", value)


def test_an_interval_without_time_is_left_out_and_named(tmp_path):
    """Missing TIME_VALUE."""
    contents = read(eaf(tmp_path, lambda root: first_slot(root, None)))
    assert contents.sets[0].marks == ()
    assert "left out, its start or end has no time" in contents.remarks[0]


@pytest.mark.parametrize("value", ["-5", "1.5", "x", "9" * 30, "１０"])
def test_a_time_that_is_none_is_refused(tmp_path, value):
    refused(eaf(tmp_path, lambda root: first_slot(root, value)), "whole ms")


def test_a_reversed_interval_is_left_out_and_named(tmp_path):
    contents = read(eaf(tmp_path, lambda root: first_slot(root, "5000")))
    assert contents.sets[0].marks == ()
    assert "before it starts" in contents.remarks[0]


def test_a_value_that_refers_to_nothing_is_named(tmp_path):
    """Dangling REF."""

    def change(root):
        next(root.iter("REF_ANNOTATION")).set("ANNOTATION_REF", "a999")

    contents = read(eaf(tmp_path, change))
    assert "1 values refer to annotations that are not there" in contents.remarks[-1]


def test_an_unknown_version_is_refused(tmp_path):
    refused(eaf(tmp_path, lambda root: root.set("FORMAT", "9.1")), "version '9.1'")


def test_tiers_of_another_kind_are_refused_with_what_to_do(tmp_path):
    root = "<ANNOTATION_DOCUMENT FORMAT='3.0'><TIER TIER_ID='gesture'/></ANNOTATION_DOCUMENT>"
    refused(put(tmp_path, "a.eaf", root), "found gesture; say with a mapping")


@pytest.mark.parametrize("clock", [None, Clock(30.0)])
def test_a_boundary_moved_in_elan_wins_and_is_told(tmp_path, clock):
    path = eaf(tmp_path, lambda root: first_slot(root, "1100"))
    contents = read(path, clock=clock)
    (found,) = contents.sets[0].marks
    assert (found.interval.first, found.interval.last, found.apex) == (33, 39, 34)
    assert found.status == "edited"
    assert "moved from frames 30-39 to 33-39" in contents.remarks[0]


def test_an_apex_that_a_move_leaves_outside_is_dropped(tmp_path):
    contents = read(eaf(tmp_path, lambda root: first_slot(root, "1200")))
    assert contents.sets[0].marks[0].apex is None
    assert "the apex is outside now" in contents.remarks[0]


def test_an_edit_of_one_frame_is_seen_at_any_rate(tmp_path):
    """One frame of 1000 per second is 1 ms."""
    frame = mark(1000, 1039, apex=1010)
    root = ET.fromstring(dumps([sheet(frame, rate=1000.0, frames=2000)], "elan"))
    first_slot(root, "1001")
    (found,) = read(put(tmp_path, "a.eaf", ET.tostring(root))).sets[0].marks
    assert found.interval.first == 1001


@pytest.mark.parametrize("clock", [None, Clock(30.0)])
def test_an_apex_moved_in_elan_wins_and_is_told(tmp_path, clock):
    """The apex has a tier of its own, so it can be moved alone."""

    def change(root):
        for slot in root.iter("TIME_SLOT"):
            old = slot.get("TIME_VALUE")
            slot.set("TIME_VALUE", {"1133": "1200", "1167": "1233"}.get(old, old))

    contents = read(eaf(tmp_path, change), clock=clock)
    (found,) = contents.sets[0].marks
    assert (found.interval.first, found.apex, found.interval.last) == (30, 36, 39)
    assert "the apex was moved to frame 36" in contents.remarks[0]


def test_an_apex_deleted_in_elan_is_gone_and_told(tmp_path):
    def change(root):
        tier = root.find(".//TIER[@TIER_ID='ME-apex@0#model']")
        for one in list(tier):
            tier.remove(one)

    contents = read(eaf(tmp_path, change))
    assert contents.sets[0].marks[0].apex is None
    assert "the apex was taken away" in contents.remarks[0]


def test_an_apex_moved_in_boris_wins_and_is_told(tmp_path):
    document = json.loads(dumps([made()], "boris"))
    (observation,) = document["observations"].values()
    (row,) = (row for row in observation["events"] if row[2] == "ME-apex")
    row[0] = 1.2
    contents = read(put(tmp_path, "a.boris", json.dumps(document)))
    assert contents.sets[0].marks[0].apex == 36
    assert "the apex was moved to frame 36" in contents.remarks[0]


REQUIRED = {
    "ANNOTATION_DOCUMENT": {"DATE", "AUTHOR", "VERSION"},
    "MEDIA_DESCRIPTOR": {"MEDIA_URL", "MIME_TYPE"}, "TIME_SLOT": {"TIME_SLOT_ID"},
    "TIER": {"TIER_ID", "LINGUISTIC_TYPE_REF"},
    "ALIGNABLE_ANNOTATION": {"ANNOTATION_ID", "TIME_SLOT_REF1", "TIME_SLOT_REF2"},
    "REF_ANNOTATION": {"ANNOTATION_ID", "ANNOTATION_REF"},
    "LINGUISTIC_TYPE": {"LINGUISTIC_TYPE_ID"}, "LANGUAGE": {"LANG_ID"},
    "CONSTRAINT": {"STEREOTYPE"}, "CONTROLLED_VOCABULARY": {"CV_ID"},
    "DESCRIPTION": {"LANG_REF"}, "CV_ENTRY_ML": {"CVE_ID"}, "CVE_VALUE": {"LANG_REF"},
}  # fmt: skip
"""Attributes that the schema of EAF 3.0 demands."""


def test_the_eaf_has_every_attribute_that_its_schema_demands():
    root = ET.fromstring(dumps([made()], "elan", media="a.mp4"))
    for element in root.iter():
        assert set(element.attrib) >= REQUIRED.get(element.tag, set()), element.tag
    for tier in root.iter("TIER"):
        assert {one[0].tag for one in tier} <= {"ALIGNABLE_ANNOTATION", "REF_ANNOTATION"}
        assert all(len(one) == 1 and one[0][0].tag == "ANNOTATION_VALUE" for one in tier)
    declared = {e.get(key) for e in root.iter() for key in e.attrib if key.endswith("_ID")}
    for element in root.iter():
        for key, value in element.attrib.items():
            if key.endswith(("_REF", "_REF1", "_REF2")):
                assert value in declared, (element.tag, key, value)


def test_a_coder_can_start_from_an_empty_tier(tmp_path):
    """A tier made in ELAN by hand: times only, frames from the recording."""
    text = """<ANNOTATION_DOCUMENT FORMAT="3.0"><HEADER><MEDIA_DESCRIPTOR
    MEDIA_URL="file:///C:/films/day%201.mp4"/></HEADER><TIME_ORDER>
    <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="1000"/>
    <TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="1333"/></TIME_ORDER>
    <TIER TIER_ID="ME@0#bea" LINGUISTIC_TYPE_REF="x"><ANNOTATION><ALIGNABLE_ANNOTATION
    ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2"><ANNOTATION_VALUE>
    Micro</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>"""
    path = put(tmp_path, "a.eaf", text)
    (left_out,) = read(path).remarks
    assert "--video or --rate" in left_out
    (found,) = read(path, clock=Clock(30.0)).sets
    assert found.video == "day 1.mp4"
    (one,) = found.marks
    assert (one.interval.first, one.interval.last) == (30, 39)
    assert (one.origin, one.source, one.kind) == ("coder", "bea", "micro")


def test_a_coders_tier_is_never_replaced(tmp_path):
    path = write([sheet(mark(source="bea"))], tmp_path / "a.eaf")
    before = path.read_bytes()
    with pytest.raises(OutputError, match="ME@0#bea"):
        write([made()], path, force=True)
    assert path.read_bytes() == before
    both = sheet(mark(source="bea"), *made().marks)
    write([both], path, force=True)
    write([made()], tmp_path / "b.eaf")
    write([made()], tmp_path / "b.eaf", force=True)


def test_a_person_called_model_is_no_model(tmp_path):
    path = write([sheet(mark(source="Model"))], tmp_path / "a.eaf")
    assert read(path).sets[0].marks[0].origin == "coder"
    with pytest.raises(OutputError, match="coder's tier"):
        write([made()], path, force=True)


def test_the_eaf_is_what_elan_expects():
    data = dumps(
        [made(subject="s1")], "elan", media="films/day 1.mp4", date="2026-01-02T03:04:05"
    )
    root = ET.fromstring(data)
    assert (root.get("FORMAT"), root.get("VERSION")) == ("3.0", "3.0")
    tags = list(dict.fromkeys(child.tag for child in root))
    assert tags == [
        "HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "LANGUAGE", "CONSTRAINT",
        "CONTROLLED_VOCABULARY",
    ]  # fmt: skip
    media = root.find("HEADER/MEDIA_DESCRIPTOR").attrib
    assert media["MEDIA_URL"] == media["RELATIVE_MEDIA_URL"] == "./films/day%201.mp4"
    assert media["MIME_TYPE"] == "video/mp4"
    values = [int(s.get("TIME_VALUE")) for s in root.iter("TIME_SLOT")]
    assert values == sorted(values)
    tiers = {tier.get("TIER_ID"): tier for tier in root.iter("TIER")}
    types = {t.get("LINGUISTIC_TYPE_ID"): t for t in root.iter("LINGUISTIC_TYPE")}
    vocabularies = {cv.get("CV_ID") for cv in root.iter("CONTROLLED_VOCABULARY")}
    wanted = ("emotion", "AU", "score", "frames", "review", "apex")
    assert {f"ME-{name}@0#model" for name in wanted} < set(tiers)
    for name, tier in tiers.items():
        kind = types[tier.get("LINGUISTIC_TYPE_REF")]
        assert kind.get("CONTROLLED_VOCABULARY_REF", "me-type") in vocabularies
        top = name.startswith("ME@")
        assert (tier.get("PARENT_REF") is None) == top
        if not top:
            stereotype = "Included_In" if "apex" in name else "Symbolic_Association"
            assert kind.get("CONSTRAINTS") == stereotype
    ids = [e.get("ANNOTATION_ID") for e in root.iter() if e.get("ANNOTATION_ID")]
    assert len(ids) == len(set(ids))
    frames = root.findtext(".//TIER[@TIER_ID='ME-frames@0#model']//ANNOTATION_VALUE")
    assert frames.startswith("onset=30;apex=34;offset=39")


def test_no_folder_of_the_machine_stands_in_a_file(tmp_path):
    video = tmp_path / "day.mp4"
    for ending in ("eaf", "boris"):
        path = write([made()], tmp_path / f"a.{ending}", media=video)
        assert str(tmp_path) not in path.read_text()


def project(events, **fields):
    content = {
        "file": {"1": ["films/a.mp4"]}, "events": events,
        "media_info": {"length": {"films/a.mp4": 60.0, "films/b.mp4": 60.0},
                       "fps": {"films/a.mp4": 30.0, "films/b.mp4": 30.0}},
        **fields,
    }  # fmt: skip
    return json.dumps({"project_format_version": "7.0", "observations": {"day 1": content}})


PAIR = [
    [1.0, "0#bea", "micro-expression", "fear", "quick", 30],
    [1.1, "0#bea", "ME-apex", "", "", 33],
    [1.333, "0#bea", "micro-expression", "fear", "", 40],
]


def test_a_coders_boris_project_is_imported(tmp_path):
    contents = read(put(tmp_path, "a.boris", project(PAIR)))
    assert contents.remarks == ()
    (found,) = contents.sets
    assert found.video == "a.mp4"
    (one,) = found.marks
    assert (one.interval.first, one.apex, one.interval.last) == (30, 33, 39)
    assert (one.emotion, one.source, one.note) == ("fear", "bea", "quick")


def test_a_mark_added_in_a_second_row_of_boris_is_of_its_face(tmp_path):
    rows = [[row[0], "0.2#bea", *row[2:]] for row in PAIR]
    (one,) = read(put(tmp_path, "a.boris", project(rows))).sets[0].marks
    assert (one.face, one.source, one.apex) == ("0", "bea", 33)


def test_what_boris_pairs_or_knows_badly_is_named(tmp_path):
    """Unpaired events, unknown codes, broken rows; the rest is imported."""
    events = [
        *PAIR,
        [5.0, "0#bea", "micro-expression", "", "", 150],
        [6.0, "0#bea", "yawn", "", "", 180],
        [6.0, "0#bea"],
        ["x", "0#bea", "yawn", "", "", 0],
        [-1, "0#bea", "yawn", "", "", 0],
    ]
    contents = read(put(tmp_path, "a.boris", project(events)))
    assert len(contents.sets[0].marks) == 1
    told = " | ".join(contents.remarks)
    assert "event 4: left out, the micro-expression starts and has no stop" in told
    assert "event 8: left out, expected ms from 0 on in order, found -1000 to 6000" in told
    assert told.count("left out") == 4
    assert contents.lost == 2  # no yawn is a mark; a row without code may be one


def test_several_media_of_boris_get_their_own_times(tmp_path):
    """One file after the other; an event across both is named."""
    late = [[t + 60.0, *rest] for t, *rest in PAIR]
    across = [
        [59.9, "1", "macro-expression", "", "", 0],
        [60.2, "1", "macro-expression", "", "", 0],
    ]
    text = project([*PAIR, *late, *across], file={"1": ["films/a.mp4", "films/b.mp4"]})
    contents = read(put(tmp_path, "a.boris", text))
    assert [s.video for s in contents.sets] == ["a.mp4", "b.mp4"]
    assert [s.marks[0].interval.first for s in contents.sets] == [30, 30]
    assert contents.remarks == ("day 1, event 7: left out, it lies in no media file or in two",)


def test_offsets_of_boris_are_told(tmp_path):
    files_of_two = {"1": ["films/a.mp4"], "2": ["films/b.mp4"]}
    contents = read(put(tmp_path, "a.boris", project(PAIR, file=files_of_two)))
    assert "players 2 show other files" in contents.remarks[0]
    info = {"offset": {"1": 3.5}, "fps": {"films/a.mp4": 30.0}}
    contents = read(put(tmp_path, "a.boris", project(PAIR, media_info=info)))
    assert contents.sets == ()
    assert "offset" in contents.remarks[0]


def test_subtitles_of_others(tmp_path):
    text = """WEBVTT - made by hand

STYLE
::cue { color: red }

1
00:01.000 --> 00:01.333 align:start
<v Bea>micro-expression fear

00:05.000 --> 00:06.000
hello there
"""
    contents = read(put(tmp_path, "a.vtt", text), clock=Clock(30.0))
    (one,) = contents.sets[0].marks
    assert (one.interval.first, one.interval.last, one.emotion) == (30, 39, "fear")
    assert "'hello there'" in contents.remarks[0]


@pytest.mark.parametrize(
    "times", ["1 --> 2", "00:02.000 --> 00:01.000", "00:99.000 --> 01:00.000"]
)
def test_subtitles_with_times_that_are_none(tmp_path, times):
    refused(
        put(tmp_path, "a.vtt", f"WEBVTT\n\n{times}\nmicro-expression\n"), "line 3: expected"
    )


def test_cues_hold_no_arrow_and_no_markup(tmp_path):
    nasty = "--> <b>\n\n00:00:00.000 --> 00:00:09.000\nx"
    text = dumps(
        [sheet(mark(note=nasty, emotion="a --> <i>b</i>", source=nasty))], "vtt"
    ).decode()
    assert text.count("-->") == 1
    assert "<" not in text


def test_activitynet_of_others(tmp_path):
    results = {"v1": [
        {"label": "micro-expression", "score": 0.5, "segment": [1.0, 1.333]},
        {"label": "jump", "score": 0.5, "segment": [1.0, 1.3]},
        {"label": "macro-expression", "score": 0.5, "segment": [2.0, 1.0]},
        {"label": "macro-expression", "segment": [True, "x"]},
    ]}  # fmt: skip
    text = json.dumps({"version": "1.3", "results": results, "external_data": {}})
    contents = read(put(tmp_path, "a.json", text), clock=Clock(30.0))
    (one,) = contents.sets[0].marks
    assert (one.interval.first, one.interval.last, one.score) == (30, 39, 0.5)
    assert len(contents.remarks) == 3


def test_activitynet_is_the_public_layout():
    document = json.loads(dumps([made()], "activitynet"))
    assert list(document) == ["version", "results", "external_data"]
    (entry,) = document["results"]["interview.mp4"]
    assert entry == {"label": "micro-expression", "score": 1.0, "segment": [1.0, 1.333333]}


def test_rows_of_a_table_that_make_no_sense_are_named(tmp_path):
    text = (
        "subject,video,onset,offset,type,apex,score\ns,v,3,9,micro,5,\ns,v,9,3,micro,,\n"
        "s,v,-1,3,micro,,\ns,v,1,3,blink,,\ns,v,1,3,micro,7,\ns,v,1,3,micro,,nan\ns,w,,,,,\n"
    )
    contents = read(put(tmp_path, "a.csv", text))
    assert [(s.video, len(s.marks)) for s in contents.sets] == [("v", 1), ("w", 0)]
    assert [r.split(":")[0] for r in contents.remarks] == [
        f"a.csv, row {n}" for n in range(3, 8)
    ]


def test_the_limit_is_what_the_message_says():
    assert files.MAX_BYTES == 64_000_000
    assert Path(files.__file__).exists()
