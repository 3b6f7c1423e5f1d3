"""Spotting, recognition and both at once, from a table of detections and one of the truth.

Counts are pooled over an explicit list of videos, those without expressions included, and
scored once.  Every mode but ``clean`` counts as a published evaluator does, to compare with its
figures, and its name stands in every report.
Modes by name: ``docs/protocols.md``, Scores.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from mescope.errors import DatasetError
from mescope.evaluation.interval_table import Row, Table, VideoKey, spelled
from mescope.evaluation.matching import (
    HALF,
    Counts,
    Matches,
    discard_after_matching,
    match,
)
from mescope.evaluation.metrics import ABSENT, Policy
from mescope.evaluation.recognition import (
    ClassCounts,
    count_classes,
    harmonic_f1,
    strs,
    uf1,
)
from mescope.evaluation.table_inputs import as_table
from mescope.events import Interval, Kind
from mescope.labels import SPOTTING_CLASSES

CLASSES = ("negative", "positive", "surprise", "others")
NEUTRAL = SPOTTING_CLASSES[-1]
KINDS: tuple[Kind, ...] = ("micro", "macro")
CAS_RATE = 30.0
"""Frames per second that are taken where a mode needs them and nobody says them."""

_RATE_TOLERANCE = 0.02
CURVE = (Fraction(3, 10), HALF, Fraction(7, 10))


Lengths = Mapping[Kind, tuple[int, int]]
"""Shortest and longest detection of each kind, in frames."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How to count; see Scores in ``docs/protocols.md``."""

    name: str
    how: str = "optimal"
    videos: Literal["all", "with_micro", "with_truth"] = "all"
    policy: Policy = ABSENT
    found_subjects_only: bool = False  # people without any detection are left out
    lengths: Mapping[float, Lengths] = field(default_factory=dict)  # by frames per second
    neutral: Literal["counted", "discarded"] = "counted"  # detections that are called neutral
    uar: Literal["uar", "macro_precision"] = "uar"  # the metric that is printed as UAR


MODES: MappingProxyType[str, Mode] = MappingProxyType(
    {
        mode.name: mode
        for mode in (
            Mode("clean"),
            Mode(
                "as_published_metst",
                "voc_greedy",
                "with_micro",
                "skip_both",
                neutral="discarded",
            ),
            Mode("as_published_metst_unfiltered", "voc_greedy", "with_micro", "skip_both"),
            Mode("as_published_mean", "voc_greedy", "with_micro", "skip_both"),
            Mode("as_published_sfamnet", "soft_multi", policy="skip_both"),
            Mode(
                "as_published_strs",
                "strs_multi",
                "with_truth",
                policy="zero",
                found_subjects_only=True,
                uar="macro_precision",
            ),
            Mode(
                "as_published_megc2020",
                "found_labels",
                policy="zero",
                lengths={
                    30.0: {"micro": (7, 16), "macro": (17, 10**9)},
                    200.0: {"micro": (47, 105), "macro": (106, 10**9)},
                },
            ),
        )
    }
)
"""Modes by name.  In ``as_published_megc2020`` the detections' kind follows from their length,
in frames of CAS(ME)^2 (30 a second, also where nobody says) or SAMM Long Videos (200).
What ``as_published_strs`` calls UAR is mean precision, as in the metric's own code.
``as_published_metst`` takes detections called neutral out
after matching (:func:`~mescope.evaluation.matching.discard_after_matching`), the filter of
synergy 1; synergy 2 leaves none to take out, and synergy 0 is counted ``_unfiltered``.  What
happened before a table was written (decimated frames, votes) is not part of a mode."""


@dataclass(frozen=True)
class Scores:
    """What :func:`score` counted.

    ``counts`` and ``curve`` are pooled, ``per_subject`` are the counts of micro-expressions;
    ``pairs`` are (true, found) emotions of the micro hits, ``units`` their action units where
    both tables have them.
    """

    mode: str
    videos: int
    counts: Mapping[Kind, Counts]
    curve: Mapping[Fraction, Counts]
    per_subject: Mapping[str, Counts]
    pairs: tuple[tuple[str, str | None], ...]
    classes: tuple[str, ...]
    policy: Policy
    units: tuple[tuple[str, str], ...] = ()

    @property
    def overall(self) -> Counts:
        """Both kinds together; a detection of the other kind never hits."""
        return sum(self.counts.values(), Counts())

    def recognition(self, classes: Sequence[str] | None = None) -> ClassCounts:
        """Return class counts on the micro hits, over all classes or those given."""
        truth, found = [t for t, _ in self.pairs], [f for _, f in self.pairs]
        return count_classes(truth, found, classes or self.classes)

    def strs(self, classes: Sequence[str] | None = None) -> float:
        """Return spotting F1 times the harmonic recognition F1."""
        counted = self.recognition(classes)
        return strs(self.counts["micro"].f1, harmonic_f1(counted, self.policy))

    def strs_uf1(self, classes: Sequence[str] | None = None) -> float:
        """Return spotting F1 times UF1."""
        return strs(self.counts["micro"].f1, uf1(self.recognition(classes), self.policy))


