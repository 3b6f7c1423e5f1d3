"""One definition of every figure, from counts, from tables of any shape, and by plain loops."""

import sys
from pathlib import Path

import numpy as np
import pytest
from made_up_report import made_up_report

from mescope.evaluation import recognition
from mescope.evaluation.figures import by_frequency
from mescope.evaluation.metrics import ABSENT, METRICS, metric, reported, tallies_of
from mescope.evaluation.report_tables import headline, heads
from mescope.plugins import VARIABLE, load_plugin, module_name
from mescope.reports.evaluation_page import evaluation_page

PLUGIN = Path(__file__).resolve().parents[1] / "plugins" / "own_metric.py"


def plainly(name, table, policy):
    """Every figure once more, class by class."""
    classes, recall, precision, f1 = range(len(table)), [], [], []
    for c in classes:
        n, named, hits = table[c].sum(), table[:, c].sum(), table[c, c]
        if (policy == "skip_both" and not n + named - hits) or (policy == "skip_gt" and not n):
            continue
        recall.append(hits / n if n else 0)
        precision.append(hits / named if named else 0)
        f1.append(2 * hits / (n + named) if n + named else 0)
    p, r = (float(np.mean(v)) if v else 0.0 for v in (precision, recall))
    return {
        "uf1": float(np.mean(f1)) if f1 else 0.0,
        "uar": r,
        "macro_precision": p,
        "accuracy": np.trace(table) / table.sum() if table.sum() else 0.0,
        "harmonic_f1": 2 * p * r / (p + r) if p + r else 0.0,
    }[name]


@pytest.mark.parametrize("policy", ["zero", "skip_both", "skip_gt"])
@pytest.mark.parametrize("name", ["uf1", "uar", "accuracy", "macro_precision", "harmonic_f1"])
def test_figures_of_many_tables_at_once_are_those_of_each(name, policy):
    rng = np.random.default_rng(3)
    tables = rng.poisson(0.7, (4, 25, 3, 3))  # many classes that do not occur
    tables[0, 0] = 0
    found = METRICS[name].of(tallies_of(tables), policy)
    assert found.shape == (4, 25)
    for where in np.ndindex(4, 25):
        assert found[where] == pytest.approx(plainly(name, tables[where], policy), abs=1e-12)


def test_answers_of_no_class_are_misses_only():
    tallies = tallies_of(np.array([[2, 1, 4], [0, 3, 0]]))
    assert [row.tolist() for row in tallies] == [[7, 3], [2, 3], [0, 1]]


def test_counts_and_tables_share_their_definitions():
    table = np.array([[5, 1], [2, 2]])
    counts = recognition.counts_of(table, ("a", "b"))
    for name, one in METRICS.items():
        assert recognition.scored(name, counts) == float(one.of(tallies_of(table), ABSENT))


def test_every_metric_is_documented_and_its_chance_is_met_by_drawing():
    counts = recognition.ClassCounts(("a", "b", "c"), (12, 5, 3), (0, 0, 0), (0, 0, 0))
    truth = np.repeat(np.arange(3), counts.n)
    rng = np.random.default_rng(0)
    drawn = np.zeros((20_000, 3, 3), np.int64)
    for table in drawn:
        np.add.at(table, (truth, rng.choice(3, len(truth), p=np.array(counts.n) / 20)), 1)
    for one in METRICS.values():
        assert one.of.__doc__
        if one.reported:
            mean = one.of(tallies_of(drawn), ABSENT).mean()
            assert by_frequency(counts)[one.name] == pytest.approx(mean, abs=3e-3)


@pytest.fixture
def kappa(monkeypatch):
    """A metric from outside: registered, it is in every table and page; then it is gone."""
    monkeypatch.setenv(VARIABLE, "")
    load_plugin(PLUGIN)
    yield "kappa"
    METRICS.remove("kappa")
    sys.modules.pop(module_name(PLUGIN))


def test_a_registered_metric_is_everywhere(kappa):
    evaluation = made_up_report()
    summary = evaluation.summary()
    table = np.array(summary["all"]["per_seed"][0]["confusion"])
    n = table.sum()
    chance = (table.sum(0) * table.sum(1)).sum() / n**2
    wanted = (np.trace(table) / n - chance) / (1 - chance)
    assert summary["all"]["per_seed"][0][kappa] == pytest.approx(wanted)
    low, high = summary["all"][kappa]["interval"]
    assert low <= summary["all"][kappa]["mean"] <= high
    assert kappa in heads()
    assert all(len(row) == len(heads()) for row in headline(summary))
    assert f"<th>{kappa}</th>" in evaluation_page(evaluation)
    assert summary["all"]["baselines"][1][kappa] is None  # nobody worked its chance out


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="no other metric has, found 'uf1'"):
        metric("UF1 again")(METRICS["uf1"].of)
    assert [one.title for one in reported()] == ["UF1", "UAR", "accuracy"]
