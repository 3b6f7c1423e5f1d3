"""Codes of a scheme come back from ELAN, BORIS, JSON and their table, whatever their words."""

import json
import xml.etree.ElementTree as ET

import pytest
from codes_made_up import coded_sheets
from hypothesis import HealthCheck, given, settings

from mescope.annotations import (
    AnnotationSet,
    Clock,
    TierMapping,
    TierMeaning,
    dumps,
    normal,
    read,
    read_mapped,
    timed,
)
from mescope.annotations.coded import CodedSpan, CodedTier, to_dict
from mescope.annotations.coded_table import table_of
from mescope.annotations.tiers import Cell, Tier
from mescope.errors import DatasetError
from mescope.events import Interval

quick = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def bytes_of(sheet, form):
    if form == "codes":
        return table_of(sheet.video, sheet.coded).encode()
    if form == "json":
        codes = [to_dict(tier, span) for tier in sheet.coded for span in tier.spans]
        kept = {"format": "mescope-review", "schema": 1, "video": {"name": sheet.video}}
        return json.dumps({**kept, "marks": [], "codes": codes}).encode()
    return dumps([sheet], form)


def passed_on(folder, sheet, form, clock=None):
    path = folder / {"codes": "a.codes.csv", "elan": "a.eaf"}.get(form, f"a.{form}")
    path.write_bytes(bytes_of(sheet, form))
    contents = read(path, clock=clock)
    assert (contents.remarks, contents.lost) == ((), 0)
    return contents.sets[0] if contents.sets else AnnotationSet(video=sheet.video)


def on(coded):
    """Return what stands on tiers, without words that nobody used."""
    return {(tier.name, tier.kind, span) for tier in coded for span in tier.spans}


@pytest.mark.parametrize("form", ["elan", "boris", "json", "codes"])
@given(made=coded_sheets())
@quick
def test_codes_come_back_as_they_were(tmp_path, form, made):
    """Coder, tier, code, modifiers, points and states, overlap, frames and times, notes."""
    sheet, clock = made
    wanted = normal(sheet).coded
    back = passed_on(tmp_path, sheet, form)
    assert on(back.coded) == on(wanted)
    assert back.tiers == ()
    by_clock = passed_on(tmp_path, sheet, form, clock)
    assert on(normal(by_clock).coded) == on(wanted)
    if form in ("elan", "boris"):
        assert back.coded == wanted  # with all words of the scheme


@pytest.mark.parametrize(("first", "second"), [("elan", "boris"), ("boris", "elan")])
@given(made=coded_sheets())
@settings(quick, max_examples=20)
def test_from_one_program_to_the_other_and_back(tmp_path, first, second, made):
    sheet, _ = made
    once = passed_on(tmp_path, sheet, first)
    again = passed_on(tmp_path, passed_on(tmp_path, once, second), first)
    assert again == once


@pytest.mark.parametrize("form", ["datavyu", "csv", "vtt", "activitynet"])
@given(made=coded_sheets(rates=(24000 / 1001, 30.0, 200.0)))
@settings(quick, max_examples=15)
def test_other_formats_hold_codes_as_tiers_that_are_known_again(tmp_path, form, made):
    """Frames follow from whole milliseconds, states and points from what lasts."""
    sheet, clock = made
    path = tmp_path / {"datavyu": "a.opf", "activitynet": "a.json"}.get(form, f"a.{form}")
    path.write_bytes(dumps([sheet], form))
    if not any(tier.spans for tier in sheet.coded):
        return
    (plain,) = read(path, clock=clock).sets
    assert plain.coded == ()
    assert {tier.fields[0] for tier in plain.tiers} == {"code"}
    if form not in ("datavyu", "csv"):
        return
    (back,) = read_mapped(path, TierMapping(), clock=clock).contents.sets
    assert back.tiers == ()
    assert on(normal(back).coded) == on(normal(timed(sheet, clock)).coded)


CLOCK = Clock(30.0, [n / 30 for n in range(120)], video="a.mp4")


def one_sheet(kind="state", first=10, last=19, **fields):
    span = CodedSpan(
        code="away", interval=Interval(first, last), coder="ann", onset_s=first / 30,
        offset_s=last / 30, end_s=(last + 1) / 30, **fields,
    )  # fmt: skip
    modifiers = (("head", ("turned", "bowed")), ("eyes", ("open",)))
    tier = CodedTier(
        name="Gaze", kind=kind, codes=("away", "down"), modifiers=modifiers, spans=(span,)
    )
    return AnnotationSet(video="a.mp4", rate=30.0, frames=120, coded=(tier,))


def read_bytes(folder, name, data, clock=CLOCK):
    path = folder / name
    path.write_bytes(data)
    return read(path, clock=clock)


