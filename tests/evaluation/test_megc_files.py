"""Files of the challenges of 2020 to 2025 as their entries write them, and their logs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mescope.cli import run
from mescope.errors import DatasetError
from mescope.evaluation.interval_table import read_table
from mescope.evaluation.matching import Counts
from mescope.evaluation.megc import open_files
from mescope.evaluation.megc_log import (
    differing,
    flag_lines,
    flagged,
    is_log,
    log_lines,
    read_log,
    truth_of_log,
    video_name,
)
from mescope.evaluation.scores import kinds_of, score
from mescope.events import Interval

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
LOG, LIST = SHARED / "megc2020_cas_me2_mdmd_log.txt", SHARED / "megc2020_cas_me2_truth.txt"


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def counts(found, truth, mode="clean", rate=None):
    files = open_files(found, truth, rate=rate)
    scores = score(files.found, files.truth, mode=mode)
    return {kind: (c.tp, c.fp, c.fn) for kind, c in scores.counts.items()}, files


# Tables of predictions and truth

SPOTTED = {
    "2022": ("vid,pred_onset,pred_offset,type", "me", "mae"),
    "2023": ("vid,onset,offset,type", "me", "mae"),
    "capitals": ("VID,Onset,Offset,TYPE", "ME", "MaE"),
    "tabs": ("vid\tonset\toffset\ttype", "me", "mae"),
    "ours": ("video,onset,offset,kind", "micro", "macro"),
}


def spotted(year):
    head, micro, macro = SPOTTED[year]
    text = f"{head}\n001_2,10,29,{micro}\n001_2,100,300,{macro}\n002_4,5,9,{micro}\n"
    return text.replace(",", "\t") if "\t" in head else text


@pytest.mark.parametrize("year", SPOTTED)
def test_spotting_files_without_subjects(tmp_path, year):
    truth = "vid,onset,offset,type\n001_2,12,31,me\n001_2,90,310,mae\n002_4,,,\n"
    found = write(tmp_path, "samm_pred.csv", spotted(year))
    got, files = counts(found, write(tmp_path, "gt.csv", truth))
    assert got == {"micro": (1, 1, 0), "macro": (1, 0, 0)}
    assert {row.subject for row in files.found.rows} == {"001", "002"}
    assert "2 videos have no subject; it is what stands before the _" in files.truth.remarks[0]


def test_a_truth_with_subjects_serves_a_file_without(tmp_path):
    truth = "subject,video,onset,offset,type\n001,001_2,12,31,micro\n002,002_4,,,\n"
    found = write(tmp_path, "p.csv", spotted("2023"))
    got, _ = counts(found, write(tmp_path, "t.csv", truth))
    assert got == {"micro": (1, 1, 0), "macro": (0, 1, 0)}


def test_a_file_with_subjects_serves_a_truth_without(tmp_path):
    found = "subject,video,onset,offset,type\np9,001_2,10,29,micro\n"
    truth = "vid,onset,offset,type\n001_2,12,31,me\n003_1,5,9,me\n"
    got, files = counts(write(tmp_path, "p.csv", found), write(tmp_path, "t.csv", truth))
    assert got["micro"] == (1, 0, 1)
    assert files.truth.videos == {("p9", "001_2"), ("003", "003_1")}


def test_detections_that_a_mode_does_not_count_are_told(tmp_path, capsys):
    found = write(tmp_path, "p.csv", "vid,onset,offset,type\n001_2,10,12,me\n")
    truth = write(tmp_path, "t.csv", "vid,onset,offset,type\n001_2,10,20,me\n")
    assert run(["score", str(found), str(truth), "--mode", "as_published_megc2020"]) == 0
    assert "1 detections have a length of no kind in mode" in capsys.readouterr().err
    assert run(["score", str(found), str(truth)]) == 0
    assert "no kind" not in capsys.readouterr().err


SPOT_THEN_RECOGNISE = "subject,video,onset,offset,emotion\n"


@pytest.mark.parametrize("mode", ["clean", "as_published_strs", "as_published_mean"])
def test_spot_then_recognise_files_have_no_type(tmp_path, mode):
    found = SPOT_THEN_RECOGNISE + "5,anger1,482,504,negative\n6,anger2,10,30,positive\n"
    truth = SPOT_THEN_RECOGNISE + "5,anger1,480,500,negative\n6,anger2,100,120,surprise\n"
    got, files = counts(
        write(tmp_path, "cas_pred.csv", found), write(tmp_path, "gt.csv", truth), mode
    )
    assert got["micro"] == (1, 1, 1)
    for table, name in ((files.found, "cas_pred.csv"), (files.truth, "gt.csv")):
        assert f"{name}: has emotions and no types" in table.remarks[0]
    assert score(files.found, files.truth, mode=mode).pairs == (("negative", "negative"),)


def test_frames_before_the_recording_are_its_first_with_a_remark(tmp_path):
    found = SPOT_THEN_RECOGNISE + "1,a,-3,12,negative\n1,a,-9.0,-1,others\n1,a,40,50,negative\n"
    truth = SPOT_THEN_RECOGNISE + "1,a,0,12,negative\n"
    got, files = counts(write(tmp_path, "p.csv", found), write(tmp_path, "t.csv", truth))
    assert got["micro"] == (1, 2, 0)
    assert [r.interval for r in files.found.rows[:2]] == [Interval(0, 12), Interval(0, 0)]
    said = "p.csv: 2 intervals begin before the recording (rows 2, 3); they are taken from its"
    assert said in files.found.remarks[0]
    with pytest.raises(DatasetError, match="row 2: onset is '-3'"):  # a truth has none
        open_files(tmp_path / "t.csv", tmp_path / "p.csv")
    write(tmp_path, "p.csv", SPOT_THEN_RECOGNISE + "1,a,-x,12,negative\n")
    with pytest.raises(DatasetError, match="onset is '-x'"):
        open_files(tmp_path / "p.csv", tmp_path / "t.csv")


def test_detections_without_a_type_are_never_typed_in_silence(tmp_path):
    found = write(tmp_path, "p.csv", "subject,video,onset,offset\n1,a,0,12\n1,a,100,150\n")
    truth = write(tmp_path, "t.csv", "subject,video,onset,offset,type\n1,a,0,12,micro\n")
    got, files = counts(found, truth)
    assert got["micro"] == (1, 1, 0)
    assert (
        "2 detections have no type; they count as micro-expressions" in files.found.remarks[0]
    )
    got, files = counts(found, truth, rate=30.0)
    assert (got["micro"], got["macro"]) == ((1, 0, 0), (0, 1, 0))
    assert "micro is up to 15 frames" in files.found.remarks[0]
    got, _ = counts(found, truth, rate=200.0)
    assert got["micro"] == (1, 1, 0)  # 50 frames of 200 a second are a quarter of one


def test_the_command_tells_what_it_took_for_granted(tmp_path, capsys):
    found = write(tmp_path, "p.csv", "vid,onset,offset,type\n001_2,-4,12,me\n")
    truth = write(tmp_path, "t.csv", "vid,onset,offset,type\n001_2,0,12,me\n")
    assert run(["score", str(found), str(truth), "--json"]) == 0
    out = capsys.readouterr()
    assert "1 intervals begin before the recording (row 2)" in out.err
    remarks = json.loads(out.out)["remarks"]
    assert len(remarks) == 2
    assert "no subject" in remarks[1]


# Logs

SAMM_TRUTH = """006 1 micro-expression 100 130 180
006 1 macro-expression 400 500 619
006 2 micro-expression 50 80 120
007 3 macro-expression 1000 -1 1400
"""
SAMM_LINES = """006_1   -         -       20      90      FP
006_1   100       180     105     185     TP
006_1   400       619     420     600     TP
006_1   400       619     500     619     TP
006_2   50        120     -       -       FN
006_2   -         -       200     290     FP
007_3   1000      1400    -       -       FN
007_3   -         -       1150    1252    FP
"""
"""As the baseline of 2020 writes: of 200 a second 81 and 103 frames are micro, 120 macro."""


def samm_log(folder, more="", lines=SAMM_LINES):
    return write(folder, "log.txt", f"1\n{lines}{more}")


def test_half_a_second_is_100_frames_of_samm_long_videos(tmp_path):
    log, truth = samm_log(tmp_path), write(tmp_path, "all_Info.txt", SAMM_TRUTH)
    lines = log_lines(log)
    assert flagged(lines) == {"1": Counts(2, 4, 2)}
    got, files = counts(log, truth, "as_published_megc2020")
    assert got == {"micro": (1, 3, 1), "macro": (1, 1, 1)}
    kinds = {**kinds_of(files.truth, "clean"), **kinds_of(files.found, "as_published_megc2020")}
    assert differing(files.log, kinds) == []
    clean, files = counts(log, truth)  # the baseline's limit is 105 frames, half a second 100
    assert clean == {"micro": (1, 2, 1), "macro": (1, 2, 1)}
    assert "100 frames in SAMM Long Videos" in files.found.remarks[0]
    assert files.found.rates == dict.fromkeys(files.found.videos, 200.0)


def test_a_log_of_both_data_sets(tmp_path):
    cas = "2\n15_0101   10    22    11    23    TP\n15_0101   -    -    60    79    FP\n"
    log = samm_log(tmp_path, cas)
    assert flagged(log_lines(log)) == {"1": Counts(2, 4, 2), "2": Counts(1, 1, 0)}
    rows = {(r.video, r.interval.first): r.kind for r in read_log(log).rows}
    assert rows["15_0101", 60] == "macro"  # 19 frames of 30 a second
    assert rows["006_1", 105] == "micro"  # 80 of 200
    truth = write(tmp_path, "cas.txt", "s15 0101 micro-expression 10 15 22\n")
    got, files = counts(log, truth, "as_published_megc2020")
    assert got == {"micro": (1, 0, 0), "macro": (0, 1, 0)}
    assert "part 1 of the log (SAMM Long Videos) is not in the truth and left out" in " ".join(
        files.found.remarks
    )
    both = write(tmp_path, "both.txt", SAMM_TRUTH + "s15 0101 micro-expression 10 15 22\n")
    got, _ = counts(log, both, "as_published_megc2020")
    assert got == {"micro": (2, 3, 1), "macro": (1, 2, 1)}


def test_a_log_can_be_its_own_truth(tmp_path):
    log = samm_log(tmp_path)
    truth = truth_of_log(log)
    assert [(r.video, r.kind) for r in truth.rows] == [
        ("006_1", "micro"), ("006_1", "macro"), ("006_2", "micro"), ("007_3", "macro"),
    ]  # fmt: skip
    got, _ = counts(log, log)
    assert (got["micro"][0], got["macro"][0]) == (1, 1)


CSV_LOG = """s32/32_0503unnyfarting,258,272,,,FN,642
s32/32_0503unnyfarting,258,319,258,322,TP,643
s32/32_0503unnyfarting,,,463,508,FP,657
"""


@pytest.mark.parametrize(
    "text",
    [
        CSV_LOG,
        CSV_LOG.replace(",642", "").replace(",643", "").replace(",657", ""),
        CSV_LOG.replace("s32/32_0503unnyfarting", "32_0503").replace(",", ";"),
        CSV_LOG.replace("s32/32_0503unnyfarting", "006_1"),
        "1\n" + CSV_LOG.replace("s32/32_0503unnyfarting", "my_video"),
        "video,onset,offset,pred_onset,pred_offset,flag,row\n".replace(",row", "") + CSV_LOG,
        "".join(
            f"{number},{line.rpartition(',')[0]}\n"
            for number, line in zip(
                ["", *"012"], ["v,a,b,c,d,flag,", *CSV_LOG.split()], strict=True
            )
        ),
    ],
)
def test_logs_that_entries_publish_as_csv(tmp_path, text):
    log = write(tmp_path, "my_casme.csv", text)
    assert is_log(log)
    (tally,) = flagged(log_lines(log)).values()
    assert tally == Counts(1, 1, 1)
    assert list(flag_lines(log_lines(log)).values()) == [tally]
    assert differing(log_lines(log), {}) == []
    assert len(read_log(log).rows) == 2


LOG_2021 = """
s15/15_0102* 699 707 __ __ FN
s16/16_0101* 552 565 540 564 TP
s16/16_0101* __ __ -8 16 FP
"""
"""As an entry of 2021 writes: one kind, no number of a data set, patterns of folders."""


def test_a_log_of_2021(tmp_path):
    log = write(tmp_path, "LOG_CAS_Micro.txt", LOG_2021)
    assert is_log(log)
    lines = log_lines(log)
    assert flagged(lines) == {"2": Counts(1, 1, 1)}
    assert differing(lines, {}) == []
    truth = write(tmp_path, "t.txt", "s16 0101 micro-expression 552 558 565\n")
    _, files = counts(log, truth, "as_published_megc2020")
    assert files.truth.videos == {("16", "16_0101"), ("15", "15_0102")}
    assert [(r.video, r.interval) for r in files.found.rows] == [
        ("16_0101", Interval(540, 564)), ("16_0101", Interval(0, 16)),
    ]  # fmt: skip
    titled = write(
        tmp_path, "samm_log.csv",
        "Video_ID\tGT_onset\tGT_offset\tPredicted_onset\tPredicted_offset\tType\n"
        "006_1\t-\t-\t0\t109\tFP\n006_1\t562\t588\t560\t590\tTP\n",
    )  # fmt: skip
    assert flagged(log_lines(titled)) == {"1": Counts(1, 1, 0)}


def test_a_log_with_titles_is_a_truth_too(tmp_path):
    """Its titles are those of a table, whose columns would be there twice."""
    log = write(tmp_path, "l.csv", "video,onset,offset,pred_onset,pred_offset,r\n" + CSV_LOG)
    assert len(open_files(log, log).truth.rows) == 2


def test_a_broken_first_line_is_no_title(tmp_path):
    log = write(tmp_path, "l.csv", CSV_LOG.replace("FN,642", "XX,642"))
    assert not is_log(log)


def test_frames_that_count_from_1(tmp_path, capsys):
    """A challenge's file against a truth from 0: an IoU of a half became less."""
    found = write(tmp_path, "s.csv", "subject,video,onset,offset,emotion\n1,a,11,20,positive\n")
    truth = write(
        tmp_path, "t.csv", "subject,video,onset,offset,type,emotion\n1,a,5,14,micro,positive\n"
        "1,a,0,9,micro,negative\n1,a,5,24,micro,surprise\n",
    )  # fmt: skip
    for first, onset in ((0, 11), (1, 10)):
        rows = open_files(found, truth, first=first).found.rows
        assert [(r.interval.first, r.interval.last) for r in rows] == [(onset, onset + 9)]
    assert "count from 1; they are taken" in " ".join(open_files(found, truth).found.remarks)
    assert run(["score", str(found), str(truth), "--first", "1", "--json"]) == 0
    assert "count from 1" not in capsys.readouterr().err


