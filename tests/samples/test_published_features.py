"""Features that others published: joined to the sheets, or refused with the reason."""

import numpy as np
import pytest
from feature_lists import casme3_sheets, pickled, samm_sheets, windows

from mescope.datasets import open_dataset
from mescope.errors import DatasetError
from mescope.events import Interval
from mescope.motion.regions import REGIONS_5, REGIONS_18
from mescope.motion.windows import Timing
from mescope.samples.feature_files import read_features
from mescope.samples.published_features import import_features

SAMM_ROWS = (  # in another order than published, and 008_1 has no micro-expression
    ("007_3_1", 50, 60, 80, True),
    ("006_1_1", 12, 20, 31, False),
    ("006_1_2", 110, 120, 141, True),
    ("007_2_1", 8, -1, 20, True),
    ("008_1_1", 3, 5, 8, False),
)
ORDER = ["006_1", "007_2", "007_3"]
COUNTS = (3, 2, 4)

CASME_ROWS = (
    ("spNO.10", "a", 300, 310, 320, "happy"),
    ("spNO.2", "B", 5, 9, 30, "disgust"),
    ("spNO.2", "b", 60, 70, 90, ""),
    ("spNO.2", "a", 40, 41, 45, "fear"),
    ("spNO.3", "c", 600, 605, 612, "others"),
    ("spNO.4", "a", 5, 6, 9, ""),
)
CASME_ORDER = ["spNO.2/a", "spNO.2/b", "spNO.3/c", "spNO.10/a"]
CASME_COUNTS = (1, 2, 24, 12)


@pytest.fixture
def samm(tmp_path):
    return samm_sheets(tmp_path / "sheets", SAMM_ROWS)


@pytest.fixture
def casme3(tmp_path):
    return casme3_sheets(tmp_path / "sheets", CASME_ROWS)


def lists(counts, k, channels=36):
    return [windows(count, k, channels, seed) for seed, count in enumerate(counts)]


def take_in(tmp_path, data, dataset, root, **options):
    files = data if isinstance(data, list) and hasattr(data[0], "suffix") else None
    files = files or [pickled(tmp_path / "features.pkl", data)]
    return import_features(files, dataset, root, tmp_path / "out", **options)


def refused(tmp_path, *given, **options):
    with pytest.raises(DatasetError) as error:
        take_in(tmp_path, *given, **options)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()
    return str(error.value)


def test_samm_long_videos_come_in_by_the_order_of_people_and_videos(samm, tmp_path):
    data = lists(COUNTS, 30)
    data[1][0][:] = 0  # no face
    found = take_in(tmp_path, data, "samm_lv", samm)
    kept, index = read_features(tmp_path / "out")
    assert [one.recording.name for one in kept] == ORDER
    assert [one.recording for one in kept] == [one.recording for one in found.recordings]
    assert (index["regions"], index["mode"]) == ("18", "as_published")
    assert "authors of ME-TST+" in index["about"]
    assert "features.pkl (sha256 " in index["about"]
    for one, given in zip(kept, data, strict=True):
        np.testing.assert_array_equal(one.windows, np.float32(given))
        assert one.windows.dtype == np.float32
        assert one.timing == Timing(30, 15, 7, 200 / 7)
        assert one.regions == tuple(region.name for region in REGIONS_18)
        np.testing.assert_array_equal(one.frames, np.arange((len(given) + 1) * 15) * 7)
        assert one.padded == 0
        assert one.recording.rate == 200
        assert one.recording.path is None
        assert one.recording.frames == (len(given) + 1) * 15 * 7
    assert kept[1].valid.tolist() == [[False] * 30, [True] * 30]
    assert kept[0].valid.all()
    first, second = kept[0].recording.expressions
    assert (first.interval, first.kind, first.apex) == (Interval(11, 30), "macro", 19)
    assert (second.interval, second.emotion) == (Interval(109, 140), "anger")
    assert kept[0].person == ("samm", "006")
    assert "007_2: 1 of 2 windows show no face" in found.remarks


