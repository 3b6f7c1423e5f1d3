"""Windows and segments of rendered recordings, and which of them are kept to calibrate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mescope.io.progress import Progress
from mescope.labels import SPOTTING_CLASSES
from mescope.samples.candidate_segments import Candidates
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
    """Epochs of windows or segments: all that hold an expression, others drawn anew.

    Args:
        wanted: what to show.
        seed: of everything.
        measured: the recordings.
        most: segments of an epoch at most, drawn among those: as many as it has use for.
        jobs: processes that propose candidates.
    """

    def __init__(
        self, wanted: RenderedRecordings, seed: int, measured: Sequence[Measured],
        *, most: int | None = None, jobs: int = 1,
    ) -> None:  # fmt: skip
        self._wanted, self._seed, self._most = wanted, seed, most
        self._candidates: Candidates | None = None
        self._windows: dict[int, Windows] = {}
        if wanted.look == "candidates":
            self._candidates = Candidates(measured, copies=wanted.copies, jobs=jobs)
        else:
            self._windows = _flow_windows(measured)

    def __call__(self, epoch: int) -> Epoch:
        """Return the data of an epoch, a pure function of recipe and number."""
        rng = np.random.default_rng((self._seed, epoch))
        if self._candidates is not None:
            return Epoch({SAMPLES: self._segments(self._candidates, rng)})
        ratio = self._wanted.negative_ratio
        return Epoch(
            {
                length: every.take(sample_windows(every.spotting, ratio, rng))
                for length, every in self._windows.items()
            }
        )

    def _segments(self, every: Candidates, rng: np.random.Generator) -> Windows:
        """Return segments, each as it was proposed or as one of its copies."""
        versions = 1 + self._wanted.copies
        count = len(every) // versions
        rows = rng.integers(versions, size=count) * count + np.arange(count)
        positive = every.positive[rows][:, None]
        rows = rows[sample_windows(positive, self._wanted.negative_ratio, rng)]
        chosen = every.cut(np.sort(rng.permutation(rows)[: self._most]))
        return disturbed(chosen, rng) if self._wanted.disturbed else chosen


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
