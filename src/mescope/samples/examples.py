"""Labelled examples: one input, one class and one person each, ready to be split by person."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.errors import DatasetError
from mescope.evaluation.folds import Person
from mescope.samples.mapped_rows import take
from mescope.samples.provenance import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Inputs of a model with what is known about each, all of one length n.

    ``inputs`` (n, ...) are of the type and unit that ``kind`` names, float32 or, for faces,
    uint8; ``labels`` (n,) are indices into ``classes``; ``names`` tell clips of one person
    apart.  ``origins`` say what may be tested and what may only be learned from; without them
    every example is an original.  ``parts`` are those of a published split: "train", or the
    name of a test part; without them there is none.

    Raises:
        DatasetError: lengths differ, a label is not a class, or a value is not a number.
    """

    kind: str  # "flow28", "flow", "clips", "faces", "windows"
    inputs: NDArray[Any]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    persons: tuple[Person, ...]
    names: tuple[str, ...]
    origins: tuple[Origin, ...] = ()
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lengths = {len(self.inputs), len(self.labels), len(self.persons), len(self.names)}
        lengths |= {len(found) for found in (self.origins, self.parts) if found}
        if len(lengths) != 1 or 0 in lengths:
            raise DatasetError(f"expected as many inputs as labels and names, found {lengths}")
        if self.labels.min() < 0 or self.labels.max() >= len(self.classes):
            raise DatasetError(
                f"expected labels 0 to {len(self.classes) - 1}, found "
                f"{self.labels.min()} to {self.labels.max()}"
            )
        if self.inputs.dtype == np.uint8:
            return
        bad = np.flatnonzero(~np.isfinite(self.inputs).reshape(len(self.inputs), -1).all(1))
        if len(bad):
            raise DatasetError(
                f"expected numbers, found NaN or infinity in {len(bad)} inputs, the first of "
                f"{'/'.join(self.persons[bad[0]])} {self.names[bad[0]]}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of examples of each class."""
        found = Counter(int(label) for label in self.labels)
        return {name: found[i] for i, name in enumerate(self.classes)}

    def hashes(self) -> dict[str, str]:
        """Return SHA-256 of the inputs and of what is known about them, to tell runs apart."""
        known = "\n".join(
            "\t".join((*person, name, self.classes[label]))
            for person, name, label in zip(self.persons, self.names, self.labels, strict=True)
        ) + "\n".join((*map(repr, self.origins), *self.parts))
        pixels = hashlib.sha256()
        for row in self.inputs:  # one after the other: together they may not fit into memory
            pixels.update(np.ascontiguousarray(row).data)
        return {
            "inputs": pixels.hexdigest(),
            "labels": hashlib.sha256(known.encode()).hexdigest(),
        }

    def digest(self) -> str:
        """Return one SHA-256 of all that :meth:`hashes` covers."""
        return hashlib.sha256(repr(sorted(self.hashes().items())).encode()).hexdigest()

    @property
    def tested(self) -> list[int]:
        """Return the examples that may be tested: the originals, of micro-expressions."""
        if not self.origins:
            return list(range(len(self)))
        return [i for i, origin in enumerate(self.origins) if origin.testable]

    def subset(self, items: Sequence[int]) -> Examples:
        """Return the given examples with all that is known about them, in that order."""
        inputs, labels = self.take(items)
        return replace(
            self,
            inputs=inputs,
            labels=labels,
            persons=tuple(self.persons[i] for i in items),
            names=tuple(self.names[i] for i in items),
            origins=tuple(self.origins[i] for i in items if self.origins),
            parts=tuple(self.parts[i] for i in items if self.parts),
        )

    def take(self, items: Sequence[int]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return inputs and labels of the given examples, in that order.

        Inputs that lie in a file stay there, see :class:`mescope.samples.mapped_rows.Rows`.
        """
        index = np.asarray(items, dtype=np.int64)
        return take(self.inputs, index), self.labels[index]
