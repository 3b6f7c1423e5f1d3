"""Tables of an Analysis: intervals, events and frames as CSV, intervals as terminal text.

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

import numpy as np

from mescope.annotations.face_events import UNITS
from mescope.io.formula_guard import guarded
from mescope.moved import renamed
from mescope.reports.formatting import clock, emotion_words
from mescope.reports.judged import STRENGTH_UNITS

if TYPE_CHECKING:
    from rich.table import Table

    from mescope.events import FaceEvent, Interval
    from mescope.results import Analysis, Finding, Gap

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


def interval_rows(analysis: Analysis) -> list[dict[str, Any]]:
    """Return one dictionary per detection, keys :data:`INTERVAL_COLUMNS`."""
    return [_interval_row(analysis, finding) for finding in analysis.findings]


def interval_csv(analysis: Analysis) -> str:
    """Return the detections as CSV text; the header stands there even if there are none."""
    rows = ([row[column] for column in INTERVAL_COLUMNS] for row in interval_rows(analysis))
    return _csv(INTERVAL_COLUMNS, rows)


EVENT_COLUMNS = (
    "subject",
    "video",
    "kind",
    "facs",
    "onset",
    "offset",
    "onset_s",
    "offset_s",
    "duration_ms",
    "strength",
    "strength_unit",
    "note",
)
"""Columns of the table of events: frames from 0, ends included; ``_s`` seconds."""

UNJUDGED = "not_judged"
"""Kind of a row that is a stretch of the recording in which nothing could be judged."""


def event_csv(analysis: Analysis) -> str:
    """Return events and stretches that could not be judged as CSV text, in order of time.

    Kinds are blink, speech, head, gaze and :data:`UNJUDGED`, whose ``note`` is the reason;
    ``facs`` is the code where the kind has one (AU45).
    """
    name = str(analysis.video.get("name", ""))
    rows = [(e.interval, _event_cells(name, e)) for e in analysis.events]
    rows += [(gap.interval, _gap_cells(name, gap)) for gap in analysis.gaps]
    return _csv(EVENT_COLUMNS, [cells for _, cells in sorted(rows, key=lambda row: row[0])])


def _event_cells(name: str, event: FaceEvent) -> list[Any]:
    return [
        "", name, event.kind, UNITS.get(event.kind, ""),
        *_ends(event.interval, event.onset_s, event.offset_s),
        f"{event.strength:.4f}", STRENGTH_UNITS[event.kind], "",
    ]  # fmt: skip


def _gap_cells(name: str, gap: Gap) -> list[Any]:
    ends = _ends(gap.interval, gap.start_s, gap.end_s)
    return ["", name, UNJUDGED, "", *ends, "", "", gap.reason]


def _ends(interval: Interval, onset_s: float, offset_s: float) -> list[Any]:
    seconds = (_seconds(onset_s), _seconds(offset_s), f"{(offset_s - onset_s) * 1000:.0f}")
    return [interval.first, interval.last, *seconds]


def frame_csv(analysis: Analysis) -> str:
    """Return the traces as CSV text, one row per analyzed frame.

    Columns: ``frame`` (native, from 0), ``timestamp`` (s), ``success`` (1: a face was there),
    ``me_score`` (0 to 1), ``movement`` (the training-free score, 0 to 1), ``eye_openness``
    (1 = usual), ``emotion_<class>`` (probabilities), ``roi_<region>_mag`` (length of
    the region's motion, px of the 320-px crop).  Cells without a value are empty.
    """
    from mescope.labels import SPOTTING_CLASSES

    traces = analysis.traces
    columns = (
        "frame",
        "timestamp",
        "success",
        "me_score",
        "movement",
        "eye_openness",
        *(f"emotion_{name}" for name in SPOTTING_CLASSES),
        *(f"roi_{name}_mag" for name in traces.regions),
    )
    nowhere = np.full(len(traces.frames), np.nan)
    movement = nowhere if traces.movement is None else traces.movement
    openness = nowhere if traces.openness is None else traces.openness
    rows = (
        [
            int(traces.frames[i]),
            f"{traces.times[i]:.6f}",
            int(traces.valid[i]),
            *(_cell(v) for v in (traces.spotting[i], movement[i], openness[i])),
            *(_cell(v) for v in (*traces.emotion[i], *traces.motion[i])),
        ]
        for i in range(len(traces.frames))
    )
    return _csv(columns, rows)


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


_TEXTS = {
    "subject", "video", "emotion", "type", "au", "status", "source", "id", "note",
    "kind", "facs", "strength_unit",
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
