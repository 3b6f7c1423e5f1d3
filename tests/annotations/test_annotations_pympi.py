"""What we write for ELAN, read by a program that is not ours (design, decision 15)."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from marks_made_up import mark, sheet, sheets

from mescope.annotations import dumps, normal

pympi = pytest.importorskip("pympi", reason="needs pympi-ling")
quick = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def opened(folder, made):
    path = folder / "marks.eaf"
    path.write_bytes(dumps([made], "elan", media="films/day 1.mp4"))
    return pympi.Elan.Eaf(str(path))


def aligned(eaf):
    """Return (tier, start ms, end ms, value) of the intervals of all tiers of expressions."""
    return sorted(
        (tier, *found[:3])
        for tier in eaf.get_tier_names()
        if tier.startswith("ME@")
        for found in eaf.get_annotation_data_for_tier(tier)
    )


@given(made=sheets())
@quick
def test_pympi_finds_every_mark_and_no_overlap(tmp_path, made):
    """Whatever a note holds, and however marks overlap."""
    found = aligned(opened(tmp_path, made))
    assert len(found) == len(normal(made).marks)
    assert all(start < end for _, start, end, _ in found)
    for one, after in itertools.pairwise(found):
        assert one[0] != after[0] or one[2] <= after[1]


def test_pympi_reads_what_was_said(tmp_path):
    one = mark(30, 39, origin="coder", source="bea", apex=33, emotion="surprise", onset_s=1.0,
               offset_s=1.3, end_s=4 / 3, apex_s=1.1, action_units="1+2")  # fmt: skip
    eaf = opened(tmp_path, sheet(one))
    assert aligned(eaf) == [("ME@0#bea", 1000, 1333, "micro-expression")]
    said = {
        tier.partition("@")[0]: [
            found[2] for found in eaf.get_ref_annotation_data_for_tier(tier)
        ]
        for tier in eaf.get_tier_names()
        if tier.endswith("#bea") and eaf.tiers[tier][1]
    }
    assert said["ME-emotion"] == ["surprise"]
    assert said["ME-AU"] == ["1+2"]
    assert said["ME-frames"][0].startswith("onset=30;apex=33;offset=39;")
    assert eaf.tiers["ME@0#bea"][2]["ANNOTATOR"] == "bea"
    assert eaf.get_linked_files()[0]["RELATIVE_MEDIA_URL"].endswith("day%201.mp4")
