"""The motion between two frames of a face, and the same magnified, by a network or plainly."""

from __future__ import annotations

import math
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from mescope.analysis.recognition import check_frames, flow_of
from mescope.errors import VideoError, WeightsError
from mescope.face.aligned import align
from mescope.models.ammsm import Ammsm
from mescope.moved import renamed
from mescope.results import MagnifiedMotion
from mescope.samples.clip_kinds import SIDE
from mescope.samples.one_clip import OneClip
from mescope.training.recognizer import TrainedRecognizer
from mescope.training.recognizers import load_recognizer
from mescope.video.reading import Video, open_video

__getattr__ = renamed(__name__, {"Motion": "mescope.results.MagnifiedMotion"})


def magnified_motion(
    source: str | Path | NDArray[np.uint8] | Video,
    onset: int,
    apex: int,
    *,
    factor: float = 1.0,
    model: str | Path | None = None,
    rate: float | None = None,
) -> MagnifiedMotion:
    """Measure the flow from ``onset`` to ``apex`` and magnify it.

    Args:
        source: a file, a folder of numbered pictures, an array (n, H, W[, 3]) or a Video.
        onset: first frame, from 0.
        apex: last frame, from 0.
        factor: of the magnification, above 0.
        model: weights of AMMSM whose U-Net magnifies; flow is multiplied without.
        rate: frames per second of a folder or array.

    Raises:
        VideoError: a frame is not there, the frames are not in order, or the factor is not
            above 0.
        FaceError: no face in the onset frame, or too small.
        WeightsError: no such weights, or without a magnifier of u and v.
    """
    if not (math.isfinite(factor) and factor > 0):
        raise VideoError(f"expected a factor above 0, found {factor:g}; 1 changes nothing")
    recognizer, simulated = (None, False) if model is None else _magnifying(model)
    video = source if isinstance(source, Video) else open_video(source, rate=rate)
    check_frames(video, [onset, apex])
    clip = OneClip(video, onset, apex)
    size = SIDE if recognizer is None else recognizer.prepare.size
    made = flow_of(clip, size)
    pictures, notes = align(clip.pair, SIDE)
    flow = np.asarray(made.values[:2], np.float32)
    more: tuple[str, ...] = ()
    magnified = flow * np.float32(factor)
    if recognizer is not None:
        magnified, more = _by_network(recognizer, flow, factor)
    if simulated:
        more = (*more, f"the weights {Path(str(model)).stem} saw simulated faces only")
    return MagnifiedMotion(
        source=video.name,
        onset=onset,
        apex=apex,
        factor=factor,
        by="plain scaling" if model is None else Path(model).stem,
        pictures=pictures,
        flow=flow,
        magnified=magnified,
        warnings=tuple(dict.fromkeys((*video.warnings, *made.notes, *notes, *more))),
    )


def _magnifying(name: str | Path) -> tuple[TrainedRecognizer, bool]:
    """Return what magnifies, and whether it saw simulated faces only."""
    recognizer, card = load_recognizer(name)
    config = recognizer.model.config if isinstance(recognizer.model, Ammsm) else None
    if config is None or not config.magnify or config.channels != 2:
        raise WeightsError(
            f"expected weights of AMMSM with a magnifier of u and v, found {card.model}; leave "
            "the model out to scale plainly"
        )
    return recognizer, card.simulated


def _by_network(
    recognizer: TrainedRecognizer, flow: NDArray[np.float32], factor: float
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return flow (2, s, s) as the U-Net magnifies it, in the unit it came in, with notes."""
    preparation = recognizer.prepare
    note: tuple[str, ...] = ()
    if preparation.in_px:
        slope = np.array(preparation.slope[:2], np.float32)
    else:  # grey maps are scaled clip by clip and to deviation 1; px have no other way there
        slope = np.full(2, 1.0 / max(float(flow.std()), 1e-6), np.float32)
        note = ("the model learned from grey maps; flow was brought to deviation 1 for it",)
    slope = slope[:, None, None]
    model = cast(Ammsm, recognizer.model)
    model.eval()
    with torch.no_grad():
        out = model.magnify(torch.from_numpy(flow * slope)[None], factor)[0].numpy()
    return np.asarray(out / slope, np.float32), note
