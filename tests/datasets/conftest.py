"""Data sets in their real layout, with invented numbers and grey pictures."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path

import av
import layouts
import numpy as np
import pytest

WriteCsv = Callable[..., Path]


@pytest.fixture
def casme2_root(tmp_path: Path) -> Path:
    return layouts.write_casme2(tmp_path / "CASME II")


@pytest.fixture
def samm_root(tmp_path: Path) -> Path:
    return layouts.write_samm(tmp_path / "SAMM")


@pytest.fixture(scope="session")
def video_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A film of 100 grey frames at 50 frames per second."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=50)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for i in range(100):
            grey = np.full((32, 32, 3), i, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)
    return path.read_bytes()


@pytest.fixture
def own_root(tmp_path: Path, video_bytes: bytes) -> Path:
    """A folder with the videos a.mp4 and b/c.mp4."""
    root = tmp_path / "my videos äö"
    (root / "b").mkdir(parents=True)
    (root / "a.mp4").write_bytes(video_bytes)
    (root / "b" / "c.MP4").write_bytes(video_bytes)
    return root


@pytest.fixture
def write_csv() -> WriteCsv:
    def write(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Path:
        with path.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(columns)
            writer.writerows(rows)
        return path

    return write
