"""The figures of papers: well formed, and consistent where arithmetic can tell."""

from pathlib import Path

import pytest

from mescope.errors import DatasetError
from mescope.evaluation.published import as_printed, published, published_by, published_for
from mescope.evaluation.recognition import strs

SYSTEMS = {"me-tst", "merba", "ammsm", "rsmix", "megc2019"}
SPECS = Path(__file__).resolve().parents[3] / "shared" / "specs"


def table(system, title):
    [found] = [t for t in published_by(system) if t.title == title]
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def test_every_table_says_where_it_is_from_and_what_to_mind():
    assert {t.system for t in published()} == SYSTEMS
    for t in published():
        assert t.source.endswith((*"0123456789IV", "file", "organisers"))
        assert t.datasets
        assert t.mode.startswith("as_published")
        assert len(t.caution) > 20
        assert all(len(row) == len(t.columns) for row in t.rows)
        assert len(set(t.columns)) == len(t.columns)


def test_figures_are_figures():
    for t in published():
        for row in t.rows:
            numbers = [cell for cell in row if isinstance(cell, int | float)]
            assert numbers
            assert all(0 <= n <= 1 or t.system == "ammsm" or n == int(n) for n in numbers)


def test_printed_strs_are_the_products():
    """STRS in ME-TST+'s Table III is the product of its factors, but for two foreign rows."""
    rows = {row["method"]: row for row in table("me-tst", "Spot then recognise")}
    for name in ("USTC-IAT-United", "He et al."):  # named in the table's caution
        del rows[name]
    for row in rows.values():
        for data in ("CAS^3", "SAMM"):
            if row[f"{data} STRS"] != "":
                product = strs(row[f"{data} spot F1"], row[f"{data} recog F1"])
                assert product == pytest.approx(row[f"{data} STRS"], abs=6e-4), row


def test_gains_that_the_papers_claim():
    rows = {row["method"]: row for row in table("merba", "Composite (3DB)")}
    gain = rows["MERba"]["SAMM UF1"] - rows["HTNet (2024)"]["SAMM UF1"]
    assert gain == pytest.approx(0.0570, abs=1e-9)
    rows = {row["method"]: row for row in table("me-tst", "Spotting F1")}
    assert rows["ME-TST+"]["CAS(ME)^3"] == 0.0912


def test_unknown_systems_are_named():
    with pytest.raises(DatasetError, match="me-tst, merba, ammsm, rsmix, megc2019"):
        published_by("metst")


SIZES = {
    ("me-tst", "Spotting F1"): (23, 4),
    ("me-tst", "Recognition"): (8, 4),
    ("me-tst", "Spot then recognise"): (6, 7),
    ("me-tst", "Result-level synergy"): (8, 9),
    ("me-tst", "Ablation"): (7, 10),
    ("merba", "DFME-public"): (14, 5),
    ("merba", "Composite (3DB)"): (10, 10),
    ("merba", "Ablation: extractor and attention"): (3, 5),
    ("merba", "Ablation: scan directions"): (6, 5),
    ("ammsm", "CASME II"): (11, 4),
    ("ammsm", "SAMM"): (5, 4),
    ("ammsm", "Ablation"): (8, 6),
    ("rsmix", "Comparison"): (8, 3),
    ("rsmix", "Augmentation"): (4, 5),
    ("rsmix", "Capacity"): (2, 3),
    ("megc2019", "Composition"): (5, 6),
    ("megc2019", "Baseline"): (1, 9),
}


def test_every_table_and_cell_is_there():
    """All results and ablations of the four systems, and the composite's own table."""
    sizes = {(t.system, t.title): (len(t.rows), len(t.columns)) for t in published()}
    assert sizes == SIZES
    assert sum(rows * columns for rows, columns in sizes.values()) == 724


def spec_tables(name):
    """Return the tables of a text in Markdown: header and rows of cells."""
    tables, lines = [], []
    for line in [*(SPECS / name).read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("|"):
            lines.append(
                [cell.strip().strip("*") for cell in line.strip().strip("|").split("|")]
            )
        elif lines:
            tables.append((lines[0], lines[2:]))
            lines = []
    return tables


def as_in_text(cells, places):
    """Return cells of a text, numbers with ``places`` decimals, absent ones empty."""
    out = []
    for cell in cells:
        bare = cell.removesuffix("*")
        if cell in ("-", "–", ""):
            out.append("")
        elif bare.replace(".", "", 1).isdigit() and "." in bare:
            out.append(f"{float(bare):.{places}f}")
        else:
            out.append(bare)
    return out


@pytest.mark.data
@pytest.mark.skipif(not SPECS.exists(), reason="needs ../shared/specs")
@pytest.mark.parametrize("key", [key for key in SIZES if key[0] != "megc2019"])
def test_cells_are_those_that_were_transcribed(key):
    """Cell by cell against the tables copied from the papers; "Capacity" is one sentence."""
    spec = {"me-tst": "metst", "rsmix": "rsmix_videomamba"}.get(key[0], key[0])
    if key == ("rsmix", "Capacity"):
        text = (SPECS / "spec_rsmix_videomamba.md").read_text(encoding="utf-8")
        assert "Ti 0.4903 / 0.4988; S 0.5040 / 0.4941" in text
        return
    [mine] = [t for t in published() if (t.system, t.title) == key]
    places = 2 if key[0] == "ammsm" else 4
    wanted = [[cell.removesuffix("*") for cell in row] for row in as_printed(mine)]
    alike = [
        rows
        for head, rows in spec_tables(f"spec_{spec}.md")
        if tuple(head) == mine.columns and [as_in_text(r, places) for r in rows] == wanted
    ]
    assert len(alike) == 1


@pytest.mark.data
@pytest.mark.skipif(not SPECS.exists(), reason="needs ../shared/specs")
def test_the_composite_is_as_transcribed():
    text = (SPECS / "spec_spotting_protocol.md").read_text(encoding="utf-8")
    [counts] = [
        rows for head, rows in spec_tables("spec_spotting_protocol.md") if "SMIC" in head
    ]
    [composition, baseline] = published_by("megc2019")
    assert as_printed(composition) == counts
    figures = as_printed(baseline)[0][1:]
    for name, at in (("full", 0), ("SMIC", 2), ("CASME II", 4), ("SAMM", 6)):
        assert f"{name} {figures[at]}/{figures[at + 1]}" in text
    rows = [[n for n in row[2:5] if n != ""] for row in composition.rows]
    assert all(sum(cells) == row[5] for cells, row in zip(rows, composition.rows, strict=True))
    assert [sum(column) for column in zip(*rows[:3], strict=True)] == rows[3]


def test_tables_of_the_same_data_and_number_of_classes():
    composite = published_for(["smic", "samm", "casme2"], 3)
    assert [(t.system, t.title) for t in composite] == [
        ("merba", "Composite (3DB)"), ("megc2019", "Composition"), ("megc2019", "Baseline"),
    ]  # fmt: skip
    assert published_for(["casme2", "samm"], 3) == ()
    assert published_for(["smic", "samm", "casme2"], 5) == ()
    [three] = published_for(["casme2"], 3)
    assert {row[1] for row in three.rows} == {3}
    assert len(three.rows) == 7
    five = published_for(["casme2"], 5)
    assert [len(t.rows) for t in five] == [4, 8]
