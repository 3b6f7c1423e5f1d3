"""The page of an evaluation on recordings: self-contained, honest, and proof against names."""

import re
from pathlib import Path

import pytest
from made_up_spotting import made_up_spotting, report_of, row
from page_reader import EVIL, is_closed, read, text_of

from mescope.reports import save_spotting_report
from mescope.reports.spotting_page import spotting_page
from mescope.reports.spotting_plots import people_bars

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def report():
    return made_up_spotting((0, 1, 2), people=11, macro=True)


@pytest.fixture(scope="module")
def page(report):
    return spotting_page(report)


def test_the_page_loads_and_runs_nothing(page):
    is_closed(page)


def test_the_figures_stand_with_chance_intervals_and_seeds(page, report):
    text, summary = text_of(page), report.summary()
    for method in summary["methods"].values():
        for name in ("f1", "precision", "recall", "ap"):
            assert f"{method['over'][name]['mean']:.4f}" in text
        assert f"{method['chance']['f1']:.4f}" in text
    over = summary["methods"]["strategy-1"]["over"]
    for name in ("f1", "uf1", "uar", "harmonic_f1", "strs"):
        assert f"{over[name]['mean']:.4f}" in text
        assert "95 % {:.3f}–{:.3f}".format(*over[name]["interval"]) in text
        assert f"seeds {over[name]['min']:.3f}–{over[name]['max']:.3f}" in text
    assert f"{summary['synergy']['without']['strs']:.4f}" in text
    assert page.count('<tr class="trivial"><td>  as many, at random places</td>') == 3
    assert text.count("casme3a/s") >= 11  # every person
    for at in ("0.3", "0.5", "0.7"):
        assert f"IoU {at}" in text


def test_mode_recipe_environment_and_hashes_are_named(page, report):
    text = text_of(page)
    assert "<title>me-tst-plus-small (mode clean)" in page
    assert "mode clean" in text
    assert report.truth_hash() in text
    assert all(value in text for value in report.hashes.values())
    assert all(value in text for value in report.environment.values())
    assert "mean + 0.55 (max − mean)" in text  # of the rules
    assert "2 k_p + 1 frames" in text


def test_papers_stand_apart(page):
    ours, papers = page.split("Published figures</h2>")
    assert "0.0912" not in ours
    assert "0.0912" in papers
    assert "are not ours" in papers


def test_cautions_come_first():
    page = spotting_page(
        made_up_spotting((4,), people=2, mode="as_published", left_out=3, warnings=("odd",))
    )
    note = page[page.index("Please note") : page.index("Results</h2>")]
    for said in (
        "Only 1 of at least 3 seeds", "not comparable with clean figures", "Only 2 people",
        "3 annotated expressions lie in recordings that are not there", "odd",
    ):  # fmt: skip
        assert said in note
    assert "mode as_published_metst" in page
    assert "One seed." in page


def test_macro_expressions_have_a_table_where_they_are_targets(page):
    assert "Micro- and macro-expressions" not in page
    recipe = {"data": {"kind": "recordings", "macro": True}}
    other = spotting_page(made_up_spotting((0,), people=2, macro=True, recipe=recipe))
    table = other.split("Micro- and macro-expressions</h2>")[1].split("</section>")[0]
    assert table.count("<td>macro</td>") == 6  # three methods, and chance below each


def test_a_method_that_names_no_emotion_has_no_figures_of_recognition():
    found = [("flow-peaks", 0, [row(10, 19, score=0.5)])]
    text = text_of(spotting_page(report_of([row(10, 19, emotion="negative")], found)))
    assert "UF1" not in text.split("All methods")[0]
    assert "What was taken for what" not in text
    assert "Result-level synergy" not in text.split("Published figures")[0]


def test_names_cannot_break_out_of_the_page():
    where = {"subject": EVIL, "video": EVIL}
    page = spotting_page(
        report_of(
            [row(10, 19, emotion="negative", **where)],
            [("strategy-1", 0, [row(10, 19, emotion="negative", score=0.5, **where)])],
            videos=((EVIL, EVIL),), dataset=EVIL, name=EVIL, warnings=(EVIL,),
            recipe={EVIL: EVIL},
        ),
        {(EVIL, EVIL): '"><script>'},
    )  # fmt: skip
    assert "<script" not in page
    read(page)


def test_people_stand_from_the_largest_share_found():
    people = [
        {"dataset": "d", "subject": s, "recordings": 1, "minutes": 2.0, "tp": tp, "fp": fp,
         "fn": fn}
        for s, tp, fn, fp in (("some", 1, 1, 9), ("all", 2, 0, 0), ("without", 0, 0, 1))
    ]  # fmt: skip
    picture = str(people_bars(people, width=300))
    assert re.findall(r"<title>d/(\w+):", picture) == ["all", "some", "without"]
    assert "1 of 2 found, 9 false alarms in 2.0 minutes" in picture
    heights = [float(h) for h in re.findall(r'bar-false".*?height="([\d.]+)"', picture)]
    assert heights[0] == 0
    assert heights[1] == max(heights)


def test_the_folder_of_a_run_is_whole(tmp_path, report):
    save_spotting_report(report, tmp_path, videos={report.videos[0].key: "videos/001.html"})
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "report.json", "report.html", "found.csv", "truth.csv", "submission-2023.csv",
        "submission-2025.csv", "report.tex",
    }  # fmt: skip
    assert '<a href="videos/001.html">s01/01_1</a>' in (tmp_path / "report.html").read_text()
