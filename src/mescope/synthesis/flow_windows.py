"""ROI-flow windows straight from a script, without pixels: the fast path of training.

The pixel path (portrait → video → Farneback → regions) makes some hundred frames a second; this
one makes tens of thousands, because it evaluates the displacement fields of
:mod:`mescope.synthesis.motion` on a grid over the face crop and reduces them with the same
region boxes, the same strongest-share mean and the same nose rule as
:mod:`mescope.motion.roi_flow`.  ``tests/synthesis`` holds it to the pixel path.

What stands for the optical flow is a small model of its errors (:class:`FlowErrors`): smoothing
over the 15-px window, a gain per region, noise of the reference frame (shared by a window) and
of the current frame, a response to brightness, saturation of large motion and jitter of the
landmarks.  Its ranges were set by comparing both paths on drawn faces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from mescope.face.box import CROP_SIZE, Box
from mescope.motion.regions import GLOBAL, REGIONS_18, Region, place
from mescope.motion.windows import Timing
from mescope.synthesis.dynamics import Script
from mescope.synthesis.motion import UNITS, displacement_basis, inter_ocular

Floats = NDArray[np.float64]

GRID = 4
"""Spacing of the sample grid in crop px."""

MAX_SHIFTS = 3
"""Re-crops a frame may take, as in the extraction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowErrors:
    """How measured flow differs from true motion, in px of the 320-px crop."""

    gain: Floats  # (R + 1,) share of the motion that is measured, nose last
    point_noise: float  # per grid point, current frame
    region_noise: Floats  # (R + 1,) per region, current frame
    reference_noise: Floats  # (R + 1,) per region, shared by a window
    light: Floats  # (R + 1, 2) px per unit of relative brightness change
    blink: Floats  # (R + 1, 2) px while the eyes are shut: lid and lashes reach into the boxes
    landmark_jitter: float  # px, drawn per window
    saturation: float  # px; longer vectors are compressed towards this


def draw_errors(rng: np.random.Generator, noise: float, regions: int = 18) -> FlowErrors:
    """Draw the errors of one recording; ``noise`` is the sensor noise in grey levels."""
    base = (0.03 + 0.03 * noise) * float(rng.lognormal(0.0, 0.5))
    texture = rng.lognormal(0.0, 0.35, regions + 1)
    gain = rng.uniform(0.8, 1.1, regions + 1)
    weak = rng.random(regions + 1) < 0.05  # hair, glasses, deep shadow
    gain[weak] *= rng.uniform(0.2, 0.7, int(weak.sum()))
    gain[-1] = 1.0
    return FlowErrors(
        gain=gain,
        point_noise=0.3 * base,
        region_noise=base * texture,
        reference_noise=base * texture,
        light=rng.normal(0.0, 3.0, (regions + 1, 2)),
        blink=_draw_blink(rng, regions),
        landmark_jitter=float(rng.uniform(0.3, 1.5)),
        saturation=float(rng.uniform(6.0, 12.0)),
    )


def _draw_blink(rng: np.random.Generator, regions: int) -> Floats:
    """Draw what a shut eye does to the regions around it, (R + 1, 2) px.

    On rendered faces a blink shifts brow regions by up to 1.3 px, mostly downwards and both
    sides alike, and the strips below the eyes by about half a pixel upwards.
    """
    strength = float(rng.lognormal(0.0, 0.6))
    out = rng.normal(0.0, 0.05, (regions + 1, 2))
    names = [region.name for region in REGIONS_18]
    shared = rng.normal([0.0, 0.3], [0.1, 0.4])
    for i, name in enumerate(names[:regions]):
        if name.startswith("BROW"):
            out[i] += strength * (shared + rng.normal(0.0, 0.25, 2))
        elif name.startswith("LID"):
            out[i] += strength * rng.normal([0.0, -0.4], [0.1, 0.3])
    return out


def flow_windows(
    script: Script,
    shape: Floats,
    timing: Timing,
    errors: FlowErrors,
    rng: np.random.Generator,
    *,
    regions: tuple[Region, ...] = REGIONS_18,
) -> tuple[NDArray[np.float32], Floats]:
    """Return the windows of a recording and the time of every decimated frame.

    Args:
        script: what happens.
        shape: (68, 2) landmarks at rest in px of the face crop.
        timing: window, hop, step and rate after decimation.
        errors: see :func:`draw_errors`.
        rng: noise and landmark jitter.
        regions: which regions; the order of the channels.

    Returns:
        windows (W, 2R, k) float32, px, nose removed; times (n,) seconds, n = (W + 1) * hop.
    """
    count = int(script.duration * timing.rate) // timing.hop - 1
    times = np.arange((count + 1) * timing.hop) / timing.rate
    fields = _fields(script, shape, times)
    activations = script.activations(times)
    shut = activations[:, UNITS.index("blink")] + 0.3 * activations[:, UNITS.index("gaze_down")]
    shared = np.stack([script.light(times), shut], axis=1)
    out = np.zeros((count, 2 * len(regions), timing.window), dtype=np.float32)
    for w in range(count):
        at = slice(w * timing.hop, w * timing.hop + timing.window)
        jittered = shape + rng.normal(0.0, errors.landmark_jitter, shape.shape) * 0.5
        jittered += rng.normal(0.0, errors.landmark_jitter, 2)
        boxes = [(p.inner, p.percent) for p in place(jittered, (*regions, GLOBAL))]
        out[w] = _window(fields[at], shared[at], boxes, errors, rng)
    return out, times


