"""Blocks of code in pages: found, and run in their order as a reader would.

A block with a title is a file, and is written.  A block `sh` holds commands, one a line; they
are run in this process, but `mescope app`, which serves until it is ended: it gets one of its
own.  A block `python` without a title is run; all of a page share their names.
"""

import re
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

FENCE = re.compile(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block, and the line of its page it begins in."""

    language: str
    title: str | None
    text: str
    line: int

    def run(self, page: Path, names: dict[str, object]) -> None:
        """Do what a reader would; the working folder is theirs."""
        if self.title:
            Path(self.title).write_text(self.text, encoding="utf-8")
        elif self.language == "python":
            # lines of an error are those of the page
            code = compile("\n" * self.line + self.text, str(page), "exec")
            exec(code, names)
        elif self.language == "sh":
            for line in commands(self.text):
                command(line, f"{page.name}, block in line {self.line}")
        else:
            assert self.language == "text", f"{page.name}: is ```{self.language} run or not?"


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(m[1], m[2], m[3], text.count("\n", 0, m.start()) + 1)
        for m in FENCE.finditer(text)
    ]


def run_page(page: Path, names: dict[str, object] | None = None) -> None:
    names = {"__name__": "__main__"} if names is None else names
    for block in blocks(page):
        block.run(page, names)


def commands(text: str) -> list[str]:
    """Return the commands of a block, lines that are continued put together."""
    lines = text.replace("\\\n", " ").splitlines()
    return [line.split("  #")[0].strip() for line in lines if line.strip()]


def command(line: str, where: str) -> None:
    program, *arguments = shlex.split(line)
    assert program == "mescope", f"{where}: {line}"
    if "app" in arguments:
        serve(arguments)
        return
    from mescope.cli import run

    code = run(arguments)
    assert code == 0, f"{where}: {line} ends with {code}"


def serve(arguments: list[str]) -> None:
    """Start the app, ask it for the page and the recordings, and end it as Ctrl-C does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mescope", *arguments, "--port", "0", "--no-browser",
         "--no-token"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), address
        for path in ("", "api/recordings"):
            with urlopen(address + path, timeout=60) as answer:
                assert answer.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(60) in (0, 130)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
