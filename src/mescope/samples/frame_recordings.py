"""Flow maps of every frame of rendered recordings, for SOFTNet and MEAN; measured once, kept.

As :mod:`mescope.samples.rendered`, with :mod:`mescope.motion.frame_maps` in place of windows.
Ten hours of maps do not fit into memory (30 s of 30 frames a second are 9.5 MB); an hour does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from mescope.events import Expression, Interval
from mescope.io.cache import Store
from mescope.io.json_text import json_value
from mescope.ranges import Share
from mescope.samples.base import SAMPLES, SampleKind
from mescope.samples.checks import Hours, Ratio, Seconds, positive, shares
from mescope.samples.frame_kinds import FramePairs
from mescope.samples.pair_labels import pair_classes, pair_labels
from mescope.samples.rendered import staged_recording

if TYPE_CHECKING:
    from mescope.motion.frame_maps import Method, Style
    from mescope.video.source import Video

VERSION = 1
"""Raised when rendering, extraction or what is kept of it changes."""


@SAMPLES.register("rendered-frames")
@dataclass(frozen=True, kw_only=True)
class RenderedFrames(FramePairs, SampleKind):
    """Flow maps of the frames of rendered recordings, for networks that score frames.

    The last ``held_out`` share of the recordings, of other identities, is not trained on: it
    chooses the floor.
    """

    kind: ClassVar[str] = "rendered-frames"
    simulated: ClassVar[bool] = True

    hours: Hours = 1.0
    seconds: Seconds = 30.0  # of every recording
    held_out: Share = 0.15
    negative_ratio: Ratio = 5.0  # pairs without an expression per pair with one

    def __post_init__(self) -> None:
        super().__post_init__()
        shares(self, "held_out")
        positive(self, "hours", "seconds", "negative_ratio")

    @property
    def recordings(self) -> int:
        """Return how many recordings are rendered."""
        return max(2, round(self.hours * 3600 / self.seconds))

    @property
    def held(self) -> int:
        """Return how many of them are held out, the last ones."""
        return max(1, round(self.recordings * self.held_out))


@dataclass(frozen=True)
class FrameRecording:
    """The maps of one recording, and what was planted.

    ``maps`` (m, 3, 42, 42) float16 and ``valid`` (m,) of the pairs i, i + k_p; ``frames`` of
    the recording; ``expressions`` in decimated frames, of the kind that is learned.
    """

    number: int
    rate: float
    k: int
    frames: int
    maps: NDArray[np.float16]
    valid: NDArray[np.bool_]
    expressions: tuple[Expression, ...]

    def labels(self) -> NDArray[np.float32]:
        """Return the label of every pair, (m,)."""
        return pair_labels(self.expressions, self.frames, self.k)[: len(self.maps)]

    def classes(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return the emotion of every pair, (m,), -1 without one."""
        return pair_classes(self.expressions, self.frames, self.k, names)[: len(self.maps)]


def frame_recordings(
    wanted: RenderedFrames,
    seed: int,
    out: Path,
    *,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[FrameRecording]:
    """Render and measure what is wanted, or read it back from ``out/frames``.

    Raises:
        OutputError: the folder cannot be written.
    """
    folder = (out / "frames").absolute()  # processes may have another working directory
    missing = [
        n for n in range(wanted.recordings)
        if not _store(folder, wanted, seed, n).path("maps").exists()
    ]  # fmt: skip
    done = wanted.recordings - len(missing)
    for _ in Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(keep)(folder, wanted, seed, number) for number in missing
    ):
        done += 1
        if progress is not None:
            progress(done, wanted.recordings)
    return [_kept(folder, wanted, seed, number) for number in range(wanted.recordings)]


def keep(folder: Path, wanted: RenderedFrames, seed: int, number: int) -> None:
    """Render, measure and keep one recording."""
    from mescope.synthesis.timecourse import truth

    video = staged_recording((seed, number), wanted.seconds)
    one = measured_frames(video, wanted, number, lambda times: truth(video.script, times))
    about = {"rate": one.rate, "k": one.k, "frames": one.frames}
    text = json.dumps(about | {"expressions": [asdict(e) for e in one.expressions]})
    _store(folder, wanted, seed, number).save(
        "maps",
        {"maps": one.maps, "valid": one.valid, "about": np.frombuffer(text.encode(), np.uint8)},
    )


def measured_frames(
    video: Video,
    wanted: RenderedFrames,
    number: int,
    truth: Callable[[NDArray[np.float64]], Sequence[Expression]],
) -> FrameRecording:
    """Return the maps of a recording; ``truth`` gives its expressions in frames of times."""
    from mescope.motion.frame_maps import SIZE, frame_maps
    from mescope.motion.roi_flow import extract

    flow = extract(video, jobs=1, overlap="thin", cache=None)
    k = wanted.distance(flow.timing.rate)
    parts = list(
        frame_maps(
            video, flow, k, style=cast("Style", wanted.style),
            method=cast("Method", wanted.flow), jobs=1,
        )
    )  # fmt: skip
    maps = [part.values.astype(np.float16) for part in parts]
    frames = (len(flow.windows) + 1) * flow.timing.hop - flow.padded
    return FrameRecording(
        number,
        flow.timing.rate,
        k,
        frames,
        np.concatenate([np.empty((0, 3, SIZE, SIZE), np.float16), *maps]),
        np.concatenate([np.empty(0, bool), *(part.valid for part in parts)]),
        tuple(e for e in truth(flow.times) if e.kind == wanted.expressions),
    )


def _kept(folder: Path, wanted: RenderedFrames, seed: int, number: int) -> FrameRecording:
    store = _store(folder, wanted, seed, number)
    arrays = store.load("maps")
    if arrays is None:  # damaged since
        keep(folder, wanted, seed, number)
        arrays = store.load("maps")
        assert arrays is not None
    about: dict[str, Any] = json_value(arrays["about"].tobytes())
    planted = tuple(
        Expression(
            **e | {"interval": Interval(**e["interval"])}
            | {"action_units": tuple(e["action_units"])}
        )
        for e in about.pop("expressions")
    )  # fmt: skip
    return FrameRecording(
        number, maps=arrays["maps"], valid=arrays["valid"], expressions=planted, **about
    )


def _store(folder: Path, wanted: RenderedFrames, seed: int, number: int) -> Store:
    from mescope.motion.roi_flow import VERSIONS

    identity = {
        name: getattr(wanted, name)
        for name in ("style", "flow", "expressions", "half_s", "seconds")
    }
    more = {"frames": VERSION, "extraction": VERSIONS["clean"], "seed": seed, "number": number}
    return Store(folder, identity | more)
