"""Weights of several folds: their scores are averaged, and they must go together."""

import dataclasses

import numpy as np
import pytest
import torch
from swaying_face import film

from mescope.analysis import load
from mescope.errors import WeightsError
from mescope.models import create_model, weights
from mescope.models.fold_cards import AGREED, described
from mescope.models.inference import score_windows
from mescope.models.me_tst_import import published_rule
from mescope.models.mean_of_folds import MeanOfFolds, load_folds
from mescope.models.weight_files import weight_files
from mescope.models.weights import Card
from mescope.motion.regions import REGIONS_5
from mescope.reports.html import flat

SMALL = {"dim": 4, "states": 2, "mode": "as_published"}
RULE = published_rule(5, "me-tst")


def fold(path, seed, **changes):
    """Write drawn weights of a small network; returns the file."""
    torch.manual_seed(seed)
    options = changes.pop("options", SMALL)
    network = create_model(changes.get("model", "me-tst"), **options).eval()
    fields = {
        "model": "me-tst", "config": dataclasses.asdict(network.config),
        "regions": tuple(region.name for region in REGIONS_5), "window": 30, "rate": 30.0,
        "mode": "as_published", "proposals": RULE, "licence": "none",
        "trained_on": f"made up without subject {seed}", "without": str(seed),
    }  # fmt: skip
    path.parent.mkdir(exist_ok=True, parents=True)
    weights.save(path, network, Card(**(fields | changes)))
    return path


@pytest.fixture
def folder(tmp_path):
    """Three folds, in an order of their own."""
    for number in (10, 2, 1):
        fold(tmp_path / "folds" / f"sub{number}.safetensors", number)
    (tmp_path / "folds" / "notes.txt").write_text("no weights", encoding="utf-8")
    return tmp_path / "folds"


def shown(count=6):
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 10, 30)).astype(np.float32)


def test_scores_and_logits_are_the_mean_of_the_members(folder):
    model, card, name, folds = load_folds(folder)
    parts = [score_windows(weights.load(p)[0], shown()) for p in weight_files(folder)]
    spotting, emotion = score_windows(model, shown())
    np.testing.assert_allclose(spotting, np.mean([p[0] for p in parts], axis=0), atol=1e-6)
    np.testing.assert_allclose(emotion, np.mean([p[1] for p in parts], axis=0), atol=1e-6)
    assert np.abs(spotting - parts[0][0]).max() > 1e-4
    assert isinstance(model, MeanOfFolds)
    assert not model.training
    assert name == "folds (mean of 3 folds)"
    assert [f.file for f in folds] == [f"sub{n}.safetensors" for n in (1, 2, 10)]
    assert [f.without for f in folds] == ["1", "2", "10"]
    for one, path in zip(folds, weight_files(folder), strict=True):
        assert one.sha256 == weights.read_card(path).sha256
    assert card.without == ""
    assert card.trained_on == "made up (mean of 3 folds, 3 of them trained without one subject)"
    assert card.proposals == RULE
    assert card.sha256 not in {f.sha256 for f in folds}


def test_a_mean_is_not_the_network_of_the_mean_parameters(folder):
    """Which computes something else altogether."""
    members = [weights.load(path)[0] for path in weight_files(folder)]
    merged = create_model("me-tst", **SMALL).eval()
    states = [member.state_dict() for member in members]
    merged.load_state_dict(
        {n: torch.stack([s[n].float() for s in states]).mean(0).to(t.dtype)
         for n, t in states[0].items()}
    )  # fmt: skip
    wanted = score_windows(load_folds(folder).model, shown())[0]
    assert np.abs(score_windows(merged, shown())[0] - wanted).max() > 2e-3