def test_what_a_coder_changed_and_added_in_elan_counts(tmp_path):
    root = ET.fromstring(bytes_of(one_sheet(modifiers=(("head", "turned"),)), "elan"))
    (top,) = (tier for tier in root.iter("TIER") if tier.get("TIER_ID") == "Gaze@ann")
    (slot,) = (s for s in root.iter("TIME_SLOT") if s.get("TIME_VALUE") == "667")
    slot.set("TIME_VALUE", "1000")
    top.find(".//ANNOTATION_VALUE").text = "down"
    (below,) = (tier for tier in root.iter("TIER") if tier.get("TIER_ID") == "Gaze-head@ann")
    below.find(".//ANNOTATION_VALUE").text = "bowed"
    other = ET.fromstring(ET.tostring(top))
    other.attrib |= {"TIER_ID": "mine", "ANNOTATOR": "ben"}
    for one in other.iter("ALIGNABLE_ANNOTATION"):
        one.set("ANNOTATION_ID", "x1")
    root.insert(list(root).index(top), other)
    contents = read_bytes(tmp_path, "a.eaf", ET.tostring(root))
    (tier,) = contents.sets[0].coded
    assert [(s.coder, s.code, s.interval, s.modifiers) for s in tier.spans] == [
        ("ann", "down", Interval(10, 29), (("head", "bowed"),)),
        ("ben", "down", Interval(10, 29), ()),
    ]
    assert contents.remarks == ("Gaze@ann, a1: moved from frames 10-19 to 10-29",)
    assert contents.sets[0].tiers == ()


def test_what_a_coder_changed_and_added_in_boris_counts(tmp_path):
    sheet = one_sheet(modifiers=(("head", "turned"),), note="x")
    project = json.loads(bytes_of(sheet, "boris"))
    (observation,) = project["observations"].values()
    first, last = observation["events"]
    assert first[:5] == [0.333, "0#ann", "away", "turned|None", "x"]
    last[0] = 1.0
    for row in (first, last):
        row[2:4] = ["down", "bowed|open"]
    first[4] = "y"
    observation["events"] += [
        [2.0, "0#ben", "away", "None|open", "z", 0], [2.5, "0#ben", "away", "None|open", "", 0],
    ]  # fmt: skip
    contents = read_bytes(tmp_path, "a.boris", json.dumps(project).encode())
    (tier,) = contents.sets[0].coded
    both = (("eyes", "open"), ("head", "bowed"))
    assert [
        (s.coder, s.code, s.interval, s.modifiers, s.note)
        for s in normal(contents.sets[0]).coded[0].spans
    ] == [
        ("ann", "down", Interval(10, 29), both, "y"),
        ("ben", "away", Interval(60, 74), (("eyes", "open"),), "z"),
    ]
    assert tier.kind == "state"
    assert contents.remarks == ("a.mp4, event 1: moved from frames 10-19 to 10-29",)


@pytest.mark.parametrize("form", ["elan", "boris", "codes", "json"])
def test_codes_past_the_end_refuse_the_file(tmp_path, form):
    name = {"codes": "a.codes.csv", "elan": "a.eaf"}.get(form, f"a.{form}")
    with pytest.raises(DatasetError, match="recording"):
        read_bytes(tmp_path, name, bytes_of(one_sheet(first=100, last=130), form))


def test_rows_of_the_table_that_make_no_sense_are_named(tmp_path):
    text = table_of("a.mp4", one_sheet().coded)
    text += "a.mp4,Gaze,state,away,9,3,0,0,0,ann,,\r\n"
    text += "a.mp4,Gaze,mood,away,1,3,,,,b,,\r\n"
    contents = read_bytes(tmp_path, "a.codes.csv", text.encode())
    assert (len(contents.sets[0].coded[0].spans), contents.lost) == (1, 2)
    assert "row 3: left out" in contents.remarks[0]
    assert "expected state or point, found 'mood'" in contents.remarks[1]


def test_a_mapping_says_which_tiers_of_others_are_codes(tmp_path):
    """A tier with codes as values, and behaviours that are codes themselves."""
    fields = ("value", "who", "comment")
    cells = (Cell(333, 667, ("away", "turned", "n")), Cell(1000, 1000, ("", "", "")))
    sheet = AnnotationSet(
        video="a.mp4", rate=30.0,
        tiers=(
            Tier(name="Blick", coder="ben", fields=fields, cells=cells),
            Tier(name="touch", cells=(Cell(2000, 2000, ("ear",)),)),
        ),
    )  # fmt: skip
    path = tmp_path / "a.csv"
    path.write_bytes(dumps([sheet], "csv"))
    mapping = TierMapping(
        (
            TierMeaning(name="Blick", means="codes", tier="Gaze", keep=False),
            TierMeaning(name="touch", means="codes", tier="Hands", code="touch"),
        )
    )
    done = read_mapped(path, mapping, clock=CLOCK, coder="cem")
    gaze, hands = done.contents.sets[0].coded
    assert [(s.coder, s.code, s.interval, s.modifiers, s.note) for s in gaze.spans] == [
        ("ben", "away", Interval(10, 19), (("who", "turned"),), "n")
    ]
    assert [(s.coder, s.code, s.interval, s.modifiers) for s in hands.spans] == [
        ("cem", "touch", Interval(60, 60), (("value", "ear"),))
    ]
    assert [str(count) for count in done.counts] == [
        "Blick: 1 of 2 became codes, 1 left out: it names no code",
        "touch: 1 of 1 became codes, kept as it stands",
    ]
    assert [tier.name for tier in done.contents.sets[0].tiers] == ["touch"]


def test_a_file_of_codes_alone_is_converted(tmp_path):
    """From ELAN to BORIS on the command line, without a mapping."""
    from typer.testing import CliRunner

    from mescope.cli import app

    source, target = tmp_path / "a.eaf", tmp_path / "a.boris"
    source.write_bytes(bytes_of(one_sheet(note="x"), "elan"))
    done = CliRunner().invoke(app, ["convert", str(source), str(target), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["videos"][0]["codes"] == 1
    assert on(read(target).sets[0].coded) == on(normal(one_sheet(note="x")).coded)
