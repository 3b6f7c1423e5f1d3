"""Tables of reports as LaTeX, for papers: booktabs, numbers as the text tables have them.

Ours and papers' figures never share a table here either, and each table names its mode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mescope.evaluation import paired, report_tables, spotting_tables
from mescope.evaluation.paired import Difference

HEAD = "% Made by mescope; needs \\usepackage{booktabs} and, for wide tables, {graphicx}.\n"

_WIDE = 8  # columns; a table with more is fitted into the width of the text

_SIGNS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "–": "--", "<": r"\textless{}", ">": r"\textgreater{}", "²": r"$^2$", "³": r"$^3$",
}  # fmt: skip


def escaped(text: str) -> str:
    r"""Return text as LaTeX sets it, whatever a name has in it.

    >>> escaped("50 % of a_b – c"), escaped("x\\y\n")
    ('50 \\% of a\\_b -- c', 'x\\textbackslash{}y ')
    """
    return "".join(_SIGNS.get(c, c) for c in " ".join(text.split("\n")))


def latex_table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    caption: str = "",
    notes: Sequence[str] = (),
    label: str = "",
) -> str:
    r"""Return one table; the first column to the left, the others to the right.

    Rows whose first cell begins with blanks are set in italics: chance and trivial answers.

    Args:
        heads: of the columns.
        rows: cells as text.
        caption: above the table.
        notes: below it, a sentence each.
        label: for ``\ref``.
    """
    lines = [r"\begin{table}", r"\centering"]
    if caption:
        lines.append(rf"\caption{{{escaped(caption)}}}")
    if label:
        lines.append(rf"\label{{tab:{label}}}")
    wide = len(heads) > _WIDE
    lines += [r"\resizebox{\textwidth}{!}{%"] * wide
    lines += [rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}", r"\toprule", _line(heads)]
    lines += [r"\midrule", *map(_line, rows), r"\bottomrule"]
    lines.append(r"\end{tabular}" + "}" * wide)
    lines += [rf"\par\smallskip{{\footnotesize {escaped(note)}}}" for note in notes]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def clip_report(summary: Mapping[str, Any]) -> str:
    """Return the table of an evaluation on clips, its cautions below it."""
    return HEAD + latex_table(
        report_tables.heads(),
        report_tables.headline(dict(summary)),
        caption=report_tables.title(dict(summary)),
        notes=[*summary["cautions"], *summary["warnings"]],
        label=_plain(summary["name"]),
    )


def spotting_report(summary: Mapping[str, Any]) -> str:
    """Return the tables of an evaluation on recordings: spotting, then recognition on hits."""
    rows = spotting_tables.headline(dict(summary))
    spotted, named = spotting_tables.parted(rows)
    parts = [(spotting_tables.HEADS[: spotting_tables.SPOTTING], [row for _, row in spotted])]
    if named:
        parts.append((("", *spotting_tables.HEADS[spotting_tables.SPOTTING :]), named))
    title, label = spotting_tables.title(dict(summary)), _plain(summary["name"])
    notes = [*summary["cautions"], *summary["warnings"]]
    return HEAD + "\n".join(
        latex_table(heads, some, caption=title, notes=notes, label=f"{label}{'-named' * i}")
        for i, (heads, some) in enumerate(parts)
    )


def compared(
    groups: Mapping[str, Mapping[str, Mapping[str, Any]]],
    found: Mapping[str, Sequence[Difference]],
) -> str:
    """Return evaluations beside each other, a table for each mode, then their differences.

    Args:
        groups: summaries by mode and name, as ``mescope compare`` has them.
        found: differences by pair (:mod:`mescope.evaluation.paired`).
    """
    tables = []
    for mode, group in groups.items():
        clips = {n: r for n, r in group.items() if "spotting" not in r}
        recorded = {n: r for n, r in group.items() if "methods" in r}
        if clips:
            rows = [
                (f"{name}: {row[0]}" if row[0] == "all" else row[0], *row[1:])
                for name, report in clips.items()
                for row in report_tables.headline(dict(report))
            ]
            tables.append(
                latex_table(
                    report_tables.heads(), rows, caption=f"Answers on clips, mode {mode}"
                )
            )
        if recorded:
            rows = spotting_tables.named_headline(recorded)
            caption = f"Evaluations on recordings, mode {mode}"
            tables.append(latex_table(spotting_tables.HEADS, rows, caption=caption))
    for pair, some in found.items():
        tables.append(latex_table(paired.HEADS, paired.rows(some), caption=pair,
                                  notes=[paired.NOTE]))  # fmt: skip
    return HEAD + "\n".join(tables)


def _line(cells: Sequence[str]) -> str:
    first = cells[0]
    shown = [rf"\textit{{{escaped(c.strip())}}}" if c and first.startswith(" ") else escaped(c)
             for c in cells]  # fmt: skip
    return " & ".join(shown) + r" \\"


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)
