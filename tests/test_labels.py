"""Raw labels to published classes: the sums must be the published ones."""

from collections import Counter

import pytest

from mescope.errors import DatasetError
from mescope.labels import (
    ALIASES,
    LABEL_SETS,
    RAW_COUNTS,
    SPOTTING_CLASSES,
    LabelSet,
    canonical,
    class_of,
    classes_for,
    label_set,
    to_classes,
)

IDS = [f"{s.dataset}-{s.name}" for s in LABEL_SETS]


def test_the_spotting_classes_keep_their_order() -> None:
    # The order of the logits of every saved model: changing it would swap emotions silently.
    assert SPOTTING_CLASSES == ("negative", "positive", "surprise", "others", "neutral")


@pytest.mark.parametrize("chosen", LABEL_SETS, ids=IDS)
def test_raw_counts_add_up_to_the_published_counts(chosen: LabelSet) -> None:
    sums: Counter[str] = Counter()
    for raw, count in RAW_COUNTS[chosen.dataset].items():
        name = to_classes(raw, chosen.name, chosen.dataset)
        if name is not None:
            sums[name] += count
    if (chosen.dataset, chosen.name) == ("casme2", "3-class"):
        sums["negative"] -= 2  # left out by their names
    assert chosen.left_out or chosen.dataset != "casme2" or chosen.name != "3-class"
    assert dict(sums) == dict(chosen.counts)


@pytest.mark.parametrize(
    ("dataset", "name", "total"),
    [
        ("casme2", "3-class", 145),
        ("smic", "3-class", 164),
        ("samm", "3-class", 133),
        ("casmesq", "3-class", 38),
        ("casme3a", "3-class", 699),
        ("casme2", "4-class", 255),
        ("samm", "4-class", 159),
        ("casme3a", "4-class", 860),
        ("casme", "4-class", 171),
        ("casme2", "5-class", 246),
        ("samm", "5-class", 136),
        ("casme3a", "7-class", 860),
        ("mmew", "3-class", 234),
        ("mmew", "6-class", 234),
        ("mmew", "7-class", 300),
        ("dfme", "7-class", 2629),
    ],
)
def test_totals_are_the_published_ones(dataset: str, name: str, total: int) -> None:
    assert label_set(name, dataset).total == total


def test_the_composite_of_2019_has_442_samples() -> None:
    parts = [label_set("3-class", d) for d in ("casme2", "smic", "samm")]
    sums = Counter[str]()
    for part in parts:
        sums.update(part.counts)
    assert dict(sums) == {"negative": 250, "positive": 109, "surprise": 83}
    assert sum(sums.values()) == 442


def test_sheets_have_the_published_numbers_of_rows() -> None:
    rows = {name: sum(counts.values()) for name, counts in RAW_COUNTS.items()}
    assert rows == {
        "casme": 189,
        "casme2": 255,
        "smic": 164,
        "samm": 159,
        "casmesq": 57,
        "casme3a": 860,
        "casme3c": 165,
        "mmew": 300,
        "dfme": 2629,
    }


@pytest.mark.parametrize("chosen", LABEL_SETS, ids=IDS)
def test_a_label_set_only_speaks_of_labels_its_data_set_has(chosen: LabelSet) -> None:
    assert set(chosen.classes) <= set(RAW_COUNTS[chosen.dataset])
    assert set(chosen.classes.values()) == set(chosen.names)


def test_repression_is_negative_in_three_classes_and_others_in_four() -> None:
    assert to_classes("repression", "3-class", "casme2") == "negative"
    assert to_classes("repression", "4-class", "casme2") == "others"
    assert to_classes("repression", "5-class", "casme2") == "repression"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("Others", "others"), ("Other", "others"), (" happy ", "happiness"), ("sad", "sadness"),
     ("comtempt", "contempt"), ("happyiness", "happiness"), ("DISGUST", "disgust")],
)  # fmt: skip
def test_spellings_of_published_sheets_are_known(raw: str, expected: str) -> None:
    assert canonical(raw) == expected


def test_aliases_lead_to_labels_that_exist() -> None:
    known = {raw for counts in RAW_COUNTS.values() for raw in counts}
    assert set(ALIASES.values()) <= known
    assert not set(ALIASES) & known


def test_an_unknown_emotion_is_refused_with_a_suggestion() -> None:
    with pytest.raises(DatasetError, match=r"'tensed'.*did you mean 'tense'") as caught:
        to_classes("tensed", "4-class", "casme")  # datasets V18
    assert "\n" not in str(caught.value)


def test_a_label_of_another_data_set_is_refused() -> None:
    with pytest.raises(DatasetError, match="unknown emotion of samm: 'repression'"):
        to_classes("repression", "3-class", "samm")


def test_an_unknown_set_or_data_set_is_refused_with_a_suggestion() -> None:
    with pytest.raises(DatasetError, match=r"label set of dfme.*'7-class'"):
        label_set("3-classes", "dfme")
    with pytest.raises(DatasetError, match="did you mean 'casme2'"):
        label_set("3-class", "casmeII2")


def test_classes_of_recordings_that_belong_to_no_published_set():
    assert classes_for("4-class", ["folder", "synthetic"])[-1] == "others"
    assert classes_for("4-class", ["casme3a", "folder"]) == classes_for("4-class", ["casme3a"])
    assert class_of("Disgust", "4-class", "casme3a") == "negative"
    assert class_of("negative", "4-class", "casme3a") == "negative"  # a class stays
    assert class_of("sad", "3-class", "folder") == "negative"
    with pytest.raises(DatasetError, match=r"unknown emotion of folder: 'bored'"):
        class_of("bored", "4-class", "folder")
    with pytest.raises(DatasetError, match=r"unknown label set of folder: '7-class'"):
        classes_for("7-class", ["folder"])
