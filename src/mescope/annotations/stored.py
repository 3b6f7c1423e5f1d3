"""An annotation as plain values, which formats carry so that nothing is lost."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, unquote

from mescope.annotations.annotation import Annotation, AnnotationSet
from mescope.annotations.files import number, optional, table, whole, word
from mescope.events import Interval

MICRO, MACRO = "micro-expression", "macro-expression"
KIND_WORDS = {"micro": MICRO, "macro": MACRO}
"""How files call the kinds."""

_TEXTS = (
    "source", "emotion", "action_units", "status", "face", "id", "note", "reason", "taken",
)  # fmt: skip
_TIMES = ("onset_s", "apex_s", "offset_s", "end_s")
_DIGITS = 9  # of seconds: a nanosecond


def to_dict(mark: Annotation) -> dict[str, Any]:
    """Return every field that is set, as values that JSON holds."""
    interval = mark.interval
    kept: dict[str, Any] = {
        "onset": interval.first,
        "apex": mark.apex,
        "offset": interval.last,
        "kind": mark.kind,
        "origin": mark.origin,
        "score": mark.score,
        **{name: getattr(mark, name) for name in _TEXTS},
        **{name: getattr(mark, name) for name in _TIMES},
    }
    return {name: value for name, value in kept.items() if value not in (None, "")}


def from_dict(kept: dict[str, Any]) -> Annotation:
    """Return the annotation that :func:`to_dict` made into values.

    Raises:
        ValueError: a field is missing, of another type, or makes no sense.
    """
    try:
        onset, offset = whole(kept["onset"], "onset"), whole(kept["offset"], "offset")
        kind, origin = word(kept["kind"], "kind"), word(kept["origin"], "origin")
    except KeyError as error:
        raise ValueError(f"expected {error}, found none") from None
    texts = {name: word(kept[name], name) for name in _TEXTS if name in kept}
    times = {name: number(kept[name], name) for name in _TIMES if name in kept}
    return Annotation(
        interval=Interval(onset, offset),
        kind=kind,  # type: ignore[arg-type]  # checked by Annotation
        origin=origin,  # type: ignore[arg-type]
        apex=optional(kept, "apex", whole),
        score=optional(kept, "score", number),
        **texts,  # type: ignore[arg-type]
        **times,  # type: ignore[arg-type]
    )


def compact(values: dict[str, Any]) -> str:
    r"""Return JSON in one line that is harmless in XML, WebVTT and HTML.

    >>> compact({"note": "a --> <b>&"})
    '{"note":"a --\\u003e \\u003cb\\u003e\\u0026"}'
    """
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029\x85":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def about(sheet: AnnotationSet) -> dict[str, Any]:
    """Return the facts of a set without its annotations."""
    kept = {
        "video": sheet.video,
        "subject": sheet.subject,
        "rate": sheet.rate,
        "frames": sheet.frames,
        "start_offset": sheet.start_offset,
        "mpv_zero": sheet.mpv_zero or None,
    }
    return {name: value for name, value in kept.items() if value not in (None, "")}


def set_from_facts(kept: Any, video: str = "") -> AnnotationSet:
    """Return a set without annotations from the facts that :func:`about` made.

    Raises:
        ValueError: a field is of another type or makes no sense.
    """
    facts = table(kept, "facts of a video")
    return AnnotationSet(
        video=word(facts.get("video", video), "video"),
        subject=word(facts.get("subject", ""), "subject"),
        rate=optional(facts, "rate", number),
        frames=optional(facts, "frames", whole),
        start_offset=optional(facts, "start_offset", number),
        mpv_zero=optional(facts, "mpv_zero", number) or 0.0,
    )


def frames_text(mark: Annotation) -> str:
    """Return the frames, id and exact times as ``onset=..;apex=..;offset=..``.

    This is what stands on the tier ME-frames of an EAF, which shows whole milliseconds.

    >>> frames_text(Annotation(interval=Interval(3, 9), kind="micro", apex=5, id="d1"))
    'onset=3;apex=5;offset=9;id=d1'
    """
    values: list[tuple[str, Any]] = [
        ("onset", mark.interval.first),
        ("apex", mark.apex),
        ("offset", mark.interval.last),
        ("id", quote(mark.id, safe=" ")),
    ]
    values += [(name, _decimal(getattr(mark, name))) for name in _TIMES]
    return ";".join(f"{name}={value}" for name, value in values if value not in (None, ""))


def frames_of(text: str) -> dict[str, Any]:
    """Return what :func:`frames_text` wrote, by name.

    Raises:
        ValueError: it says something else, or onset and offset are not there.
    """
    parts = dict(part.strip().partition("=")[::2] for part in text.split(";"))
    kept: dict[str, Any] = {}
    try:
        for name in ("onset", "apex", "offset"):
            if name in parts:
                kept[name] = int(parts[name])
        for name in _TIMES:
            if name in parts:
                kept[name] = float(parts[name])
        kept["interval"] = Interval(kept.pop("onset"), kept.pop("offset"))
    except (ValueError, KeyError) as error:
        raise ValueError(f"expected onset=..;apex=..;offset=.., found {text[:40]!r}") from error
    kept["id"] = unquote(parts.get("id", ""))
    return kept


def _decimal(seconds: float | None) -> str | None:
    """Return seconds with at most nine decimals, whatever the locale."""
    if seconds is None:
        return None
    text = f"{seconds:.{_DIGITS}f}".rstrip("0")
    return text + "0" if text.endswith(".") else text