def test_casme3_in_parts_and_features_of_five_regions(casme3, tmp_path):
    data = lists(CASME_COUNTS, 50, channels=10)
    parts = [pickled(tmp_path / f"p{i}.pkl", data[i : i + 2]) for i in (0, 2)]
    seen = []
    found = take_in(
        tmp_path, parts, "casme3a", casme3, progress=lambda done, n: seen.append((done, n))
    )
    total = sum(path.stat().st_size for path in parts)
    assert (seen[0], seen[-1]) == ((0, total), (total, total))
    kept, index = read_features(tmp_path / "out")
    assert [one.recording.name for one in kept] == CASME_ORDER
    assert [one.recording.subject for one in kept] == [n.split("/")[0] for n in CASME_ORDER]
    assert [len(one.windows) for one in kept] == list(CASME_COUNTS)
    assert (index["regions"], found.regions) == ("5", "5")
    assert "authors of ME-TST published" in index["about"]
    assert kept[0].regions == tuple(region.name for region in REGIONS_5)
    assert kept[0].timing == Timing(50, 25, 1, 30.0)
    assert [e.kind for e in kept[1].recording.expressions] == ["macro", "micro"]
    assert kept[1].recording.frames == 90  # two windows show 75, an expression ends at 90
    assert kept[1].used == 75
    assert kept[1].expressions(["macro"])[0].interval == Interval(59, 89)  # not cut at 74
    assert kept[0].recording.frames == 50


TOLD = (0, 2)
"""Without spNO.2 or spNO.4 the lengths could also mean a neighbour."""


@pytest.mark.parametrize("gone", range(4))
def test_the_recording_without_a_folder_is_told_by_the_lengths(tmp_path, gone):
    ends = ((1, 90), (2, 40), (3, 130), (4, 60))
    rows = [(f"spNO.{n}", "a", 5, 6, last, "fear") for n, last in ends]
    root = casme3_sheets(tmp_path / "sheets", rows)
    counts = [2, 1, 4, 1]
    wanted = [f"spNO.{n}/a" for n in (1, 2, 3, 4)]
    del counts[gone], wanted[gone]
    data = lists(counts, 50)
    if gone in TOLD:
        found = take_in(tmp_path, data, "casme3a", root)
        assert f"spNO.{gone + 1}/a was left out: the sheets name 4" in found.remarks[0]
    else:
        said = refused(tmp_path, data, "casme3a", root)
        assert f"spNO.{gone + 1}/a" in said
        assert "say which by --leave-out NAME" in said
        found = take_in(tmp_path, data, "casme3a", root, leave_out=[f"SPNO.{gone + 1}/a"])
    assert [one.recording.name for one in found.recordings] == wanted


def test_macro_expressions_and_published_counts_tell_it_where_lengths_do_not(tmp_path):
    micro = [(f"spNO.{n}", "a", 5, 6, 9, "fear") for n in (1, 2, 3)]
    macro = [("spNO.2", "a", 80, 90, 120, "")]
    root = casme3_sheets(tmp_path / "macro", [*micro, *macro])
    found = take_in(tmp_path, lists((1, 1), 50), "casme3a", root)
    assert [one.recording.name for one in found.recordings] == ["spNO.1/a", "spNO.3/a"]
    second = [(f"spNO.{n}", "a", 15, 16, 19, "fear") for n in (1, 3)]
    root = casme3_sheets(tmp_path / "counts", [*micro, *second])
    found = take_in(tmp_path, lists((1, 1), 50), "casme3a", root)
    assert [one.recording.name for one in found.recordings] == ["spNO.1/a", "spNO.3/a"]
    assert "spNO.2/a was left out" in found.remarks[0]


def test_a_list_that_fits_in_no_way_is_refused(casme3, tmp_path):
    said = refused(tmp_path, lists((1, 1, 1), 50), "casme3a", casme3)
    assert "name 4 recordings with a micro-expression, the files hold 3" in said
    assert "whichever is left out, expressions end after their recording" in said


def with_pictures(root, frames):
    """Empty files that are numbered: their names alone are read."""
    for name, count in frames.items():
        folder = root / "part_A" / name / "color"
        folder.mkdir(parents=True)
        for number in range(1, count + 1):
            (folder / f"{number}.jpg").touch()


def test_pictures_tell_lengths_and_the_missing_folder(casme3, tmp_path):
    with_pictures(casme3, {"spNO.2/a": 60, "spNO.2/b": 99, "spNO.10/a": 340})
    found = take_in(tmp_path, lists((1, 2, 12), 50), "casme3a", casme3)
    assert [one.recording.frames for one in found.recordings] == [60, 99, 340]
    assert "spNO.3/c was left out" in found.remarks[0]


def test_features_whose_lengths_are_not_those_of_the_pictures_are_refused(casme3, tmp_path):
    with_pictures(casme3, {"spNO.2/a": 60, "spNO.2/b": 99, "spNO.10/a": 340})
    said = refused(tmp_path, lists((1, 3, 24, 12), 50), "casme3a", casme3)
    assert "spNO.2/b has 99 pictures, but 3 windows, which show frames 0 to 99" in said


def test_an_expression_after_the_end_is_refused(casme3, tmp_path):
    said = refused(tmp_path, lists((1, 2, 2, 12), 50), "casme3a", casme3)
    assert "spNO.3/c has an expression at frame 611, but 2 windows" in said