@pytest.mark.parametrize("number", ["99999999999999999999", "1000000000001", "9" * 400])
def test_numbers_past_64_bits_are_words(tmp_path, capsys, number):
    """An overflow of NumPy ended in a traceback."""
    good = write(tmp_path, "g.csv", "video,onset,offset,type\na,3,9,micro\n")
    bad = write(tmp_path, "b.csv", f"video,onset,offset,type\na,3,{number},micro\n")
    frames = write(tmp_path, "l.csv", f"video,frames\na,{number}\n")
    for words in ([good, bad], [bad, good], [good, good, "--lengths", frames]):
        assert run(["score", *map(str, words)]) != 0
        assert ".csv, row 2: " in capsys.readouterr().err
    with pytest.raises(DatasetError, match="row 0: expected whole frames"):
        score({"a": [[1, 1e30]]}, {"a": [[1, 5]]})


def test_rows_that_are_there_twice_are_told(tmp_path):
    table = "video,onset,offset,type\na,3,9,micro\na,3,9,micro\nb,,,\nb,,,\n"
    found = read_table(write(tmp_path, "t.csv", table))
    assert len(found.rows) == 2
    assert "t.csv: 1 rows are the same as others" in found.remarks[0]


def test_logs_whose_data_set_nobody_says_are_refused(tmp_path):
    log = write(tmp_path, "l.csv", CSV_LOG.replace("s32/32_0503unnyfarting", "my_video"))
    with pytest.raises(DatasetError, match="line 1: expected a first line that says 1 or 2"):
        read_log(log)
    empty = write(tmp_path, "e.txt", "2\n\n")
    with pytest.raises(DatasetError, match="found none"):
        read_log(empty)
    assert video_name("s15\\15_0101disgustingteeth") == "15_0101"