def test_one_member_is_that_member(tmp_path):
    path = fold(tmp_path / "one" / "sub1.safetensors", 1)
    alone = load_folds(path)
    for given in (tmp_path / "one", [path], str(tmp_path / "one")):
        found = load_folds(given)
        assert (found.name, found.folds) == ("sub1", ())
        assert found.card == alone.card
        for one, other in zip(
            score_windows(found.model, shown()),
            score_windows(alone.model, shown()),
            strict=True,
        ):
            np.testing.assert_array_equal(one, other)


def test_files_folders_and_names_can_be_mixed(folder, tmp_path):
    more = fold(tmp_path / "more.safetensors", 7)
    assert described([folder, more]).name == "sub1 + sub2 + sub10 + 1 more (mean of 4 folds)"
    assert (
        described([more, folder / "sub1.safetensors"]).name == "more + sub1 (mean of 2 folds)"
    )
    assert described("me-tst-plus-cascade").name == "me-tst-plus-cascade"
    assert load_folds([more, folder]).folds[0].file == "more.safetensors"


OTHER = {
    "window": 50,
    "rate": 200 / 7,
    "mode": "clean",
    "shares": "he2024",
    "reference": "late",
    "head": "face",
    "proposals": RULE | {"share": 0.6},
    "regions": tuple(region.name for region in REGIONS_5[::-1]),
}


@pytest.mark.parametrize("field", OTHER)
def test_cards_that_disagree_are_named_with_the_entry(tmp_path, field):
    one = fold(tmp_path / "a.safetensors", 1)
    two = fold(tmp_path / "b.safetensors", 2, **{field: OTHER[field]})
    for ask in (load_folds, described):
        with pytest.raises(WeightsError) as error:
            ask([one, two])
        said = str(error.value)
        assert f"{one} and {two} cannot be averaged: expected one {field}" in said
        assert "\n" not in said
    assert field in AGREED


def test_another_family_and_a_recogniser_are_refused(folder):
    options = {"dim": 4, "states": 2}
    regions = weights.read_card(weights.find("me-tst-plus-small")).regions
    fold(folder / "x.safetensors", 3, model="boosting-vrme", options=options, regions=regions)
    with pytest.raises(WeightsError, match="expected one model, found me-tst in the first and"):
        load_folds(folder)
    with pytest.raises(WeightsError, match=r"merba-s28.*use `mescope recognize`"):
        load_folds(["merba-s28", "me-tst-plus-small"])
    with pytest.raises(WeightsError, match="use `mescope recognize`"):
        described("merba-s28")


def test_what_is_not_there_or_there_twice(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    for given, says in (
        (tmp_path / "empty", "expected .safetensors files of one family in this folder"),
        ([], "found no name and no file"),
        ([folder, tmp_path / "no.safetensors"], "expected a weights file, found nothing"),
        (["me-tst-plus-cascad"], "there are no weights"),
        ([folder, folder / "sub2.safetensors"], "are the same weights; leave one of them out"),
    ):
        with pytest.raises(WeightsError, match=says):
            load_folds(given)


def test_a_damaged_member_is_named(folder):
    path = folder / "sub2.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"sub2\.safetensors: the checksum does not match"):
        load_folds(folder)


def test_an_analysis_says_whose_mean_it_is(folder):
    analyzer = load(folder)
    analysis = analyzer.analyze(film(48), rate=30, cache=None, pictures=False)
    about = analysis.provenance
    assert about["model"] == "folds (mean of 3 folds)"
    assert [one["file"] for one in about["folds"]] == [f.file for f in analyzer.folds]
    assert "mean of 3 folds" in about["notes"]
    lines = dict(flat(about))
    sha256 = weights.read_card(folder / "sub10.safetensors").sha256
    assert lines["folds 3"] == f"file sub10.safetensors, sha256 {sha256}, without 10"
    alone = load(folder / "sub1.safetensors").analyze(
        film(48), rate=30, cache=None, pictures=False
    )
    assert "folds" not in alone.provenance
    assert np.nanmax(np.abs(alone.traces.spotting - analysis.traces.spotting)) > 1e-4
