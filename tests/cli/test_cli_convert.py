"""``mescope convert``, and coders' formats in ``mescope analyze``."""

import itertools
import json
from dataclasses import replace

import pytest
from made_up_results import made_up, touch

from mescope.annotations import normal, read
from mescope.reports import write

TABLE = "subject,video,onset,offset,type,emotion,apex\ns1,a.mp4,30,39,micro,fear,34\n"


def test_analyze_writes_what_coders_open(run, here, analyzer):
    touch("films/a.mp4")
    words = ("--format", "elan,boris,vtt,activitynet,csv", "-o", "out")
    status, _, err = run("analyze", "films/a.mp4", *words)
    assert status == 0
    made = {p.name for p in (here / "out").iterdir()}
    assert made == {
        "a.eaf", "a.boris", "a.vtt", "a.activitynet.json",
        "a.csv", "a.events.csv", "a.frames.csv",
    }  # fmt: skip
    for name in ("a.eaf", "a.boris", "a.vtt", "a.activitynet.json", "a.csv"):
        (sheet,) = read(here / "out" / name).sets
        (mark,) = sheet.marks
        assert (mark.interval.first, mark.apex, mark.interval.last) == (30, 34, 39)
        assert (mark.kind, mark.emotion, mark.status) == ("micro", "surprise", "proposed")
        assert (mark.origin, mark.source) == ("model", "made-up")
    assert 'RELATIVE_MEDIA_URL="../films/a.mp4"' in (here / "out/a.eaf").read_text()
    assert str(here) not in (here / "out/a.eaf").read_text()
    assert f"wrote {'out/a.eaf'}" in err


def test_analyze_refuses_an_unknown_format(run, here, analyzer):
    touch("a.mp4")
    status, _, err = run("analyze", "a.mp4", "--format", "praat")
    assert status == 2
    assert "expected any of json, csv, html, elan" in err


def test_two_results_never_share_a_name(run, here, analyzer):
    """A.activitynet.mp4 beside a.mp4."""
    touch("a.mp4", "a.activitynet.mp4")
    words = ("--format", "activitynet,json", "-o", "out")
    status, _, _ = run("analyze", "a.mp4", "a.activitynet.mp4", *words)
    assert status == 0
    assert len(list((here / "out").iterdir())) == 4


def test_force_keeps_what_a_coder_made(run, here, analyzer):
    touch("a.mp4")
    (here / "t.csv").write_text(TABLE)
    assert run("convert", "t.csv", "mescope-results/a.eaf", "--rate", "30")[0] == 0
    before = (here / "mescope-results/a.eaf").read_bytes()
    status, _, err = run("analyze", "a.mp4", "--format", "eaf", "--force")
    assert status == 1
    assert "coder's tier" in err
    assert (here / "mescope-results/a.eaf").read_bytes() == before


def test_convert_through_every_format_and_back(run, here):
    """E106, at the command line."""
    (here / "t.csv").write_text(TABLE)
    assert run("convert", "t.csv", "a.csv", "--rate", "30")[0] == 0
    names = ["a.csv", "a.eaf", "a.boris", "a.vtt", "a.json", "b.csv"]
    for old, new in itertools.pairwise(names):
        status, out, err = run("convert", old, new)
        assert (status, out) == (0, ""), err
        assert "1 marks of 1 videos" in err
    assert (here / "a.csv").read_text() == (here / "b.csv").read_text()


def test_convert_takes_the_json_of_an_analysis(run, here):
    write(made_up("a.mp4"), here / "a.json")
    status, _, _ = run("convert", "a.json", "a.eaf")
    assert status == 0
    (sheet,) = read(here / "a.eaf").sets
    assert (sheet.video, sheet.rate, sheet.frames) == ("a.mp4", 30.0, 90)
    assert sheet.marks[0].id == "d1"


@pytest.mark.parametrize("ending", ["eaf", "vtt", "boris"])
def test_what_an_analysis_found_is_written_where_players_show_it(run, here, ending):
    """Its recording begins at 0.523 s; its own times count from the first frame."""
    analysis = made_up("a.mp4")
    write(replace(analysis, video={**analysis.video, "start_offset": 0.523}), here / "a.json")
    assert run("convert", "a.json", f"a.{ending}")[0] == 0
    (sheet,) = read(here / "a.json").sets
    (back,) = read(here / f"a.{ending}").sets
    assert (back.start_offset, back.marks) == (0.523, normal(sheet).marks)
    start = sheet.marks[0].onset_s + 0.523
    text = (here / f"a.{ending}").read_text()
    assert f"{start:.3f}" in text or str(round(start * 1000)) in text


def test_marks_with_frames_only_need_the_recording(run, here):
    (here / "t.csv").write_text(TABLE)
    status, _, err = run("convert", "t.csv", "a.eaf")
    assert status == 1
    assert "--video" in err
    assert not (here / "a.eaf").exists()


def test_convert_keeps_what_is_there(run, here):
    (here / "t.csv").write_text(TABLE)
    (here / "a.vtt").write_text("mine")
    status, _, err = run("convert", "t.csv", "a.vtt", "--rate", "30")
    assert status == 1
    assert "--force" in err
    assert (here / "a.vtt").read_text() == "mine"
    assert run("convert", "t.csv", "a.vtt", "--rate", "30", "--force")[0] == 0


def test_formats_can_be_named(run, here):
    (here / "t.txt").write_text(TABLE)
    assert run("convert", "t.txt", "a.txt")[0] == 1
    words = ("--from", "csv", "--to", "vtt", "--rate", "30", "--json")
    status, out, _ = run("convert", "t.txt", "a.txt", *words)
    assert status == 0
    assert json.loads(out)["videos"] == [{"video": "a.mp4", "subject": "s1", "marks": 1}]
    assert (here / "a.txt").read_text().startswith("WEBVTT\n")


@pytest.mark.parametrize("option", ["--from", "--to"])
def test_an_unknown_format_is_wrong_usage(run, here, option):
    status, _, err = run("convert", "t.csv", "a.vtt", option, "praat")
    assert status == 2
    assert "expected any of csv, elan" in err


def test_remarks_are_told(run, here):
    """What is left out is named, with its row; the others are there."""
    (here / "t.csv").write_text(TABLE + "s1,a.mp4,9,3,micro,,\n")
    status, _, err = run("convert", "t.csv", "a.csv")
    assert status == 3
    assert "wrote a.csv: 1 marks" in err
    assert "t.csv, row 3: left out" in err


def test_a_frame_below_a_millisecond_is_flagged(run, here):
    (here / "t.csv").write_text("video,onset,offset,type\na.mp4,3,3,micro\n")
    _, _, err = run("convert", "t.csv", "a.eaf", "--rate", "5000")
    assert "1 marks below 1 ms are shown 1 ms long" in err


def test_the_only_copy_is_not_replaced_by_a_part_of_it(run, here):
    text = TABLE + "s1,a.mp4,50,40,micro,fear,45\ns2,b.mp4,1,9,micro,fear,5\n"
    (here / "t.csv").write_text(text)
    status, _, err = run("convert", "t.csv", "./t.csv", "--rate", "30", "--force")
    assert (status, "not all of it would be written" in err) == (1, True)
    assert (here / "t.csv").read_text() == text
    assert run("convert", "t.csv", "u.csv", "--rate", "30")[0] == 3
    whole = (here / "u.csv").read_bytes()
    assert run("convert", "u.csv", "u.csv", "--part", "b.mp4", "--force")[0] == 1
    assert (here / "u.csv").read_bytes() == whole
    assert run("convert", "u.csv", "u.csv", "--force")[0] == 0
