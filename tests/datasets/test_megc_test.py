"""The test videos of MEGC: two parts, their rates, and no truth."""

from __future__ import annotations

import layouts
import pytest

from mescope.datasets import read
from mescope.datasets.usability import usability
from mescope.errors import DatasetError


def write(root, folders):
    for folder in folders:
        for n in range(1, 4):
            layouts.picture(root / folder / f"{folder.rsplit('/')[-1]}_{n:05d}.jpg", n)
    return root


@pytest.mark.parametrize(
    "folders",
    [
        ("SAMM_Test_cropped/001_2", "SAMM_Test_cropped/003_7", "CAS_Test_cropped/dzw_a1"),
        ("samm_data/001_2", "samm_data/003_7", "openface_cas3align/dzw_a1"),
        ("a/001_2", "a/003_7", "b/dzw_a1"),  # by the videos' own names
    ],
)
def test_both_parts(tmp_path, folders):
    dataset = read("megc-test", write(tmp_path / "test", folders))
    found = [(r.name, r.subject, r.rate, r.frames) for r in dataset.recordings]
    assert found == [
        ("samm/001_2", "samm-001", 200.0, 3),
        ("samm/003_7", "samm-003", 200.0, 3),
        ("cas/dzw_a1", "cas-dzw", 30.0, 3),
    ]
    assert not any(r.expressions for r in dataset.recordings)
    assert dataset.errors == ()
    assert "analysed, not scored" in " ".join(map(str, dataset.warnings))
    assert usability(dataset).startswith("usable for analysis only (3 recordings of 3 people)")


def test_the_videos_of_2022(tmp_path):
    root = write(tmp_path / "MEGC2022_testSet", ("SAMM_Test/sub01", "CAS_Test/sub01"))
    assert [r.rate for r in read("megc-test", root).recordings] == [200.0, 30.0]
    (root / "SAMM_Test").rename(root / "first")
    with pytest.raises(DatasetError, match="nothing says whether first/sub01 is of SAMM"):
        read("megc-test", root)


def test_nothing_there(tmp_path):
    with pytest.raises(
        DatasetError, match="no folders of pictures nor videos such as SAMM_Test"
    ):
        read("megc-test", tmp_path)
