"""Two evaluations side by side: only of the same data, modes apart, traces above each other."""

from pathlib import Path

import pytest
from made_up_report import made_up_report
from made_up_spotting import keep_traces, made_up_spotting, report_of, row
from page_reader import EVIL, is_closed, read, text_of

from mescope.errors import DatasetError
from mescope.evaluation.report_files import as_json
from mescope.reports import comparison_page as pages
from mescope.reports import save_spotting_report
from mescope.reports.comparison_page import Compared, comparison_page, read_runs
from mescope.training.evaluate_recordings import traces_of

HERE = Path(__file__).parent


def kept(report, folder):
    save_spotting_report(report, folder)
    keep_traces(report, folder, traces_of(folder))
    return folder / "report.json"


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    same = {"people": 3, "each": 1}
    return {
        "small": kept(made_up_spotting((0,), recipe={"epochs": 3}, **same), root / "small"),
        "large": kept(
            made_up_spotting((4,), recipe={"epochs": 50}, hashes={"data": "b"}, **same),
            root / "large",
        ),
        "theirs": kept(made_up_spotting((0,), mode="as_published", **same), root / "theirs"),
        "others": kept(made_up_spotting((0,), people=2, each=1), root / "others"),
    }


def test_traces_stand_above_each_other_with_the_truth(paths):
    runs = read_runs([paths["small"], paths["large"]])
    page = comparison_page(runs)
    is_closed(page)
    text = text_of(page)
    assert "different measurements of the recordings (data hashes differ)" in text
    assert "epochs 3 50" in text
    assert page.count('<article class="compared">') == 3
    drawing = page[page.index('viewBox="0 0 940') :]
    drawing = drawing[: drawing.index("</svg>")]
    first, second = drawing.split('<text class="title"')[1:]
    for part, name in ((first, "small"), (second, "large")):
        assert f">{name}, network, with result-level synergy (mode clean)<" in part
        assert 'class="score"' in part
        assert 'class="line neutral"' in part
    assert drawing.count('class="mark truth micro') == 3
    assert "some traces are not" not in text


def test_modes_never_share_a_table(paths):
    page = comparison_page(read_runs([paths["small"], paths["theirs"]]))
    clean, published = page.split("mode as_published_metst</span>")
    assert "small: network" in clean
    assert "theirs: network" not in clean.split('<article class="compared">')[0]
    assert "theirs: network" in published
    assert "not comparable with clean figures" in page


def test_other_data_are_refused(paths):
    with pytest.raises(DatasetError, match="different recordings or annotations"):
        comparison_page(read_runs([paths["small"], paths["others"]]))
    with pytest.raises(DatasetError, match="expected two reports"):
        comparison_page(read_runs([paths["small"]]))
    with pytest.raises(DatasetError, match="found 'small' twice"):
        read_runs([paths["small"], paths["small"]])


def test_reports_on_clips_are_refused_with_what_to_do(tmp_path):
    clips = tmp_path / "report.json"
    clips.write_text(as_json(made_up_report((0,))), encoding="utf-8")
    with pytest.raises(DatasetError, match=r"found 'mescope-evaluation'; .* leave --html out"):
        read_runs([clips])


def test_runs_without_traces_are_compared_in_figures(paths, tmp_path):
    alone = tmp_path / "alone" / "report.json"
    alone.parent.mkdir()
    alone.write_bytes(paths["large"].read_bytes())
    page = comparison_page(read_runs([paths["small"], alone]))
    assert "Of 3 some traces are not in the folders of the runs." in text_of(page)
    assert "alone: network" in page


def test_only_the_most_different_recordings_are_drawn(paths, monkeypatch):
    monkeypatch.setattr(pages, "MOST", 1)
    page = comparison_page(read_runs([paths["small"], paths["large"]]))
    assert page.count('<article class="compared">') == 1
    assert "2 more are not" in text_of(page)


def test_names_cannot_break_out(tmp_path):
    where = {"subject": EVIL, "video": EVIL}
    found = [row(10, 19, emotion="negative", score=0.5, **where)]
    report = report_of(
        [row(10, 19, emotion="negative", **where)], [("strategy-1", 0, found)],
        videos=((EVIL, EVIL),), dataset=EVIL, name=EVIL, warnings=(EVIL,),
        recipe={EVIL: EVIL},
    )  # fmt: skip
    keep_traces(report, tmp_path, traces_of(tmp_path))
    page = comparison_page({EVIL: Compared(report, tmp_path), "b": Compared(report, tmp_path)})
    assert "<script" not in page
    read(page)
