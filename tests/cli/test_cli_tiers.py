"""Files of any study on the command line: what they hold, what it means, where it goes."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "annotations"))
from studies_made_up import SHEET, eaf, opf


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("s.eaf").write_bytes(eaf())
    return Path("s.eaf")


def test_a_study_goes_from_elan_to_boris_by_a_mapping(run, study):
    status, out, err = run("tiers", "s.eaf", "-o", "m.json")
    assert status == 0
    assert "AU12" in out
    assert "au 12" in out
    assert "event blink" in out
    assert "m.json" in err
    document = json.loads(Path("m.json").read_text("utf-8"))
    assert document["tiers"][0] == {"name": "AU12", "means": "au", "unit": "12"}
    status, out, err = run(
        "convert", "s.eaf", "s.boris", "--mapping", "m.json", "--rate", "30", "--json"
    )
    assert status == 0
    assert json.loads(out)["videos"] == [{"video": "s", "subject": "", "marks": 4, "cells": 7}]
    assert "Transkript: 1 kept as they stand" in err
    status, out, _ = run("agree", "s.eaf", "s.boris", "--mapping", "m.json", "--rate", "30",
                         "--source-a", "anna", "--source-b", "anna", "--json")  # fmt: skip
    assert (status, json.loads(out)["rows"]["micro"]["f1"]) == (0, 1.0)


def test_a_mapping_is_not_replaced_by_accident(run, study):
    Path("m.json").write_text("mine")
    status, _, err = run("tiers", "s.eaf", "-o", "m.json")
    assert (status, "exists already" in err) == (1, True)
    assert Path("m.json").read_text() == "mine"
    assert run("tiers", "s.eaf", "-o", "m.json", "--force")[0] == 0


def test_what_was_left_out_ends_with_status_3(run, study):
    Path("m.json").write_text(json.dumps({"tiers": [{"name": "Transkript", "means": "au"}]}))
    status, _, err = run("convert", "s.eaf", "o.opf", "--mapping", "m.json", "--rate", "30")
    assert status == 3
    assert "1 left out: it names no action unit" in err


def _project(*events):
    """Return a BORIS project of one observation: seconds and behaviour of each event."""
    rows = [[second, "", code, "", ""] for second, code in events]
    media = {"length": {"a.mp4": 60.0}, "fps": {"a.mp4": 25.0}}
    one = {"file": {"1": ["a.mp4"]}, "media_info": media, "type": "MEDIA", "events": rows}
    return json.dumps({"observations": {"o": one}, "behaviors_conf": {}})


def test_cells_that_cannot_be_read_are_lost_marks_where_they_mean_marks(run, study):
    """An event without a stop, an annotation without a time, a cell before the video's zero."""
    meaning = {"tiers": [{"name": n, "means": "expression"} for n in ("brow", "AU12")]}
    Path("m.json").write_text(json.dumps(meaning))
    events = [(1.0, "brow"), (1.3, "brow"), (2.0, "brow"), (3.0, "nose"), (3.4, "nose")]
    Path("p.boris").write_text(_project(*events))
    Path("u.eaf").write_bytes(eaf().replace(b'TIME_SLOT_ID="t1b" TIME_VALUE="400"',
                                            b'TIME_SLOT_ID="t1b"'))  # fmt: skip
    for source, lost in (("p.boris", 2), ("u.eaf", 1)):
        status, out, err = run(
            "convert", source, f"{source}.csv", "--mapping", "m.json", "--rate", "25", "--json"
        )
        assert (status, json.loads(out)["left_out"]) == (3, lost), err
        assert f"{lost} left out: see above" in err
    meaning["tiers"][0]["means"] = "keep"
    Path("m.json").write_text(json.dumps(meaning))
    args = ("--mapping", "m.json", "--rate", "25", "--force")
    assert run("convert", "p.boris", "k.csv", *args)[0] == 0
    status, _, err = run("convert", "p.boris", "p.boris", *args)
    assert (status, "not all of it would be written" in err) == (1, True)
    assert Path("p.boris").read_text() == _project(*events)


def test_strange_files_and_mappings_end_in_one_line(run, study):
    Path("m.json").write_text("{")
    status, _, err = run("convert", "s.eaf", "o.csv", "--mapping", "m.json")
    assert (status, "m.json: expected JSON" in err) == (1, True)
    status, _, err = run("convert", "s.eaf", "o.csv")
    assert (status, "`mescope tiers` proposes one" in err) == (1, True)
    Path("d.opf").write_bytes(opf(SHEET)[:-20])
    status, _, err = run("tiers", "d.opf")
    assert (status, "expected an .opf of Datavyu" in err) == (1, True)
