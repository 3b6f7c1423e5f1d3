"""Anybody's detections as a report: the public log of MDMD on CAS(ME)^2."""

from pathlib import Path

import pytest

from mescope.errors import DatasetError
from mescope.evaluation.interval_table import Row, table_of
from mescope.evaluation.megc import read_files
from mescope.evaluation.scores import score
from mescope.evaluation.spotting_from_tables import report_from_tables
from mescope.events import Interval
from mescope.reports.spotting_page import spotting_page

SHARED = Path(__file__).parents[3] / "shared" / "data"
LOG, TRUTH = (SHARED / f"megc2020_cas_me2_{name}.txt" for name in ("mdmd_log", "truth"))


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.skipif(not LOG.exists(), reason="../shared is not there")
def test_the_public_log_of_mdmd_is_counted_by_the_report_as_by_hand():
    found, truth = read_files(LOG, TRUTH)
    report = report_from_tables(found, truth, name=LOG.name, rate=30.0)
    figures = report.summary()["methods"]["tables"]
    # 16 frames and fewer last half a second at most: what the challenge calls micro
    short = [row for row in found.rows if len(row.interval) <= 16]
    by_hand = score(table_of(short, list(truth.videos)), truth).counts["micro"]
    seed = figures["per_seed"][0]
    assert (seed["tp"], seed["fp"], seed["fn"]) == (by_hand.tp, by_hand.fp, by_hand.fn)
    assert by_hand.tp == 21
    assert seed["tp"] + seed["fn"] == 57
    page = spotting_page(report)
    assert "megc2020_cas_me2_mdmd_log" in page
    assert "What each fold decided" not in page
    assert "chance lies anywhere up to the last frame" in page


def row(first, last, kind=None, video="a"):
    return Row(subject="1", video=video, interval=Interval(first, last), kind=kind)


def test_length_decides_where_no_kind_is_given():
    truth = table_of([row(0, 9, "micro"), row(50, 99, "macro")])
    report = report_from_tables(
        table_of([row(0, 9), row(50, 99), row(20, 99, "micro")]), truth, name="x", rate=30.0
    )
    assert [r.kind for r in report.runs[0].native] == ["micro", "macro", "micro"]
    seed = report.summary()["methods"]["tables"]["per_seed"][0]
    assert (seed["tp"], seed["fp"], seed["macro_f1"]) == (1, 1, 1.0)


def test_unknown_videos_and_rates_are_refused():
    truth = table_of([row(0, 9, "micro")])
    with pytest.raises(DatasetError, match="in tested videos"):
        report_from_tables(table_of([row(0, 9, video="b")]), truth, name="x", rate=30.0)
    with pytest.raises(DatasetError, match="rate above 0"):
        report_from_tables(truth, truth, name="x", rate=0.0)
