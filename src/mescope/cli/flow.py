"""``mescope flow``: the motion between two frames, magnified."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mescope.cli.console import explain, show_json
from mescope.cli.inputs import refuse_existing
from mescope.cli.options import Force, Json, Rate
from mescope.errors import OutputError

if TYPE_CHECKING:
    from mescope.results import MagnifiedMotion


def flow(
    clip: Annotated[
        str, typer.Argument(metavar="VIDEO|FOLDER", help="A video, or numbered pictures.")
    ],
    onset: Annotated[int, typer.Option(min=0, help="First frame; frames from 0.")],
    apex: Annotated[int, typer.Option(min=0, help="Last frame, such as the apex.")],
    magnify: Annotated[float, typer.Option(help="Factor of the magnification.")] = 1.0,
    model: Annotated[
        str | None,
        typer.Option(help="Weights of AMMSM whose U-Net magnifies.  Default: plain scaling."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="<png>", help="Draw both, with a wheel of colours.")
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(metavar="<mp4>", help="Two seconds: the onset moved so, there and back."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="<npz>", help="Arrays flow and magnified."),
    ] = None,
    rate: Rate = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Measure the motion of a face between two frames, and magnify it.

    u points right, v down, both in px of the aligned face, which is 224 px wide.
    """
    files = [file for file in (picture, video, output) if file is not None]
    if not files:
        raise OutputError("expected --picture, --video or -o, found none; name a file to write")
    refuse_existing(files, force, source=clip)
    from mescope.analysis.motion import magnified_motion

    motion = magnified_motion(clip, onset, apex, factor=magnify, model=model, rate=rate)
    if output is not None:
        _save_arrays(motion, output)
    if picture is not None:
        from mescope.reports.flow_picture import save_flow_picture

        save_flow_picture(motion, picture)
    if video is not None:
        _save_video(motion, video)
    for warning in motion.warnings:
        explain(warning)
    if as_json:
        show_json(_summary(motion, files))
    else:
        for file in files:
            print(file)


def _save_arrays(motion: MagnifiedMotion, path: Path) -> None:
    import io

    import numpy as np

    from mescope.io.atomic import write_atomically

    buffer = io.BytesIO()
    np.savez_compressed(buffer, flow=motion.flow, magnified=motion.magnified)
    write_atomically(path, buffer.getvalue())


def _save_video(motion: MagnifiedMotion, path: Path) -> None:
    from mescope.reports.flow_picture import RATE, flow_frames
    from mescope.synthesis.encode import write_video
    from mescope.video.reading import open_video

    write_video(open_video(flow_frames(motion), rate=RATE), path)


def _summary(motion: MagnifiedMotion, files: Sequence[Path]) -> dict[str, Any]:
    import numpy as np

    longest = [float(np.hypot(*one).max()) for one in (motion.flow, motion.magnified)]
    return {
        "files": [str(file) for file in files],
        "by": motion.by,
        "factor": motion.factor,
        "longest_px": longest[0],
        "longest_magnified_px": longest[1],
        "warnings": list(motion.warnings),
    }
