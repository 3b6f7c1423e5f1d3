"""Evaluation by folds: finds what was planted, cannot see a test person, survives kill -9."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import made_recipes
import numpy as np
import pytest
from made_recipes import changed, flat_recipe

from mescope.errors import DatasetError, LeakError, OutputError, RecipeError
from mescope.samples.examples import Examples
from mescope.training import evaluate as evaluation
from mescope.training.evaluate import evaluate, folds_of
from mescope.training.results import FoldResult, Results, UnfinishedError

CLASSES = ("negative", "positive", "surprise")
RECIPE = flat_recipe(
    name="planted", model="ststnet", data="flow28", epochs=6, batch_size=16, seeds=2,
    learning_rate=2e-2, scale=1 / 255,
)  # fmt: skip
SHORT = changed(RECIPE, epochs=2)  # where nothing has to be learned


def planted(people=6, each=6, seed=0):
    """Maps in which the class decides where the motion is; two data sets of people."""
    rng = np.random.default_rng(seed)
    n = people * each
    labels = rng.permuted(np.arange(n) % 3)
    maps = rng.uniform(0, 60, (n, 3, 28, 28)).astype(np.float32)
    for i, label in enumerate(labels):
        maps[i, :, 9 * label : 9 * label + 9] += 150
    return Examples(
        kind="flow28",
        inputs=maps,
        labels=labels.astype(np.int64),
        classes=CLASSES,
        persons=tuple(("ab"[i // each % 2], f"{i // each}") for i in range(n)),
        names=tuple(f"clip {i}" for i in range(n)),
    )


def told(report):
    """The predictions without what takes time."""
    return [
        (p.person, p.name, p.seed, p.predicted, p.scores, p.oracle) for p in report.predictions
    ]


def test_what_was_planted_is_found():
    report = evaluate(RECIPE, planted())
    assert len(report.predictions) == 2 * 36
    hits = sum(p.predicted == p.truth for p in report.predictions)
    assert hits >= 0.9 * 72
    assert Counter(p.fold for p in report.predictions) == {
        f"{'ab'[k % 2]}/{k}": 12 for k in range(6)
    }
    assert report.mode == "clean"
    assert all(abs(sum(p.scores) - 1) < 1e-6 for p in report.predictions)


@pytest.mark.parametrize("oracle", [False, True])
def test_labels_of_test_people_change_nothing(oracle):
    """The guard: poison the labels of one person; the predictions for that
    person stay, to the last bit, and those for the others, who learn from them, do not."""
    clean = planted()
    labels = clean.labels.copy()
    victim = [i for i, person in enumerate(clean.persons) if person == ("a", "2")]
    labels[victim] = (labels[victim] + 1) % 3
    poisoned = dataclasses.replace(clean, labels=labels)

    def of(report, chosen):
        return [p.scores for p in report.predictions if (p.person == ("a", "2")) == chosen]

    one = evaluate(RECIPE, clean, oracle=oracle)
    other = evaluate(RECIPE, poisoned, oracle=oracle)
    assert of(one, True) == of(other, True)
    assert of(one, False) != of(other, False)


def test_two_clips_of_one_name_are_refused_before_anything_is_learned(monkeypatch):
    monkeypatch.setattr(evaluation, "run_fold", None)
    clips = planted()
    twice = dataclasses.replace(clips, names=("clip 1", *clips.names[1:]))
    with pytest.raises(DatasetError, match=r"found a/0/clip 1 twice \(1 such clips\)"):
        evaluate(SHORT, twice)


def test_start_weights_made_anew_are_another_run(tmp_path):
    path = tmp_path / "start.safetensors"
    recipe = changed(SHORT, weights=str(path))
    found = []
    for content in (b"one", b"two", b"one"):
        path.write_bytes(content)
        found.append(evaluation._identity(recipe, "loso", {}, False))
    assert found[0] == found[2] != found[1]
    plain = evaluation._identity(SHORT, "loso", {}, False)
    assert set(plain) == {"recipe", "protocol", "oracle"}  # older runs go on


def test_learning_is_handed_training_people_only(monkeypatch):
    """Whatever a recogniser computes, it cannot have seen: test inputs do not reach it."""
    data = planted()
    seen = []

    class Majority:
        def scores(self, inputs):
            return np.tile([1.0, 0.0, 0.0], (len(inputs), 1))

    def spy(recipe, inputs, labels, classes, seed, **others):
        seen.append((inputs.copy(), labels.copy(), others.pop("persons")))
        assert others == {
            "monitor": None, "origins": [], "device": "cpu", "log": "none", "log_folder": None,
            "checkpointer": None,
        }  # fmt: skip
        return Majority()

    monkeypatch.setattr(evaluation, "train_recognizer", spy)
    evaluate(changed(RECIPE, seeds=1), data)
    for fold, (inputs, labels, persons) in zip(folds_of(data, "loso", 0), seen, strict=True):
        assert persons == [data.persons[i] for i in fold.train]
        np.testing.assert_array_equal(inputs, data.inputs[list(fold.train)])
        np.testing.assert_array_equal(labels, data.labels[list(fold.train)])


def test_the_oracle_is_a_column_of_its_own():
    plain, watched = evaluate(RECIPE, planted()), evaluate(RECIPE, planted(), oracle=True)
    assert [p.predicted for p in plain.predictions] == [
        p.predicted for p in watched.predictions
    ]
    assert [p.scores for p in plain.predictions] == [p.scores for p in watched.predictions]
    assert all(p.oracle is None for p in plain.predictions)
    assert not plain.warnings
    assert "no result" in watched.warnings[0]
    for report in (watched,):
        honest = sum(p.predicted == p.truth for p in report.predictions)
        best = sum(p.oracle == p.truth for p in report.predictions)
        assert best >= honest  # the best epoch is at least as good as the last one


@pytest.mark.slow
def test_processes_change_nothing():
    data = planted(4)
    assert told(evaluate(RECIPE, data, jobs=2)) == told(evaluate(RECIPE, data, jobs=1))


@pytest.mark.parametrize(
    ("protocol", "folds", "tested"),
    [("loso", 6, 36), ("cross-dataset", 2, 36), ("5-fold", 5, 36), ("70-30", 1, 12)],
)
def test_protocols(protocol, folds, tested):
    data = planted()
    split = folds_of(data, protocol, 3)
    assert len(split) == folds
    assert sum(len(f.test) for f in split) == tested
    for fold in split:
        assert not {data.persons[i] for i in fold.test} & {data.persons[i] for i in fold.train}


def test_one_person_cannot_be_split():
    with pytest.raises(LeakError, match="expected training items"):
        evaluate(RECIPE, planted(people=1))


SCRIPT = """
import sys
sys.path[:0] = [{folder!r}, {planted!r}]
from pathlib import Path
from test_evaluate import SHORT, planted
from mescope.training.evaluate import evaluate
evaluate(SHORT, planted(), out=Path(sys.argv[1]), jobs=int(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_was_killed_goes_on_with_identical_results(tmp_path, jobs):
    """Kill -9 in the middle; the rest is computed, the result is the same."""
    out = tmp_path / "run"
    script = SCRIPT.format(
        folder=str(Path(__file__).parent), planted=str(Path(made_recipes.__file__).parent)
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(out), str(jobs)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while len(list(out.glob("folds/*/*.json"))) < 3 and time.monotonic() < deadline:
        if child.poll() is not None:
            break
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    kept = {p: p.stat().st_mtime_ns for p in out.glob("folds/*/*.json")}
    assert 3 <= len(kept) <= 12
    done = []
    report = evaluate(
        SHORT, planted(), out=out, progress=lambda n, total: done.append((n, total))
    )
    assert done[0] == (len(kept), 12)
    assert all(p.stat().st_mtime_ns == when for p, when in kept.items())
    assert told(report) == told(evaluate(SHORT, planted()))


def test_of_parts_at_the_same_time_the_last_one_writes_the_report(tmp_path):
    """Parts of an array run beside each other: what others did meanwhile is there, too."""
    short = changed(RECIPE, epochs=1, seeds=1)
    told_apart = []

    def meanwhile(done, total):
        if done == 1:  # this part has begun: its list of what is missing is made
            with pytest.raises(UnfinishedError, match=r"2 of 3 .* missing: 2 of seed 0"):
                evaluate(short, planted(3), out=tmp_path, only={2})
            told_apart.append(total)

    report = evaluate(short, planted(3), out=tmp_path, only={0, 1}, progress=meanwhile)
    assert told_apart == [3]
    assert told(report) == told(evaluate(short, planted(3)))
    assert report.warnings == evaluate(short, planted(3)).warnings


def test_what_is_to_be_done_again_is_not_taken_from_the_disk(tmp_path):
    """A fold without the weights that are asked for is missing, figures or not."""
    short = changed(RECIPE, epochs=1, seeds=1)
    evaluate(short, planted(3), out=tmp_path)
    identity = json.loads((tmp_path / "run.json").read_text())
    splits = {0: folds_of(planted(3), "loso", 0)}
    results = Results(tmp_path, identity, splits, FoldResult)
    results.again(lambda job: job == (0, 1))
    with pytest.raises(UnfinishedError, match="missing: 2 of seed 0"):
        results.check_whole()


def test_a_folder_of_another_run_is_refused(tmp_path):
    short = changed(RECIPE, epochs=1, seeds=1)
    evaluate(short, planted(3), out=tmp_path)
    with pytest.raises(RecipeError, match="another run: recipe"):
        evaluate(RECIPE, planted(3), out=tmp_path)
    with pytest.raises(RecipeError, match="inputs"):
        evaluate(short, planted(3, seed=5), out=tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(RecipeError, match="cannot be read"):
        evaluate(short, planted(3), out=tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"oracle": [0]}, {"control": [[1.0]]}, {"scores": [[1.0, 0.0], [1.0], [0.0, 1.0]]}],
)
def test_a_result_of_other_sizes_is_computed_again(tmp_path, change):
    """One answer too few, or rows of several widths, ended in a traceback."""
    short = changed(RECIPE, epochs=1, seeds=1)
    whole = evaluate(short, planted(3), out=tmp_path)
    path = tmp_path / "folds" / "seed-0" / "001.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert told(evaluate(short, planted(3), out=tmp_path)) == told(whole)


@pytest.mark.parametrize("harm", ["", "{", "[]", '{"fold": "a/0"}'])
def test_a_damaged_result_is_computed_again(tmp_path, harm):
    short = changed(RECIPE, epochs=1, seeds=1)
    whole = evaluate(short, planted(3), out=tmp_path)
    path = tmp_path / "folds" / "seed-0" / "001.json"
    path.write_text(harm)
    again = evaluate(short, planted(3), out=tmp_path)
    assert told(again) == told(whole)
    assert "001.json of seed-0 was damaged" in again.warnings[0]
    assert json.loads(path.read_text())["fold"]


def test_a_full_disk_keeps_what_is_there(tmp_path, monkeypatch):
    short = changed(RECIPE, epochs=1, seeds=1)
    from mescope.training import results

    write, calls = results.write_atomically, []

    def full(path, data):
        calls.append(path)
        if len(calls) == 3:  # run.json, one fold, then the disk is full
            raise OutputError(f"cannot write {path}: no space left")
        write(path, data)

    monkeypatch.setattr(results, "write_atomically", full)
    with pytest.raises(OutputError, match="no space left"):
        evaluate(short, planted(3), out=tmp_path)
    monkeypatch.undo()
    assert len(list(tmp_path.glob("folds/*/*.json"))) == 1
    assert told(evaluate(short, planted(3), out=tmp_path)) == told(evaluate(short, planted(3)))
