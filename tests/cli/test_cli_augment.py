"""``mescope augment rsmix``: rendered videos in, readable clips out, and every refusal."""

import csv
import json

import pytest

from mescope.datasets import read
from mescope.synthesis.corpus import write_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = tmp_path_factory.mktemp("corpus") / "films"
    write_corpus(root, 2, 3, duration=6.0, rate=25, levels=["calm"], micro_per_minute=20)
    return root


def test_rendered_videos_become_clips_of_the_same_people(run, corpus, tmp_path):
    out = tmp_path / "mixed"
    words = ("augment", "rsmix", "folder", "--root", corpus, "-o", out, "--size", "56")
    status, shown, told = run(*words)
    assert status == 0
    assert shown == f"{out}\n"
    assert "expressions skipped" in told
    with (out / "log.csv").open() as file:
        log = list(csv.DictReader(file))
    originals = read("folder", corpus)
    assert len(log) == sum(len(r.expressions) for r in originals.recordings)
    back = read("folder", out)
    assert back.errors == ()
    assert len(back.recordings) == sum(bool(row["clip"]) for row in log) > 0
    assert set(back.subjects) <= set(originals.subjects)
    assert {r.dataset for r in back.recordings} == {"synthetic"}  # mixed, and still rendered
    kept = {p: p.stat().st_mtime_ns for p in out.iterdir()}
    status, shown, told = run(*words, "--json")  # nothing is left to do
    assert status == 0
    assert "finished before and is kept" in told
    assert {p: p.stat().st_mtime_ns for p in out.iterdir()} == kept
    counts = json.loads(shown)
    assert counts["clips"] == len(back.recordings)
    assert counts["clips"] + counts["skipped"] == len(log)
    status, _, told = run(*words, "--control")
    assert status == 1
    assert "holds another run: control differ" in told


REFUSED = {
    "data set": (["casme4"], 1, "no data set 'casme4'"),
    "root": (["folder", "--root", "nowhere"], 1, "found none at nowhere"),
    "mask": (["folder", "--mask", "all"], 1, "mask to be one of frame, union, found 'all'"),
    "smoothing": (
        ["folder", "--smoothing", "x"],
        1,
        "smoothing to be one of median5, clip, none",
    ),
    "table": (["folder", "--au-table", "x"], 1, "table to be one of clean, as_published"),
    "size": (["folder", "--size", "8"], 2, "size"),
    "annotations": (["folder", "--table", "no.csv"], 1, "no.csv"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_run_is_one_line(case, run, here, corpus):
    words, status, message = REFUSED[case]
    root = [] if "--root" in words else ["--root", corpus]
    found, shown, told = run("augment", "rsmix", *words, *root, "-o", here / "out")
    assert found == status
    assert message in told
    assert shown == ""
    assert len(told.strip().splitlines()) == 1
    assert not (here / "out").exists()


def test_no_word_after_augment_is_wrong_usage(run):
    status, shown, told = run("augment")
    assert status == 2
    assert "rsmix" in shown + told
