"""From a recipe on rendered recordings to weights with a card, in one call.

Recordings are rendered and measured (or read back), the network learns from all but the last
share of them, and that share, of identities it has not seen, calibrates the scores, chooses the
floor and gives the figures of the card.  No real face and no test portrait is learned from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mescope.models.weights import Card
from mescope.samples.rendered import Measured
from mescope.training.logs import Log
from mescope.training.tables import Recipe
from mescope.training.tasks.me_tst import spotting_task
from mescope.training.train import Report, train


def train_rendered(
    recipe: Recipe,
    measured: Sequence[Measured],
    out: Path,
    *,
    jobs: int = 1,
    device: str = "cpu",
    log: Log = "none",
    report: Report | None = None,
    trained: Callable[[int], None] | None = None,
) -> tuple[Card, list[dict[str, float]]]:
    """Train, calibrate and write ``out/NAME.safetensors``; an interrupted training goes on.

    Args:
        recipe: what to do.
        measured: recordings of :func:`mescope.samples.rendered_windows.measured_for`; none for
            a recipe of simulated windows, which draws its own.
        out: folder of the run.
        jobs: processes that prepare what is learned from.
        device: a torch device.
        log: as for :func:`mescope.training.train.train`.
        report: called after every batch.
        trained: called with the number of epochs before the rule is chosen, which takes long.

    Returns:
        The card as written, and the history of the training.
    """
    task = spotting_task(recipe)
    source = task.source(recipe, measured, jobs=jobs)
    model, state = train(recipe, out, source=source, device=device, log=log, report=report)
    if trained is not None:
        trained(state.epoch)
    path = out / f"{recipe.name}.safetensors"
    return task.publish(model.to("cpu"), recipe, measured, path), state.history
