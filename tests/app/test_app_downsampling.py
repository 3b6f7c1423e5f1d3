"""Traces are thinned without losing a peak."""

import time

import numpy as np
import pytest

from mescope.app.downsampling import BLOCK, curves, pack, unpack
from mescope.errors import MescopeError


def made(n, series=3, seed=0, gaps=True):
    rng = np.random.default_rng(seed)
    values = rng.random((series, n)).astype(np.float32)
    if gaps and n > 50:
        values[:, 20:40] = np.nan
    return curves(np.arange(n) * 2, np.arange(n) / 30, [f"s{i}" for i in range(series)], values)


@pytest.mark.parametrize("n", [1, 7, 500, 5 * BLOCK + 3])
@pytest.mark.parametrize("points", [1, 3, 100, 1000])
def test_few_samples_equal_the_plain_way(n, points):
    whole = made(n)
    first = min(4, n - 1)
    found = whole.thinned(first, 10**9, points)
    kept = np.flatnonzero(whole.frames >= first)
    edges = np.searchsorted(whole.frames, found["frames"])
    assert list(edges[:1]) == list(kept[:1])
    ends = [*edges[1:], n]
    for i, name in enumerate(whole.names):
        for bucket, (a, b) in enumerate(zip(edges, ends, strict=True)):
            part = whole.values[i, a:b]
            low = found["series"][name]["min"][bucket]
            if np.isnan(part).all():
                assert low is None
            else:
                assert low == pytest.approx(np.nanmin(part), abs=1e-4)
                high = found["series"][name]["max"][bucket]
                assert high == pytest.approx(np.nanmax(part), abs=1e-4)
    assert len(found["frames"]) <= points


def test_one_peak_in_two_hours_stays_visible_at_any_width():
    """A zoomed-out view of 432 000 samples shows the one that matters, in its place."""
    n = 2 * 3600 * 60
    values = np.zeros((24, n), np.float32)
    values[5, 300_017] = 0.97
    whole = curves(np.arange(n), np.arange(n) / 60, [f"s{i}" for i in range(24)], values)
    for points in (10, 1000, 4000):
        found = whole.thinned(0, n, points)
        high = np.array(found["series"]["s5"]["max"])
        assert high.max() == pytest.approx(0.97)
        at = int(high.argmax())
        width = n // points
        assert abs(found["frames"][at] - 300_017) <= width + 2 * BLOCK


def test_two_hours_are_thinned_in_a_moment():
    """Wanted: 0.2 s.  The bound is generous, for a machine that is busy."""
    whole = made(2 * 3600 * 60, series=24)
    spent = []
    for first, last in ((0, 10**9), (100_000, 300_000), (10_000, 12_000)):
        start = time.process_time()
        whole.thinned(first, last, 1000)
        spent.append(time.process_time() - start)
    assert max(spent) < 1.0


def test_some_series_only_and_an_empty_stretch():
    whole = made(100)
    assert list(whole.thinned(0, 99, 10, ["s2"])["series"]) == ["s2"]
    assert whole.thinned(10**6, 10**7, 10) == {
        "frames": [], "times": [],
        "series": {f"s{i}": {"min": [], "max": []} for i in range(3)},
    }  # fmt: skip
    with pytest.raises(MescopeError, match="s0, s1, s2"):
        whole.thinned(0, 99, 10, ["other"])


def test_there_and_back(tmp_path):
    path = tmp_path / "t.npz"
    frames, times = np.arange(10), np.arange(10) / 30
    path.write_bytes(pack(frames, times, {"spotting": times * 2, "region:A": times}))
    back = unpack(path)
    assert back.names == ("spotting", "region:A")
    np.testing.assert_allclose(back.values[0], times * 2, rtol=1e-6)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut", b"text"])
def test_a_damaged_file_is_told(tmp_path, damage):
    path = tmp_path / "t.npz"
    path.write_bytes(damage)
    with pytest.raises(MescopeError, match="analyze the recording again"):
        unpack(path)
