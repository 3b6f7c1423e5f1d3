"""Measured recordings as a folder: what is written comes back, what is damaged is refused."""

import json

import numpy as np
import pytest
from made_up_recordings import made_up, people

from mescope.errors import DatasetError
from mescope.samples.feature_files import INDEX, read_features, write_features


def test_what_is_written_comes_back(tmp_path):
    some = [made_up("1", (4, 9, "positive"), (20, 40, None, "macro"), step=7), *people(2)]
    write_features(tmp_path, some, regions="18", about="made up")
    back, index = read_features(tmp_path)
    assert (index["regions"], index["about"]) == ("18", "made up")
    assert [one.recording for one in back] == [one.recording for one in some]
    for one, other in zip(some, back, strict=True):
        np.testing.assert_array_equal(other.windows, one.windows)
        assert (other.timing, other.regions, other.mode) == (one.timing, one.regions, one.mode)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"version": 1}', "is damaged"),
        ('{"version": 9, "region_names": [], "mode": "clean", "recordings": []}', "version 1"),
        (
            '{"version": 1, "region_names": [], "mode": "clean", "recordings": [{"a": 1}]}',
            "is damaged",
        ),
    ],
)
def test_a_damaged_index_is_refused(tmp_path, text, message):
    (tmp_path / INDEX).write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_features(tmp_path)


def test_a_missing_folder_and_damaged_arrays_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="import-features"):
        read_features(tmp_path / "none")
    write_features(tmp_path, people(1), regions="18", about="")
    files = sorted(tmp_path.glob("*.cache"))
    files[1].write_bytes(files[1].read_bytes()[:-5])
    with pytest.raises(DatasetError, match="00/v1 are missing or damaged"):
        read_features(tmp_path)
    assert json.loads((tmp_path / INDEX).read_text())["version"] == 1
