"""What commands that read marks share: their files, the recording's clock, the remarks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mescope.cli.console import explain
from mescope.errors import VideoError

if TYPE_CHECKING:
    from mescope.annotations import Clock, Contents

Recording = Annotated[
    str | None,
    typer.Option("--video", help="The recording, for its times and its number of frames."),
]
Rate = Annotated[
    float | None,
    typer.Option(
        min=0.01, max=1_000_000, help="Frames per second, where no recording is at hand."
    ),
]

Part = Annotated[
    str | None,
    typer.Option(
        "--part",
        metavar="NAME",
        help="Which of several in one file: the name of a video, or of an observation of "
        "BORIS. By default the one that is called as --video.",
    ),
]

Mapping = Annotated[
    Path | None,
    typer.Option(
        "--mapping",
        metavar="FILE",
        help="What the tiers of another program mean (JSON); `mescope tiers` proposes one.",
    ),
]


def clock_of(video: str | None, rate: float | None) -> Clock | None:
    """Return the times of a recording, a constant rate, or None where neither is named."""
    from mescope.annotations import Clock

    if video is not None:
        from mescope.video.mpv_clock import mpv_zero
        from mescope.video.reading import open_video

        recording = open_video(video, rate=rate)
        if not recording.rate > 0:
            raise VideoError(
                f"{recording.name}: expected a recording of several frames, found "
                f"{len(recording)}; leave out --video"
            )
        return Clock(
            float(recording.rate),
            recording.times.tolist(),
            start_offset=recording.start_offset,
            video=recording.name,
            mpv_zero=mpv_zero(recording),
        )
    return None if rate is None else Clock(rate)


def read_marks(
    path: Path,
    format: str | None,
    clock: Clock | None,
    part: str | None = None,
    mapping: Path | None = None,
) -> Contents:
    """Return the marks of a file and print what was left out or changed.

    A mapping is for files of programs that have tiers; others are read as ever.
    """
    from mescope.annotations import CODECS, format_of, read, read_mapping

    meaning = None
    if mapping is not None and CODECS[format or format_of(path)].tiers is not None:
        meaning = read_mapping(mapping)
    contents = read(path, format=format, clock=clock, part=part, mapping=meaning)
    for remark in contents.remarks:
        explain(remark)
    return contents
