"""What the site needs beyond docs/: pages of the root, notebooks, and plain docstrings.

CONTEXT.md, CONTRIBUTING.md and CHANGELOG.md stand in the root, where people look for them; the
site shows the same files.  Notebooks of examples/notebooks become pages.  Docstrings name
classes as Sphinx does; the site shows the name.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
SHOWN = {
    "CONTEXT.md": "terms.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""File of the root -> page of the site."""

NOTEBOOKS = ROOT / "examples" / "notebooks"

ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):<code>~?([^<]+)</code>")
SHORT = re.compile(r":(?:class|func|meth|mod|data|attr|exc):<code>~(?:[^<]*\.)?([^<.]+)</code>")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of the root, their links turned to where the pages stand here."""
    for name, page in SHOWN.items():
        text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        for other, its_page in SHOWN.items():
            text = text.replace(f"]({other}", f"]({its_page}")
        files.append(File.generated(config, page, content=text))
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        page = f"notebooks/{path.stem}.md"
        files.append(File.generated(config, page, content=notebook_page(path)))
    return files


def notebook_page(path: Path) -> str:
    """Return a notebook as a page: its texts, and its code in blocks."""
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"]).strip()
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
    first, rest = parts[0], parts[1:]
    where = (
        f"*This page is the notebook `examples/notebooks/{path.name}`; a test runs its cells.*"
    )
    return "\n\n".join([first, where, *rest]) + "\n"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to files of the root to their pages."""
    depth = page.file.src_uri.count("/")
    for name, target in SHOWN.items():
        markdown = markdown.replace(
            f"]({'../' * (depth + 1)}{name}", f"]({'../' * depth}{target}"
        )
    return markdown


def on_page_content(html: str, **_: Any) -> str:
    """Write :class:`~a.b.C` of a docstring as C, and :class:`a.b.C` as a.b.C."""
    return ROLE.sub(r"<code>\1</code>", SHORT.sub(r"<code>\1</code>", html))
