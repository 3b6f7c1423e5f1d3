from dataclasses import replace

import numpy as np
import pytest
import torch
from made_recipes import changed, flat_recipe

from mescope.errors import OutputError, RecipeError, WeightsError
from mescope.models.weights import read_card
from mescope.samples.synthetic import draw_epoch
from mescope.training import train as training
from mescope.training.checkpoint import read_history
from mescope.training.tasks.me_tst import one_cycle

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = flat_recipe(
    name="tiny",
    model="me-tst-plus-small",
    data="synthetic",
    options={"dim": 8, "states": 2},
    epochs=3,
    steps=2,
    recordings=3,
    seconds=20.0,
    batch_size=4,
    learning_rate=1e-3,
)


def drawn(epoch):
    return draw_epoch(TINY.data, TINY.seed, epoch)


def test_an_epoch_is_a_function_of_recipe_and_number():
    one, again, other = drawn(1), drawn(1), drawn(2)
    assert one.by_length.keys() == again.by_length.keys()
    for length, windows in one.by_length.items():
        np.testing.assert_array_equal(windows.flow, again.by_length[length].flow)
        assert windows.flow.shape[1:] == (36, length)
        assert windows.spotting.shape == windows.classes.shape == (len(windows.flow), length)
        np.testing.assert_array_equal(windows.spotting > 0, windows.classes < 4)
    assert any(
        length not in other.by_length
        or len(other.by_length[length].flow) != len(windows.flow)
        or not np.array_equal(other.by_length[length].flow, windows.flow)
        for length, windows in one.by_length.items()
    )


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_weights(tmp_path):
    """The interrupted run ends bit for bit where the other does."""
    whole, _ = training.train(TINY, tmp_path / "whole")

    def kill(done: int, total: int, loss: float) -> None:
        if done == 3:  # in the middle of the second epoch
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(TINY, tmp_path / "cut", report=kill)
    with pytest.raises(OutputError, match="exists; resume"):
        training.train(TINY, tmp_path / "cut", resume=False)
    resumed, progress = training.train(TINY, tmp_path / "cut")
    assert progress.epoch == 3
    assert len(progress.history) == 3
    for key, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[key], value, rtol=0, atol=0)


@pytest.mark.slow
def test_a_run_with_a_mean_ends_as_its_mean_and_resumes_to_it(tmp_path):
    """Batches in parts, blocks that compute twice, halves: none of them is in the way."""
    optim = replace(
        TINY.optim, average=0.9, accumulate=2, recompute=True, precision="bf16-mixed", epochs=2
    )
    recipe = replace(TINY, optim=optim)
    last = replace(TINY, optim=replace(optim, average=0.0))
    plain, _ = training.train(last, tmp_path / "plain")
    whole, _ = training.train(recipe, tmp_path / "whole")
    assert not torch.equal(whole.spotting_head.weight, plain.spotting_head.weight)

    def kill(done: int, total: int, loss: float) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(recipe, tmp_path / "cut", report=kill)
    for _ in range(2):  # the second time there is nothing left to do
        resumed, progress = training.train(recipe, tmp_path / "cut")
        assert progress.epoch == 2
        for key, value in whole.state_dict().items():
            torch.testing.assert_close(resumed.state_dict()[key], value, rtol=0, atol=0)


@pytest.mark.slow
def test_a_checkpoint_of_another_recipe_or_a_damaged_one_is_refused(tmp_path):
    training.train(changed(TINY, epochs=1), tmp_path)
    with pytest.raises(RecipeError, match="another recipe"):
        training.train(TINY, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(WeightsError, match="take the weights it wrote"):
        read_card(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RecipeError, match="cannot be read"):
        training.train(TINY, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda h, p: (h | {"__metadata__": {}}, p),
        lambda h, p: (meta(h, progress="[1"), p),
        lambda h, p: (meta(h, progress='{"epoch": 2, "history": []}'), p),
        lambda h, p: (meta(h, progress='{"epoch": "1", "history": [{}]}'), p),
        lambda h, p: (meta(h, recipe="[" * 100_000), p),
        lambda h, p: ({k.replace("adam/0/", "adam/9999/"): v for k, v in h.items()}, p),
        lambda h, p: ({k.replace("adam/0/exp_avg", "adam/0"): v for k, v in h.items()}, p),
        lambda h, p: ({k.replace("model/", "modal/"): v for k, v in h.items()}, p),
        lambda h, p: (h, p[:-8]),
    ],
)
def test_a_checkpoint_that_was_changed_is_refused_in_words(checkpoint, change):
    """Whatever was done to it: one line that says what to do, before anything is trained."""
    from hostile_files import split, write_header

    folder = checkpoint
    path = folder / "checkpoint.safetensors"
    data = path.read_bytes()
    header, payload = split(path)
    write_header(path, *change(header, payload))
    try:
        with pytest.raises(RecipeError, match="delete it to start anew") as caught:
            training.train(ONE, folder)
        assert "\n" not in str(caught.value)
    finally:
        path.write_bytes(data)


ONE = changed(TINY, epochs=1, steps=1)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    training.train(ONE, folder, source=lambda epoch: draw_epoch(ONE.data, ONE.seed, epoch))
    return folder


def meta(header, **entries):
    return header | {"__metadata__": header["__metadata__"] | entries}


def test_a_history_that_is_gone_comes_again(checkpoint):
    """A kill between the checkpoint and its history."""
    (checkpoint / "history.json").unlink()
    training.train(ONE, checkpoint)
    assert len(read_history(checkpoint)) == 1


def test_one_cycle_has_the_published_course():
    """The planted course is learned; and the same course when resumed half way."""
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=1e-4)
    schedule = one_cycle(optimizer, 1e-4, 300)
    rates = []
    for _ in range(300):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if schedule.last_epoch < 299:
            schedule.step()
    assert rates[0] == pytest.approx(4e-6)
    assert int(np.argmax(rates)) == 89
    assert max(rates) == pytest.approx(1e-4)
    assert rates[-1] == pytest.approx(4e-10)
    later = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=1e-4)
    one_cycle(later, 1e-4, 300, done=150)
    assert later.param_groups[0]["lr"] == pytest.approx(rates[150])


@pytest.mark.slow
def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    wild = replace(TINY, optim=replace(TINY.optim, learning_rate=1e30))  # no file says so
    with pytest.raises(RecipeError, match="lower learning_rate"):
        training.train(wild, tmp_path)
