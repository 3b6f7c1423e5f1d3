"""Samples that a data set will give, by its annotations alone: no picture is opened.

What a training would take can then be said before hours of reading.  Clips that turn out to be
damaged, and mixed copies that cannot be made, are counted here: it is the most there can be.
"""

from __future__ import annotations

import numpy as np

from mescope.annotations.problems import Problem
from mescope.datasets.base import Dataset
from mescope.datasets.clips import Findings
from mescope.errors import DatasetError
from mescope.labels import classes_for
from mescope.samples.base import Expected
from mescope.samples.clip_samples import clips_with_class
from mescope.samples.face_names import class_of_face
from mescope.samples.face_pixels import FaceClips
from mescope.samples.provenance import Origin, Role


def expected_clips(dataset: Dataset, labels: str) -> Expected:
    """Return what the clips of a data set are that have a class of a label set.

    Raises:
        DatasetError: there are none.
    """
    classes, _, chosen = clips_with_class(dataset, labels, Findings(dataset.name))
    return Expected(np.array(chosen, np.int64), classes)


def expected_faces(dataset: Dataset, asked: FaceClips, labels: str) -> Expected:
    """Return what is cut out of the recordings of a data set to be learned from.

    Raises:
        DatasetError: there is nothing, or no such label set.
    """
    recordings = [r for r in dataset.recordings if r.expressions]
    if not recordings:
        raise DatasetError(f"{dataset.name}: expected recordings with expressions, found none")
    classes = classes_for(labels, {r.dataset for r in recordings})
    problems: list[Problem] = []
    roles: tuple[Role, ...] = ("original", "rsmix") if asked.mixes else ("original",)
    found, origins = [], []
    for recording in recordings:
        for e in recording.expressions:
            name = class_of_face(e, labels, recording, problems)
            other = name == "others" and e.kind == "macro" and not asked.macro_others
            if name is None or other:
                continue
            for role in roles:
                where = (recording.dataset, recording.name)
                origin = Origin(role, e.kind, where, e.interval, (e.interval,))
                if asked.wants(origin):
                    found.append(classes.index(name))
                    origins.append(origin)
    if not found:
        raise DatasetError(
            f"{dataset.name}: no expression has a class of the label set {labels}"
        )
    return Expected(np.array(found, np.int64), classes, tuple(origins))
