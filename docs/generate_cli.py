"""Write docs/cli.md from the commands themselves: ``make docs``.

The tests compare the page with what this prints, so it cannot fall behind.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from mescope.cli import app

HEAD = """# Commands

Made by `make docs` from the commands themselves; do not edit.

Results go to standard output, everything else to standard error. Exit status: 0 done, 1 a
known error (one line says what to do), 2 wrong usage, 3 some inputs of several failed (each is
named), 130 interrupted. Nothing is overwritten without `--force`.
"""


def page() -> str:
    """Return the whole page."""
    root: Any = typer.main.get_command(app)
    return HEAD + "".join(_sections(root, "mescope"))


def _sections(command: Any, name: str) -> list[str]:
    """Return one section per command, groups before what is in them."""
    own = [f"\n## `{name}`\n\n{_help(command)}\n"] if name != "mescope" else []
    if hasattr(command, "commands"):
        for key in sorted(command.commands):
            own += _sections(command.commands[key], f"{name} {key}")
        return own
    usage = [name]
    rows = []
    for parameter in command.params:
        if parameter.name == "help" or getattr(parameter, "hidden", False):
            continue
        label = ", ".join([*parameter.opts, *parameter.secondary_opts])
        if parameter.param_type_name == "argument":
            label = parameter.metavar or str(parameter.name).upper()
            label = label.removesuffix("...") + ("…" if parameter.nargs == -1 else "")
            usage.append(label if parameter.required else f"[{label}]")
        meaning = _cell(getattr(parameter, "help", "") or "")
        rows.append(f"| `{_cell(label)}` | {meaning} | {_default(parameter)} |")
    own.append(f"\n`{' '.join(usage)} [OPTIONS]`\n")
    if rows:
        own.append("\n| | meaning | default |\n|---|---|---|\n" + "\n".join(rows) + "\n")
    return own


def _help(command: Any) -> str:
    return " ".join((command.help or "").split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _default(parameter: Any) -> str:
    value = parameter.default
    if parameter.required:
        return "required"
    if value is None or value is False or callable(value) or "UNSET" in repr(value).upper():
        return ""
    if isinstance(value, list | tuple):
        value = " ".join(map(str, value))
    return f"`{value}`"


if __name__ == "__main__":
    target = Path(__file__).with_name("cli.md")
    target.write_text(page(), encoding="utf-8")
