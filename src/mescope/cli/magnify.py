"""``mescope magnify``: a stretch of a recording beside itself, its motion magnified."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from mescope.cli.console import explain, show_json
from mescope.cli.inputs import refuse_existing
from mescope.cli.options import Face, Force, Json, Rate
from mescope.errors import VideoError

VIEWS = ("magnified", "difference", "flow")


def magnify(
    video: Annotated[
        str, typer.Argument(metavar="VIDEO|FOLDER", help="A video, or numbered pictures.")
    ],
    first: Annotated[
        int, typer.Option("--from", min=0, help="The onset: all is compared with it; from 0.")
    ],
    last: Annotated[int, typer.Option("--to", min=0, help="Last frame, up to 10 s later.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="<mp4>", help="The video to write.")
    ],
    factor: Annotated[
        float, typer.Option(min=1, max=100, help="How many times as far things move.")
    ] = 10.0,
    view: Annotated[
        str,
        typer.Option(
            help="What stands beside the recording: magnified; difference (lighter, darker); "
            "or flow (motion in colours)."
        ),
    ] = "magnified",
    slower: Annotated[
        float, typer.Option(min=1, max=100, help="Play it so many times slower.")
    ] = 1.0,
    face: Face = "largest",
    rate: Rate = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write a stretch of a recording beside itself with its motion magnified.

    The head is held where it was in the first frame; what the face itself moved since then goes
    so many times as far, to at most a thirteenth of the face.  `mescope flow` magnifies one
    onset and apex, also by the network of AMMSM.
    """
    from mescope.analysis.magnified_clip import MagnifiedClip
    from mescope.motion.held_face import View
    from mescope.synthesis.encode import write_video
    from mescope.video.reading import open_video

    if view not in VIEWS:
        raise VideoError(f"expected a view {', '.join(VIEWS)}, found {view!r}")
    refuse_existing([output], force, source=video)
    clip = MagnifiedClip(
        open_video(video, rate=rate),
        first,
        last,
        factor=factor,
        kind=cast(View, view),
        face=face,
    )
    clip.slow_down(slower)
    write_video(clip, output)
    for warning in clip.warnings:
        explain(warning)
    if as_json:
        frames = last - first + 1
        show_json({"file": str(output), "frames": frames, "factor": factor, "view": view})
    else:
        print(output)
