"""The command line.  Each command parses, calls one public function, and prints.

Results go to stdout, everything else to stderr.  Exit status: 0 done, 1 a known error, 2 wrong
usage, 3 some inputs failed (each is named), 130 interrupted.  Heavy imports stand inside the
commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from mescope.cli import (
    agree,
    analyze,
    augment,
    compare,
    convert,
    datasets,
    doctor,
    ensemble,
    evaluate,
    flow,
    magnify,
    models,
    recipes,
    recognize,
    score,
    search,
    spot,
    synthesize,
    tiers,
    train,
)
from mescope.cli import app as review
from mescope.cli.console import INTERRUPTED, explain, show_json
from mescope.errors import MescopeError
from mescope.plugins import load_plugin

__all__ = ["app", "main", "run"]

WAITING = ("GOMP_SPINCOUNT", "10000")
"""How long an idle thread of torch keeps its core busy waiting, before torch is imported.

By default it is some milliseconds, which the threads of our own kernels lose: a training step
of ME-TST+ takes a fifth less time so on two cores (benchmarks/waiting_threads.py).
"""

app = typer.Typer(
    name="mescope",
    help="Find facial micro-expressions in long videos and name their emotion.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(value: bool) -> None:
    if value:
        from mescope import __version__

        print(f"mescope {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of a known error, too.")
    ] = False,
    plugin: Annotated[
        list[Path] | None,
        typer.Option(
            "--plugin", help="Run this Python file first: it registers what it brings."
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    """Run plug-ins; :func:`run` reads ``--debug`` itself."""
    for file in plugin or ():
        load_plugin(file)


app.command("analyze")(analyze.analyze)
app.command("spot")(spot.spot)
app.command("recognize")(recognize.recognize)
app.command("flow")(flow.flow)
app.command("magnify")(magnify.magnify)
app.command("score")(score.score)
app.command("compare")(compare.compare)
app.command("convert")(convert.convert)
app.command("tiers")(tiers.tiers)
app.command("agree")(agree.agree)
app.add_typer(datasets.app, name="datasets")
app.add_typer(models.app, name="models")
app.add_typer(recipes.app, name="recipes")
app.command("train")(train.train)
app.command("search")(search.search)
app.add_typer(augment.app, name="augment")
app.command("evaluate")(evaluate.evaluate)
app.command("ensemble")(ensemble.ensemble)
app.add_typer(synthesize.app, name="synthesize")
app.command("app")(review.app)
app.command("doctor")(doctor.doctor)


def main() -> NoReturn:
    """Run the command line and leave with its exit status."""
    signal.signal(signal.SIGTERM, _interrupt)
    os.environ.setdefault(*WAITING)
    for stream in (sys.stdout, sys.stderr):
        # A file name that the console cannot show must not end the program.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status; a bug keeps its traceback."""
    words = _debug_first(arguments)
    try:
        status = app(words, standalone_mode=False, prog_name="mescope", obj=words)
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except MescopeError as error:
        if words[:1] == ["--debug"]:
            import traceback

            traceback.print_exc()
        status = _failed(str(error), words, 1)
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package in ("", "mescope"):
            raise  # ours: a bug
        status = _failed(
            f"this needs the package {package}, which is not installed; run: pip install "
            f"{package}",
            words,
            1,
        )
    except Exception as error:
        if not _is_usage(error):
            raise
        status = _wrong_usage(error, words)
    if status == INTERRUPTED:
        explain("interrupted; what was finished is kept, the same command goes on from there")
    return int(status or 0)


def _interrupt(_signal: int, _frame: Any) -> NoReturn:
    """End on SIGTERM as on Ctrl-C, so that both leave things tidy."""
    raise KeyboardInterrupt


def _debug_first(arguments: Sequence[str]) -> list[str]:
    """Let ``--debug`` stand anywhere before ``--``, where people type it."""
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    options = words[:end]
    if "--debug" not in options:
        return words
    return ["--debug", *(word for word in options if word != "--debug"), *words[end:]]


def _failed(message: str, words: Sequence[str], status: int) -> int:
    explain(message)
    if "--json" in words:
        show_json({"error": message, "status": status})
    return status


def _is_usage(error: Exception) -> bool:
    """Recognize typer's errors of usage, whose class moved between its versions."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def _wrong_usage(error: Any, words: Sequence[str]) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return 2
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", "mescope")
    message = f"{error.format_message().rstrip('.')}; `{command} --help` explains"
    named = _dashed_file(words)
    if named:
        message += f" (for a file whose name begins with a dash: ./{named})"
    return _failed(message.replace("\n", " ").replace("\t", ""), words, 2)


def _dashed_file(words: Sequence[str]) -> str | None:
    import os

    return next((w for w in words if w.startswith("-") and os.path.exists(w)), None)
