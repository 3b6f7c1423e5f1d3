"""What commands print: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

SOME_FAILED = 3
INTERRUPTED = 130

_PIPE_WIDTH = 160  # columns of a table that goes to a file or a pipe


def explain(message: str) -> None:
    """Print one line to stderr."""
    print(f"mescope: {visible(message)}", file=sys.stderr)


def visible(text: str) -> str:
    r"""Return ``text`` with control characters spelt out: a file name commands no terminal.

    >>> print(visible("a\x1b[2Jb\nc"))
    a\x1b[2Jb\nc
    """
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) in ("Cc", "Cf") else c
        for c in text
    )


def show(renderable: RenderableType) -> None:
    """Print a rich table or text to stdout."""
    from rich.console import Console

    if isinstance(renderable, str):
        renderable = visible(renderable)
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    Console(width=width, highlight=False).print(renderable, markup=False)


def show_text(text: str) -> None:
    """Print lines that are laid out already to stdout, as wide as they are."""
    print("\n".join(visible(line) for line in text.splitlines()))


def show_json(value: Any) -> None:
    """Print plain values to stdout as JSON."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    print(text.encode("utf-8", "backslashreplace").decode("utf-8"))


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a callback (done, total) that moves a bar on stderr; silent where nobody looks."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(label), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
