"""From one clip to the numbers of one example, kept by content.

A feature says which frames it needs and what it makes of their aligned faces.  A cache entry
is found by the bytes of exactly those pictures and the parameters, so it survives renamed
folders and corrected tables, and a picture that changes is computed again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from mescope.datasets.base import Clip
from mescope.errors import MescopeError, OutputError, RecipeError, VideoError
from mescope.face.aligned import MARGIN, align
from mescope.face.detector import FaceFinder, Grey
from mescope.io.cache import Store
from mescope.io.json_text import json_value
from mescope.motion.flow import Flow, farneback, strain, tvl1
from mescope.motion.grey_maps import EYE_ROW, EYES_APART, TALL, cut_map, grey_maps
from mescope.samples.apex import find_apex
from mescope.samples.clip_pictures import ClipPictures, pictures_of

VERSION = 1
"""Raised whenever the same pictures would give other numbers."""

METHODS: dict[str, Callable[[Grey, Grey], Flow]] = {"tvl1": tvl1, "farneback": farneback}
"""Optical flows to choose from."""

APEX_SIDE = 112
"""Side of the aligned faces in which a missing apex is looked for, px.

Half of the usual crop: a quarter of the time, and on rendered expressions (0.5 to 1 of full
strength, noise of 2 grey levels, 50 frames/s) 0.7 frames off on average instead of 0.4."""

RIM = 8
"""Border around the aligned face, px, in which flow is measured too and then cut off: at the
edge of its pictures TV-L1 invents motion whose strain is larger than that of a smile."""

MAP_CROP = 320
"""Side of the aligned faces that grey maps are cut from, px: the maps see 204 px of it."""

SMALLEST = 16  # px: side of the smallest aligned face


@dataclass(frozen=True)
class Choice:
    """Frames to read, the onset first; ``seek`` if the apex has to be found among them."""

    frames: tuple[int, ...]
    notes: tuple[str, ...] = ()
    seek: bool = False


@dataclass(frozen=True)
class Computed:
    """An example: its values, warnings, and the apex frame if it was found (else None)."""

    values: NDArray[Any]
    notes: tuple[str, ...] = ()
    apex: int | None = None


class Feature(Protocol):
    """What can be made of a clip; ``parameters`` decide the numbers and go into JSON."""

    @property
    def name(self) -> str:
        """Return the word that names cache entries."""

    @property
    def parameters(self) -> dict[str, Any]:
        """Return what decides the numbers."""

    def choose(self, pictures: ClipPictures) -> Choice:
        """Return the frames to read; raises VideoError where too many are missing."""

    def compute(self, greys: list[Grey], choice: Choice, finder: FaceFinder) -> Computed:
        """Return the example; ``Computed.apex`` is a position in ``greys``."""


@dataclass(frozen=True)
class FlowFeature:
    """Flow from onset to apex: (3, size, size) float32 u, v, strain.

    Measured in aligned faces of ``crop`` px and averaged down to ``size`` px; u and v keep the
    unit of the measurement, px of the ``crop``; strain has none.
    """

    size: int
    crop: int
    method: str
    name: str = "flow"

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            known = ", ".join(METHODS)
            raise RecipeError(f"unknown flow method {self.method!r}; known: {known}")
        if self.crop < SMALLEST or not 1 <= self.size <= self.crop:
            raise RecipeError(
                f"expected a crop of {SMALLEST} px or more and a size from 1 to the crop, "
                f"found crop {self.crop} and size {self.size}"
            )

    @property
    def parameters(self) -> dict[str, Any]:
        """See :class:`Feature`."""
        own = {"size": self.size, "crop": self.crop, "method": self.method}
        return own | {"margin": MARGIN, "rim": RIM, "apex_side": APEX_SIDE}

    def choose(self, pictures: ClipPictures) -> Choice:
        """Return onset and apex; from onset to offset where the apex is not known.

        An apex on the onset shows no motion and counts as not known.
        """
        expression = pictures.clip.expression
        first, apex = expression.interval.first, expression.apex
        onset = pictures.nearest(first, "onset")
        note = pictures.swapped(first, onset, "onset")
        if apex is None or apex == first:
            frames = tuple(frame for frame in pictures.present() if frame >= onset)
            if len(frames) < 2:
                raise VideoError(
                    "no apex after the onset is annotated, and to look for one 2 pictures or "
                    f"more are needed, found {len(frames)}; copy the pictures again"
                )
            return Choice(frames, _some(note), seek=True)
        used = pictures.nearest(apex, "apex")
        if used <= onset:
            raise VideoError(
                "onset and apex are the same picture after missing ones were replaced; "
                "copy the pictures again"
            )
        return Choice((onset, used), _some(note, pictures.swapped(apex, used, "apex")))

    def compute(self, greys: list[Grey], choice: Choice, finder: FaceFinder) -> Computed:
        """See :class:`Feature`."""
        side = self.crop + 2 * RIM
        margin = MARGIN + (1 + 2 * MARGIN) * RIM / self.crop  # the face keeps its size
        faces, notes = align(greys, side, margin=margin, finder=finder)
        inner = slice(RIM, -RIM)
        apex = 1
        if choice.seek:
            least = min(APEX_SIDE, self.crop)
            crops = [_averaged(face[inner, inner], least) for face in faces]
            apex = find_apex(np.stack(crops)).frame
        flow = METHODS[self.method](faces[0], faces[apex])
        planes = (flow[..., 0], flow[..., 1], strain(flow))
        values = np.stack([_averaged(plane[inner, inner], self.size) for plane in planes])
        return Computed(values.astype(np.float32), notes, apex if choice.seek else None)


@dataclass(frozen=True)
class OnsetFlowFeature:
    """Flow from onset to apex with the onset frame: (3, size, size) float32.

    u and v as :class:`FlowFeature` has them, then the aligned grey onset, 0 to 1, which shows
    the same square of the face.
    """

    flow: FlowFeature
    name: str = "flow-onset"

    @property
    def parameters(self) -> dict[str, Any]:
        """See :class:`Feature`."""
        return self.flow.parameters

    def choose(self, pictures: ClipPictures) -> Choice:
        """See :meth:`FlowFeature.choose`."""
        return self.flow.choose(pictures)

    def compute(self, greys: list[Grey], choice: Choice, finder: FaceFinder) -> Computed:
        """See :class:`Feature`."""
        whole = self.flow.compute(greys, choice, finder)
        faces, notes = align(greys[:1], self.flow.crop, finder=finder)
        onset = _averaged(faces[0].astype(np.float32) / np.float32(255), self.flow.size)
        values = np.concatenate([whole.values[:2], onset[None]]).astype(np.float32)
        return Computed(values, tuple(dict.fromkeys((*whole.notes, *notes))), whole.apex)


@dataclass(frozen=True)
class MapFeature:
    """Flow from onset to apex as the published flow maps have it: (3, size, size), 0 to 255.

    Measured by ``flow``, then :mod:`mescope.motion.grey_maps`.
    """

    size: int
    flow: FlowFeature
    name: str = "flow28"

    @classmethod
    def of(cls, size: int) -> MapFeature:
        """Return maps of ``size`` px from TV-L1 flow over aligned faces of 320 px."""
        crop = max(MAP_CROP, 4 * size)
        return cls(size, FlowFeature(crop, crop, "tvl1"))

    @property
    def parameters(self) -> dict[str, Any]:
        """See :class:`Feature`."""
        cut = {"eyes_apart": EYES_APART, "eye_row": EYE_ROW, "tall": TALL}
        return self.flow.parameters | cut | {"map": self.size}

    def choose(self, pictures: ClipPictures) -> Choice:
        """See :meth:`FlowFeature.choose`."""
        return self.flow.choose(pictures)

    def compute(self, greys: list[Grey], choice: Choice, finder: FaceFinder) -> Computed:
        """See :class:`Feature`."""
        whole = self.flow.compute(greys, choice, finder)
        maps = grey_maps(cut_map(whole.values, self.size)).astype(np.float32)
        return Computed(maps, whole.notes, whole.apex)


@dataclass(frozen=True)
class FramesFeature:
    """Aligned grey faces at equal steps from onset to offset: (frames, size, size) uint8.

    Frame i of T is that nearest to ``onset + i * (offset - onset) / (T - 1)``; both ends are
    taken, and short clips repeat frames.
    """

    frames: int
    size: int
    name: str = "clips"

    def __post_init__(self) -> None:
        if self.frames < 2 or self.size < SMALLEST:
            raise RecipeError(
                f"expected 2 frames or more of {SMALLEST} px or more, found {self.frames} "
                f"frames of {self.size} px"
            )

    @property
    def parameters(self) -> dict[str, Any]:
        """See :class:`Feature`."""
        return {"frames": self.frames, "size": self.size, "margin": MARGIN}

    def choose(self, pictures: ClipPictures) -> Choice:
        """Return the frames at equal steps."""
        span = pictures.clip.expression.interval
        wanted = np.rint(np.linspace(span.first, span.last, self.frames)).astype(int)
        used = [pictures.nearest(int(frame), f"{i + 1}th") for i, frame in enumerate(wanted)]
        other = sum(a != b for a, b in zip(wanted, used, strict=True))
        note = f"{other} of {self.frames} pictures are missing, the nearest ones used"
        return Choice(tuple(used), (note,) if other else ())

    def compute(self, greys: list[Grey], choice: Choice, finder: FaceFinder) -> Computed:
        """See :class:`Feature`."""
        crops, notes = align(greys, self.size, finder=finder)
        return Computed(crops, notes)


@dataclass
class Keep:
    """The cache of one run; safe to share between threads.

    ``outdated`` and ``damaged`` count entries that were computed again; ``broken`` says why
    nothing more is kept.
    """

    folder: Path
    outdated: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    broken: str = ""

    def load(self, store: Store) -> Computed | None:
        """Return a sound entry of this version, or None."""
        arrays = store.load("clip")
        if arrays is None:
            if store.path("clip").exists():
                self.damaged.append(store.key)
            return None
        meta = json_value(arrays["meta"].tobytes())
        if meta["version"] != _version():
            self.outdated.append(store.key)
            return None
        return Computed(arrays["values"], tuple(meta["notes"]), meta["apex"])

    def save(self, store: Store, computed: Computed) -> None:
        """Keep an entry; a disk that cannot take it is noted once and then left alone."""
        if self.broken:
            return
        meta = {"version": _version(), "notes": computed.notes, "apex": computed.apex}
        text = np.frombuffer(json.dumps(meta).encode(), np.uint8)
        try:
            store.save("clip", {"values": computed.values, "meta": text})
        except OutputError as error:
            self.broken = str(error)


def make(clip: Clip, feature: Feature, finder: FaceFinder, keep: Keep | None) -> Computed | str:
    """Return the example of a clip with its apex as a frame of the clip, or what is wrong."""
    try:
        return _make(clip, feature, finder, keep)
    except (MescopeError, OSError) as error:
        return str(error)


def _make(clip: Clip, feature: Feature, finder: FaceFinder, keep: Keep | None) -> Computed:
    pictures = pictures_of(clip)
    while True:  # once more for every damaged picture that another one has to stand for
        choice = feature.choose(pictures)
        store = None
        found = None
        if keep is not None:
            identity = {
                "feature": feature.name,
                "parameters": feature.parameters,
                "pictures": pictures.digest(choice.frames),
                "seek": choice.seek,
            }
            store = Store(keep.folder, identity)
            found = keep.load(store)
        if found is None:
            greys = pictures.load(choice.frames)
            if greys is None:
                continue
            found = feature.compute(greys, choice, finder)
            if keep is not None and store is not None:
                keep.save(store, found)
        apex = None if found.apex is None else choice.frames[found.apex]
        return Computed(found.values, (*choice.notes, *found.notes), apex)


def _version() -> str:
    return f"{VERSION}, OpenCV {cv2.__version__}, dlib {dlib.__version__}"


def _averaged(plane: NDArray[Any], side: int) -> NDArray[Any]:
    """Return a plane (h, w) as (side, side), each pixel the mean of the area it covers."""
    if plane.shape == (side, side):
        return plane
    return np.asarray(cv2.resize(plane, (side, side), interpolation=cv2.INTER_AREA))


def _some(*notes: str) -> tuple[str, ...]:
    return tuple(note for note in notes if note)
