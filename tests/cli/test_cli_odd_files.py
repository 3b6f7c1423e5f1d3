"""Odd files of marks at the command line: read right, or refused with what to do."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from mescope.synthesis.encode import write_video
from mescope.video.arrays import ArrayVideo

GIVEN = Path(__file__).parents[3] / "shared" / "data" / "odd_files"
HEAD = "subject,video,onset,offset,type,emotion\n"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A recording base.mp4 of 8 s at 30 frames per second."""
    path = tmp_path_factory.mktemp("films") / "base.mp4"
    write_video(ArrayVideo(np.zeros((240, 16, 16, 3), np.uint8), 30.0), path)
    return str(path)


def found(name):
    with open(name, encoding="utf-8", newline="") as file:
        return [(int(row["onset"]), int(row["offset"])) for row in csv.DictReader(file)]


@pytest.mark.data
@pytest.mark.skipif(not GIVEN.exists(), reason="../shared is not there")
@pytest.mark.parametrize(
    ("name", "status", "marks", "said"),
    [
        ("quote2.csv", 1, None, "quote2.csv, row 2: a quote"),
        ("pastend.eaf", 1, None, "100.000 to 100.300 s"),
        ("origin.eaf", 0, [(90, 98)], ""),
        ("frames_unit.eaf", 0, [(30, 38)], ""),
        ("two_obs.boris", 0, [(30, 38)], "not used: obs2"),
        ("semi.csv", 0, [(30, 38)], ""),
        ("allbad.csv", 3, None, "row 3: left out, onset is 'x'"),
        ("sep.csv", 0, [(30, 38)], ""),
        ("tabs.vtt", 0, [(30, 38)], ""),
        ("zero.vtt", 3, [(60, 68)], "line 3: left out, it ends when it starts"),
    ],
)
def test_every_given_file(run, here, base, name, status, marks, said):
    answer, _, err = run("convert", GIVEN / name, "out.csv", "--video", base)
    assert (answer, said in err) == (status, True), err
    assert (found("out.csv") if Path("out.csv").exists() else None) == marks


def test_a_recording_of_one_frame_has_no_clock(run, here):
    write_video(ArrayVideo(np.zeros((1, 16, 16, 3), np.uint8), 30.0), "one.mp4")
    Path("v.vtt").write_text("WEBVTT\n\n00:01.000 --> 00:01.300\nmicro-expression\n")
    status, _, err = run("convert", "v.vtt", "out.csv", "--video", "one.mp4")
    assert (status, "several frames, found 1" in err) == (1, True), err


def test_where_no_mark_is_left_nothing_is_written(run, here):
    """A good file that is there stays; a table of videos without marks is no fault."""
    Path("bad.csv").write_text(HEAD + "s,a.mp4,9,3,micro,\n")
    Path("out.csv").write_text("mine")
    status, out, err = run("convert", "bad.csv", "out.csv", "--force", "--json")
    assert status == 3
    assert json.loads(out)["left_out"] == 1
    assert json.loads(out)["output"] is None
    assert "found no marks in bad.csv; nothing was written" in err
    assert Path("out.csv").read_text() == "mine"
    Path("empty.csv").write_text(HEAD)
    assert run("convert", "empty.csv", "out.csv", "--force")[0] == 3
    Path("looked.csv").write_text(HEAD + "s,a.mp4,,,,\n")
    assert run("convert", "looked.csv", "out.csv", "--force")[0] == 0
    assert found_videos("out.csv") == ["a.mp4"]


def found_videos(name):
    with open(name, encoding="utf-8", newline="") as file:
        return [row["video"] for row in csv.DictReader(file)]


def test_an_observation_is_asked_for_by_name(run, here, base):
    rows = [[1.0, "0", "micro-expression", "", ""], [1.3, "0", "micro-expression", "", ""]]
    observations = {
        name: {"file": {"1": [f"{name}.avi"]}, "events": rows, "media_info": {}}
        for name in ("monday", "friday")
    }
    Path("p.boris").write_text(json.dumps({"observations": observations}))
    status, _, err = run("convert", "p.boris", "out.csv", "--video", base)
    assert status == 1
    assert "expected marks of base.mp4, found those of monday.avi, friday.avi" in err
    assert "--part" in err
    words = ("--video", base, "--part", "friday")
    assert run("convert", "p.boris", "out.csv", *words)[0] == 0
    assert (found("out.csv"), found_videos("out.csv")) == ([(30, 38)], ["friday.avi"])
    status, out, _ = run("agree", "p.boris", "out.csv", *words, "--json")
    assert (status, json.loads(out)["videos"]) == (0, 1)


