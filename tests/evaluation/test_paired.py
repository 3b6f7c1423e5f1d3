"""Differences of two reports, people drawn together: planted answers and a slow loop beside."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_report import CLASSES, made_up_report
from made_up_spotting import report_of, row
from sklearn.metrics import f1_score, recall_score

from mescope.errors import DatasetError
from mescope.evaluation.bootstrap import RESAMPLES
from mescope.evaluation.paired import differences, rows
from mescope.evaluation.report import Report


def better(report, every):
    """The same report, right in one more of every ``every`` clips of each person."""
    seen, predictions = {}, []
    for p in report.predictions:
        wrong = seen.setdefault((p.person, p.seed), [])
        if p.predicted != p.truth:
            wrong.append(p)
            p = replace(p, predicted=p.truth) if len(wrong) % every == 0 else p
        predictions.append(p)
    changed = {name: getattr(report, name) for name in report.__dataclass_fields__}
    return Report(**(changed | {"name": "better", "predictions": tuple(predictions)}))


@pytest.fixture(scope="module")
def pair():
    plain = made_up_report(skill=0.6)
    return better(plain, 8), plain


def test_a_report_and_itself_differ_by_nothing(pair):
    for found in differences(pair[1], pair[1]):
        assert (found.value, found.interval) == (0.0, (0.0, 0.0))
        assert found.people == 68


def test_the_difference_is_that_of_the_figures(pair):
    summaries = [report.summary()["all"] for report in pair]
    for found in differences(*pair):
        once = [part[found.metric]["mean"] for part in summaries]
        assert (found.first, found.second) == pytest.approx(once)


def test_classes_that_nobody_shows_count_as_in_the_figures(pair):
    """Neither true nor said in any clip: left out of the macro means, not taken as 0."""
    few = []
    for report in pair:
        kept = tuple(p for p in report.predictions if {p.truth, p.predicted} <= {*CLASSES[:2]})
        values = {name: getattr(report, name) for name in report.__dataclass_fields__}
        few.append(values | {"predictions": kept})
    known = [{(p.clip, p.seed) for p in values["predictions"]} for values in few]
    both = {clip for clip, _ in known[0]}
    both = {c for c in both if all((c, s) in k for k in known for s in pair[0].seeds)}
    first, second = (
        Report(**(v | {"predictions": tuple(p for p in v["predictions"] if p.clip in both)}))
        for v in few
    )
    found = {d.metric: d for d in differences(first, second)}
    for name in ("uf1", "uar"):
        once = [report.summary()["all"][name]["mean"] for report in (first, second)]
        assert (found[name].first, found[name].second) == pytest.approx(once)


def test_a_small_steady_gain_shows_where_two_intervals_overlap(pair):
    """What pairing is for: the same people are hard for both."""
    (low_a, _), (_, high_b) = (r.summary()["all"]["uf1"]["interval"] for r in pair)
    assert low_a < high_b  # side by side nothing can be said
    uf1 = next(d for d in differences(*pair) if d.metric == "uf1")
    assert 0 < uf1.interval[0] < uf1.value < uf1.interval[1]
    assert rows([uf1])[0][4].endswith("*")
    back = next(d for d in differences(*reversed(pair)) if d.metric == "uf1")
    assert back.interval == pytest.approx((-uf1.interval[1], -uf1.interval[0]))


def test_draws_are_those_of_a_slow_loop(pair):
    """Fewer people and one seed: scikit-learn on every draw of people, written out."""
    small = []
    for report in pair:
        kept = tuple(p for p in report.predictions if p.seed == 0 and p.person[0] == "smic")
        values = {name: getattr(report, name) for name in report.__dataclass_fields__}
        small.append(Report(**(values | {"predictions": kept})))
    people = small[0].persons
    weights = np.random.default_rng(0).multinomial(
        len(people), np.full(len(people), 1 / len(people)), size=RESAMPLES
    )
    options = {"labels": CLASSES, "average": "macro", "zero_division": 0}
    drawn = {"uf1": [], "uar": []}
    for draw in weights[:300]:
        both = []
        for report in small:
            chosen = [
                p for p in report.predictions for _ in range(draw[people.index(p.person)])
            ]
            truth, said = [p.truth for p in chosen], [p.predicted for p in chosen]
            both.append(
                (f1_score(truth, said, **options), recall_score(truth, said, **options))
            )
        for name, a, b in zip(drawn, *both, strict=True):
            drawn[name].append(a - b)
    for found in (d for d in differences(*small) if d.metric in drawn):
        slow = np.percentile(drawn[found.metric], [2.5, 97.5])
        assert found.interval == pytest.approx(tuple(slow), abs=0.012)


TRUTH = [row(100 * i, 100 * i + 9, subject=str(i % 4), video="v") for i in range(8)]
VIDEOS = tuple((str(i), "v") for i in range(4))


def spotted(hits, name):
    found = [row(t.interval.first, t.interval.last, subject=t.subject, video="v", score=0.9,
                 emotion="negative") for t in TRUTH[:hits]]  # fmt: skip
    runs = [("strategy-1", 0, found), ("strategy-1", 1, found[:-1])]
    return report_of(TRUTH, runs, videos=VIDEOS, name=name)


def test_recordings_are_compared_by_the_methods_that_were_asked_for():
    many, few = spotted(7, "many"), spotted(3, "few")
    f1 = next(d for d in differences(many, few) if d.metric == "f1")
    means = [report.summary()["methods"]["strategy-1"]["over"]["f1"]["mean"]
             for report in (many, few)]  # fmt: skip
    assert (f1.first, f1.second) == pytest.approx(means)
    assert f1.people == 4
    assert f1.interval[0] > 0


def test_what_is_not_of_the_same_people_has_no_differences(pair):
    other = made_up_report(skill=0.6)
    fewer = {name: getattr(other, name) for name in other.__dataclass_fields__}
    kept = tuple(p for p in other.predictions if p.person[0] != "samm")
    with pytest.raises(DatasetError, match="the same clips and labels, found 442 in better"):
        differences(pair[0], Report(**(fewer | {"predictions": kept})))
    with pytest.raises(DatasetError, match="expected one mode, found clean in better and as_"):
        differences(pair[0], made_up_report(mode="as_published_x"))
    with pytest.raises(DatasetError, match="one of each"):
        differences(pair[0], spotted(3, "few"))
    with pytest.raises(DatasetError, match="the same recordings and annotations"):
        differences(
            spotted(3, "a"), report_of(TRUTH[:4], [("strategy-1", 0, [])], videos=VIDEOS)
        )
