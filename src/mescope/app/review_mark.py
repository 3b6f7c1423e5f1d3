"""Annotations under review: what they are now, who made them, and what became of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mescope.annotations.annotation import Annotation
from mescope.events import MICRO_MAX_S, Interval, Kind

EDITABLE = ("first", "apex", "last", "emotion", "action_units", "confidence", "note", "face")
"""What a person can change, as requests and kept events call it."""

Maker = Literal["model", "human"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewMark:
    """One annotation of a recording, as the events so far left it.

    Attributes:
        annotation: onset, apex, offset and the other values as they are now.  Its times are
            set, and its kind counts, once :func:`timed` has seen it.
        maker: who found or added it.
        coder: who judged, corrected or added it last; None: nobody.
        status: proposed, confirmed or rejected; own for what a person added.
        changed: whether its values are no longer those that it began with.
        evidence: why the model proposed it, as in the JSON of an analysis.
        original: what the model proposed, never changed; None for what a person added.
        said: which of :data:`EDITABLE` a person set; the others are the model's.
        reason: what a rejected detection was instead, such as ``blink``; "": nobody said.
        earlier: whether an earlier analysis found it and the newest one did not; it is there
            for what people said of it, and counts as nothing that the model found.
    """

    annotation: Annotation
    maker: Maker
    coder: str | None = None
    status: str = "proposed"
    changed: bool = False
    evidence: Mapping[str, Any] | None = None
    original: Annotation | None = None
    said: tuple[str, ...] = ()
    reason: str = ""
    earlier: bool = False

    @property
    def id(self) -> str:
        """Return the id, unique in the recording."""
        return self.annotation.id

    @property
    def kind(self) -> Kind | None:
        """Return the kind; None where the times of onset or offset are not known."""
        known = self.annotation.onset_s is not None and self.annotation.offset_s is not None
        return self.annotation.kind if known else None

    def to_json(self) -> dict[str, Any]:
        """Return the mark as it is kept with an analysis."""
        return {
            "id": self.id,
            **values_of(self.annotation),
            "note": self.annotation.note,
            "coder": self.coder,
            "status": self.status,
            "source": self.maker,
            "changed": self.changed,
            "said": list(self.said),
            "reason": self.reason,
            "earlier": self.earlier,
            "evidence": self.evidence,
            "original": None if self.original is None else values_of(self.original),
        }

    def to_page(self) -> dict[str, Any]:
        """Return the mark, once :func:`timed`, as the page and exports know it."""
        times = ("onset_s", "apex_s", "offset_s")
        return {
            **self.to_json(),
            **{name: getattr(self.annotation, name) for name in times},
            "kind": self.kind,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> ReviewMark:
        """Return the mark that :meth:`to_json` made into values."""
        identity, original = kept["id"], kept["original"]
        return cls(
            annotation=with_values(None, kept, id=identity),
            maker=kept["source"],
            coder=kept["coder"],
            status=kept["status"],
            changed=kept["changed"],
            evidence=kept["evidence"],
            said=tuple(kept.get("said", ())),  # not kept by earlier versions
            reason=kept.get("reason", ""),
            earlier=kept.get("earlier", False),
            original=None if original is None else with_values(None, original, id=identity),
        )


def values_of(annotation: Annotation) -> dict[str, Any]:
    """Return what a person can change but the note, as the page and kept events name it."""
    units = annotation.action_units
    return {
        "first": annotation.interval.first,
        "apex": annotation.apex,
        "last": annotation.interval.last,
        "emotion": annotation.emotion,
        "confidence": annotation.score,
        "action_units": units.split("+") if units else [],
        **({} if annotation.face == "0" else {"face": annotation.face}),
    }


def with_values(
    before: Annotation | None, values: Mapping[str, Any], *, id: str = ""
) -> Annotation:
    """Return an annotation with other values; what is not among them stays.

    Args:
        before: what is changed; None for a new one, whose values name first and last.
        values: as :data:`EDITABLE` names them.
        id: of a new one.
    """
    own = {} if before is None else {**values_of(before), "note": before.note}
    now = {**own, **{key: values[key] for key in EDITABLE if key in values}}
    made: dict[str, Any] = {
        "interval": Interval(now["first"], now["last"]),
        "apex": now.get("apex"),
        "emotion": now.get("emotion"),
        "score": now.get("confidence"),
        "action_units": "+".join(now.get("action_units") or ()),
        "note": now.get("note") or "",
        "face": now.get("face") or "0",
    }
    if before is not None:
        return replace(before, **made)
    return Annotation(kind="micro", id=id, **made)  # the kind follows from the times


def detection(
    number: int, first: int, apex: int, last: int, *, taken: Collection[str] = (), **values: Any
) -> ReviewMark:
    """Return a model's detection as a mark.

    Its id names its frames, so a detection that a later analysis finds again keeps what people
    said of it.

    Args:
        number: of the detection; part of the id if another one has the same frames.
        first: frame of the onset.
        apex: frame of the apex.
        last: frame of the offset.
        taken: ids of other marks.
        **values: emotion, confidence, action_units, face and evidence.
    """
    name = f"m{first}-{apex}-{last}"
    evidence = values.pop("evidence", None)
    found = with_values(
        None,
        {"first": first, "apex": apex, "last": last, **values},
        id=f"{name}-{number}" if name in taken else name,
    )
    return ReviewMark(annotation=found, maker="model", evidence=evidence, original=found)


def timed(mark: ReviewMark, times: Sequence[float] | NDArray[np.float64]) -> ReviewMark:
    """Return the mark with its times in seconds, and the kind that follows from them.

    Args:
        mark: any.
        times: (n,) seconds of every frame; what lies behind them has no time.
    """
    found = mark.annotation

    def second(frame: int | None) -> float | None:
        return None if frame is None or frame >= len(times) else float(times[frame])

    onset, offset = second(found.interval.first), second(found.interval.last)
    kind: Kind = "micro"
    if onset is not None and offset is not None and offset - onset > MICRO_MAX_S:
        kind = "macro"
    return replace(
        mark,
        annotation=replace(
            found, onset_s=onset, apex_s=second(found.apex), offset_s=offset, kind=kind
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    """What a page is shown of a recording.

    Attributes:
        revision: how many events the recording has.
        finished: the coders who called it reviewed, in order of name.
        marks: timed, in order of frames; all, or one that was just judged.
        removed: ids that are no longer there; None where ``marks`` are all.
        codes: a coded event that was just judged, as the page knows it.
    """

    revision: int
    finished: tuple[str, ...] = ()
    marks: tuple[ReviewMark, ...]
    removed: tuple[str, ...] | None = None
    codes: tuple[Mapping[str, Any], ...] = ()

    def head(self) -> dict[str, Any]:
        """Return what a page is told beside the marks; ``reviewed``: a coder called it so."""
        finished = list(self.finished)
        return {"revision": self.revision, "reviewed": bool(finished), "finished": finished}

    def to_json(self) -> dict[str, Any]:
        """Return the view as the page gets it."""
        shown: dict[str, Any] = {
            **self.head(),
            "detections": [m.to_page() for m in self.marks if m.maker == "model"],
            "annotations": [m.to_page() for m in self.marks if m.maker == "human"],
        }
        if self.removed is None:
            return shown
        return shown | {"removed": list(self.removed), "codes": list(self.codes)}
