"""Emotion labels: the classes of the models, and raw labels to the published class sets.

A data set writes an emotion in its own words; a paper merges those words into three to seven
classes and leaves some samples out.  Sets that look the same often are not, so each one is
named by data set and size, holds the published number of samples of every class, and refuses a
label it does not know.  Class names are stored, never numbers: numbers differ between papers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mescope.errors import DatasetError
from mescope.registry import suggestion

SPOTTING_CLASSES: tuple[str, ...] = ("negative", "positive", "surprise", "others", "neutral")
"""Classes of the spotting models in the order of their logits; neutral last."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "other": "others",
        "happy": "happiness",
        "happyiness": "happiness",  # as spelt in CAS(ME)^2
        "sad": "sadness",
        "comtempt": "contempt",  # as spelt in CASME
        "angry": "anger",
    }
)
"""Spellings found in published sheets, lower case, to the one used here."""


def _counts(**counts: int) -> Mapping[str, int]:
    return MappingProxyType(counts)


_raw_counts: dict[str, Mapping[str, int]] = (
    {
        "casme": _counts(
            tense=69, disgust=44, repression=38, surprise=20,
            happiness=9, sadness=6, fear=2, contempt=1,
        ),
        "casme2": _counts(
            others=99, disgust=63, happiness=32, repression=27, surprise=25, sadness=7, fear=2
        ),
        "smic": _counts(negative=70, positive=51, surprise=43),
        "samm": _counts(
            anger=57, others=26, happiness=26, surprise=15,
            contempt=12, disgust=9, fear=8, sadness=6,
        ),
        "casmesq": _counts(negative=21, others=19, surprise=9, positive=8),
        "casme3a": _counts(
            disgust=250, surprise=187, others=161, fear=86, anger=64, sadness=57, happiness=55
        ),
        "casme3c": _counts(negative=99, surprise=30, others=20, positive=16),
        "mmew": _counts(
            happiness=36, anger=8, surprise=89, disgust=72, fear=16, sadness=13, others=66
        ),
        "dfme": _counts(
            anger=241, contempt=171, disgust=735, fear=365,
            happiness=311, sadness=359, surprise=447,
        ),
    }
)  # fmt: skip
RAW_COUNTS: Mapping[str, Mapping[str, int]] = MappingProxyType(_raw_counts)
"""Micro-expressions of every raw label as published: CASME (189 rows), CASME II (2014 sheet,
255), SMIC-HS, SAMM, CAS(ME)^2, CAS(ME)^3 A (v2, 860) and C, MMEW (300, as papers
report them; the sheet itself was not seen), DFME (public part, 2629)."""

