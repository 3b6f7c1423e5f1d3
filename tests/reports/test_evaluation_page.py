"""The page and the files of an evaluation: self-contained, honest about modes, never half."""

import re
from pathlib import Path

import pytest
from made_up_report import made_up_report
from page_reader import read

from mescope.errors import OutputError
from mescope.evaluation.report import Prediction
from mescope.evaluation.report_files import as_csv, from_json
from mescope.reports import save_report
from mescope.reports.evaluation_page import evaluation_page
from mescope.reports.evaluation_plots import confusion_picture, people_picture

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def report():
    return made_up_report(oracle=True)


@pytest.fixture(scope="module")
def page(report):
    return evaluation_page(report)


def test_the_page_loads_and_runs_nothing(page):
    reader = read(page)
    assert not {"script", "link", "iframe", "img", "object"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert "default-src 'none'" in page
    outside = set(re.findall(r"https?://[^\"' )]+", page))
    assert outside <= {"http://www.w3.org/2000/svg"}


def test_the_page_shows_the_figures_with_baselines_and_intervals(page, report):
    text = " ".join(" ".join(read(page).texts).split())
    summary = report.summary()
    for part in (summary["all"], *summary["datasets"].values()):
        for name in ("uf1", "uar", "accuracy"):
            assert f"{part[name]['mean']:.4f}" in text
            low, high = part[name]["interval"]
            assert f"{low:.3f}–{high:.3f}" in text
        for baseline in part["baselines"]:
            assert f"{baseline['uf1']:.4f}" in text
    assert text.count("always the most frequent class (negative)") >= 4
    assert "mode clean" in text
    assert "<title>ststnet (mode clean)" in page
    assert all(value in text for value in report.hashes.values())
    assert all(value in text for value in report.environment.values())
    assert "3, 5, 8" in text  # of the recipe


def test_numbers_can_be_read_on_every_shade_of_a_confusion_matrix(page):
    """4.5 to 1, as WCAG asks, for one ink on cells from empty to full, by day and by night."""
    drawing = confusion_picture([[9, 0], [0, 9]], ["a", "b"])
    deepest = max(float(depth) for depth in re.findall(r"opacity:([\d.]+)", drawing))
    inks = [re.findall(rf"--{name}: (#\w{{6}})", page) for name in ("ink", "soft", "cell")]
    for ink, soft, cell in (tuple(one[i] for one in inks) for i in (0, 1)):
        for depth in (0, deepest / 2, deepest):
            mixed = [a + (b - a) * depth for a, b in zip(rgb(soft), rgb(cell), strict=True)]
            dark, light = sorted((luminance(mixed), luminance(rgb(ink))))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, mixed)


def rgb(colour):
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_oracle_and_papers_stand_in_sections_of_their_own(page, report):
    ours, rest = page.split("No result: oracle best epoch on test")
    oracle, papers = rest.split("Published figures")
    figure = f"{report.summary()['oracle_best_epoch_on_test']['all']['uf1']['mean']:.4f}"
    assert figure not in ours
    assert figure in oracle
    assert "never report it as one" in oracle
    assert "0.8840" in papers
    assert "0.8840" not in ours + oracle
    assert "No result" not in evaluation_page(made_up_report())


def test_cautions_come_first():
    page = evaluation_page(made_up_report((4,), mode="as_published_htnet"))
    note = page[page.index("Please note") : page.index("Results</h2>")]
    assert "Only 1 of at least 3 seeds" in note
    assert "not comparable with clean figures" in note
    assert "mode as_published_htnet" in page
    assert "Every seed" not in page


def test_names_cannot_break_out_of_the_page():
    evil = "<script>alert(1)</script>"
    rows = [
        Prediction(person=(evil, "1"), name="a", truth=evil, predicted="b", fold="f", seed=0)
    ]
    page = evaluation_page(
        made_up_report(
            predictions=tuple(rows), classes=(evil, "b"), name=evil, warnings=(evil,)
        )
    )
    assert "<script" not in page
    read(page)


def test_a_confusion_matrix_says_shares_and_counts():
    picture = str(confusion_picture([[3, 1], [0, 0]], ("a", "b")))
    assert "a taken for b: 1 of 4" in picture
    assert ">75%<" in picture
    assert ">0%<" in picture
    many = [f"emotion number {i}" for i in range(7)]
    picture = str(confusion_picture([[1] * 7] * 7, many))
    assert picture.count("rotate(-40") == 7
    assert picture.count('class="cell"') == 49


def test_people_stand_in_order_and_in_size():
    people = [
        {"dataset": "d", "subject": s, "clips": c, "hits": h, "predictions": c,
         "accuracy": h / c}
        for s, c, h in (("good", 4, 4), ("bad", 16, 0), ("middling", 2, 1))
    ]  # fmt: skip
    picture = str(people_picture(people, {"all": 0.5}, width=300))
    names = re.findall(r"<title>d/(\w+):", picture)
    assert names == ["bad", "middling", "good"]
    places = [float(x) for x in re.findall(r'cx="([\d.]+)"', picture)]
    heights = [float(y) for y in re.findall(r'cy="([\d.]+)"', picture)]
    sizes = [float(r) for r in re.findall(r' r="([\d.]+)"', picture)]
    assert places == sorted(places)
    assert heights == sorted(heights, reverse=True)
    assert sizes[0] > sizes[2] >= sizes[1]
    assert all(0 < x < 300 for x in places)


def test_files_are_written_by_their_ending(tmp_path, report):
    for name in ("a.json", "a.csv", "a.html"):
        assert save_report(report, tmp_path / name) == tmp_path / name
    assert from_json((tmp_path / "a.json").read_text(encoding="utf-8")) == report
    assert (tmp_path / "a.csv").read_bytes().decode() == as_csv(report)
    assert (tmp_path / "a.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert {p.name for p in tmp_path.iterdir()} == {"a.json", "a.csv", "a.html"}


def test_nothing_is_overwritten_or_guessed(tmp_path, report):
    path = tmp_path / "a.json"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="exists already"):
        save_report(report, path)
    assert path.read_text(encoding="utf-8") == "mine"
    save_report(report, path, force=True)
    assert path.read_text(encoding="utf-8") != "mine"
    with pytest.raises(OutputError, match="cannot tell the format"):
        save_report(report, tmp_path / "a.pdf")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot write"):
        save_report(report, tmp_path / "file" / "a.json")
