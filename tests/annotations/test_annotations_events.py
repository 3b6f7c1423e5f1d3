"""Blinks, speech, head movements and glances in the files of coders' programs."""

import json
import re
from xml.etree import ElementTree

import pytest

from mescope import annotations as coding
from mescope.annotations.annotation import Annotation, AnnotationSet
from mescope.events import FaceEvent, Interval

RATE = 25.0


def event(kind, first, last):
    return FaceEvent(
        kind=kind, interval=Interval(first, last), onset_s=first / RATE,
        offset_s=last / RATE, strength=0.8,
    )  # fmt: skip


EVENTS = (
    event("blink", 10, 14), event("speech", 12, 60), event("head", 20, 30),
    event("gaze", 40, 43), event("blink", 50, 55),
)  # fmt: skip
SHEET = AnnotationSet(
    video="a.mp4",
    rate=RATE,
    frames=100,
    marks=(
        Annotation(
            interval=Interval(11, 18), kind="micro", origin="model", source="m", apex=14,
            score=0.8, status="proposed", id="d1", onset_s=11 / RATE, apex_s=14 / RATE,
            offset_s=18 / RATE,
            end_s=19 / RATE,
        ),
    ),
    events=EVENTS,
)  # fmt: skip


@pytest.mark.parametrize("ending", ["eaf", "boris", "vtt", "activitynet.json", "csv"])
def test_marks_come_back_alone_and_without_remarks(tmp_path, ending):
    path = coding.write([SHEET], tmp_path / f"a.{ending}")
    contents = coding.read(path)
    assert contents.remarks == ()
    (sheet,) = contents.sets
    assert sheet.marks == SHEET.marks


def test_elan_has_a_tier_for_each_kind_and_calls_a_blink_au45():
    root = ElementTree.fromstring(coding.dumps([SHEET], "elan"))
    times = {t.get("TIME_SLOT_ID"): int(t.get("TIME_VALUE")) for t in root.iter("TIME_SLOT")}
    found = {}
    for tier in root.iter("TIER"):
        if tier.get("TIER_ID").startswith("EVENT-"):
            found[tier.get("TIER_ID")] = [
                (
                    times[one.get("TIME_SLOT_REF1")], times[one.get("TIME_SLOT_REF2")],
                    one.findtext("ANNOTATION_VALUE"),
                )
                for one in tier.iter("ALIGNABLE_ANNOTATION")
            ]  # fmt: skip
    assert found == {
        "EVENT-blink@0#model": [(400, 600, "AU45"), (2000, 2240, "AU45")],
        "EVENT-speech@0#model": [(480, 2440, "speech")],
        "EVENT-head@0#model": [(800, 1240, "head movement")],
        "EVENT-gaze@0#model": [(1600, 1760, "gaze shift")],
    }
    types = {t.get("LINGUISTIC_TYPE_ID") for t in root.iter("LINGUISTIC_TYPE")}
    assert {t.get("LINGUISTIC_TYPE_REF") for t in root.iter("TIER")} <= types


def test_elan_forbids_overlap_on_a_tier_so_a_later_event_gives_way():
    both = AnnotationSet(
        video="a.mp4", rate=RATE, events=(event("head", 0, 10), event("head", 5, 20))
    )
    root = ElementTree.fromstring(coding.dumps([both], "elan"))
    slots = [int(t.get("TIME_VALUE")) for t in root.iter("TIME_SLOT")]
    assert slots == [0, 440, 440, 840]


def test_a_model_file_with_events_may_be_replaced(tmp_path):
    path = coding.write([SHEET], tmp_path / "a.eaf")
    coding.write([AnnotationSet(video="a.mp4", rate=RATE)], path, force=True)


def test_boris_names_every_code_and_pairs_starts_with_stops():
    project = json.loads(coding.dumps([SHEET], "boris"))
    known = {behaviour["code"] for behaviour in project["behaviors_conf"].values()}
    (observation,) = project["observations"].values()
    codes = [row[2] for row in observation["events"]]
    assert set(codes) <= known
    assert codes.count("blink AU45") == 4
    assert [row[0] for row in observation["events"]] == sorted(
        row[0] for row in observation["events"]
    )


def test_webvtt_cues_start_in_order():
    text = coding.dumps([SHEET], "vtt").decode()
    starts = re.findall(r"^(\S+) -->", text, re.M)
    assert starts == sorted(starts)
    assert len(starts) == 1 + len(EVENTS)
    assert text.count("\nblink AU45") == 2


def test_activitynet_scores_no_blink():
    document = json.loads(coding.dumps([SHEET], "activitynet"))
    assert len(document["results"]["a.mp4"]) == 1
    kept = document["external_data"]["mescope"][0]["events"]
    assert [entry["kind"] for entry in kept] == [e.kind for e in EVENTS]


@pytest.mark.parametrize("form", ["elan", "boris", "vtt", "activitynet"])
def test_without_events_nothing_is_said_of_them(form):
    from dataclasses import replace

    text = coding.dumps([replace(SHEET, events=())], form).decode()
    assert "event" not in text.replace("State event", "").replace("Point event", "").replace(
        '"events"', ""
    )
