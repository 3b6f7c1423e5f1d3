"""Write docs/names.md, all that can be chosen by a name, from the registries: ``make docs``."""

from __future__ import annotations

import inspect
from pathlib import Path

import torch

from mescope.annotations import CODECS
from mescope.datasets import DATASETS
from mescope.evaluation.metrics import METRICS
from mescope.models import MODELS
from mescope.models.importers import IMPORTERS
from mescope.samples.kinds import SAMPLES
from mescope.spotting import SPOTTERS
from mescope.training.tasks import TASKS

HEAD = """# What can be chosen by a name

Made by `make docs` from the registries; do not edit. [Plug-ins](api/extend.md) add to them.
"""


def _section(
    title: str, said: str, columns: tuple[str, ...], rows: dict[str, tuple[str, ...]]
) -> str:
    lines = [
        f"| name | {' | '.join(columns)} |",
        f"|---|{'---|' * len(columns)}",
        *(f"| `{name}` | {' | '.join(cells)} |" for name, cells in rows.items()),
    ]
    return f"\n## {title}\n\n{said}\n\n" + "\n".join(lines) + "\n"


def _model(name: str) -> tuple[str, str]:
    """Return the number of parameters, and the first line of the module's class."""
    with torch.device("meta"):
        module = MODELS[name]()
    count = sum(p.numel() for p in module.parameters())
    return f"{count:,}", _first_line(type(module))


def _first_line(thing: object) -> str:
    text = inspect.getdoc(thing) or ""
    return text.partition("\n")[0].rstrip(".").replace("|", "\\|")


def _yes(thing: object) -> str:
    return "yes" if thing else "no"


SECTIONS: tuple[tuple[str, str, tuple[str, ...], dict[str, tuple[str, ...]]], ...] = (
    (
        "Models", "`[model] name` of a recipe, `create_model`.", ("parameters", "what it is"),
        {name: _model(name) for name in MODELS},
    ),
    (
        "Importers", "`--as` of `mescope models import`.", ("what it takes in",),
        {n: (importer.title,) for n, importer in IMPORTERS.items()},
    ),
    (
        "Training tasks", "`[task] name` of a recipe, if the model's own is not meant.",
        ("models", "what it is"),
        {n: (", ".join(task.models) or "any", _first_line(task)) for n, task in TASKS.items()},
    ),
    (
        "Kinds of samples", "`[data] kind` of a recipe.", ("what it is",),
        {n: (_first_line(kind),) for n, kind in sorted(SAMPLES.items())},
    ),
    (
        "Spotters", "`--method` of `mescope analyze` and `spot`.", ("what it is",),
        {n: (_first_line(spotter),) for n, spotter in sorted(SPOTTERS.items())},
    ),
    (
        "Formats", "Of annotations: the suffix of a file says which.",
        ("title", "suffixes", "read", "written"),
        {
            n: (c.title, " ".join(c.suffixes), _yes(c.read), _yes(c.write))
            for n, c in CODECS.items()
        },
    ),
    (
        "Data sets", "`--dataset`, `open_dataset`.", ("title",),
        {n: (source.title,) for n, source in DATASETS.items()},
    ),
    (
        "Metrics", "Figures of recognition, from counts; in every table and page.",
        ("column", "what it is"),
        {n: (m.title, _first_line(m.of).removeprefix("Return ")) for n, m in METRICS.items()},
    ),
)  # fmt: skip


def page() -> str:
    """Return the whole page."""
    return HEAD + "".join(_section(*section) for section in SECTIONS)


if __name__ == "__main__":
    path = Path(__file__).parent / "names.md"
    path.write_text(page(), encoding="utf-8")
    print(f"wrote {path.name}")
