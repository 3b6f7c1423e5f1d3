"""A fold that was stopped within its training goes on, with all that people held out chose."""

from __future__ import annotations

import pytest
import torch
from ammsm_sets import CLASSES, PERSONS, flows, recipe_of
from made_recipes import changed
from test_evaluate import RECIPE, planted, told

from mescope.errors import RecipeError
from mescope.training import early_stopping
from mescope.training import evaluate as evaluation
from mescope.training.checkpoint import Checkpointer
from mescope.training.evaluate import evaluate
from mescope.training.recognizers import train_recognizer

SEARCHED = recipe_of(
    epochs=4, adaptive_epochs=2, hold_out=0.3, search_population=4, search_generations=1,
    mesa=1.0, batch_size=4, schedule="cosine",
)  # fmt: skip


def searched(checkpointer=None, until=None):
    return train_recognizer(
        SEARCHED, *flows(), CLASSES, 3, persons=PERSONS, checkpointer=checkpointer, until=until
    )


def test_a_stopped_fold_goes_on_within_its_epochs(tmp_path, monkeypatch):
    recipe = changed(RECIPE, epochs=3, seeds=1, hold_out=0.34)
    whole = evaluate(recipe, planted(3), oracle=True)
    monkeypatch.setattr(evaluation, "EVERY", 0.0)
    keep, restore, kept, begun = Checkpointer.keep, Checkpointer.restore, [], []

    def stop(self, *given):
        keep(self, *given)
        kept.append(self.path)
        if len(kept) == 5:  # the second epoch of the second fold
            raise KeyboardInterrupt

    def spy(self, *given):
        begun.append(restore(self, *given))
        return begun[-1]

    monkeypatch.setattr(Checkpointer, "keep", stop)
    with pytest.raises(KeyboardInterrupt):
        evaluate(recipe, planted(3), oracle=True, out=tmp_path)
    monkeypatch.setattr(Checkpointer, "keep", keep)
    monkeypatch.setattr(Checkpointer, "restore", spy)
    found = evaluate(recipe, planted(3), oracle=True, out=tmp_path)
    assert begun == [2, 0]
    assert told(found) == told(whole)
    assert found.chosen == whole.chosen
    assert not list(tmp_path.glob("folds/*/*.part"))


def test_a_damaged_checkpoint_of_a_fold_is_left_behind(tmp_path, monkeypatch):
    recipe = changed(RECIPE, epochs=1, seeds=1)
    whole = evaluate(recipe, planted(2))
    part = tmp_path / "folds" / "seed-0" / "000.part"
    part.mkdir(parents=True)
    (part / "checkpoint.safetensors").write_bytes(b"nothing")
    assert told(evaluate(recipe, planted(2), out=tmp_path)) == told(whole)


def test_a_short_fold_writes_no_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "mescope.training.checkpoint.save_checkpoint", lambda *given: pytest.fail("written")
    )
    evaluate(changed(RECIPE, epochs=1, seeds=1), planted(2), out=tmp_path)


def test_a_search_is_not_done_again_and_its_winner_stays(tmp_path, monkeypatch):
    whole = searched()
    searched(Checkpointer(tmp_path, SEARCHED), until=3)
    monkeypatch.setattr("mescope.training.search.evolve", lambda *a, **k: pytest.fail("again"))
    found = searched(Checkpointer(tmp_path, SEARCHED))
    assert found.chosen == whole.chosen != {}
    assert found.model.config == whole.model.config
    assert found.chosen["genome"][-1] == found.model.config.alpha
    theirs = whole.model.state_dict()
    assert all(torch.equal(theirs[k], v) for k, v in found.model.state_dict().items())


def test_patience_ends_a_training_and_keeps_its_best_epoch(monkeypatch):
    scores = iter([0.1, 0.5, 0.5, 0.4, 0.9])
    monkeypatch.setattr(early_stopping, "uf1", lambda *given: next(scores))
    data = planted(3)
    recipe = changed(RECIPE, epochs=5, hold_out=0.34, patience=2)
    found = train_recognizer(
        recipe, data.inputs, data.labels, data.classes, 0, persons=data.persons
    )
    assert found.chosen == {"epoch": 1, "uf1": 0.5, "epochs": 4}
    with pytest.raises(RecipeError, match="patience = 2 needs people"):
        changed(RECIPE, patience=2)