def test_a_flag_that_is_wrong_is_named(tmp_path, capsys):
    text = SAMM_LINES.replace("200     290     FP", "55      118     FP")
    log = samm_log(tmp_path, lines=text)
    assert [line.number for line in differing(log_lines(log), {})] == [6, 7]
    truth = write(tmp_path, "t.txt", SAMM_TRUTH)
    mode = ["--mode", "as_published_megc2020"]
    assert run(["score", str(log), str(truth), *mode]) == 0
    out = capsys.readouterr().out
    flags = "the log's own flags, SAMM Long Videos: 2 TP, 4 FP, 2 FN (3, 3 and 2 lines)"
    assert flags in out
    assert "2 of 8 flags say something else (lines 6, 7)" in out


def test_flags_that_do_not_mind_kinds(tmp_path, capsys):
    """An entry's log: an expression of 15 frames, found as one of 20."""
    log = write(tmp_path, "l.csv", "15_0101,10,24,8,27,TP\n15_0101,,,90,99,FP\n")
    assert run(["score", str(log), str(log)]) == 0
    out = capsys.readouterr().out
    assert "all 2 flags are right whatever the kind; 1 say something else" in out


def test_frames_before_the_recording_in_a_log(tmp_path):
    log = samm_log(tmp_path, "006_1   -         -       -12     60      FP\n")
    table = read_log(log)
    assert Interval(0, 60) in [r.interval for r in table.rows]
    assert (
        "1 intervals begin before the recording (lines 10); taken from frame 0" in table.remarks
    )


