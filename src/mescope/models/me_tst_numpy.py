"""ME-TST+ without PyTorch: what ``mescope analyze`` asks of the shipped spotting weights.

PyTorch takes longer to import than a recording of some seconds takes to be measured, and the
network of the shipped weights is small.  So its forward pass is here once more, for weights
that come with mescope, on a CPU, in NumPy with the compiled scan.  The definition is
:mod:`mescope.models.me_tst`, to which tests hold this within 1e-5; other files, folds, cards,
training and ``MESCOPE_SCAN`` go by PyTorch.

Letters for shapes: b windows, t frames, d width, n states.  Everything is float32.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.io.cores import cores
from mescope.models.card import Card
from mescope.models.checksum import checksum
from mescope.models.weight_files import list_weights

Array = NDArray[np.float32]

BATCH = 32
"""Windows that a thread takes at a time; results do not depend on it."""

_ALONE = 250_000
"""Multiplications that NumPy's library (OpenBLAS) does on one thread: larger products it shares
among threads, which then wait for each other ten times as long as one of them takes."""

_EPS = 1e-5  # of batch and layer norms


def scorer(path: Path, card: Card) -> MeTstScorer | None:
    """Return the network of shipped weights; None where PyTorch has to be asked.

    That is with weights of other kinds, files that are not shipped or were damaged (PyTorch's
    way says how), without Numba, and where ``MESCOPE_SCAN`` names an implementation.
    """
    mine = path in list_weights().values() and card.model == "me-tst-plus-small"
    if not mine or os.environ.get("MESCOPE_SCAN"):
        return None
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
        from mescope.ops import scan_kernels
    except (OSError, SafetensorError, ImportError):
        return None
    if checksum(card, tensors) != card.sha256:
        return None
    return MeTstScorer(tensors, card.config, scan_kernels.forward)


class MeTstScorer:
    """A trained ME-TST+ of mode ``clean``, two trunks and no norm after laterals.

    Args:
        tensors: of its state, by name.
        config: fields of :class:`~mescope.models.me_tst.MeTstPlusConfig`.
        scan: the kernel ``mescope.ops.scan_kernels.forward``.
    """

    def __init__(
        self, tensors: Mapping[str, NDArray[Any]], config: Mapping[str, Any], scan: Any
    ) -> None:
        self._of, self._scan = tensors, scan
        self._blocks, self._layers = config["blocks"], config["layers"]

    def __call__(self, windows: NDArray[np.float32]) -> tuple[Array, Array]:
        """Return the score (W, k), 0 to 1, and the logits (W, k, c) of windows (W, 2R, k)."""
        batches = [windows[at : at + BATCH] for at in range(0, len(windows), BATCH)]
        with ThreadPoolExecutor(cores(), "mescope-model") as pool:
            parts = list(pool.map(self._score, batches))
        spotting, emotion = zip(*parts, strict=True)
        return np.concatenate(spotting), np.concatenate(emotion)

    def _score(self, flow: Array) -> tuple[Array, Array]:
        x: Array = np.ascontiguousarray(flow.transpose(0, 2, 1), np.float32)  # (b, t, channels)
        for conv, norm in (("stem.0", "stem.1"), ("stem.3", "stem.4")):
            x = np.maximum(self._batch_norm(self._conv(x, conv), norm), 0.0)
        spotted, named = (self._trunk(x, f"trunks.{k}") for k in range(2))
        logits = self._linear(spotted, "spotting_head")[..., 0]
        return _sigmoid(logits), self._linear(named, "emotion_head")

    def _trunk(self, x: Array, name: str) -> Array:
        """Return the joined paths of (b, t, d), (b, t, 3d)."""
        fast, slow = x, self._conv(x, f"{name}.to_slow", stride=2)
        for i in range(self._blocks):
            for k in range(self._layers):
                fast = self._layer(fast, f"{name}.fast.{i}.{k}")
                slow = self._layer(slow, f"{name}.slow.{i}.{k}")
            slow = slow + self._conv(fast, f"{name}.laterals.{i}", stride=2)
        return np.concatenate([fast, _doubled(slow)[:, : x.shape[1]]], axis=-1)

    def _layer(self, x: Array, name: str) -> Array:
        mixed = self._mixer(self._layer_norm(x, f"{name}.norm_in"), f"{name}.mixer")
        return x + self._layer_norm(mixed, f"{name}.norm_out")

    def _mixer(self, u: Array, name: str) -> Array:
        """Mix (b, t, d) along time, as :class:`mescope.models.layers.MambaMixer`."""
        x, z = np.split(self._linear(u, f"{name}.in_proj"), 2, axis=-1)
        x = _silu(self._causal(x, f"{name}.conv1d"))
        rates = self._of[f"{name}.A_log"]
        n = rates.shape[1]
        parts = self._linear(x, f"{name}.x_proj")
        step, B, C = np.split(parts, [parts.shape[-1] - 2 * n, parts.shape[-1] - n], axis=-1)
        delta = _softplus(self._linear(step, f"{name}.dt_proj"))
        y, kept = np.empty_like(x), np.empty((len(x), 0, n, x.shape[-1]), np.float32)
        state = np.zeros((len(x), x.shape[-1], n), np.float32)
        inputs = (x, delta, -np.exp(rates)[None], B, C, self._of[f"{name}.D"][None], state)
        held = [np.ascontiguousarray(one) for one in inputs]
        self._scan(*held, y, kept, 0, len(x), 0, x.shape[-1])
        return self._linear(y * _silu(z), f"{name}.out_proj")

    def _linear(self, x: Array, name: str) -> Array:
        out = _times(x, self._of[f"{name}.weight"])
        bias = self._of.get(f"{name}.bias")
        return out if bias is None else out + bias

    def _conv(self, x: Array, name: str, stride: int = 1) -> Array:
        """Convolve (b, t, c) over three frames, one zero at each end."""
        weight, frames = self._of[f"{name}.weight"], x.shape[1]  # (out, c, 3)
        padded = np.pad(x, ((0, 0), (1, 1), (0, 0)))
        taps = (_times(padded[:, k : k + frames : stride], weight[:, :, k]) for k in range(3))
        out: Array = sum(taps, self._of[f"{name}.bias"])
        return out

    def _causal(self, x: Array, name: str) -> Array:
        """Convolve every channel of (b, t, d) with the frames before."""
        weight, frames = self._of[f"{name}.weight"][:, 0], x.shape[1]  # (d, taps)
        taps = weight.shape[1]
        padded = np.pad(x, ((0, 0), (taps - 1, 0), (0, 0)))
        shifted = (padded[:, k : k + frames] * weight[:, k] for k in range(taps))
        out: Array = sum(shifted, self._of[f"{name}.bias"])
        return out

    def _layer_norm(self, x: Array, name: str) -> Array:
        centred = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + np.float32(_EPS))
        out: Array = centred / spread * self._of[f"{name}.weight"] + self._of[f"{name}.bias"]
        return out

    def _batch_norm(self, x: Array, name: str) -> Array:
        mean, var = self._of[f"{name}.running_mean"], self._of[f"{name}.running_var"]
        scale = self._of[f"{name}.weight"] / np.sqrt(var + np.float32(_EPS))
        out: Array = (x - mean) * scale + self._of[f"{name}.bias"]
        return out


def _times(x: Array, weight: Array) -> Array:
    """Return x (b, t, d) times a weight (e, d), (b, t, e), in products of ``_ALONE``."""
    x, weight = np.ascontiguousarray(x), weight.T
    wide = max(1, _ALONE // (x.shape[1] * x.shape[2]))
    parts = [
        np.matmul(x, np.ascontiguousarray(weight[:, k : k + wide]))
        for k in range(0, weight.shape[1], wide)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)


def _sigmoid(x: Array) -> Array:
    half = np.float32(0.5)
    out: Array = half * (np.float32(1.0) + np.tanh(half * x))
    return out


def _softplus(x: Array) -> Array:
    out: Array = np.maximum(x, np.float32(0.0)) + np.log1p(np.exp(-np.abs(x)))
    return out


def _silu(x: Array) -> Array:
    return x * _sigmoid(x)


def _doubled(x: Array) -> Array:
    """Interpolate (b, t, c) linearly to twice its frames, none beyond the ends."""
    before = np.concatenate([x[:, :1], x[:, :-1]], axis=1)
    after = np.concatenate([x[:, 1:], x[:, -1:]], axis=1)
    near, far = np.float32(0.75), np.float32(0.25)
    both: Array = np.stack([near * x + far * before, near * x + far * after], axis=2)
    return both.reshape(len(x), -1, x.shape[-1])