def score(
    found: Any, truth: Any, *, mode: str = "clean", classes: Sequence[str] = CLASSES
) -> Scores:
    """Score detections against the truth.

    Args:
        found: detections: a table, a DataFrame, arrays or a path, see
            :func:`~mescope.evaluation.table_inputs.as_table`; without types they count as
            micro-expressions throughout, but in ``as_published_megc2020``.
        truth: annotations with types, and all videos that were looked at; of arrays, all are
            micro-expressions.
        mode: one of :data:`MODES`.
        classes: emotions in the order of the confusion matrix; always given, never read off.

    Raises:
        DatasetError: an unknown mode, detections in unknown videos, truth without types, or
            emotions that are not a class.

    >>> scores = score({"a": [[10, 29], [90, 99]]}, {"a": [[12, 31]], "b": []})
    >>> scores.counts["micro"], scores.videos
    (Counts(tp=1, fp=1, fn=0), 2)
    """
    if mode not in MODES:
        raise DatasetError(f"expected a mode of {', '.join(MODES)}, found {mode!r}")
    found, truth = as_table(found, clamp=True), as_table(truth, kind="micro")
    rules = MODES[mode]
    found, truth = (spelled(t, (NEUTRAL, *classes)) for t in (found, truth))
    _check(found, truth, rules, classes)
    videos = _videos(found, truth, rules)
    mine, theirs = _group(_typed(found.rows, rules, found.rates)), _group(truth.rows)
    matched = {
        kind: {v: _match(mine, theirs, v, kind, rules, HALF) for v in videos} for kind in KINDS
    }
    per_subject: dict[str, Counts] = {}
    for video in videos:
        counts = matched["micro"][video].counts
        per_subject[video[0]] = per_subject.get(video[0], Counts()) + counts
    return Scores(
        mode=mode,
        videos=len(videos),
        counts={kind: _total(matched[kind]) for kind in KINDS},
        curve={
            threshold: _total(
                {v: _match(mine, theirs, v, "micro", rules, threshold) for v in videos}
            )
            for threshold in CURVE
        },
        per_subject=per_subject,
        pairs=_emotions(mine, theirs, matched["micro"]),
        classes=tuple(classes),
        policy=rules.policy,
        units=_units(mine, theirs, matched["micro"]),
    )


class Matched(NamedTuple):
    """What was found and annotated of one kind in one video, and which belong together."""

    found: Sequence[Row]
    truth: Sequence[Row]
    matches: Matches
    discarded: frozenset[int]


def matched(
    found: Table, truth: Table, *, mode: str = "clean"
) -> dict[tuple[VideoKey, Kind], Matched]:
    """Return the pairs behind :func:`score` for every video that the mode counts, and kind."""
    rules = MODES[mode]
    mine, theirs = _group(_typed(found.rows, rules, found.rates)), _group(truth.rows)
    out = {}
    for video in _videos(found, truth, rules):
        for kind in KINDS:
            rows = mine.get((video, kind), [])
            matches = _match(mine, theirs, video, kind, rules, HALF)
            gone = _discarded(rows, rules)
            out[video, kind] = Matched(rows, theirs.get((video, kind), []), matches, gone)
    return out


Places = dict[tuple[VideoKey, Kind], list[Interval]]
"""Intervals by video and kind."""


def places_of(table: Table, mode: str | None = None) -> Places:
    """Return intervals by video and kind; with a mode, the kinds are those it gives them."""
    rows = table.rows
    typed = rows if mode is None else _typed(rows, MODES[mode], table.rates)
    return {key: [row.interval for row in group] for key, group in _group(typed).items()}


def discarded_of(table: Table, mode: str) -> dict[tuple[VideoKey, Kind], frozenset[int]]:
    """Return which intervals of :func:`places_of` the mode takes out after matching."""
    rules = MODES[mode]
    groups = _group(_typed(table.rows, rules, table.rates))
    return {key: _discarded(group, rules) for key, group in groups.items()}


def kinds_of(table: Table, mode: str) -> dict[tuple[VideoKey, Interval], Kind]:
    """Return the kind that a mode gives every interval of a table."""
    typed = _typed(table.rows, MODES[mode], table.rates)
    return {(row.where, row.interval): kind for kind, row in typed}


def count_place(
    found: Sequence[Interval],
    truth: Sequence[Interval],
    mode: str,
    discarded: Collection[int] = (),
) -> Counts:
    """Return the counts of one video and kind; ``discarded`` are indices into ``found``."""
    matches = match(found, truth, how=MODES[mode].how, threshold=HALF)
    return (discard_after_matching(matches, discarded) if discarded else matches).counts


