"""Which class a clip of a face has, and what it is called.

Which emotion a macro-expression of CAS(ME)^3 has, nobody annotated: its objective class decides
(our reading of the RSMix paper).
"""

from __future__ import annotations

from collections import Counter

from mescope import facs
from mescope.annotations.problems import Problem
from mescope.errors import DatasetError
from mescope.events import Expression, Recording
from mescope.labels import class_of
from mescope.samples.provenance import Origin


def class_of_face(
    expression: Expression, labels: str, recording: Recording, problems: list[Problem]
) -> str | None:
    """Return the class of an expression, or None where it has none."""
    where = f"{recording.name} {expression.interval.first}-{expression.interval.last}"
    if expression.emotion:
        try:
            name = class_of(expression.emotion, labels, recording.dataset)
        except DatasetError as error:
            problems.append(Problem("error", where, str(error)))
            return None
        if name is None:
            text = f"the label set {labels} leaves {expression.emotion} out"
            problems.append(Problem("warning", where, text))
        return name
    if expression.kind == "macro" and expression.action_units:
        number = expression.objective_class or facs.objective_class(expression.action_units)
        return facs.class_emotion(number)
    problems.append(Problem("error", where, "neither an emotion nor action units"))
    return None


def name_of(recording: Recording, origin: Origin, seen: Counter[str]) -> str:
    """Return a name unlike any other of the recording."""
    span = origin.source
    name = f"{recording.name} {span.first}-{span.last}"
    name += "" if origin.testable else f" {origin.kind} {origin.role}"
    seen[name] += 1
    return name if seen[name] == 1 else f"{name} {seen[name]}"