def test_agreement_without_a_mark_is_told_by_the_status(run, here):
    Path("a.csv").write_text(HEAD + "s,a.mp4,3,9,micro,\n")
    Path("b.csv").write_text(HEAD + "s,a.mp4,3,9,micro,\ns,a.mp4,30,x,micro,\n")
    status, out, err = run("agree", "a.csv", "b.csv")
    assert status == 3
    assert "b.csv, row 3: left out" in err
    assert "1 videos that both have" in out


TRUTH = HEAD + "01,v1,10,20,micro,positive\n01,v1,50,60,micro,negative\n"


@pytest.mark.parametrize("name", ["t.CSV", "t.Csv", "t.txt", "t.tsv", "t"])
def test_a_table_is_one_whatever_its_name_ends_in(run, here, name):
    sign = "\t" if name == "t.tsv" else ";" if name == "t.txt" else ","
    Path(name).write_text(TRUTH.replace(",", sign))
    status, out, err = run("score", name, name, "--json")
    assert status == 0, err
    assert json.loads(out)["spotting"]["micro"]["tp"] == 2


@pytest.mark.parametrize("where", ["found", "truth"])
def test_a_quote_that_swallows_rows_changes_no_score(run, here, where):
    """F1 would be 1.0000 of what is left."""
    for name in ("found", "truth"):
        Path(f"{name}.csv").write_text(TRUTH)
    lines = TRUTH.splitlines()
    Path(f"{where}.csv").write_text(
        f'{lines[0]},note\n{lines[1]},"brow\n{lines[2]},up"\n01,v2,5,9,micro,positive,\n'
    )
    answer, out, err = run("score", "found.csv", "truth.csv")
    assert (answer, out) == (1, "")
    assert f"{where}.csv, row 2" in err


def test_perfect_answers_score_1_although_a_class_is_absent(run, here):
    Path("t.csv").write_text(TRUTH)
    _, out, _ = run("score", "t.csv", "t.csv", "--json")
    figures = json.loads(out)["recognition"]["all"]
    assert figures["n"] == {"negative": 1, "positive": 1, "surprise": 0, "others": 0}
    assert [figures[name] for name in ("uf1", "uar", "harmonic_f1", "strs")] == [1.0] * 4


LIST = "s15 0401 micro-expression 557.0 572.0 608.0\n"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("557.5", "onset is '557.5': expected a whole frame number"),
        ("nan", "onset is 'nan'"), ("1e3", "onset is '1e3'"), ("-5", "onset is '-5'"),
        ("1,557", "onset is '1,557'"), ("1_557", "onset is '1_557'"), ("-", "onset is '-'"),
        ("608.1", "onset is '608.1'"), ("700", "need 0 <= first <= last"),
    ],
)  # fmt: skip
def test_numbers_of_the_challenges_list_are_frames(run, here, number, said):
    Path("list.txt").write_text(LIST + LIST.replace("557.0", number))
    Path("found.csv").write_text("subject,video,onset,offset\n15,15_0401,557,608\n")
    answer, _, err = run("score", "found.csv", "list.txt")
    assert answer == 1
    assert f"list.txt, line 2: {said}" in err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("23_0502 - - 111 x FP", "offset is 'x'"),
        ("23_0502 - - - 130 FP", "onset is '-'"),
        ("23_0502 - - - - FP", "expected frames where FP needs them"),
        ("23_0502 1 9 - - TP", "expected frames where TP needs them"),
        ("23_0502 - - - - FN", "expected frames where FN needs them"),
        ("23_0502 x 9 1 9 TP", "onset is 'x'"),
        ("23_0502 1 9 1 9 tp", "expected video, true onset"),
        ("23 0502 1 9 1 9 TP", "expected video, true onset"),
    ],
)
def test_lines_of_a_log_that_make_no_sense_are_named(run, here, line, said):
    """A detection with a dash for its onset would be no detection."""
    Path("log.txt").write_text(f"2\n23_0502 - - 111 130 FP\n{line}\n")
    Path("list.txt").write_text(LIST)
    answer, _, err = run("score", "log.txt", "list.txt")
    assert answer == 1
    assert f"log.txt, line 3: {said}" in err


def test_names_with_blanks_stand_between_tabs(run, here):
    Path("log.txt").write_text("\ufeff2\r\n15_day 1\t557\t608\t560\t600\tTP\r\n")
    Path("list.txt").write_text("s15\tday 1\tMacro-Expression\t557\t+572\t608.0\n")
    status, out, err = run("score", "log.txt", "list.txt", "--json")
    assert status == 0, err
    assert json.loads(out)["spotting"]["macro"]["tp"] == 1