def videos_of(found: Table, truth: Table, mode: str) -> list[VideoKey]:
    """Return the videos that a mode counts, sorted."""
    return _videos(found, truth, MODES[mode])


Grouped = dict[tuple[VideoKey, Kind], list[Row]]


def _check(found: Table, truth: Table, rules: Mode, classes: Sequence[str]) -> None:
    if any(row.kind is None for row in truth.rows):
        raise DatasetError(
            "expected a type column in the truth, found none; add micro or macro"
        )
    unknown = sorted(found.videos - truth.videos)
    if unknown and rules.videos == "all":
        names = ", ".join("/".join(filter(None, video)) for video in unknown[:3])
        raise DatasetError(
            f"expected detections in videos of the truth, found {names} ({len(unknown)} in "
            "all); a video without expressions needs a row without onset and offset there"
        )
    for name, table in (("truth", truth), ("detections", found)):
        strange = sorted({r.emotion for r in table.rows if r.emotion} - {*classes, "neutral"})
        if strange:
            raise DatasetError(
                f"expected the emotions {', '.join(classes)} in the {name}, found "
                f"{', '.join(strange[:5])}; name the classes or map them"
            )


def _typed(
    rows: Sequence[Row], rules: Mode, rates: Mapping[VideoKey, float]
) -> list[tuple[Kind, Row]]:
    """Give every detection its kind; those of no kind are left out."""
    typed: list[tuple[Kind, Row]] = []
    for row in rows:
        if rules.lengths:
            lengths = _lengths(rules, rates.get(row.where, CAS_RATE))
            fitting = [k for k, (a, b) in lengths.items() if a <= len(row.interval) <= b]
            typed += [(kind, row) for kind in fitting]
        else:
            typed.append((row.kind or "micro", row))
    return typed


def _lengths(rules: Mode, rate: float) -> Lengths:
    for known, lengths in rules.lengths.items():
        if abs(rate - known) <= _RATE_TOLERANCE * known:
            return lengths
    known_rates = " or ".join(f"{known:g}" for known in rules.lengths)
    raise DatasetError(
        f"mode {rules.name} is known for {known_rates} frames per second, found {rate:g}; use "
        "another mode"
    )


def _group(rows: Sequence[Row] | Sequence[tuple[Kind, Row]]) -> Grouped:
    groups: Grouped = {}
    for entry in rows:
        kind, row = (entry.kind, entry) if isinstance(entry, Row) else entry
        groups.setdefault((row.where, kind or "micro"), []).append(row)
    return groups


def _videos(found: Table, truth: Table, rules: Mode) -> list[VideoKey]:
    if rules.videos == "with_micro":
        videos = {row.where for row in truth.rows if row.kind == "micro"}
    elif rules.videos == "with_truth":
        videos = {row.where for row in truth.rows}
    else:
        videos = set(truth.videos)
    if rules.found_subjects_only:
        subjects = {row.subject for row in found.rows}
        videos = {video for video in videos if video[0] in subjects}
    return sorted(videos)


def _match(
    mine: Grouped,
    theirs: Grouped,
    video: VideoKey,
    kind: Kind,
    rules: Mode,
    threshold: Fraction,
) -> Matches:
    rows = mine.get((video, kind), ())
    matches = match(
        [row.interval for row in rows],
        [row.interval for row in theirs.get((video, kind), ())],
        how=rules.how,
        threshold=threshold,
    )
    discarded = _discarded(rows, rules)
    return discard_after_matching(matches, discarded) if discarded else matches


def _discarded(rows: Sequence[Row], rules: Mode) -> frozenset[int]:
    """Return the indices of the detections that leave after matching."""
    if rules.neutral == "counted":
        return frozenset()
    return frozenset(i for i, row in enumerate(rows) if row.emotion == NEUTRAL)


def _total(matched: Mapping[VideoKey, Matches]) -> Counts:
    return sum((m.counts for m in matched.values()), Counts())


def _emotions(
    mine: Grouped, theirs: Grouped, matched: Mapping[VideoKey, Matches]
) -> tuple[tuple[str, str | None], ...]:
    """Pair the emotions of the hits; a hit whose truth has no emotion is left out."""
    pairs = []
    for video, matches in matched.items():
        for i, j in matches.pairs:
            wanted = theirs[video, "micro"][j].emotion
            if wanted:
                pairs.append((wanted, mine[video, "micro"][i].emotion))
    return tuple(pairs)


def _units(
    mine: Grouped, theirs: Grouped, matched: Mapping[VideoKey, Matches]
) -> tuple[tuple[str, str], ...]:
    """Pair the action units of the hits; those without a column for them are left out."""
    rows = [
        (theirs[video, "micro"][j].units, mine[video, "micro"][i].units)
        for video, matches in matched.items()
        for i, j in matches.pairs
    ]
    return tuple((a, b) for a, b in rows if a is not None and b is not None)
