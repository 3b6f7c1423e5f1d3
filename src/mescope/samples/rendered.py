"""Recordings that are rendered, measured by the real extraction, and kept.

What a network learns from must fail as flow fails on a real face: lips that part, heads that
turn, codecs that freeze skin.  So the pixels are rendered and everything after them is what a
user's recording goes through.  That is slow (about a tenth of real time on one core), so every
recording is kept; whoever stops loses one recording at most.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from mescope.events import Expression, FaceEvent, Interval, expression_of
from mescope.io.cache import Store
from mescope.io.json_text import json_value
from mescope.io.progress import Progress
from mescope.motion.head_motion import steady
from mescope.motion.regions import REGIONS_18
from mescope.spotting.displacement import displacement
from mescope.spotting.face_shape import shape_traces

if TYPE_CHECKING:
    from mescope.synthesis.render import SyntheticVideo

VERSION = 2
"""Raised when rendering, extraction or what is kept of it changes."""


@dataclass(frozen=True)
class Measured:
    """What the extraction saw of one rendered recording, and what was planted.

    ``windows`` (W, 2R, k) float16 with the motion of the head still in them, ``valid`` (W, k),
    ``boxes`` (W, 4), ``landmarks`` (W, 68, 2) and ``points`` (n, 68, 2) as in
    :class:`~mescope.motion.roi_flow.RoiFlow`; ``times`` (n,) seconds.  Truth is in decimated
    frames.
    """

    number: int
    rate: float
    windows: NDArray[np.float16]
    valid: NDArray[np.bool_]
    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    points: NDArray[np.float32]
    times: NDArray[np.float64]
    expressions: tuple[Expression, ...]
    events: tuple[FaceEvent, ...]

    @cached_property
    def face(self) -> NDArray[np.float32]:
        """Return ``windows`` without the motion of the head: what a user's analysis gets."""
        return steady(self.windows, self.boxes, self.landmarks, [r.name for r in REGIONS_18])

    @cached_property
    def motion(self) -> NDArray[np.float64]:
        """Return the chained displacement (n, 2R), px of the face crop; nan without a face."""
        return displacement(self.face, self.windows.shape[2] // 2, self.valid)

    @cached_property
    def shape(self) -> NDArray[np.float64]:
        """Return the shape traces (n, columns), px of the face crop; nan without a face."""
        return shape_traces(self.points, self.rate)


KEPT = ("windows", "valid", "boxes", "landmarks", "points", "times")

Manner = Literal["natural", "staged"]
"""How a recording comes about: ``natural`` as lively and as badly filmed as real ones are
(:func:`mescope.synthesis.recorded.rendered_recording`), or ``staged``: a sitter who keeps
rather still, at the levels of :data:`mescope.synthesis.dynamics.LEVELS`, with many expressions
from faint to strong, a fifth of them under a blink."""

STRENGTHS = (0.15, 5.5)
"""Peaks of staged expressions; 1 is about 2.7 px of the face crop."""


def measured_recordings(
    folder: Path,
    count: int,
    seed: int,
    seconds: float,
    *,
    manner: Manner = "natural",
    jobs: int = 1,
    progress: Progress | None = None,
) -> Iterator[Measured]:
    """Yield recordings 0 to ``count`` - 1, rendering those that the folder lacks.

    Args:
        folder: of the kept measurements; made if need be.
        count: number of recordings.
        seed: of everything.
        seconds: of every recording.
        manner: how they come about.
        jobs: processes.
        progress: called with (recordings there, count).

    Raises:
        OutputError: the folder cannot be written.
    """
    folder = folder.absolute()  # processes may have another working directory
    store = _store(folder, seed, seconds, manner)
    missing = [n for n in range(count) if not store.path(f"{n:06d}").exists()]
    there = count - len(missing)
    if progress is not None:
        progress(there, count)
    work = Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(keep)(folder, number, seed, seconds, manner) for number in missing
    )
    for _ in work:
        there += 1
        if progress is not None:
            progress(there, count)
    for number in range(count):
        arrays = store.load(f"{number:06d}")
        if arrays is None:  # damaged since
            keep(folder, number, seed, seconds, manner)
            arrays = store.load(f"{number:06d}")
        if arrays is not None:
            yield _unpacked(number, arrays)


def keep(
    folder: Path, number: int, seed: int, seconds: float, manner: Manner = "natural"
) -> None:
    """Render, measure and keep one recording."""
    measured = measure(number, seed, seconds, manner)
    truth = {
        "rate": measured.rate,
        "expressions": [asdict(e) for e in measured.expressions],
        "events": [asdict(e) for e in measured.events],
    }
    text = np.frombuffer(json.dumps(truth).encode(), dtype=np.uint8)
    arrays = {name: getattr(measured, name) for name in KEPT}
    _store(folder, seed, seconds, manner).save(f"{number:06d}", {**arrays, "truth": text})


def measure(number: int, seed: int, seconds: float, manner: Manner = "natural") -> Measured:
    """Render recording ``number`` and measure it as any recording is measured."""
    from mescope.motion.roi_flow import extract
    from mescope.synthesis.recorded import rendered_recording
    from mescope.synthesis.timecourse import truth, truth_events

    if manner == "natural":
        video = rendered_recording((seed, number), seconds)
    else:
        video = staged_recording((seed, number), seconds)
    flow = extract(video, head="nose", jobs=1, cache=None)  # its motion can go out at any time
    rate = flow.timing.rate
    return Measured(
        number,
        rate,
        flow.windows.astype(np.float16),
        flow.valid,
        flow.boxes,
        flow.landmarks,
        flow.points,
        flow.times,
        truth(video.script, flow.times),
        truth_events(video.script, flow.times),
    )


def staged_recording(seed: tuple[int, ...], seconds: float) -> SyntheticVideo:
    """Return a recording of a drawn person who keeps rather still; see :data:`Manner`."""
    from mescope.synthesis.dynamics import LEVELS, random_script
    from mescope.synthesis.recorded import draw_sitter
    from mescope.synthesis.render import SyntheticVideo

    rng = np.random.default_rng((*seed, 1))
    sitter = draw_sitter(rng)
    level = list(LEVELS)[int(rng.integers(len(LEVELS)))]
    still = float(rng.random() > 1 / 8)
    script = random_script(
        rng, seconds, level=level,
        micro_per_minute=12.0 * still, macro_per_minute=6.0 * still,
        peaks=STRENGTHS, blinks_over=0.2,
    )  # fmt: skip
    return SyntheticVideo(sitter, script, 30.0)


def _store(folder: Path, seed: int, seconds: float, manner: Manner = "natural") -> Store:
    from mescope.motion.roi_flow import VERSIONS

    extraction = VERSIONS["clean"]
    identity = {"rendered": VERSION, "extraction": extraction, "seed": seed}
    return Store(folder, identity | {"seconds": seconds, "manner": manner})


def _unpacked(number: int, arrays: dict[str, NDArray[Any]]) -> Measured:
    truth = json_value(arrays.pop("truth").tobytes())
    return Measured(
        number=number,
        rate=truth["rate"],
        expressions=tuple(map(expression_of, truth["expressions"])),
        events=tuple(
            FaceEvent(**{**e, "interval": Interval(**e["interval"])}) for e in truth["events"]
        ),
        **arrays,
    )
