"""One face or every face: what ``mescope analyze`` does with either."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mescope.cli.console import explain, show
from mescope.cli.inputs import face_choice

if TYPE_CHECKING:
    from mescope.face_results import FacesAnalysis
    from mescope.io.progress import Progress
    from mescope.results import Analysis

    Result = Analysis | FacesAnalysis
else:
    Result = Any

ALL = "all"
"""The choice of face that stands for every face; files say so, too."""


def whose_face(
    faces: str, face: str, landmarks: Path | None, overlay: Path | None
) -> str | int:
    """Return the face that is asked for, or all; refuse what goes with one only.

    Raises:
        typer.BadParameter: another option chooses one face, or draws one.
    """
    if faces != ALL:
        return face_choice(face)
    asked = {"--face": face != "largest", "--landmarks": landmarks, "--overlay": overlay}
    one = next((option for option, given in asked.items() if given), None)
    if one is not None:
        raise typer.BadParameter(
            f"--faces all and {one} do not go together: {one} is about one face; leave one out"
        )
    return ALL


def analyzed(analyzer: Any, source: str, options: dict[str, Any], progress: Progress) -> Result:
    """Return the analysis of one face, or of every one if the options say so."""
    if options["face"] != ALL:
        result: Result = analyzer.analyze(source, progress=progress, **options)
        return result
    plain = {name: value for name, value in options.items() if name != "face"}
    result = analyzer.analyze_faces(source, progress=progress, **plain)
    return result


def warnings_of(found: Result) -> tuple[str, ...]:
    """Return the warnings of a result; those about one of several faces name it."""
    from mescope.face_results import FacesAnalysis

    return found.all_warnings if isinstance(found, FacesAnalysis) else found.warnings


def document_of(found: Result) -> dict[str, Any]:
    """Return a result as JSON has it, without its traces."""
    from mescope.face_results import FacesAnalysis
    from mescope.reports import faces, json

    if isinstance(found, FacesAnalysis):
        return faces.document(found, traces=False)
    return json.to_dict(found, traces=False)


def show_result(found: Result) -> None:
    """Print what was found, face by face; what has to be asked goes to the other stream."""
    from mescope.face_results import FacesAnalysis
    from mescope.reports.faces import asked_in_words

    if not isinstance(found, FacesAnalysis):
        show_analysis(found, str(found.video.get("name")))
        return
    for one in found:
        show_analysis(one.analysis, f"{found.video.get('name')}, {one.name}", of_several=True)
    for question in asked_in_words(found):
        explain(f"{question}; `mescope app` takes the answer")


def show_analysis(analysis: Analysis, name: str, *, of_several: bool = False) -> None:
    """Print the detections of one face as a table; ``of_several``: its page shows no others."""
    from mescope.reports.judged import headline, rates_in_words
    from mescope.reports.tables import text_table

    show(f"{name}: {' '.join(headline(analysis))}")
    if analysis.findings:
        show(text_table(analysis))
    if analysis.events:
        show(f"events: {rates_in_words(analysis)}")
    fainter = sum(finding.explained_by is None for finding in analysis.candidates)
    if fainter:
        more = "1 fainter movement lies" if fainter == 1 else f"{fainter} fainter movements lie"
        where = "the JSON has them" if of_several else "the report can show them"
        show(f"{more} below the score of {analysis.floor:.2f}; {where}")
