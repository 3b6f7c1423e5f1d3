"""Reports as tables of pandas and of LaTeX: the figures are those of the summary."""

import io
import re

import pandas as pd
import pytest
from made_up_report import made_up_report
from made_up_spotting import report_of, row

from mescope.errors import MescopeError
from mescope.evaluation import report_tables
from mescope.evaluation.latex import clip_report, escaped, latex_table, spotting_report
from mescope.evaluation.report_files import as_csv


@pytest.fixture(scope="module")
def clips():
    return made_up_report(seeds=(0, 1), oracle=True)


@pytest.fixture(scope="module")
def recordings():
    truth = [row(10, 19, emotion="negative"), row(50, 59, subject="2", video="b")]
    found = [row(10, 18, emotion="negative", score=0.9), row(200, 220, score=0.5)]
    return report_of(
        truth, [("strategy-1", 0, found), ("flow-peaks", 0, found[:1])],
        videos=(("1", "a"), ("2", "b")), name="a_b & 50%",
    )  # fmt: skip


def test_predictions_are_those_of_the_csv(clips):
    table = clips.to_pandas()
    read = pd.read_csv(io.StringIO(as_csv(clips)), dtype={"subject": str})
    assert list(table.columns) == list(read.columns)
    pd.testing.assert_frame_equal(table, read, check_dtype=False)


def test_figures_and_people_are_those_of_the_summary(clips):
    summary = clips.summary()
    figures = clips.to_pandas("figures").set_index(["part", "metric", "answer"])
    for part in ("all", "samm"):
        known = summary["all"] if part == "all" else summary["datasets"][part]
        ours = figures.loc[part, "uf1", "model"]
        assert (ours["mean"], ours["low"], ours["high"]) == (
            known["uf1"]["mean"], *known["uf1"]["interval"]
        )  # fmt: skip
    people = clips.to_pandas("people")
    assert len(people) == 68
    assert people["clips"].sum() == 442
    assert people["n_surprise"].sum() == 2 * 83


def test_recordings_have_detections_truth_figures_and_people(recordings):
    found = recordings.to_pandas()
    assert found[["method", "onset", "offset"]].to_numpy().tolist() == [
        ["strategy-1", 10, 18], ["strategy-1", 200, 220], ["flow-peaks", 10, 18]
    ]  # fmt: skip
    assert str(found["apex"].dtype) == "Int64"
    assert recordings.to_pandas("truth")["onset"].tolist() == [10, 50]
    figures = recordings.to_pandas("figures").set_index(["method", "metric"])
    assert figures.loc[("strategy-1", "tp"), "mean"] == 1
    people = recordings.to_pandas("people")
    assert people[people["method"] == "strategy-1"]["fn"].tolist() == [0, 1]


def test_another_table_is_refused_by_name(clips, recordings):
    for report in (clips, recordings):
        with pytest.raises(MescopeError, match=r"expected a table of .*figures.*, found 'x'"):
            report.to_pandas("x")


def cells(text):
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0]
    return [line.removesuffix(r" \\").split(" & ") for line in body.strip().splitlines()]


def test_latex_has_the_numbers_of_the_text_table(clips):
    summary = clips.summary()
    found = cells(clip_report(summary))
    wanted = report_tables.headline(summary)
    assert len(found) == len(wanted)
    assert {len(line) for line in found} == {len(report_tables.heads())}
    assert found[0][3] == wanted[0][3] == f"{summary['all']['uf1']['mean']:.4f}"
    assert found[1][0].startswith(r"\textit{always the most frequent")


def test_latex_of_recordings_names_its_mode_and_escapes_its_name(recordings):
    text = spotting_report(recordings.summary())
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 2
    assert r"a\_b \& 50\%, mode clean" in text
    assert text.count("{") == text.count("}")
    for table in text.split(r"\begin{table}")[1:]:
        columns = len(re.search(r"\\begin\{tabular\}\{(l r*|lr*)\}", table)[1])
        assert {len(line) for line in cells(table)} == {columns}


def test_every_sign_that_latex_takes_for_a_command_is_escaped():
    plain = escaped("\\ & % $ # _ { } ~ ^\n")
    assert not re.search(r"(?<!\\)[&%$#_]", plain.replace(r"\textbackslash{}", ""))
    assert latex_table(("", "a"), [("x", "1_2")]).count("\\\\") == 2
