"""Own clips for every recogniser: what was annotated in recordings, cut out of them."""

from __future__ import annotations

import numpy as np
import pytest
from clip_sets import FixedFinder, shifted, texture, write

from mescope.datasets import read
from mescope.errors import DatasetError
from mescope.samples.clip_samples import clip_examples, flow_examples
from mescope.synthesis.encode import write_video
from mescope.video.reading import open_video

PLACES = (0, 0, 0.5, 1.0, 1.5, 1.0, 0.4, 0)
SMALL = {"labels": "3-class", "jobs": 1}


def table(root, text):
    header = "recording,subject,onset,apex,offset,kind,emotion,rate\n"
    (root / "expressions.csv").write_text(header + text, encoding="utf-8")


def film(path, pictures, rate=50):
    colours = np.repeat(np.stack(pictures)[..., None], 3, 3)
    write_video(open_video(colours, rate=rate), path)


@pytest.fixture
def own(tmp_path):
    """Clips in folders of pictures, no list of recordings; one of them starts at 101."""
    for i, first in enumerate((0, 101)):
        pictures = [shifted(texture(i), x) for x in PLACES]
        write(tmp_path / f"p{i}" / "clip", pictures, first=first)
    table(
        tmp_path,
        "p0/clip,anna,1,4,6,micro,happy,200\np1/clip,ben,1,4,6,micro,Surprise,200\n",
    )
    return tmp_path


def test_folders_of_pictures_are_clips(own):
    dataset = read("folder", own)
    assert dataset.problems == ()
    examples, problems = flow_examples(dataset, finder=FixedFinder(), crop=64, **SMALL)
    assert problems == ()
    assert examples.persons == (("folder", "anna"), ("folder", "ben"))
    assert [examples.classes[i] for i in examples.labels] == ["positive", "surprise"]
    # both moved to the right from onset to apex, whatever their first number is
    assert (examples.inputs[:, 0].mean((1, 2)) > 0.2).all()
    assert np.abs(examples.inputs[:, 1]).mean() < 0.1


def test_a_video_gives_what_its_pictures_give(tmp_path):
    """Two expressions of one recording are two clips of one person, named by their frames."""
    pictures = [shifted(texture(3), x) for x in (*PLACES, *PLACES)]
    film(tmp_path / "long.mp4", pictures)
    write(tmp_path / "same", pictures, first=7)
    table(
        tmp_path,
        "long,anna,1,4,6,micro,sadness,\nlong,anna,9,12,14,micro,surprise,\n"
        "same,ben,1,4,6,micro,sadness,50\nsame,ben,9,,14,micro,surprise,50\n"
        "long,anna,0,,7,macro,happy,\n",
    )
    dataset = read("folder", tmp_path)
    examples, problems = flow_examples(dataset, finder=FixedFinder(), crop=64, **SMALL)
    assert examples.names == ("long 1-6", "long 9-14", "same 1-6", "same 9-14")
    told = " | ".join(map(str, problems))
    assert "1 macro-expressions are no clips" in told
    assert "no apex after the onset" in told  # of one of the four: it is looked for
    whole, _ = clip_examples(dataset, finder=FixedFinder(), size=64, frames=4, **SMALL)
    filmed, folder = whole.inputs[:2], whole.inputs[2:]
    assert np.abs(filmed - folder).mean() < 0.02


def test_the_cache_knows_frames_and_files_apart(tmp_path):
    """Clips of one file differ by their frames; another file of that name is another clip."""
    pictures = [shifted(texture(3), x) for x in (*PLACES, *(3 * x for x in PLACES))]
    film(tmp_path / "a.mp4", pictures)
    table(tmp_path, "a,anna,1,4,6,micro,sadness,\na,anna,9,12,14,micro,surprise,\n")
    options = SMALL | {"size": 64, "frames": 4, "cache": tmp_path / "cache"}
    import mescope.samples.clip_samples as samples

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "default_finder", FixedFinder)
        first = clip_examples(read("folder", tmp_path), **options).examples.inputs
        again = clip_examples(read("folder", tmp_path), **options).examples.inputs
        assert (first == again).all()
        assert np.abs(first[0] - first[1]).mean() > 0.01
        film(tmp_path / "a.mp4", [255 - p for p in pictures])
        other = clip_examples(read("folder", tmp_path), **options).examples.inputs
    assert np.abs(first - other).mean() > 0.1


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("p0/clip,anna,1,4,6,macro,happy,200\n", "found none that can be used in 1 recordings"),
        ("p0/clip,anna,1,4,6,micro,,200\n", "no emotion"),
        ("p0/clip,anna,1,4,6,micro,joyous,200\n", "no clip has a class"),
    ],
)
def test_what_gives_no_clip_is_said(own, rows, said):
    table(own, rows)
    with pytest.raises(DatasetError, match=said):
        flow_examples(read("folder", own), finder=FixedFinder(), crop=64, **SMALL)
