"""Where examples come from, and which of them may meet in one experiment.

An example that was made from another one (RSMix) shows that person in front of other frames of
the same recording.  So an origin keeps the recording and every frame that is shown, and
:func:`check_apart` refuses two parts that show the same frame, whatever names they bear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mescope.errors import LeakError
from mescope.events import Interval, Kind

Role = Literal["original", "rsmix", "control"]
"""``control``: neutral motion under the mask of an expression: never learned
from, never part of a score."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one example comes from.

    Attributes:
        role: what it is.
        kind: of the expression it shows, or whose mask it has.
        recording: (data set, name), unlike that of any other recording.
        source: frames of that expression.
        shown: all frames of the recording that it shows parts of, its source's included.
    """

    role: Role
    kind: Kind
    recording: tuple[str, str]
    source: Interval
    shown: tuple[Interval, ...]

    @property
    def testable(self) -> bool:
        """True of original micro-expressions; nothing else is ever tested."""
        return self.role == "original" and self.kind == "micro"

    def meets(self, other: Origin) -> bool:
        """Say whether both show some frame of one recording."""
        if self.recording != other.recording:
            return False
        return any(a.shared(b) for a in self.shown for b in other.shown)


def runs(frames: Sequence[int]) -> tuple[Interval, ...]:
    """Return sorted frames as intervals.

    >>> runs([3, 4, 5, 9, 9])
    (Interval(first=3, last=5), Interval(first=9, last=9))
    """
    found: list[Interval] = []
    for frame in sorted(set(frames)):
        if found and found[-1].last + 1 == frame:
            found[-1] = Interval(found[-1].first, frame)
        else:
            found.append(Interval(frame, frame))
    return tuple(found)


def check_apart(
    name: str, train: Sequence[Origin], test: Sequence[Origin], *, by_person: bool
) -> None:
    """Refuse a training part that shows what is tested.

    Args:
        name: of the fold.
        train: origins of the training examples.
        test: those of the tested ones.
        by_person: also refuse other frames of a recording that is tested.

    Raises:
        LeakError: a frame (or recording) is in both parts, or an example is in a part where
            its role does not belong.
    """
    strangers = [o for o in test if not o.testable] + [o for o in train if o.role == "control"]
    if strangers:
        raise LeakError(
            f"fold {name}: expected original micro-expressions in the test part and no control "
            f"clip in training, found {_words(strangers[0])} ({len(strangers)} in all)"
        )
    tested: dict[tuple[str, str], list[Origin]] = {}
    for one in test:
        tested.setdefault(one.recording, []).append(one)
    for one in train:
        others = tested.get(one.recording, [])
        if (by_person and others) or any(one.meets(other) for other in others):
            what = "recordings" if by_person else "frames"
            raise LeakError(
                f"fold {name}: expected no {what} of the test part in training, found "
                f"{_words(one)}; split by person, and give copies the person of their original"
            )


def _words(origin: Origin) -> str:
    span = origin.source
    return (
        f"{origin.role} of the {origin.kind}-expression {span.first} to {span.last} of "
        f"{'/'.join(origin.recording)}"
    )
