"""``mescope synthesize``: faces that move on command, with the truth beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mescope.cli.console import explain, progress_bar, show_json
from mescope.cli.inputs import check_folder, refuse_existing
from mescope.cli.options import Force, Json
from mescope.cli.told import told

if TYPE_CHECKING:
    from mescope.synthesis.dynamics import Level as Disturbance
    from mescope.synthesis.portraits import Portrait
    from mescope.synthesis.render import SyntheticVideo

app = typer.Typer(
    help="Render faces that move on command, with exact truth.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

LEVELS: tuple[Disturbance, ...] = ("calm", "middle", "hard")

Duration = Annotated[
    float, typer.Option(min=0.5, max=86_400, help="Seconds of each recording.")
]
Rate = Annotated[float, typer.Option(min=1.0, max=1000.0, help="Frames per second.")]
Seed = Annotated[int, typer.Option(min=0, help="Equal seeds give equal recordings.")]
Level = Annotated[
    str, typer.Option(help="How much head, light and noise disturb: calm, middle or hard.")
]
Micro = Annotated[float, typer.Option(min=0.0, max=6_000, help="Micro-expressions per minute.")]
Macro = Annotated[float, typer.Option(min=0.0, max=6_000, help="Macro-expressions per minute.")]


@app.command()
def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The video file to make.")
    ] = Path("mescope-demo.mp4"),
    duration: Duration = 20.0,
    seed: Seed = 1,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Render the sample recording: Grace Hopper's portrait, with planted expressions.

    The truth is written beside it as NAME.truth.csv.
    """
    from mescope.synthesis.portraits import test_portraits

    check_folder(output.parent)
    portrait = test_portraits()[0]
    _render(portrait, output, duration, 30.0, seed, ("calm", 9.0, 3.0), force, as_json)


@app.command()
def video(
    photo: Annotated[Path, typer.Argument(help="A photograph of a face, frontal.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The video file to make.")],
    duration: Duration = 30.0,
    rate: Rate = 30.0,
    seed: Seed = 0,
    level: Level = "middle",
    micro: Micro = 8.0,
    macro: Macro = 3.0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Render a recording of any face from one photograph.

    The truth is written beside it as NAME.truth.csv.
    """
    from mescope.synthesis.portraits import portrait_from

    disturbance = _level(level)
    check_folder(output.parent)
    portrait = portrait_from(photo)
    _render(portrait, output, duration, rate, seed, (disturbance, micro, macro), force, as_json)


@app.command()
def corpus(
    folder: Annotated[Path, typer.Argument(help="Folder of the corpus; made if absent.")],
    recordings: Annotated[int, typer.Option("-n", min=1, help="Number of recordings.")] = 20,
    subjects: Annotated[
        int | None, typer.Option(min=1, help="Drawn identities.  Default: one each.")
    ] = None,
    duration: Duration = 30.0,
    rate: Rate = 30.0,
    seed: Seed = 0,
    micro: Micro = 8.0,
    macro: Macro = 3.0,
    level: Annotated[
        str, typer.Option(help="Disturbance: calm, middle, hard; all, in turn, by default.")
    ] = "",
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    as_json: Json = False,
) -> None:
    """Write a data set of drawn faces: videos, truth.csv, recordings.csv, manifest.json.

    The same command goes on with a corpus that was interrupted.
    """
    from mescope.synthesis.corpus import write_corpus

    check_folder(folder)
    levels = (_level(level),) if level else tuple(LEVELS)
    with told(folder, "manifest.json"), progress_bar(folder.name) as progress:
        made = write_corpus(
            folder,
            recordings,
            seed,
            subjects=subjects,
            duration=duration,
            rate=rate,
            levels=levels,
            micro_per_minute=micro,
            macro_per_minute=macro,
            jobs=jobs,
            progress=progress,
        )
    planted = sum(len(recording.expressions) for recording in made)
    if as_json:
        show_json({"folder": str(folder), "recordings": len(made), "expressions": planted})
    else:
        print(folder)
    explain(f"{len(made)} recordings with {planted} expressions are in {folder}")


def _truth_file(output: Path) -> Path:
    return output.with_name(f"{output.stem}.truth.csv")


def _level(text: str) -> Disturbance:
    for level in LEVELS:
        if text == level:
            return level
    raise typer.BadParameter(f"--level {text!r}: expected one of {', '.join(LEVELS)}")


def _render(
    portrait: Portrait,
    output: Path,
    duration: float,
    rate: float,
    seed: int,
    busy: tuple[Disturbance, float, float],
    force: bool,
    as_json: bool,
) -> None:
    """Write the video and its truth; ``busy``: level, micro and macro per minute.

    The video says in a comment what it was made of: the same command keeps it.
    """
    import numpy as np

    from mescope.io.atomic import write_atomically
    from mescope.synthesis.dynamics import random_script
    from mescope.synthesis.encode import write_video
    from mescope.synthesis.render import SyntheticVideo

    level, micro, macro = busy
    script = random_script(
        np.random.default_rng(seed),
        duration,
        level=level,
        micro_per_minute=micro,
        macro_per_minute=macro,
    )
    rendered = SyntheticVideo(portrait, script, rate, name=output.stem)
    truth = _truth_file(output)
    about = _about(portrait, duration, rate, seed, busy)
    there = not force and _there(output, truth, about)
    if there:
        explain(f"{output} was finished before and is kept; --force does it again")
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_video(rendered, output, comment=about)
    if not (there and truth.exists()):
        write_atomically(truth, _truth(rendered))
    count = len(rendered.expressions)
    if as_json:
        show_json({"video": str(output), "truth": str(truth), "expressions": count})
    else:
        print(output)
        print(truth)
    explain(f"{count} expressions planted in {duration:g} s")


def _there(output: Path, truth: Path, about: str) -> bool:
    """Say whether this command made the video before; refuse files of anything else.

    Raises:
        OutputError: a file of that name is not from this command; it is kept.
    """
    from mescope.synthesis.encode import comment_of

    if comment_of(output) == about:
        return True
    refuse_existing([output, truth], force=False)
    return False


def _about(portrait: Portrait, *settings: object) -> str:
    """Return a digest of what decides a rendered recording."""
    import hashlib
    from importlib.metadata import version

    digest = hashlib.sha256(repr((portrait.name, settings, version("mescope"))).encode())
    digest.update(portrait.image.tobytes())
    return f"mescope synthesize {digest.hexdigest()}"


def _truth(video: SyntheticVideo) -> bytes:
    """Return the planted expressions as the interval table of a corpus."""
    from mescope.io.atomic import table_text
    from mescope.synthesis.corpus import TRUTH_COLUMNS, truth_row

    rows = (truth_row(video.portrait.name, video, e) for e in video.expressions)
    return table_text(TRUTH_COLUMNS, rows)
