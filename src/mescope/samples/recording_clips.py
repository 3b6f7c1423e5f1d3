"""Clips out of recordings: every annotated micro-expression, for models that name clips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mescope.datasets.base import Clip, Dataset, seconds_at
from mescope.datasets.clips import Findings
from mescope.errors import VideoError
from mescope.events import Recording
from mescope.video.image_folders import numbered_files


def clips_of(dataset: Dataset, findings: Findings) -> tuple[Clip, ...]:
    """Return the clips of a data set, or what its recordings show, each expression a clip.

    A clip of a recording is named after it, with its frames where there are several in it.
    Macro-expressions are none; a recording that is not on this machine, and an expression
    without an emotion, become problems.
    """
    if dataset.clips:
        return dataset.clips
    found: list[Clip] = []
    macro = 0
    for recording in dataset.recordings:
        macro += sum(e.kind != "micro" for e in recording.expressions)
        if not any(e.kind == "micro" for e in recording.expressions):
            continue
        if recording.path is None:
            findings.error(recording.name, "there is no video of this recording")
            continue
        try:
            found += _cut(recording, Path(recording.path), dataset, findings)
        except (VideoError, OSError) as error:
            findings.error(recording.name, str(error))
    if macro:
        text = f"{macro} macro-expressions are no clips of micro-expressions, left out"
        findings.warning(dataset.name, text)
    return tuple(found)


def _cut(
    recording: Recording, path: Path, dataset: Dataset, findings: Findings
) -> Iterator[Clip]:
    micro = [(i, e) for i, e in enumerate(recording.expressions) if e.kind == "micro"]
    is_folder = path.is_dir()
    first_number = numbered_files(path, recording.rate).numbers[0] if is_folder else 0
    times = dataset.seconds.get(recording.name, ())
    for number, expression in micro:
        span = expression.interval
        name = (
            recording.name if len(micro) == 1 else f"{recording.name} {span.first}-{span.last}"
        )
        if not expression.emotion:
            findings.error(f"{recording.dataset} {recording.subject}/{name}", "no emotion")
            continue
        known = len(times) == len(recording.expressions)
        yield Clip(
            dataset=recording.dataset,
            subject=recording.subject,
            name=name,
            folder=path,
            first_number=first_number,
            frames=recording.frames,
            rate=recording.rate,
            expression=expression,
            seconds=times[number] if known else seconds_at(expression, recording.rate),
            emotion_raw=expression.emotion,
        )