_COARSE = {
    "negative": ("negative", "anger", "contempt", "disgust", "fear", "sadness"),
    "positive": ("positive", "happiness"),
    "surprise": ("surprise",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSet:
    """One published way to merge the raw labels of one data set.

    ``classes`` maps a raw label to its class; a raw label of the data set that is missing there
    is left out by the protocol.  ``counts`` are the published samples of each class, and
    ``left_out`` the clips (subject, name) that the protocol drops although their label has a
    class.
    """

    dataset: str
    name: str
    classes: Mapping[str, str]
    counts: Mapping[str, int]
    left_out: frozenset[tuple[str, str]] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the classes in the order of the published counts."""
        return tuple(self.counts)

    @property
    def total(self) -> int:
        """Return the published number of samples."""
        return sum(self.counts.values())


def _merge(dataset: str, **merged: str) -> dict[str, str]:
    """Return the coarse class of every raw label of a data set that has one."""
    coarse = {raw: name for name, raws in _COARSE.items() for raw in raws} | merged
    return {raw: coarse[raw] for raw in RAW_COUNTS[dataset] if raw in coarse}


def _keep(*raws: str) -> dict[str, str]:
    return {raw: raw for raw in raws}


def _drop(classes: Mapping[str, str], *raws: str) -> dict[str, str]:
    return {raw: name for raw, name in classes.items() if raw not in raws}


def _three(dataset: str, negative: int, positive: int, surprise: int) -> LabelSet:
    return LabelSet(
        dataset=dataset,
        name="3-class",
        classes=_merge(dataset),
        counts=_counts(negative=negative, positive=positive, surprise=surprise),
    )


def _four(dataset: str, negative: int, positive: int, surprise: int, others: int) -> LabelSet:
    return LabelSet(
        dataset=dataset,
        name="4-class",
        classes=_merge(dataset, others="others"),
        counts=_counts(negative=negative, positive=positive, surprise=surprise, others=others),
    )


def _plain(dataset: str, name: str, *raws: str) -> LabelSet:
    """Return a set whose classes are raw labels, the others left out."""
    published = RAW_COUNTS[dataset]
    return LabelSet(
        dataset=dataset,
        name=name,
        classes=_keep(*raws),
        counts=MappingProxyType({raw: published[raw] for raw in raws}),
    )


CASME2_CHANGED_IN_2019 = ("EP07_01", "EP07_04f", "EP10_03")
"""Clips of CASME II's sub24: sadness in the sheet of 2014, surprise in that of 2019."""

_SEVEN = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")

LABEL_SETS: tuple[LabelSet, ...] = (
    LabelSet(  # MEGC2019, whose list leaves out a clip without an apex and one with it on 0
        dataset="casme2",
        name="3-class",
        classes=_drop(_merge("casme2", repression="negative"), "sadness", "fear"),
        counts=_counts(negative=88, positive=32, surprise=25),
        left_out=frozenset(
            {("04", "EP12_01f"), ("05", "EP09_05f")}
            | {("24", clip) for clip in CASME2_CHANGED_IN_2019}
        ),
    ),
    _three("smic", 70, 51, 43),
    _three("samm", 92, 26, 15),
    _three("casmesq", 21, 8, 9),
    _three("casme3a", 457, 55, 187),
    _three("casme3c", 99, 16, 30),
    _three("mmew", 109, 36, 89),
    LabelSet(  # repression counts as others here, as negative in the 3-class set
        dataset="casme2",
        name="4-class",
        classes=_merge("casme2", repression="others", others="others"),
        counts=_counts(negative=72, positive=32, surprise=25, others=126),
    ),
    _four("samm", 92, 26, 15, 26),
    _four("casmesq", 21, 8, 9, 19),
    _four("casme3a", 457, 55, 187, 161),
    _four("casme3c", 99, 16, 30, 20),
    _plain("casme", "4-class", "tense", "disgust", "repression", "surprise"),
    _plain("casme2", "5-class", "happiness", "disgust", "repression", "surprise", "others"),
    _plain("samm", "5-class", "anger", "contempt", "happiness", "surprise", "others"),
    _plain("casme3a", "7-class", *_SEVEN, "others"),
    _plain("mmew", "6-class", *_SEVEN),
    _plain("mmew", "7-class", *_SEVEN, "others"),
    _plain("dfme", "7-class", *_SEVEN, "contempt"),
)
"""Every label set.  MMEW's 4-class variants differ between papers and are left
out; 4DME has several flags per sample and no single label."""

_label_sets = list(LABEL_SETS)


def add_labels(dataset: str, counts: Mapping[str, int], sets: Iterable[LabelSet] = ()) -> None:
    """Make the labels of a data set known that is read by a plug-in.

    A data set without labels of its own has those of :data:`OWN_SETS`.

    Args:
        dataset: its name.
        counts: published micro-expressions of every raw label.
        sets: published ways to merge them into classes.

    Raises:
        ValueError: the labels of that data set are known, or a set is of another one.
    """
    if dataset in _raw_counts or any(one.dataset != dataset for one in sets):
        raise ValueError(f"expected new labels of one data set, found {dataset!r} {sets}")
    _raw_counts[dataset] = MappingProxyType(dict(counts))
    _label_sets.extend(sets)


def label_set(name: str, dataset: str) -> LabelSet:
    """Return a label set, such as ``label_set("3-class", "casme2")``.

    Raises:
        DatasetError: unknown data set, or the data set has no set of that name.
    """
    known = [s.name for s in _label_sets if s.dataset == dataset]
    if not known:
        raise DatasetError(_unknown("data set", dataset, list(RAW_COUNTS)))
    for candidate in _label_sets:
        if (candidate.dataset, candidate.name) == (dataset, name):
            return candidate
    raise DatasetError(_unknown(f"label set of {dataset}", name, known))


OWN_SETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "3-class": ("negative", "positive", "surprise"),
        "4-class": ("negative", "positive", "surprise", "others"),
    }
)
"""Label sets of recordings that are of no published data set: a user's own, rendered ones."""


_UNCLASSED = ("others", "tense")  # labels of no published set that every set leaves out

