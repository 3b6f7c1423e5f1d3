"""Reports of evaluations: planted answers, scikit-learn and slow loops beside."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_report import CLASSES, COUNTS, made_up_report
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

from mescope.errors import DatasetError, LeakError
from mescope.evaluation.figures import ORACLE, by_frequency
from mescope.evaluation.recognition import ClassCounts, count_classes, uar, uf1
from mescope.evaluation.report import Prediction, Report, environment
from mescope.evaluation.report_files import as_csv, as_json, from_json
from mescope.evaluation.report_tables import headline, heads, oracle_rows


def prediction(subject="1", name="a", truth="x", predicted="x", seed=0, **changes):
    values = {"person": ("d", subject), "name": name, "truth": truth, "predicted": predicted}
    return Prediction(**(values | {"fold": f"d/{subject}", "seed": seed} | changes))


def report(*predictions, **changes):
    values = {
        "name": "r", "recipe": {}, "protocol": "loso", "mode": "clean", "classes": ("x", "y"),
        "predictions": predictions, "hashes": {}, "environment": {}, "seconds": 1.0,
        "warnings": (),
    }  # fmt: skip
    return Report(**(values | changes))


@pytest.fixture(scope="module")
def big():
    return made_up_report(oracle=True)


@pytest.fixture(scope="module")
def summary(big):
    return big.summary()


def chosen(big, seed, dataset=None):
    rows = [p for p in big.predictions if p.seed == seed and dataset in (None, p.person[0])]
    return [p.truth for p in rows], [p.predicted for p in rows]


@pytest.mark.parametrize("dataset", [None, *COUNTS])
def test_figures_are_those_of_scikit_learn(big, summary, dataset):
    """Protocol 6.1, 7 and 13.9: pooled, with the fixed class list, parts of one run."""
    part = summary["datasets"][dataset] if dataset else summary["all"]
    options = {"labels": CLASSES, "average": "macro", "zero_division": 0}
    by_seed = {"uf1": [], "uar": [], "accuracy": []}
    pooled = np.zeros((3, 3), int)
    for row in part["per_seed"]:
        truth, found = chosen(big, row["seed"], dataset)
        by_seed["uf1"].append(f1_score(truth, found, **options))
        by_seed["uar"].append(recall_score(truth, found, **options))
        by_seed["accuracy"].append(accuracy_score(truth, found))
        table = confusion_matrix(truth, found, labels=CLASSES)
        assert row["confusion"] == table.tolist()
        assert row["clips"] == len(truth)
        pooled += table
    for name, values in by_seed.items():
        assert [row[name] for row in part["per_seed"]] == pytest.approx(values)
        assert part[name]["mean"] == pytest.approx(np.mean(values))
        assert (part[name]["min"], part[name]["max"]) == pytest.approx(
            (min(values), max(values))
        )
        low, high = part[name]["interval"]
        assert low < part[name]["mean"] < high
    assert part["confusion"] == pooled.tolist()


def test_counts_are_those_of_the_composite(summary):
    """Protocol 7."""
    assert summary["all"]["n"] == {"negative": 250, "positive": 109, "surprise": 83}
    assert summary["all"]["clips"] == 442
    assert summary["all"]["people"] == 68
    assert summary["datasets"]["smic"]["n"] == {"negative": 70, "positive": 51, "surprise": 43}
    assert [summary["datasets"][d]["people"] for d in COUNTS] == [24, 28, 16]
    assert summary["cautions"] == []


def test_the_majority_answer_of_the_composite(summary):
    """Protocol 13.10."""
    always, _ = summary["all"]["baselines"]
    assert always["name"].endswith("(negative)")
    found = [always["accuracy"], always["uar"], always["uf1"]]
    assert found == pytest.approx([0.5656, 0.3333, 0.2408], abs=5.1e-5)


def test_random_answers_score_what_many_draws_score():
    n = (12, 5, 3)
    truth = np.repeat(CLASSES, n)
    rng = np.random.default_rng(0)
    draws = [
        count_classes(truth, rng.choice(CLASSES, len(truth), p=np.array(n) / 20), CLASSES)
        for _ in range(4000)
    ]
    exact = by_frequency(ClassCounts(CLASSES, n, (0, 0, 0), (0, 0, 0)))
    assert exact["uf1"] == pytest.approx(np.mean([uf1(c) for c in draws]), abs=0.006)
    assert exact["uar"] == pytest.approx(np.mean([uar(c) for c in draws]), abs=0.006)
    assert exact["accuracy"] == pytest.approx(sum((v / 20) ** 2 for v in n))


def test_the_interval_is_that_of_a_slow_bootstrap(big, summary):
    """People are drawn, with all their clips and seeds; the score is the mean of the seeds."""
    rng = np.random.default_rng(9)
    people = [p for p in big.persons if p[0] == "smic"]
    answers_of = {}
    for p in big.predictions:
        answers_of.setdefault((p.person, p.seed), []).append((p.truth, p.predicted))
    scores = []
    for _ in range(300):
        drawn = [people[i] for i in rng.integers(0, len(people), len(people))]
        per_seed = []
        for seed in big.seeds:
            rows = [pair for person in drawn for pair in answers_of[person, seed]]
            truth, found = zip(*rows, strict=True)
            per_seed.append(uf1(count_classes(truth, found, CLASSES)))
        scores.append(np.mean(per_seed))
    slow = np.percentile(scores, [2.5, 97.5])
    assert summary["datasets"]["smic"]["uf1"]["interval"] == pytest.approx(slow, abs=0.03)


def test_every_person_is_counted(big, summary):
    assert len(summary["people"]) == 68
    for row in summary["people"]:
        person = row["dataset"], row["subject"]
        mine = [p for p in big.predictions if p.person == person]
        assert row["predictions"] == len(mine) == 3 * row["clips"]
        assert row["hits"] == sum(p.truth == p.predicted for p in mine)
        assert row["accuracy"] == row["hits"] / row["predictions"]
        assert sum(row["n"].values()) == row["predictions"]
        assert sum(row["hits_per_class"].values()) == row["hits"]


def test_absent_classes_in_three_ways():
    """Protocol 6.4, the printed example."""
    pairs = zip("00011", "00112", strict=True)
    rows = [prediction(str(i), truth=t, predicted=f) for i, (t, f) in enumerate(pairs)]
    found = report(*rows, classes=tuple("0123")).summary()
    policies = found["all"]["policies"]
    assert {k: round(v["uf1"], 4) for k, v in policies.items()} == {
        "zero": 0.3250, "skip_both": 0.4333, "skip_gt": 0.6500,
    }  # fmt: skip
    assert {k: round(v["uar"], 4) for k, v in policies.items()} == {
        "zero": 0.2917, "skip_both": 0.3889, "skip_gt": 0.5833,
    }  # fmt: skip
    assert found["all"]["uf1"]["mean"] == policies["skip_both"]["uf1"]
    assert any("2 or 3" in caution for caution in found["cautions"])


def test_the_oracle_stands_apart(big, summary):
    """Protocol 8, L1: what selecting on the test person is worth is never among the figures."""
    without = replace(
        big, predictions=tuple(replace(p, oracle=None) for p in big.predictions)
    ).summary()
    assert ORACLE == "oracle_best_epoch_on_test"
    assert {k: v for k, v in summary.items() if k != ORACLE} == without
    assert "no result" in summary[ORACLE]["warning"]
    best = [uf1(count_classes(*zip(*rows, strict=True), CLASSES)) for rows in (
        [(p.truth, p.oracle) for p in big.predictions if p.seed == s] for s in big.seeds
    )]  # fmt: skip
    assert summary[ORACLE]["all"]["uf1"]["mean"] == pytest.approx(np.mean(best))
    assert len(oracle_rows(summary)) == 4
    assert oracle_rows(without) == []


def test_one_seed_and_few_people_are_told():
    found = report(prediction("1"), prediction("2", truth="y")).summary()
    said = " ".join(found["cautions"])
    assert "Only 1 of at least 3 seeds" in said
    assert "Only 2 people" in said
    assert found["datasets"] == {}
    alone = report(prediction("1"), mode="as_published_htnet").summary()
    assert alone["all"]["uf1"]["interval"] is None
    assert "as_published_htnet" in alone["cautions"][0]


@pytest.mark.parametrize(
    ("rows", "changes", "said"),
    [
        ([], {}, "expected predictions, found none"),
        ([prediction(), prediction()], {}, "d/1/a: expected one prediction for seed 0"),
        ([prediction(truth="z")], {}, "expected the truth to be of x, y, found 'z'"),
        ([prediction(predicted="")], {}, "expected the prediction to be of x, y, found ''"),
        ([prediction(oracle="q")], {}, "expected the oracle to be of x, y"),
        ([prediction(scores=(0.1, math.nan))], {}, "expected scores that are numbers"),
        ([prediction(scores=(0.1, math.inf))], {}, "expected scores that are numbers"),
        ([prediction(scores=(1.0,))], {}, "expected 2 scores"),
        ([prediction(), prediction("2"), prediction(seed=1)], {}, "seed 1: .* d/2/a"),
        ([prediction(), prediction(seed=1, truth="y")], {}, "expected one truth"),
        ([prediction(oracle="x"), prediction("2")], {}, "every prediction or none"),
        ([prediction()], {"mode": "best"}, "expected the mode clean or as_published_"),
        ([prediction()], {"classes": ("x", "x")}, "two different classes"),
        ([prediction()], {"classes": ("x",)}, "two different classes"),
    ],
)
def test_what_cannot_be_honest_is_refused(rows, changes, said):
    with pytest.raises(DatasetError, match=said):
        report(*rows, **changes)


def test_a_person_in_two_folds_is_a_leak():
    with pytest.raises(LeakError, match="d/1: expected one fold"):
        report(prediction(), prediction(name="b", fold="other"))


def test_people_drawn_anew_for_every_seed_may_differ():
    rows = [prediction("1"), prediction("2", truth="y", seed=1)]
    with pytest.raises(DatasetError, match="for every clip"):
        report(*rows)
    found = report(*rows, protocol="70-30").summary()
    assert [row["clips"] for row in found["all"]["per_seed"]] == [1, 1]
    assert found["all"]["n"] == {"x": 1, "y": 1}


answers = st.lists(
    st.tuples(st.sampled_from("1234"), st.sampled_from("xyz"), st.sampled_from("xyz")),
    min_size=2,
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(answers, st.randoms())
def test_the_order_of_predictions_changes_nothing(rows, random):
    made = [
        prediction(who, str(i), t, f, seed)
        for seed in (0, 1)
        for i, (who, t, f) in enumerate(rows)
    ]
    first = report(*made, classes=tuple("xyz")).summary()
    random.shuffle(made)
    assert report(*made, classes=tuple("xyz")).summary() == first


@settings(max_examples=25, deadline=None)
@given(answers, st.lists(st.sampled_from("xyz"), min_size=12, max_size=12))
def test_another_seed_leaves_the_figures_of_a_seed_alone(rows, other):
    one = [prediction(who, str(i), t, f) for i, (who, t, f) in enumerate(rows)]
    two = [replace(p, seed=7, predicted=f) for p, f in zip(one, other[: len(one)], strict=True)]
    classes = tuple("xyz")
    alone = report(*one, classes=classes).summary()["all"]
    both = report(*one, *two, classes=classes).summary()["all"]
    assert both["per_seed"][0] == alone["per_seed"][0]
    assert both["n"] == alone["n"]
    assert both["baselines"] == alone["baselines"]
    assert both["uf1"]["min"] <= alone["uf1"]["mean"] <= both["uf1"]["max"]


def test_a_report_comes_back_from_json(big):
    text = as_json(big)
    assert from_json(text) == big
    document = json.loads(text)
    assert document["summary"] == json.loads(json.dumps(big.summary()))
    assert document["schema"] == 1
    odd = report(prediction(name='"ü\u2028\n=x', scores=(0.1 + 0.2, 1e-300)))
    assert from_json(as_json(odd)) == odd


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "other"}, "found 'other'"),
        ({"format": None}, "found another file"),
        ({"schema": 99}, "schema 1, found 99"),
        ({"predictions": [[1, 2]]}, "damaged"),
        ({"recipe": None, "hashes": None}, "damaged"),
        ({"classes": ["negative", "x"]}, "to be of negative, x"),
    ],
)
def test_damaged_reports_are_refused(change, said):
    text = json.dumps(json.loads(as_json(made_up_report((0,)))) | change)
    with pytest.raises(DatasetError, match=f"f.json.*{said}|{said}"):
        from_json(text, name="f.json")
    with pytest.raises(DatasetError, match=r"f\.json: expected a report, found no JSON"):
        from_json(text[:-9], name="f.json")


def test_predictions_as_a_table(big):
    lines = as_csv(big).split("\r\n")
    assert lines[0].startswith("dataset,subject,name,truth,predicted,fold,seed,score_negative")
    assert lines[0].endswith("oracle_best_epoch_on_test")
    assert len(lines) == 3 * 442 + 2
    plain = as_csv(report(prediction(name="=1+1"))).split("\r\n")
    assert plain == [
        "dataset,subject,name,truth,predicted,fold,seed",
        "d,1,'=1+1,x,x,d/1,0",
        "",
    ]
    quoted = as_csv(report(prediction(name="'=1+1"))).split("\r\n")
    assert quoted[1] == "d,1,''=1+1,x,x,d/1,0"  # readers take one apostrophe off


def test_tables_name_the_mode_and_keep_papers_apart(big, summary):
    text = big.compare()
    *papers, last = text.split("Published, not ours: ")[1:]
    paper, ours = last.split("mode clean", 1)
    papers.append(paper)
    assert len(papers) == 3
    assert all("Mode as_published" in paper for paper in papers)
    assert "0.8840" not in ours
    assert any("0.8840" in paper for paper in papers)
    assert f"{summary['all']['uf1']['mean']:.4f}" in ours
    assert all(f"{summary['all']['uf1']['mean']:.4f}" not in paper for paper in papers)
    rows = headline(summary)
    assert all(len(row) == len(heads()) for row in rows)
    assert [row[0] for row in rows[::3]] == ["all", "casme2", "samm", "smic"]
    assert "No published table" in report(prediction()).compare()


def test_what_is_told_of_the_machine_names_nobody(monkeypatch):
    import getpass
    import platform

    found = environment()
    assert {"python", "platform", "cpus", "mescope", "numpy", "torch"} <= found.keys()
    text = json.dumps(found)
    assert "/" not in text
    for private in (platform.node(), getpass.getuser()):
        assert private not in text.replace(found["mescope"], "")


def test_recipes_survive_as_json_holds_them():
    found = report(prediction(), recipe={"sizes": (3, 5), "rate": math.nan, 1: {"a": None}})
    assert found.recipe == {"sizes": [3, 5], "rate": "nan", "1": {"a": None}}
    assert from_json(as_json(found)) == found