def _fields(script: Script, shape: Floats, times: Floats) -> NDArray[np.float32]:
    """Return the displacement of every grid point from rest, (n, rows, cols, 2) in crop px."""
    ticks = np.arange(GRID // 2, CROP_SIZE, GRID, dtype=np.float64)
    x, y = np.meshgrid(ticks, ticks)
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    side = len(ticks)
    basis = displacement_basis(shape, points).reshape(len(UNITS), side, side, 2)
    basis = uniform_filter(basis, size=(0, 15 // GRID, 15 // GRID, 0), mode="nearest")
    moved = script.activations(times).astype(np.float32) @ basis.reshape(len(UNITS), -1).astype(
        np.float32
    )
    pose = script.head(times).astype(np.float32)
    arm = (points - CROP_SIZE / 2).astype(np.float32)  # (p, 2) lever of rotation and scale
    turned = np.stack([-arm[:, 1], arm[:, 0]], axis=1)
    rigid = (
        pose[:, None, :2] * np.float32(inter_ocular(shape))
        + pose[:, 2, None, None] * turned
        + pose[:, 3, None, None] * arm
    )
    return np.asarray((moved.reshape(rigid.shape) + rigid).reshape(len(times), side, side, 2))


def _window(
    fields: NDArray[np.float32],
    shared: Floats,
    boxes: list[tuple[Box, float]],
    errors: FlowErrors,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Reduce the fields of one window (k, rows, cols, 2) to region vectors (2R, k).

    ``shared`` (k, 2) is the brightness and how far the eyes are shut.
    """
    patches = [_patch(fields, box) for box, _ in boxes]
    counts = [p.shape[1] for p in patches]
    flow = np.concatenate(patches, axis=1)  # (k, p, 2): all regions, the nose last
    flow -= flow[0].copy()
    flow -= _recrop(flow[:, -counts[-1] :].mean(axis=1))[:, None]
    length = np.einsum("kpc,kpc->kp", flow, flow)
    flow /= np.sqrt(1.0 + length / errors.saturation**2)[..., None]
    region = np.repeat(np.arange(len(counts)), counts)
    flow *= errors.gain[region, None].astype(np.float32)
    flow += errors.point_noise * rng.standard_normal(flow.shape, dtype=np.float32)
    flow += _region_errors(shared, errors, rng)[:, region]
    ends = np.cumsum(counts)
    vectors = [
        _top_mean(flow[:, end - count : end], percent)
        for end, count, (_, percent) in zip(ends, counts, boxes, strict=True)
    ]
    corrected = np.stack(vectors[:-1], axis=0) - vectors[-1]  # (R, k, 2)
    corrected[:, 0] = 0.0  # the reference frame against itself
    return corrected.transpose(0, 2, 1).reshape(-1, len(shared)).astype(np.float32)


def _region_errors(
    shared: Floats, errors: FlowErrors, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the error that all points of a region share, (k, R + 1, 2)."""
    k, regions = len(shared), len(errors.gain)
    current = rng.standard_normal((k, regions, 2)) * errors.region_noise[:, None]
    reference = rng.standard_normal((regions, 2)) * errors.reference_noise[:, None]
    change = (shared - shared[0])[:, :, None, None]  # (k, 2, 1, 1)
    known = change[:, 0] * errors.light + change[:, 1] * errors.blink
    return np.asarray(current + reference + known, dtype=np.float32)


def _patch(field: NDArray[np.float32], box: Box) -> NDArray[np.float32]:
    """Return the grid points inside ``box``, (k, p, 2); at least one."""
    rows = slice(*_ticks(box.top, box.bottom, field.shape[1]))
    cols = slice(*_ticks(box.left, box.right, field.shape[2]))
    return field[:, rows, cols].reshape(len(field), -1, 2)


def _ticks(first: int, last: int, count: int) -> tuple[int, int]:
    """Return the half-open range of grid indices whose points lie in first..last px."""
    start = min(max(0, -((GRID // 2 - first) // GRID)), count - 1)
    stop = min(count, -((GRID // 2 - last) // GRID))
    return start, max(stop, start + 1)


def _recrop(nose: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return by how much the crop has followed the head in every frame, (k, 2) whole px."""
    shifts = np.zeros_like(nose)
    shift = np.zeros(2, dtype=nose.dtype)
    for i in range(1, len(nose)):
        for _ in range(MAX_SHIFTS):
            rest = nose[i] - shift
            if float(rest @ rest) <= 1.0:
                break
            shift = shift + np.rint(rest)
        shifts[i] = shift
    return shifts


def _top_mean(patch: NDArray[np.float32], percent: float) -> NDArray[np.float32]:
    """Return the mean of the ``percent`` longest vectors of every frame, (k, p, 2) → (k, 2)."""
    patch = np.ascontiguousarray(patch)
    skip = int(patch.shape[1] * (1 - percent))
    length = np.einsum("kpc,kpc->kp", patch, patch)
    order = np.argpartition(length, min(skip, patch.shape[1] - 1), axis=1)[:, skip:]
    return np.asarray(np.take_along_axis(patch, order[:, :, None], axis=1).mean(axis=1))
