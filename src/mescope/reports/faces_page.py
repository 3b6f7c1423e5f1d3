"""One self-contained page for a recording of several faces: who, what was found on whom, why.

It is laid out as the page of one face (:mod:`mescope.reports.html`) and runs no script.
"""

from __future__ import annotations

from typing import Any

from mescope.face_results import AnalyzedFace, FacesAnalysis
from mescope.reports.cards import MOST_PICTURED, card, followed
from mescope.reports.face_arrows import data_uri
from mescope.reports.faces import asked_in_words
from mescope.reports.formatting import clock, emotion_words, findings_in_words
from mescope.reports.html import day, facts_of, flat, gap_row, template
from mescope.reports.judged import headline, rates_in_words
from mescope.reports.plots import timeline
from mescope.reports.tables import duration_ms

_WIDE, _NARROW = 940, 350  # units; the page shows one of the two drawings


def faces_page(found: FacesAnalysis) -> str:
    """Return the page as text, to be saved as UTF-8."""
    first, about = found.faces[0].analysis, found.provenance
    faces = [_face(one, number) for number, one in enumerate(found.faces, 1)]
    kinds = [str(f.detection.kind) for one in found for f in one.analysis.findings]
    several = f"{len(faces)} faces" if len(faces) > 1 else "one face"
    return template("faces.html").render(
        name=str(found.video.get("name", "recording")),
        found=f"{findings_in_words(kinds)} on {several}",
        facts=facts_of(first, seen=False),
        warnings=list(found.all_warnings),
        questions=[text[0].upper() + text[1:] for text in asked_in_words(found)],
        faces=faces,
        rows=_rows(found),
        most_pictured=MOST_PICTURED,
        simulated=bool(about.get("simulated")),
        trained_on=str(about.get("trained_on", "")),
        model=str(about.get("model", "unknown")),
        created=day(about.get("created")),
        video=flat(found.video),
        provenance=flat(about),
        pictures=any(face["picture"] for face in faces),
    )


def _face(one: AnalyzedFace, number: int) -> dict[str, Any]:
    analysis = one.analysis
    found, where = headline(analysis)
    picture = followed(analysis) if one.picture is None else data_uri(one.picture)
    return {
        "name": one.name,
        "picture": picture,
        "seen": ", ".join(f"{clock(s.start_s)} to {clock(s.end_s)}" for s in one.stretches),
        "found": found,
        "where": where,
        "rates": rates_in_words(analysis),
        "wide": timeline(analysis, width=_WIDE, name=f"wide-{number}"),
        "narrow": timeline(analysis, width=_NARROW, name=f"narrow-{number}"),
        "gaps": [gap_row(gap) for gap in analysis.gaps],
        "floor": analysis.floor,
        "has_movement": analysis.traces.movement is not None,
        "fainter": sum(f.explained_by is None for f in analysis.candidates),
        "cards": [card(f, str(k)) for k, f in enumerate(analysis.findings, 1)],
    }


def _rows(found: FacesAnalysis) -> list[dict[str, str]]:
    pairs = [(one.name, f) for one in found for f in one.analysis.findings]
    return [
        {
            "face": name,
            "id": finding.id,
            "onset": clock(finding.detection.onset_s),
            "offset": clock(finding.detection.offset_s),
            "ms": duration_ms(finding),
            "frames": f"{finding.detection.interval.first}–{finding.detection.interval.last}",
            "kind": finding.detection.kind,
            "emotion": emotion_words(finding.detection.emotion),
            "score": f"{finding.detection.score:.2f}",
        }
        for name, finding in sorted(pairs, key=lambda pair: pair[1].detection.interval)
    ]
