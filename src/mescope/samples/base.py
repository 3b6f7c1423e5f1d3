"""What a kind of samples is, and the registry of them.

A kind of samples is the ``[data]`` table of a recipe that asks for it: its fields decide how
samples are made of a data set, and how raw samples become what a network sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.annotations.problems import Problem
from mescope.datasets.base import Dataset
from mescope.errors import RecipeError
from mescope.registry import Registry
from mescope.samples.examples import Examples
from mescope.samples.one_clip import OneClip
from mescope.samples.preparation import Preparation
from mescope.samples.provenance import Origin


class Prepared(NamedTuple):
    """Examples, and all that was left out or is odd about them."""

    examples: Examples
    problems: tuple[Problem, ...]


class Expected(NamedTuple):
    """What is known about samples before they are made."""

    labels: NDArray[np.int64]  # (n,), indices into classes
    classes: tuple[str, ...]
    origins: tuple[Origin, ...] = ()  # of faces


@dataclass(frozen=True, kw_only=True)
class SampleKind:
    """One kind of samples, and what a recipe wants of it.

    Attributes:
        kind: its name in :data:`SAMPLES`.
        simulated: made without any data set, so of nobody.
        annotated: made of recordings that people annotated.
        flow_maps: maps of flow, which may be mirrored and moved.
        reads: what a reader may have returned, to make them of.
        preparation: how raw samples of the kind become what a network sees.
    """

    kind: ClassVar[str] = ""
    simulated: ClassVar[bool] = False
    annotated: ClassVar[bool] = False
    flow_maps: ClassVar[bool] = False
    reads: ClassVar[tuple[type, ...]] = (Dataset,)
    preparation: ClassVar[type[Preparation]] = Preparation

    def examples(
        self,
        dataset: Any,
        *,
        labels: str,
        cache: Path | None = None,
        jobs: int | None = None,
        progress: Any = None,
    ) -> Prepared:
        """Return the samples of a data set.

        Args:
            dataset: what a reader returned, one of ``reads``.
            labels: a label set of :mod:`mescope.labels`.
            cache: folder for what is computed from pictures; None keeps nothing.
            jobs: threads or processes; one per core by default.
            progress: called with clips done and clips in all.

        Raises:
            RecipeError: samples of this kind are not made of data sets.
            DatasetError: no clip can be used.
        """
        raise RecipeError(f"samples of the kind {self.kind!r} are not made of data sets")

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape (c, ...) of a raw sample.

        Raises:
            RecipeError: the kind does not say.
        """
        raise RecipeError(f"the kind {self.kind!r} does not say what shape its samples have")

    def expected(self, dataset: Any, labels: str) -> Expected:
        """Return what is known of the samples of a data set before a picture is opened.

        Of simulated samples before one is drawn; there is no data set then.

        Raises:
            RecipeError: samples of this kind are not made of data sets.
            DatasetError: no clip can be used.
        """
        raise RecipeError(f"samples of the kind {self.kind!r} are not made of data sets")

    def drawn(self, seed: int | tuple[int, ...], count: int = 0) -> Examples | None:
        """Draw simulated samples, ``count`` or as many as the table says; None if real ones."""
        return None

    def simulated_like(self, count: int, seed: int) -> Examples | None:
        """Draw simulated samples to learn beside real ones; None if there are none alike."""
        return None

    def real(self) -> SampleKind:
        """Return the kind of real clips that is like this one, to score weights on."""
        return self

    def measure(self, inputs: NDArray[Any]) -> Preparation:
        """Return how samples (n, c, ...) are prepared; statistics are those of ``inputs``."""
        return self.preparation(
            data=self.kind,
            size=int(inputs.shape[-1]),
            channels=inputs.shape[1],
            slope=(1.0,) * inputs.shape[1],
            shift=(0.0,) * inputs.shape[1],
        )

    @classmethod
    def of_one(
        cls, preparation: Preparation, clip: OneClip
    ) -> tuple[NDArray[Any], tuple[str, ...]]:
        """Return the one sample (1, c, ...) of an expression whose frames are known, and notes.

        Raises:
            RecipeError: there is no way to make one.
        """
        raise RecipeError(f"no single sample of the kind {cls.kind!r} can be made of a video")


SAMPLES: Registry[type[SampleKind]] = Registry(
    "kind of samples", "mescope.samples", RecipeError
)
"""Every kind of samples, by the name that ``[data] kind`` asks for it."""


def channel_statistics(
    inputs: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and the deviation of every channel of inputs (n, c, ...)."""
    axes = (0, *range(2, inputs.ndim))
    deviation = np.maximum(inputs.std(axes, dtype=np.float64), 1e-12)
    return inputs.mean(axes, dtype=np.float64), deviation
