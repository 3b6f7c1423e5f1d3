"""What a run hands in to challenges: native frames from 1, and hits that are its hits."""

from made_up_spotting import made_up_spotting, report_of, row

from mescope.evaluation.interval_table import table_of
from mescope.evaluation.megc import read_submission, write_spotting
from mescope.evaluation.megc_log import read_log
from mescope.evaluation.submissions import (
    LOG,
    SPOT_THEN_RECOGNISE,
    SPOTTING,
    submissions,
)


def test_the_files_come_back(tmp_path):
    report = made_up_spotting((0,), people=3, dataset="samm")
    files = submissions(report)
    assert set(files) == {LOG, SPOTTING, SPOT_THEN_RECOGNISE}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = report.runs[0].native
    kept = [r for r in found if r.emotion != "others"]
    again = read_submission(tmp_path / SPOT_THEN_RECOGNISE)
    assert [(*r.where, r.interval, r.emotion) for r in again.rows] == [
        (*r.where, r.interval, r.emotion) for r in kept
    ]
    log = read_log(tmp_path / LOG)
    assert len(log.rows) == len({(r.where, r.interval) for r in found})
    micro = report.summary()["spotting"]["micro"]
    verdicts = [line.split("\t")[-1] for line in files[LOG].splitlines()[1:]]
    assert [verdicts.count(v) for v in ("TP", "FP", "FN")] == [
        micro["tp"], micro["fp"], micro["fn"],
    ]  # fmt: skip


def test_a_log_is_matched_by_kind_and_counts_from_1():
    truth = [row(9, 18, emotion="negative"), row(100, 159, kind="macro")]
    found = [
        row(8, 17, emotion="negative", score=0.5),
        row(101, 160, kind="macro", score=0.5),
        row(9, 18, kind="macro", score=0.5),  # hits nothing of its kind
    ]
    report = report_of(truth, [("strategy-1", 0, found)], dataset="casmesq")
    assert submissions(report)[LOG] == (
        "2\na\t10\t19\t9\t18\tTP\na\t101\t160\t102\t161\tTP\na\t-\t-\t10\t19\tFP\n"
    )
    assert submissions(report)[SPOTTING] == (
        "vid,pred_onset,pred_offset,type\na,9,18,me\na,102,161,mae\na,10,19,mae\n"
    )
    assert submissions(report)[SPOT_THEN_RECOGNISE].splitlines()[1:] == ["1,a,9,18,negative"]


def test_files_that_make_no_sense_are_not_written():
    nameless = [row(8, 17, score=0.5)]
    report = report_of([row(9, 18)], [("flow-peaks", 0, nameless)])
    assert set(submissions(report)) == {SPOTTING}


def test_neutral_detections_are_handed_in_nowhere():
    found = [row(8, 17, emotion="neutral", score=0.5)]
    report = report_of(
        [row(9, 18)], [("strategy-1", 0, found)], mode="as_published", dataset="samm"
    )
    assert submissions(report) == {
        SPOTTING: "vid,pred_onset,pred_offset,type\n",
        SPOT_THEN_RECOGNISE: "subject,video,onset,offset,emotion\n",
        LOG: "1\na\t10\t19\t-\t-\tFN\n",
    }


def test_a_kind_that_is_not_given_is_micro():
    assert write_spotting(table_of([row(0, 4, kind=None)])).splitlines()[1] == "a,1,5,me"
