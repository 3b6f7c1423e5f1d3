"""Tables of an Analysis: intervals, events and frames as CSV, intervals as terminal text.

The first five columns of the interval table are those of the public MEGC scorer; frames count
from 0 and both ends are included.  Text that a spreadsheet would take for a formula gets an
apostrophe in front.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mescope.io.formula_guard import guarded
from mescope.moved import renamed
from mescope.reports.formatting import clock, emotion_words
from mescope.results import EVENT_COLUMNS, INTERVAL_COLUMNS

if TYPE_CHECKING:
    from rich.table import Table

    from mescope.results import Analysis, Finding


def interval_rows(analysis: Analysis) -> list[dict[str, Any]]:
    """Return a dictionary per detection, keys :data:`INTERVAL_COLUMNS`, cells as in the CSV."""
    return [_cells(row) for row in analysis.interval_rows()]


def interval_csv(analysis: Analysis) -> str:
    """Return the detections as CSV text; the header stands there even if there are none."""
    return rows_csv(INTERVAL_COLUMNS, analysis.interval_rows())


def event_csv(analysis: Analysis) -> str:
    """Return events and stretches that could not be judged as CSV text, in order of time.

    Kinds are blink, speech, head, gaze and ``not_judged``, whose ``note`` is the reason;
    ``facs`` is the code where the kind has one (AU45).
    """
    return rows_csv(EVENT_COLUMNS, analysis.event_rows())


def rows_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows by column as CSV text, numbers in the forms of these tables."""
    cells = (_cells(row) for row in rows)
    return _csv(columns, ([row[column] for column in columns] for row in cells))


def quoted(text: str) -> str:
    """Return a text as one cell of a CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow([guarded(_clean(text))])
    return out.getvalue()


def frame_csv(analysis: Analysis) -> str:
    """Return the traces as CSV text, one row per analyzed frame.

    Columns: those of :meth:`mescope.results.Analysis.frame_columns`.  Cells without a value are
    empty.
    """
    columns = analysis.frame_columns()
    forms: dict[str, Callable[[Any], str]] = {
        "frame": str,
        "timestamp": "{:.6f}".format,
        "success": str,
    }
    cells = [map(forms.get(name, _cell), values) for name, values in columns.items()]
    return _csv(tuple(columns), zip(*cells, strict=True))


def text_table(analysis: Analysis) -> Table:
    """Return the detections as a table for the terminal (a rich renderable)."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    heads = ("", "onset", "apex", "offset", "frames from 0", "ms", "kind", "emotion", "score")
    for name in heads:
        right = name not in ("", "kind", "emotion")
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    table.add_column("evidence", overflow="fold")
    for finding in analysis.findings:
        d = finding.detection
        table.add_row(
            finding.id,
            clock(d.onset_s),
            clock(d.apex_s),
            clock(d.offset_s),
            f"{d.interval.first}–{d.interval.last}",
            duration_ms(finding),
            d.kind,
            Text(emotion_words(d.emotion)),
            f"{d.score:.2f}",
            Text(finding.evidence.sentence),
        )
    return table


def duration_ms(finding: Finding) -> str:
    """Return offset minus onset in whole milliseconds, or a dash where times are unknown."""
    d = finding.detection
    if d.onset_s is None or d.offset_s is None:
        return "–"
    return f"{(d.offset_s - d.onset_s) * 1000:.0f}"


_FORMS = {
    "score": "{:.4f}", "strength": "{:.4f}", "onset_s": "{:.6f}", "apex_s": "{:.6f}",
    "offset_s": "{:.6f}", "duration_ms": "{:.0f}",
}  # fmt: skip


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its numbers as the CSV has them; what is not known is empty."""
    return {
        name: "" if value is None else _FORMS[name].format(value) if name in _FORMS else value
        for name, value in row.items()
    }


def _cell(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else ""


_TEXTS = {
    "subject", "video", "emotion", "type", "au", "status", "source", "id", "note",
    "kind", "facs", "strength_unit", "face_id",
}  # fmt: skip


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")  # RFC 4180
    writer.writerow(columns)
    numeric = [name not in _TEXTS for name in columns]
    for row in rows:
        writer.writerow(
            cell if plain or not isinstance(cell, str) else guarded(_clean(cell))
            for cell, plain in zip(row, numeric, strict=True)
        )
    return out.getvalue()


def _clean(text: str) -> str:
    """Drop what no CSV reader takes (NUL) and what UTF-8 cannot hold (lone surrogates)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


__getattr__ = renamed(__name__, {"guard": "mescope.io.formula_guard.guarded"})
