"""The figures of papers: well formed, and consistent where arithmetic can tell."""

import pytest

from mescope.errors import DatasetError
from mescope.evaluation.published import published, published_by
from mescope.evaluation.recognition import strs

SYSTEMS = {"me-tst", "merba", "ammsm", "rsmix"}


def table(system, title):
    [found] = [t for t in published_by(system) if t.title == title]
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def test_every_table_says_where_it_is_from_and_what_to_mind():
    assert {t.system for t in published()} == SYSTEMS
    for t in published():
        assert t.source.endswith(tuple("0123456789IV"))
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
    with pytest.raises(DatasetError, match="me-tst, merba, ammsm, rsmix"):
        published_by("metst")
