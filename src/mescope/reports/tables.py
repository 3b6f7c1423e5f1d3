"""Tables of an Analysis: intervals and frames as CSV, intervals as text for a terminal.

The first five columns of the interval table are those of the public MEGC scorer; frames count
from 0 and both ends are included.  Text that a spreadsheet would take for a formula gets an
apostrophe in front.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mescope.reports.words import clock, emotion_words

if TYPE_CHECKING:
    from rich.table import Table

    from mescope.analysis import Analysis, Finding

INTERVAL_COLUMNS = (
    "subject",
    "video",
    "onset",
    "offset",
    "emotion",
    "apex",
    "type",
    "au",
    "score",
    "onset_s",
    "apex_s",
    "offset_s",
    "status",
    "source",
    "id",
    "note",
)
"""Columns of the interval table: frames from 0, ends included; ``_s`` seconds."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def interval_rows(analysis: Analysis) -> list[dict[str, Any]]:
    """Return one dictionary per detection, keys :data:`INTERVAL_COLUMNS`."""
    return [_interval_row(analysis, finding) for finding in analysis.findings]


def interval_csv(analysis: Analysis) -> str:
    """Return the detections as CSV text; the header stands there even if there are none."""
    rows = ([row[column] for column in INTERVAL_COLUMNS] for row in interval_rows(analysis))
    return _csv(INTERVAL_COLUMNS, rows)


def frame_csv(analysis: Analysis) -> str:
    """Return the traces as CSV text, one row per analyzed frame.

    Columns: ``frame`` (native, from 0), ``timestamp`` (s), ``success`` (1: a face was there),
    ``me_score`` (0 to 1), ``emotion_<class>`` (probabilities), ``roi_<region>_mag`` (length of
    the region's motion, px of the 320-px crop).  Cells without a value are empty.
    """
    from mescope.labels import SPOTTING_CLASSES

    traces = analysis.traces
    columns = (
        "frame",
        "timestamp",
        "success",
        "me_score",
        *(f"emotion_{name}" for name in SPOTTING_CLASSES),
        *(f"roi_{name}_mag" for name in traces.regions),
    )
    rows = (
        [
            int(traces.frames[i]),
            f"{traces.times[i]:.6f}",
            int(traces.valid[i]),
            *(_cell(v) for v in (traces.spotting[i], *traces.emotion[i], *traces.motion[i])),
        ]
        for i in range(len(traces.frames))
    )
    return _csv(columns, rows)


def text_table(analysis: Analysis) -> Table:
    """Return the detections as a table for the terminal (a rich renderable)."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "onset", "apex", "offset", "frames", "ms", "kind", "emotion", "score"):
        right = name in ("onset", "apex", "offset", "frames", "ms", "score")
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


def guard(text: str) -> str:
    r"""Return ``text`` so that no spreadsheet runs it as a formula.

    >>> guard('=HYPERLINK("x")'), guard("smile")
    ('\'=HYPERLINK("x")', 'smile')
    """
    # an apostrophe that stood there already gets another one, since readers take one off
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA_STARTS) else text


def _interval_row(analysis: Analysis, finding: Finding) -> dict[str, Any]:
    d = finding.detection
    return {
        "subject": "",
        "video": str(analysis.video.get("name", "")),
        "onset": d.interval.first,
        "offset": d.interval.last,
        "emotion": d.emotion or "",
        "apex": d.apex,
        "type": f"{d.kind}-expression",
        "au": "+".join(finding.evidence.action_units),
        "score": f"{d.score:.4f}",
        "onset_s": _seconds(d.onset_s),
        "apex_s": _seconds(d.apex_s),
        "offset_s": _seconds(d.offset_s),
        "status": "proposed",
        "source": str(analysis.provenance.get("model", "")),
        "id": finding.id,
        "note": finding.evidence.sentence,
    }


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"


def _cell(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else ""


_NUMERIC = {"onset", "offset", "apex", "score", "onset_s", "apex_s", "offset_s"}


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")  # RFC 4180
    writer.writerow(columns)
    numeric = [name in _NUMERIC or name not in INTERVAL_COLUMNS for name in columns]
    for row in rows:
        writer.writerow(
            cell if plain or not isinstance(cell, str) else guard(_clean(cell))
            for cell, plain in zip(row, numeric, strict=True)
        )
    return out.getvalue()


def _clean(text: str) -> str:
    """Drop what no CSV reader takes (NUL) and what UTF-8 cannot hold (lone surrogates)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
