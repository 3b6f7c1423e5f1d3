"""The composite from its three parts, by the sheets or by the published list."""

from __future__ import annotations

import layout_smic
import layouts
import pytest
from layouts import Row

from mescope.datasets import read
from mescope.datasets.composite import read as read_composite
from mescope.errors import DatasetError

LIST = "combined_3class_gt.csv"
CASME2 = (
    *layouts.CASME2_ROWS,
    Row("04", "EP12_01f", 5, "/", 15, "4", "disgust"),
    Row("05", "EP09_05f", 5, 5, 15, "12", "happiness"),
    Row("05", "EP12_03f", 5, 8, 15, "1+2", "surprise"),
    Row("06", "EP01_01", 5, 8, 15, "1", "sadness"),
)


@pytest.fixture
def root(tmp_path):
    layouts.write_casme2(tmp_path / "3DB" / "CASME II", CASME2)
    layouts.write_samm(tmp_path / "3DB" / "SAMM")
    layout_smic.write_smic(tmp_path / "3DB" / "SMIC")
    return tmp_path / "3DB"


def messages(problems):
    return " | ".join(map(str, problems))


def labelled(dataset):
    return {(c.dataset, c.name): c.expression.emotion for c in dataset.clips}


BY_SHEETS = {
    ("casme2", "EP19_05f"): "positive",
    ("casme2", "EP01_2"): "surprise",
    ("casme2", "EP06_02_01"): "negative",  # repression
    ("casme2", "EP12_03f"): "surprise",
    ("smic", "s01_ne_02"): "negative",
    ("smic", "s01_sur_01"): "surprise",
    ("smic", "s09_sur_03"): "surprise",
    ("smic", "s12_po_05"): "positive",
    ("samm", "006_1_2"): "negative",  # anger
    ("samm", "006_1_3"): "positive",
    ("samm", "009_2_1"): "negative",  # contempt
    ("samm", "013_1_9"): "positive",
}


def test_without_a_list_the_sheets_decide(root):
    dataset = read("megc2019", root)
    assert labelled(dataset) == BY_SHEETS
    told = messages(dataset.warnings)
    assert "no list combined_3class_gt.csv: the sheets decide" in told
    assert "12 clips, published 442: casme2 negative 1 of 88" in told
    assert "people, published 68" in told
    assert "casme2: " in told  # problems of the parts are passed on
    assert "samm: " in told


def write_list(root, *rows, header=""):
    (root / LIST).write_text(header + "\n".join(rows) + "\n")


def test_the_list_decides_where_there_is_one(root):
    write_list(
        root,
        "casme2,sub05,EP12_03f,2",
        "casme2,sub01,EP19_05f,1",
        "smic,s01,s01_ne_02,0",
        "samm,6,006_1_2,0",
        "samm,9,009_2_1,0",
    )
    dataset = read("megc2019", root)
    assert labelled(dataset) == {
        ("casme2", "EP12_03f"): "surprise",
        ("casme2", "EP19_05f"): "positive",
        ("smic", "s01_ne_02"): "negative",
        ("samm", "006_1_2"): "negative",
        ("samm", "009_2_1"): "negative",
    }
    assert dataset.clips[0].name == "EP12_03f"  # in the order of the list
    assert "no list" not in messages(dataset.warnings)
    assert dataset.errors == ()


@pytest.mark.parametrize("row", ["samm,006,006_1_2,0,,x", '"samm";"6";"006_1_2";"0.0"'])
def test_the_list_with_a_header_and_more_columns(root, row):
    """Saved anew, cells have quotes, and blank lines make labels 0.0."""
    (root / "list.csv").write_text(f"dataset,sub,filename_o,label,apex,imagename\n{row}\n,,,\n")
    dataset = read_composite(root, table=root / "list.csv")
    assert labelled(dataset) == {("samm", "006_1_2"): "negative"}


def test_rows_that_make_no_sense_are_named(root):
    write_list(
        root,
        "casme2,sub05,EP12_03f,2",
        "casme2,sub05,EP12_03f,2",
        "casme2,sub99,EP01_01,0",
        "dfme,1,x,0",
        "samm,6,006_1_2,3",
        "samm,6",
        "samm,6,006_1_3,0",
    )
    dataset = read("megc2019", root)
    told = messages(dataset.errors)
    for text in (
        "row 2: casme2/5/ep12_03f is in the list twice",
        "row 3: casme2/99/ep01_01 is in the list, but not among the clips",
        "row 4: expected dataset,subject,filename,label, found 'dfme,1,x,0'",
        "row 5: expected a label 0 to 2, found '3'",
        "row 6: expected dataset,subject",
    ):
        assert text in told
    assert len(dataset.clips) == 2
    told = messages(dataset.warnings)
    assert "the list says negative, the sheet positive; the list counts" in told


def test_all_parts_that_are_missing_are_named(root):
    (root / "SAMM").rename(root.parent / "SAMM")
    (root / "SMIC").rename(root.parent / "SMIC")
    with pytest.raises(DatasetError, match="found no smic and no samm"):
        read("megc2019", root)


def test_people_stay_people_of_their_part(root):
    dataset = read("megc2019", root)
    assert ("smic", "s12") in {(c.dataset, c.subject) for c in dataset.clips}
    assert ("samm", "006") in {(c.dataset, c.subject) for c in dataset.clips}
