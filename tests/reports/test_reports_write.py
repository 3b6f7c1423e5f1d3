"""Files of a report: whole, never overwritten unasked, readable by anybody."""

import csv
import dataclasses
import io
import json
import math
import os

import numpy as np
import pandas as pd
import pytest
from made_up_analysis import make_analysis, make_full

from mescope import reports
from mescope.analysis import Analysis, Traces
from mescope.annotations.face_events import to_dict
from mescope.errors import MescopeError, OutputError
from mescope.reports.tables import (
    EVENT_COLUMNS,
    INTERVAL_COLUMNS,
    event_csv,
    frame_csv,
    interval_csv,
)


@pytest.fixture(scope="module")
def analysis():
    return make_analysis(pictures=False)


def test_json_gives_the_detections_back(analysis, tmp_path):
    path = analysis.save(tmp_path / "a.json")
    assert reports.read_json(path) == analysis.detections


def test_json_is_valid_and_has_null_for_nan(analysis, tmp_path):
    text = analysis.save(tmp_path / "a.json").read_text(encoding="utf-8")

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    document = json.loads(text, parse_constant=refuse)
    scores = document["traces"]["me_score"]
    assert [s is None for s in scores] == list(np.isnan(analysis.traces.spotting))
    assert document["schema"] == 1
    assert document["gaps"][0]["reason"] == "no face seen"
    assert document["warnings"] == list(analysis.warnings)
    assert document["detections"][0]["evidence"]["regions"][0]["direction"] == "up"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not json", "found"),
        ("[1]", "not from `mescope analyze`"),
        ('{"format": "mescope-analysis", "schema": 99}', "reads 1"),
        ('{"format": "mescope-analysis", "schema": 1, "detections": [{}]}', "damaged"),
    ],
)
def test_json_of_another_kind_is_refused(tmp_path, text, words):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(MescopeError, match=words):
        reports.read_json(path)


def test_interval_csv_has_the_columns_and_planted_rows(analysis):
    table = pd.read_csv(io.StringIO(interval_csv(analysis)))
    assert tuple(table.columns) == INTERVAL_COLUMNS
    assert tuple(table.columns[:5]) == ("subject", "video", "onset", "offset", "emotion")
    found = [(d.interval.first, d.apex, d.interval.last) for d in analysis.detections]
    assert list(table[["onset", "apex", "offset"]].itertuples(index=False, name=None)) == found
    assert set(table["status"]) == {"proposed"}
    assert list(table["type"]) == ["micro-expression", "micro-expression", "macro-expression"]


def test_csv_without_detections_keeps_its_header():
    empty = make_analysis(planted=(), pictures=False)
    assert interval_csv(empty).strip() == ",".join(INTERVAL_COLUMNS)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_no_cell_is_a_formula(start):
    name = f'{start}HYPERLINK("http://x")'
    text = interval_csv(make_analysis(name=name, pictures=False))
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["video"] == "'" + name
    assert row["onset"].isdigit()


def test_frame_csv_has_a_row_per_frame_and_empty_cells_for_gaps(analysis):
    table = pd.read_csv(io.StringIO(frame_csv(analysis)))
    traces = analysis.traces
    assert list(table["frame"]) == list(traces.frames)
    np.testing.assert_allclose(table["timestamp"], traces.times, atol=1e-6)
    np.testing.assert_allclose(table["me_score"], traces.spotting, atol=5e-5)
    assert list(table["success"] == 1) == list(traces.valid)
    assert "emotion_surprise" in table
    assert "roi_BROW_L_mag" in table


def test_nothing_is_overwritten_without_force(analysis, tmp_path):
    """Refused, and the old file stands."""
    path = tmp_path / "a.csv"
    (tmp_path / "a.frames.csv").write_text("mine")
    with pytest.raises(OutputError, match=r"a\.frames\.csv exists already"):
        analysis.save(path)
    assert not path.exists()
    analysis.save(path, force=True)
    assert (tmp_path / "a.frames.csv").read_text() != "mine"


def test_unknown_suffix_is_refused(analysis, tmp_path):
    with pytest.raises(OutputError, match=r"\.json, \.csv, \.html"):
        analysis.save(tmp_path / "a.docx")


