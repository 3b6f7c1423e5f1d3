"""recordings.csv beside your own videos, and what mescope writes read back."""

from __future__ import annotations

import pytest
from layouts import picture

from mescope.datasets import read
from mescope.errors import DatasetError
from mescope.events import Interval
from mescope.synthesis.corpus import write_corpus


def messages(problems):
    return " | ".join(map(str, problems))


@pytest.fixture
def root(tmp_path, video_bytes):
    root = tmp_path / "own"
    root.mkdir()
    (root / "film.mp4").write_bytes(video_bytes)
    (root / "quiet.mp4").write_bytes(video_bytes)
    for n in range(10, 40):
        picture(root / "pictures" / f"img{n}.png", n)
    (root / "expressions.csv").write_text(
        "recording,onset,offset,kind\nfilm,3,9,micro\npictures,5,12,micro\n"
    )
    return root


def test_folders_of_pictures_and_recordings_without_expressions(root):
    (root / "recordings.csv").write_text(
        "file,subject,rate\nfilm.mp4,anna,50\npictures,ben,25\nquiet.mp4,anna,\n"
    )
    dataset = read("folder", root)
    assert dataset.errors == ()
    found = {r.name: r for r in dataset.recordings}
    assert found["pictures"].expressions[0].interval == Interval(5, 12)
    assert (found["pictures"].rate, found["pictures"].frames) == (25.0, 30)
    assert found["quiet"].expressions == ()
    assert dataset.subjects == ("anna", "ben")
    assert dataset.seconds["pictures"][0].onset == pytest.approx(0.2)


def test_capitals_in_its_header_do_not_count(root):
    (root / "recordings.csv").write_text(
        "File, Subject ,RATE\nfilm.mp4,anna,50\npictures,anna,25\n"
    )
    dataset = read("folder", root)
    assert {(r.name, r.subject, r.rate) for r in dataset.recordings} == {
        ("film", "anna", 50.0), ("pictures", "anna", 25.0)
    }  # fmt: skip
    assert "subject" not in messages(dataset.problems)


@pytest.mark.parametrize(
    ("one", "other"), [("Anna", "anna"), ("006", "6"), ("Zo\u00eb", "Zoe\u0308"), ("s06", "S6")]
)
def test_one_name_in_two_spellings_is_told(root, one, other):
    text = f"file,subject,rate\nfilm.mp4,{one},50\npictures,{other},25\n"
    (root / "recordings.csv").write_text(text, encoding="utf-8")
    told = messages(read("folder", root).warnings)
    assert "count as 2 people, but their names differ in capitals" in told
    assert one in told
    (root / "recordings.csv").write_text(text.replace(other, "ben"), encoding="utf-8")
    assert "count as 2" not in messages(read("folder", root).warnings)


def test_recordings_of_nobody_are_told(root):
    (root / "recordings.csv").write_text("file,rate\npictures,25\n")
    told = messages(read("folder", root).warnings)
    assert "2 recordings have no subject and count as a person each (film, pictures)" in told
    (root / "recordings.csv").write_text("file,subject,rate\npictures,ben,25\n")
    assert "1 recordings have no subject" in messages(read("folder", root).warnings)


def test_people_of_another_data_set_stay_its_people(root):
    """Clips made of a data set must not count as other people than their originals."""
    (root / "recordings.csv").write_text(
        "file,subject,rate,dataset\npictures,spNO.1,25,casme3a\nfilm.mp4,anna,50,\n"
    )
    found = {r.name: (r.dataset, r.subject) for r in read("folder", root).recordings}
    assert found == {"pictures": ("casme3a", "spNO.1"), "film": ("folder", "anna")}


def test_without_it_folders_that_the_table_names_are_read(root):
    dataset = read("folder", root)
    found = {r.name: r.rate for r in dataset.recordings}
    assert found == {"film": pytest.approx(50), "pictures": 30.0}
    assert dataset.errors == ()
    assert "1 folders of pictures have no rate, 30 frames a second" in messages(
        dataset.warnings
    )


def test_the_table_itself_may_say_the_rate(root):
    """Another layout: a folder for each person, names with points, nothing but one table."""
    for n in range(4):
        picture(root / "p1" / "clip_1.5" / f"a-{n}.jpg", n)
        picture(root / "p2" / "clip_1.5" / f"a-{n}.jpg", n)
    (root / "p2" / "portrait.jpg").write_bytes(b"no number, no recording")
    (root / "expressions.csv").write_text(
        "recording,onset,offset,kind,fps\np1/clip_1.5,0,3,micro,200\n"
        "p2/clip_1.5,1,2,micro,100\nfilm,3,9,micro,\npictures,5,12,micro,zero\n"
        "quiet,3,9,micro,0\nclip_1.5,0,1,micro,\n"
    )
    dataset = read("folder", root)
    found = {r.name: (r.rate, r.frames) for r in dataset.recordings if r.name != "film"}
    assert found == {"p1/clip_1.5": (200.0, 4), "p2/clip_1.5": (100.0, 4)}
    told = messages(dataset.errors)
    assert "rate is 'zero': expected a number" in told
    assert "rate is '0': expected frames a second, above 0" in told
    assert "'clip_1.5' fits several" in told


def test_rows_that_make_no_sense(root):
    (root / "recordings.csv").write_text(
        "file,subject,rate\npictures,ben,\n../film.mp4,x,25\n/etc,x,25\naway.mp4,x,25\n"
        "pictures,ben,nan\npictures,ben,fast\n,x,25\n"
    )
    told = messages(read("folder", root).errors)
    assert "row 2: pictures: a folder of pictures needs a rate above 0" in told
    assert "row 3: expected a path below the folder, found '../film.mp4'" in told
    assert "row 4: expected a path below the folder" in told
    assert "row 5: there is no away.mp4" in told
    assert "row 6: pictures: a folder of pictures needs a rate" in told
    assert "row 7: pictures: a folder of pictures needs a rate" in told
    assert "row 8: expected a path below the folder, found ''" in told


def test_another_table_of_that_name_is_told(root):
    (root / "recordings.csv").write_text("name;rate\n")
    assert "expected the columns file, subject" in messages(read("folder", root).warnings)
    (root / "recordings.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="expected UTF-8"):
        read("folder", root)


@pytest.mark.slow
def test_a_rendered_corpus_comes_back(tmp_path):
    """What mescope writes itself: videos, truth.csv and recordings.csv."""
    written = write_corpus(tmp_path / "corpus", 2, 3, duration=8.0, levels=["calm"])
    dataset = read("folder", tmp_path / "corpus")
    assert dataset.errors == ()
    corpus = {r.name: r for r in written}
    assert {r.name for r in dataset.recordings} == set(corpus)
    for recording in dataset.recordings:
        wanted = corpus[recording.name]
        assert (recording.subject, recording.frames) == (wanted.subject, wanted.frames)
        assert [e.interval for e in recording.expressions] == [
            e.interval for e in wanted.expressions
        ]
        assert [e.emotion for e in recording.expressions] == [
            e.emotion for e in wanted.expressions
        ]
