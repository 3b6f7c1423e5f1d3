"""The mean of several evaluations: what is averaged, and what must not be."""

import dataclasses

import numpy as np
import pytest
from made_up_report import CLASSES, made_up_report

from mescope.errors import DatasetError
from mescope.evaluation.ensemble import CAUTION, averaged
from mescope.evaluation.report_files import as_json, from_json


def changed(report, edit):
    """The report with every prediction changed."""
    return made_up_report(
        report.seeds, predictions=tuple(edit(p) for p in report.predictions), name=report.name
    )


def test_shares_are_averaged_clip_by_clip():
    a, b = made_up_report(), made_up_report(skill=0.5, name="other")
    both = averaged([a, b], "both")
    assert [p.clip for p in both.predictions] == [p.clip for p in a.predictions]
    theirs = {(p.seed, p.clip): p for p in b.predictions}
    for own, mean in zip(a.predictions, both.predictions, strict=True):
        other = theirs[own.seed, own.clip]
        np.testing.assert_allclose(mean.scores, np.add(own.scores, other.scores) / 2)
        assert mean.predicted == CLASSES[int(np.argmax(mean.scores))]
        assert (mean.truth, mean.fold) == (own.truth, own.fold)
    assert both.seconds == a.seconds + b.seconds
    assert [one["name"] for one in both.recipe["ensemble"]] == ["ststnet", "other"]
    assert CAUTION in both.summary()["warnings"]
    assert from_json(as_json(both)).predictions == both.predictions


def test_of_itself_it_is_itself():
    one = made_up_report()
    twice = averaged([one, one], "twice").summary()
    assert twice["all"] == one.summary()["all"]
    assert twice["datasets"] == one.summary()["datasets"]


def test_many_weak_answers_are_better_than_each():
    """Answers that err apart: the mean of nine is right where most are."""
    several = [made_up_report(skill=0.6) for _ in range(9)]
    rng = np.random.default_rng(0)

    def redrawn(p):
        scores = rng.dirichlet((1, 1, 1)) + (rng.random() < 0.6) * np.array(
            [p.truth == name for name in CLASSES]
        )
        scores /= scores.sum()
        return dataclasses.replace(
            p, scores=tuple(map(float, scores)), predicted=CLASSES[int(scores.argmax())]
        )

    several = [changed(one, redrawn) for one in several]
    alone = [one.summary()["all"]["uf1"]["mean"] for one in several]
    assert averaged(several, "nine").summary()["all"]["uf1"]["mean"] > max(alone) + 0.1


def test_an_evaluation_of_one_seed_takes_part_in_every_seed():
    one, three = made_up_report((0,)), made_up_report((5, 6, 7))
    for order in ([one, three], [three, one]):
        both = averaged(order, "both")
        assert both.seeds == (5, 6, 7)
        assert len(both.predictions) == len(three.predictions)


def test_what_differs_is_named():
    one = made_up_report()
    bare = changed(one, lambda p: dataclasses.replace(p, scores=()))
    logits = changed(one, lambda p: dataclasses.replace(p, scores=(3.0, -1.0, 0.5)))
    other = {"negative": "positive", "positive": "surprise", "surprise": "negative"}
    relabelled = changed(one, lambda p: dataclasses.replace(p, truth=other[p.truth]))
    for second, words in (
        (bare, "shares of the classes"),
        (logits, "shares of the classes"),
        (made_up_report(protocol="5-fold"), "one protocol"),
        (made_up_report(mode="as_published_x"), "one mode"),
        (made_up_report((0, 1)), "one list of seeds"),
        (relabelled, "one label of casme2"),
    ):
        with pytest.raises(DatasetError, match=words):
            averaged([one, second], "both")
    fewer = made_up_report((0,), predictions=tuple(
        p for p in made_up_report((0,)).predictions if p.person[0] != "smic"
    ))  # fmt: skip
    with pytest.raises(DatasetError, match="expected the same clips, found 442 in"):
        averaged([made_up_report((0,)), fewer], "both")
    with pytest.raises(DatasetError, match="two evaluations or more"):
        averaged([one], "alone")


def test_hashes_are_those_that_all_share():
    other = made_up_report(hashes={"labels": "3f" * 32, "inputs": "00" * 32})
    assert averaged([made_up_report(), other], "both").hashes == {"labels": "3f" * 32}


def test_other_people_with_every_seed_need_the_same_seeds():
    one = made_up_report((0,), protocol="70-30")
    with pytest.raises(DatasetError, match="one list of seeds"):
        averaged([one, made_up_report((0, 1), protocol="70-30")], "both")


def test_over_seeds_each_member_is_the_mean_of_its_seeds():
    a, b = made_up_report((0, 1, 2)), made_up_report((4,), skill=0.5, name="other")
    both = averaged([a, b], "both", over_seeds=True)
    assert both.seeds == (0,)
    assert len(both.predictions) == len(b.predictions)
    for mean, other in zip(both.predictions, b.predictions, strict=True):
        own = [p.scores for p in a.predictions if p.clip == mean.clip]
        assert len(own) == 3
        wanted = (np.mean(own, axis=0) + other.scores) / 2
        np.testing.assert_allclose(mean.scores, wanted, atol=1e-12)
    plain = averaged([a, b], "both")
    assert plain.seeds == (0, 1, 2)


def test_seeds_that_test_other_people_are_not_averaged():
    drawn = dataclasses.replace(made_up_report((0, 1)), protocol="70-30")
    with pytest.raises(DatasetError, match="each seed of 70-30 tests other people"):
        averaged([drawn, drawn], "both", over_seeds=True)