def test_a_mode_that_knows_no_windows_for_a_rate(tmp_path):
    found = write(tmp_path, "p.csv", "subject,video,onset,offset\n1,a,0,12\n")
    truth = write(tmp_path, "t.csv", "subject,video,onset,offset,type\n1,a,0,12,micro\n")
    with pytest.raises(
        DatasetError, match="is known for 30 or 200 frames per second, found 60"
    ):
        counts(found, truth, "as_published_megc2020", rate=60.0)
    got, _ = counts(found, truth, "as_published_megc2020", rate=29.97)
    assert got["micro"] == (1, 0, 0)


@pytest.mark.data
@pytest.mark.skipif(not LOG.exists(), reason="needs ../shared/data")
def test_the_published_log_of_cas_me2_by_its_own_flags():
    """130 hits, 6428 false alarms, 227 misses, and no line that says something else."""
    files = open_files(LOG, LIST)
    assert flagged(files.log) == {"2": Counts(130, 6428, 227)}
    assert flag_lines(files.log) == {"2": Counts(130, 6433, 227)}
    kinds = {**kinds_of(files.truth, "clean"), **kinds_of(files.found, "as_published_megc2020")}
    assert len(files.log) == 6790
    assert differing(files.log, kinds) == []


def test_a_table_of_intervals_is_still_strict(tmp_path):
    path = write(tmp_path, "p.csv", "subject,video,onset,offset\n1,a,-3,12\n")
    with pytest.raises(DatasetError, match="row 2: onset is '-3'"):
        read_table(path)
