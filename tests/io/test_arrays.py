"""Arrays are read by several threads, their headers by one at a time."""

import ast
import io
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mescope.io.arrays import map_array, read_arrays
from mescope.io.cache import Store


@pytest.fixture
def inside(monkeypatch):
    """How many threads were in NumPy's reader of headers at once, in the end the most."""
    most, now, counting, plain = [0], [0], threading.Lock(), ast.literal_eval

    def watched(header):
        with counting:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.002)
        found = plain(header)
        with counting:
            now[0] -= 1
        return found

    monkeypatch.setattr(ast, "literal_eval", watched)
    return most


def test_one_thread_at_a_time_is_in_pythons_parser(inside, tmp_path):
    """Two of them end each other in Python up to 3.11.7 (CPython issue 106905)."""
    store, path = Store(tmp_path, {"a": 1}), tmp_path / "rows.npy"
    store.save("clip", {"values": np.arange(6.0), "meta": np.zeros(3, np.uint8)})
    np.save(path, np.arange(4.0))
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda _: store.load("clip"), range(24)))
        rows = list(pool.map(lambda _: map_array(path), range(24)))
    assert inside[0] == 1
    assert all((one["values"] == np.arange(6.0)).all() for one in kept)
    assert all((one == np.arange(4.0)).all() for one in rows)
    assert not rows[0].flags.writeable


def test_damage_and_objects_are_refused(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, rows=np.array([{}], object))
    with pytest.raises(ValueError, match="allow_pickle"):
        read_arrays(buffer.getvalue())
    with pytest.raises((ValueError, zipfile.BadZipFile)):
        read_arrays(buffer.getvalue()[:40])
    with pytest.raises(OSError, match="gone"):
        map_array(tmp_path / "gone.npy")
    np.save(tmp_path / "rows.npy", np.array([{}], object))
    with pytest.raises(ValueError, match="object"):
        map_array(tmp_path / "rows.npy")
