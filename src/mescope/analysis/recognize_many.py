"""Name the emotions of many expressions at once, whose intervals stand in a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mescope import defaults
from mescope.analysis.recognition import check_frames, load_models, named_by
from mescope.datasets.base import Dataset
from mescope.errors import DatasetError, MescopeError, VideoError
from mescope.events import Expression, Recording
from mescope.face.aligned import align
from mescope.io.progress import Progress
from mescope.results import Recognition
from mescope.samples.apex import find_apex
from mescope.samples.clip_features import APEX_SIDE
from mescope.samples.one_clip import OneClip
from mescope.video.reading import open_recording
from mescope.video.source import Video

FOUND_APEX = "no apex after the onset in the table: found by the unimodal rule"


@dataclass(frozen=True, slots=True)
class NamedExpression:
    """One expression of a recording, what every model says about it, or why none does.

    ``apex`` is a frame of the recording from 0; None where there is an ``error``.
    """

    recording: Recording
    expression: Expression
    apex: int | None = None
    found: tuple[Recognition, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""

    def rows(self) -> list[dict[str, object]]:
        """Return a row for each model, columns :data:`COLUMNS` and the share of each class."""
        span = self.expression.interval
        known: dict[str, object] = {
            "recording": self.recording.name, "subject": self.recording.subject,
            "kind": self.expression.kind, "onset": span.first,
            "apex": self.expression.apex if self.apex is None else self.apex,
            "offset": span.last, "emotion": self.expression.emotion or "",
            "note": "; ".join([self.error] if self.error else self.warnings),
        }  # fmt: skip
        if not self.found:
            return [known | {"model": "", "named": ""}]
        return [
            known | {"model": one.model, "named": one.emotion}
            | {f"share_{name}": round(share, 4) for name, share in one.shares.items()}
            for one in self.found
        ]  # fmt: skip


COLUMNS = (
    "recording", "subject", "kind", "onset", "apex", "offset", "emotion", "model", "named",
    "note",
)  # fmt: skip
"""Of :meth:`NamedExpression.rows`: ``emotion`` is the table's, ``named`` the model's."""


def recognize_all(
    dataset: Dataset,
    *,
    models: Sequence[str | Path] = (defaults.RECOGNISER,),
    device: str = "cpu",
    progress: Progress | None = None,
) -> Iterator[NamedExpression]:
    """Yield every expression of a data set's recordings, named by each of the models.

    An expression without an apex after its onset gets the one that
    :func:`mescope.samples.apex.find_apex` finds.  One that cannot be named has an ``error``,
    and the others go on.

    Args:
        dataset: recordings with their expressions, such as ``datasets.folder.read`` returns.
        models: names that ``mescope models`` lists, or files; each is read once.
        device: where the networks run: cpu, cuda, a card such as cuda:1, mps or auto.
        progress: called with expressions done and in all.

    Raises:
        DatasetError: there is no expression.
        WeightsError: unknown or damaged weights, or of a model that names no clips.
        MescopeError: the device is not there.
    """
    total = sum(len(recording.expressions) for recording in dataset.recordings)
    if not total:
        raise DatasetError(
            f"{dataset.name}: expected expressions of recordings, found none in "
            f"{len(dataset.recordings)} recordings; the table needs onset and offset"
        )
    loaded, done = load_models(models, device), 0
    for recording in dataset.recordings:
        video: Video | MescopeError | None = None
        for expression in recording.expressions:
            try:
                video = open_recording(recording) if video is None else video
                if isinstance(video, MescopeError):
                    raise video
                clip, notes = _clip(video, expression)
                found, more = named_by(loaded, clip)
                named = NamedExpression(
                    recording, expression, clip.apex, found, (*notes, *more)
                )
            except (MescopeError, OSError) as error:
                if video is None:  # it cannot be opened for the next one either
                    video = error if isinstance(error, MescopeError) else VideoError(str(error))
                named = NamedExpression(recording, expression, error=str(error))
            yield named
            done += 1
            if progress:
                progress(done, total)


def _clip(video: Video, expression: Expression) -> tuple[OneClip, tuple[str, ...]]:
    """Return an expression with its apex, which is looked for where nobody annotated it."""
    onset, offset, apex = *_ends(expression), expression.apex
    check_frames(video, [onset, offset, offset])
    if apex is not None and apex > onset:
        return OneClip(video, onset, apex, offset), ()
    crops, _ = align(OneClip(video, onset, offset).greys(range(onset, offset + 1)), APEX_SIDE)
    return OneClip(video, onset, onset + find_apex(np.asarray(crops)).frame, offset), (
        FOUND_APEX,
    )


def _ends(expression: Expression) -> tuple[int, int]:
    return expression.interval.first, expression.interval.last