@pytest.mark.parametrize("count", [2, 4])
def test_counts_that_differ_are_both_named(samm, tmp_path, count):
    said = refused(tmp_path, lists([3] * count, 30), "samm-lv", samm)
    assert "name 3 recordings with a micro-expression (79 as published)" in said
    assert f"the files hold {count}" in said


def test_only_a_recording_that_is_there_can_be_left_out(samm, tmp_path):
    said = refused(tmp_path, lists(COUNTS, 30), "samm-lv", samm, leave_out=["008_1"])
    assert "to leave out, found 008_1; they are called such as 006_1" in said


def test_trimmed_videos_end_where_they_end(tmp_path):
    rows = (("006_1_1", 10, 20, 400, True), ("006_1_2", 500, 510, 520, False))
    root = samm_sheets(tmp_path / "sheets", rows, emotions=False)
    found = take_in(tmp_path, lists((1,), 30), "samm-lv", root)
    (one,) = found.recordings
    assert one.recording.frames == 44 * 7
    assert [e.interval for e in one.recording.expressions] == [Interval(9, 44 * 7 - 1)]
    told = " ".join(found.remarks)
    assert "a macro-expression from frame 499 on lies after the end" in told
    assert "1 of 1 micro-expressions have no emotion" in told


def one(k=30, channels=36, count=3):
    return lists((count, 2, 4), k, channels)


def changed(change):
    data = one()
    change(data)
    return data


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (one(k=31), "expected an even number of frames, 30 for SAMM Long Videos, found 31"),
        (one(k=50), "found 50; are they those of casme3a?"),
        (one(k=40), "expected 30 frames for SAMM Long Videos, found 40"),
        (one(channels=12), "expected 36 or 10 channels, found 12 in (12, 30)"),
        (one(k=36, channels=30), "it seems to be turned round"),
        (changed(lambda d: d[1].__setitem__(0, d[1][0][:10])), "found (36, 30); the file"),
        (changed(lambda d: d.__setitem__(2, windows(4, 30, 10))), "36 channels as in the"),
        (changed(lambda d: d[0][2].__setitem__((3, 4), np.nan)), "recording 1 of 3, window 3:"),
        (changed(lambda d: d[0][1].__setitem__((3, 4), 1e300)), "window 2: expected finite"),
        (changed(lambda d: d[2].clear()), "recording 3 of 3: expected windows, found none"),
        (changed(lambda d: d[2].__setitem__(0, np.ones(30))), "float64, found float64 (30,)"),
        (changed(lambda d: d[0].__setitem__(0, np.ones((36, 30), "i4"))), "int32 (36, 30)"),
        (changed(lambda d: d[0].__setitem__(0, 3.5)), "a float as item 1 of an inner list"),
        (changed(lambda d: d[0].__setitem__(0, np.array([{}]))), "objects, which could be"),
        (changed(lambda d: d.__setitem__(0, "006_1")), "a str where an inner list should be"),
        ({"006_1": one()[0]}, "the pickle step EMPTY_DICT"),
        ([], "expected recordings, found an empty list"),
    ],
)  # fmt: skip
def test_what_is_no_such_list_is_named(samm, tmp_path, data, says):
    path = pickled(tmp_path / "features.pkl", data)
    assert says in refused(tmp_path, [path], "samm-lv", samm)


def test_parts_of_several_kinds_are_refused(casme3, tmp_path):
    parts = [
        pickled(tmp_path / "1.pkl", lists((1, 2), 50)),
        pickled(tmp_path / "2.pkl", lists((24, 12), 50, 10)),
    ]
    said = refused(tmp_path, parts, "casme3a", casme3)
    assert "2.pkl, recording 1 of 2: expected 36 channels" in said


def test_other_data_sets_and_missing_sheets(tmp_path):
    assert "published for casme3a and samm-lv, found 'casme2'" in refused(
        tmp_path, one(), "casme2", tmp_path
    )
    assert "no annotation table" in refused(tmp_path, one(), "samm-lv", tmp_path)


def test_an_import_that_fails_leaves_what_was_there(samm, tmp_path):
    take_in(tmp_path, one(), "samm-lv", samm)
    with pytest.raises(DatasetError):
        take_in(tmp_path, one()[:2], "samm-lv", samm)
    assert len(read_features(tmp_path / "out")[0]) == 3


def test_data_sets_without_such_sheets_say_so(tmp_path):
    with pytest.raises(DatasetError, match="CASME II cannot be read by its sheets alone"):
        open_dataset("casme2", tmp_path, sheets_only=True)