RENDERED = "synthetic"
"""Data set name of rendered recordings: nobody sat for them, and all that is made of them says
so.  It travels with the person, through files and mixed clips."""


def class_counts() -> dict[str, int]:
    """Return the number of classes of every label set that some data set has, by its name.

    >>> class_counts()["3-class"]
    3
    """
    published = {one.name: len(one.names) for one in _label_sets}
    return published | {name: len(classes) for name, classes in OWN_SETS.items()}


def classes_named(name: str) -> tuple[str, ...]:
    """Return classes of a label set whatever the data set, of the first that has one.

    Raises:
        DatasetError: no data set has such a set.

    >>> classes_named("3-class")
    ('negative', 'positive', 'surprise')
    """
    found = {one.name: one.names for one in reversed(_label_sets)} | dict(OWN_SETS)
    if name not in found:
        raise DatasetError(_unknown("label set", name, list(found)))
    return found[name]


def classes_for(name: str, datasets: Iterable[str]) -> tuple[str, ...]:
    """Return the classes of a label set that data sets share, published ones or not.

    Raises:
        DatasetError: one of them has no such set, or their classes differ.
    """
    found: dict[str, tuple[str, ...]] = {}
    for dataset in sorted(set(datasets)):
        if dataset in RAW_COUNTS:
            found[dataset] = label_set(name, dataset).names
        elif name in OWN_SETS:
            found[dataset] = OWN_SETS[name]
        else:
            raise DatasetError(_unknown(f"label set of {dataset}", name, list(OWN_SETS)))
    if len(set(found.values())) != 1:
        each = "; ".join(f"{key}: {', '.join(names)}" for key, names in found.items())
        raise DatasetError(f"expected the same classes in all data sets, found {each}")
    return next(iter(found.values()))


def leaves_out(name: str, dataset: str, subject: str, clip: str) -> bool:
    """Say whether a label set leaves a clip out by its name, whatever its emotion.

    Data sets of no published set leave nothing out; ``subject`` may have a prefix.

    >>> leaves_out("3-class", "casme2", "sub04", "EP12_01f")
    True
    """
    return any(
        (one.dataset, one.name) == (dataset, name) and (subject[-2:], clip) in one.left_out
        for one in _label_sets
    )


def class_of(emotion: str, name: str, dataset: str) -> str | None:
    """Return the class of an emotion, None where the set leaves it out.

    As :func:`to_classes`, but of any data set, and the name of a class stays itself.

    Raises:
        DatasetError: no such label set, or an emotion that is not known.

    >>> class_of("Happy", "3-class", "folder"), class_of("others", "3-class", "folder")
    ('positive', None)
    """
    plain = canonical(emotion)
    if plain in classes_for(name, [dataset]):
        return plain
    if dataset in RAW_COUNTS:
        return to_classes(emotion, name, dataset)
    coarse = {raw: merged for merged, raws in _COARSE.items() for raw in raws}
    if plain not in coarse and plain not in _UNCLASSED:
        raise DatasetError(_unknown(f"emotion of {dataset}", emotion, [*coarse, "others"]))
    return coarse.get(plain)


def canonical(raw: str) -> str:
    """Return a raw label in lower case, without blanks, in the spelling used here.

    >>> canonical(" Happy ")
    'happiness'
    """
    plain = raw.strip().lower()
    return ALIASES.get(plain, plain)


def to_classes(raw: str, name: str, dataset: str) -> str | None:
    """Return the class of a raw label in a label set; None where the set leaves it out.

    Args:
        raw: the label as the sheet has it; case, blanks and known misspellings do not matter.
        name: the label set: ``"3-class"`` to ``"7-class"``, as far as the data set has it.
        dataset: one of the keys of :data:`RAW_COUNTS`.

    Raises:
        DatasetError: unknown data set or label set, or a label the data set does not have.

    >>> to_classes("Repression", "3-class", "casme2"), to_classes("fear", "3-class", "casme2")
    ('negative', None)
    """
    chosen = label_set(name, dataset)
    label = canonical(raw)
    if label not in RAW_COUNTS[dataset]:
        raise DatasetError(_unknown(f"emotion of {dataset}", raw, list(RAW_COUNTS[dataset])))
    return chosen.classes.get(label)


def _unknown(what: str, found: str, known: list[str]) -> str:
    hint = suggestion(canonical(found), known)
    return f"unknown {what}: {found!r}; known: {', '.join(known)}{hint}"
