"""Windows and segments of rendered recordings, and which of them are kept to calibrate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mescope.io.progress import Progress
from mescope.labels import SPOTTING_CLASSES
from mescope.samples.candidate_segments import candidate_windows
from mescope.samples.disturbed_segments import disturbed
from mescope.samples.rendered import Manner, Measured, measured_recordings
from mescope.samples.spotting_kinds import RenderedRecordings
from mescope.samples.synthetic import Epoch, Windows, joined
from mescope.samples.window_labels import frame_labels, sample_windows, window_labels
from mescope.spotting.segments import SAMPLES


def measured_for(
    wanted: RenderedRecordings,
    seed: int,
    out: Path,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[Measured]:
    """Render and measure what is wanted, or read it back from ``out/measured``.

    Args:
        wanted: what to render.
        seed: of everything.
        out: folder of the run.
        jobs: processes.
        progress: called with (recordings measured, recordings in all).
    """
    folder, every = out / "measured", wanted.recordings
    both: list[list[Measured]] = []
    parts: tuple[tuple[Manner, int], ...] = (
        ("natural", wanted.natural),
        ("staged", every - wanted.natural),
    )
    for manner, count in parts:
        before = sum(map(len, both))
        some = measured_recordings(
            folder, count, seed, wanted.seconds, manner=manner, jobs=jobs,
            progress=None if progress is None else _after(progress, before, every),
        )  # fmt: skip
        both.append(list(some))
    return _alternating(*both)


def _after(progress: Progress, before: int, every: int) -> Progress:
    """Return a progress that counts on from ``before`` of ``every``."""
    return lambda done, _: progress(before + done, every)


def _alternating(a: list[Measured], b: list[Measured]) -> list[Measured]:
    """Return both lists as one in which either is spread evenly: any part holds its share."""
    places = [
        ((i + 0.5) / len(part), k, i) for k, part in enumerate((a, b)) for i in range(len(part))
    ]
    return [(a, b)[k][i] for _, k, i in sorted(places)]


def held_out(wanted: RenderedRecordings, measured: Sequence[Measured]) -> Sequence[Measured]:
    """Return the last recordings, which calibrate and are not trained on."""
    return measured[-max(1, round(len(measured) * wanted.held_out)) :]


class RenderedEpochs:
    """Epochs of windows or segments: all that hold an expression, others drawn anew."""

    def __init__(
        self, wanted: RenderedRecordings, seed: int, measured: Sequence[Measured]
    ) -> None:
        self._wanted, self._seed = wanted, seed
        if wanted.look == "candidates":
            self._every = {SAMPLES: candidate_windows(measured, copies=wanted.copies)}
        else:
            self._every = _flow_windows(measured)

    def __call__(self, epoch: int) -> Epoch:
        """Return the data of an epoch, a pure function of recipe and number."""
        rng = np.random.default_rng((self._seed, epoch))
        chosen = {}
        for length, every in self._every.items():
            rows = self._version(len(every.flow), rng)
            keep = sample_windows(every.spotting[rows], self._wanted.negative_ratio, rng)
            chosen[length] = every.take(rows[keep])
            if self._wanted.disturbed:
                chosen[length] = disturbed(chosen[length], rng)
        return Epoch(chosen)

    def _version(self, rows: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return a row for every candidate: as it was proposed, or one of its copies."""
        copies = self._wanted.copies if self._wanted.look == "candidates" else 0
        count = rows // (1 + copies)
        return rng.integers(1 + copies, size=count) * count + np.arange(count)


def _flow_windows(measured: Sequence[Measured]) -> dict[int, Windows]:
    """Return the plain windows of all recordings by their length."""
    parts: dict[int, list[Windows]] = {}
    for one in measured:
        k = one.windows.shape[2]
        spotting, classes = frame_labels(one.expressions, len(one.times), SPOTTING_CLASSES)
        cut = Windows(
            one.face,
            window_labels(spotting, k, k // 2).astype(np.float32),
            window_labels(classes, k, k // 2),
        )
        seen = np.flatnonzero(one.valid.all(axis=1))
        parts.setdefault(k, []).append(cut.take(seen))
    return {k: joined(some) for k, some in sorted(parts.items())}