@pytest.mark.parametrize("suffix", ["json", "csv", "html"])
def test_a_full_disk_leaves_the_old_file_and_no_draft(analysis, tmp_path, monkeypatch, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_text("old")

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        analysis.save(path, force=True)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_an_analysis_of_nothing_can_be_saved(tmp_path):
    """No frames, no face, no detections."""
    none = np.zeros(0)
    analysis = Analysis(
        video={"name": "one frame.mp4", "duration_s": math.nan},
        findings=(),
        traces=Traces(
            frames=np.zeros(0, dtype=np.int64),
            times=none,
            spotting=none,
            emotion=np.zeros((0, 5)),
            motion=np.zeros((0, 18)),
            valid=np.zeros(0, dtype=bool),
            regions=("BROW_L",),
        ),
        writer=reports.write,
    )
    for suffix in reports.formats().values():
        assert analysis.save(tmp_path / f"a{suffix}").exists()


def test_an_analysis_put_together_by_hand_says_how_it_is_written(analysis, tmp_path):
    by_hand = dataclasses.replace(analysis, writer=None)
    with pytest.raises(OutputError, match=r"reports\.write\(analysis, path\)"):
        by_hand.save(tmp_path / "a.json")
    assert by_hand == analysis


def test_a_name_that_is_no_unicode_does_not_stop_a_report(tmp_path):
    """A file name with a byte that is no UTF-8."""
    analysis = make_analysis(name="caf\udce9\0 \u4e2d\U0001f600.mp4", pictures=False)
    for suffix in reports.formats().values():
        written = analysis.save(tmp_path / f"a{suffix}")
        if suffix != ".opf":  # a zip
            written.read_text(encoding="utf-8")
    document = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert document["video"]["name"] == "caf\udce9\0 \u4e2d\U0001f600.mp4"


def test_json_gives_candidates_and_events_back_and_keeps_them_apart(tmp_path):
    full = make_full(pictures=False)
    path = full.save(tmp_path / "a.json")
    assert reports.read_json(path) == full.detections
    assert reports.read_candidates(path) == tuple(f.detection for f in full.candidates)
    assert reports.read_events(path) == full.events
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["floor"] == full.floor
    assert document["noise_px"] == full.noise_px
    assert {c["explained_by"] for c in document["candidates"]} == {None, "blink"}
    assert document["detections"][0]["checks"][0]["question"] == "Are the eyes shut?"
    assert [v is None for v in document["traces"]["movement"]] == list(~full.traces.valid)


def test_an_event_of_an_older_version_may_lack_its_strength(tmp_path):
    path = make_full(pictures=False).save(tmp_path / "a.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    document["events"][0]["strength"] = None
    path.write_text(json.dumps(document))
    first = reports.read_events(path)[0]
    assert np.isnan(first.strength)
    assert to_dict(first) == document["events"][0]


def test_a_file_of_an_older_version_has_no_candidates(analysis, tmp_path):
    path = analysis.save(tmp_path / "a.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    for later in ("candidates", "events", "floor", "noise_px"):
        del document[later]
    path.write_text(json.dumps(document))
    assert reports.read_json(path) == analysis.detections
    assert reports.read_candidates(path) == ()
    assert reports.read_events(path) == ()


def test_the_table_of_events_tells_what_could_not_be_judged_too():
    full = make_full(pictures=False)
    table = pd.read_csv(io.StringIO(event_csv(full)), keep_default_na=False)
    assert tuple(table.columns) == EVENT_COLUMNS
    assert len(table) == len(full.events) + len(full.gaps)
    assert list(table["onset"]) == sorted(table["onset"])
    blinks = table[table["kind"] == "blink"]
    assert set(blinks["facs"]) == {"AU45"}
    assert set(blinks["duration_ms"]) == {200}
    assert list(table[table["kind"] == "not_judged"]["note"]) == ["no face seen"]


def test_csv_has_three_files(analysis, tmp_path):
    analysis.save(tmp_path / "a.csv")
    made = sorted(p.name for p in tmp_path.iterdir())
    assert made == ["a.csv", "a.events.csv", "a.frames.csv"]


def test_frame_csv_has_the_second_trace_and_the_lids():
    full = make_full(pictures=False)
    table = pd.read_csv(io.StringIO(frame_csv(full)))
    np.testing.assert_allclose(table["movement"], full.traces.movement, atol=5e-5)
    assert set(table["eye_openness"].dropna()) == {1.0}
