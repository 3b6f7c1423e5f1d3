"""Write docs/benchmarks/3db-flow28.md from the reports of `mescope evaluate`.

    python docs/generate_flow28.py runs/3db-*/report.json

Every figure is counted from the predictions in the reports; nothing is typed in by hand but
papers' figures, which come from the package's published tables and stand apart.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mescope.evaluation.figures import ORACLE
from mescope.evaluation.published import as_printed, published_by
from mescope.evaluation.stored import from_json

PAGE = Path(__file__).parent / "benchmarks" / "3db-flow28.md"
PARTS = ("casme2", "samm", "smic")

HEAD = """# 442 real micro-expressions, 28 × 28 flow maps

Written by `docs/generate_flow28.py` from the reports of the runs below.

The data are the onset–apex flow maps of the MEGC2019 composite (SMIC-HS 164, CASME II 145, SAMM
133 clips; 68 people) that the authors of STSTNet published: horizontal flow, vertical flow and
optical strain, each scaled to 0–255 clip by clip. They are derived from licensed data sets and
are not part of this project. Classes: 250 negative, 109 positive, 83 surprise.

Protocol, the same for every row: leave one person out (68 folds), a fixed number of epochs, the
last one kept, all predictions pooled, scored once with a fixed class list. Nothing that selects
sees a test person. Three seeds where a model draws random numbers; the range is that of the
seeds, the interval draws people 2,000 times.

The 68 checkpoints that STSTNet's authors published, read into our STSTNet, give UF1 0.7209 and
UAR 0.7250 on these maps, their own log to the last digit; `tests/models/test_ststnet.py` holds
that. Our runs of the same recipe from other seeds are below. `merba-3db-flow28` begins from
weights that saw simulated faces only; all others begin from random ones.

## Honest figures
"""

ORACLE_TEXT = """
## What looking at the test person is worth

The same runs, with the predictions of the epoch that was best **on each test person**, as some
published code selects. These are no results: the difference to the table above is the size of
the leak.
"""

REPEAT = """
## How to repeat

```
mescope evaluate recipes/NAME.toml --dataset flow28 --root 3db_flow28.npz -o runs/NAME
python docs/generate_flow28.py runs/*/report.json
```

A run that is stopped goes on by the same command.
"""


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def table(heads: list[str], rows: list[list[str]]) -> list[str]:
    return [row(heads), row(["---"] * len(heads)), *map(row, rows)]


def span(figure: dict[str, Any], seeds: int) -> str:
    text = f"**{figure['mean']:.4f}**"
    return text + (f" ({figure['min']:.4f}–{figure['max']:.4f})" if seeds > 1 else "")


def honest(summaries: list[dict[str, Any]]) -> list[str]:
    rows = []
    for s in sorted(summaries, key=lambda s: -s["all"]["uf1"]["mean"]):
        part, n = s["all"], len(s["seeds"])
        low, high = part["uf1"]["interval"]
        parts = [f"{s['datasets'][name]['uf1']['mean']:.4f}" for name in PARTS]
        rows.append(
            [s["name"], str(n), span(part["uf1"], n), f"{low:.3f}–{high:.3f}",
             span(part["uar"], n), *parts]
        )  # fmt: skip
    trivial = summaries[0]
    for i, answer in enumerate(trivial["all"]["baselines"]):
        parts = [f"{trivial['datasets'][p]['baselines'][i]['uf1']:.4f}" for p in PARTS]
        rows.append(
            [answer["name"], "", f"{answer['uf1']:.4f}", "", f"{answer['uar']:.4f}", *parts]
        )
    heads = ["recipe", "seeds", "UF1 (seeds)", "95 %", "UAR (seeds)"]
    return table([*heads, *(f"UF1 {name}" for name in PARTS)], rows)


def oracle(summaries: list[dict[str, Any]]) -> list[str]:
    rows = []
    for s in summaries:
        if ORACLE in s:
            ours, best = s["all"]["uf1"]["mean"], s[ORACLE]["all"]["uf1"]["mean"]
            rows.append([s["name"], f"{ours:.4f}", f"{best:.4f}", f"+{best - ours:.4f}"])
    heads = ["recipe", "UF1, last epoch", "UF1, best epoch on the test person", "difference"]
    return [ORACLE_TEXT, *table(heads, rows)] if rows else []


def what_ran(summaries: list[dict[str, Any]]) -> list[str]:
    rows = []
    for s in summaries:
        r = s["recipe"]
        epochs = str(r["epochs"]) if r["model"] not in ("svm-flow",) else ""
        rows.append([s["name"], r["model"], epochs, f"{s['seconds'] / 3600:.2f}"])
    found = summaries[0]["environment"]
    text = ", ".join(f"{key} {value}" for key, value in found.items())
    heads = ["recipe", "model", "epochs", "core hours, all folds and seeds"]
    hashes = sorted({s["hashes"]["inputs"][:16] for s in summaries})
    lines = ["", "## What ran", "", *table(heads, rows), "", f"With {text}."]
    return [*lines, f"SHA-256 of the maps begins with {', '.join(hashes)}."]


def papers() -> list[str]:
    lines = ["", "## Papers' figures on the composite, not ours", ""]
    for published in published_by("merba"):
        if "Composite" in published.title:
            lines += [
                f"{published.source}. Mode {published.mode}. {published.caution} Their inputs "
                "are flow or pictures of full size, computed from the licensed data.",
                "",
                *table(list(published.columns), as_printed(published)),
            ]
    return lines


def main(paths: list[str]) -> None:
    reports = [from_json(Path(p).read_text(encoding="utf-8"), name=p) for p in paths]
    summaries = [report.summary() for report in reports]
    kinds = {(s["protocol"], s["mode"], s["hashes"]["inputs"]) for s in summaries}
    if len(kinds) != 1:
        raise SystemExit(f"expected reports of one protocol, mode and data, found {kinds}")
    lines = [HEAD, *honest(summaries), *oracle(summaries), *what_ran(summaries), *papers()]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n".join(lines) + "\n" + REPEAT, encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
