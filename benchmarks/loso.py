"""How long an epoch of STSTNet takes: the published loop against ours, in one run.

    python benchmarks/loso.py [--maps 3db_flow28.npz] [--epochs 60] [--folds 8] [--jobs 2]

The published side is that code's way, written anew: three separate streams of plain PyTorch
layers, a DataLoader over single images, the loss read after every step, the held-out person
tested after every epoch, one fold after another on all cores.  Ours is what `mescope evaluate`
runs: folds as processes on one core each, the stem as one fused op, batches by index.  Start-up
of our processes is inside our time.  Without --maps the pictures are noise of the same size:
442 of 68 people.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from mescope.evaluation.folds import Fold, leave_one_subject_out
from mescope.io.parallel import run_jobs
from mescope.samples.examples import Examples
from mescope.training.evaluate import Shared, run_fold
from mescope.training.recipe import parse_recipe

CLASSES = ("negative", "positive", "surprise")
RATE = 5e-5


class ThreeStreams(nn.Module):
    """STSTNet as the paper draws it: three streams side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.streams = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(3, filters, 3, padding=2),
                nn.ReLU(),
                nn.BatchNorm2d(filters),
                nn.MaxPool2d(3, 3, padding=1),
                nn.Dropout(0.5),
            )
            for filters in (3, 5, 8)
        )
        self.pool = nn.AvgPool2d(2, 2)
        self.head = nn.Linear(400, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits, (b, 3)."""
        return self.head(self.pool(torch.cat([s(x) for s in self.streams], 1)).flatten(1))


def published_fold(examples: Examples, fold: Fold, epochs: int) -> None:
    """Train and test one fold as the published loop does."""
    loaders = []
    for items in (fold.train, fold.test):
        inputs, labels = map(torch.from_numpy, examples.take(items))
        loaders.append(DataLoader(TensorDataset(inputs, labels), batch_size=256))
    model, loss = ThreeStreams(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(epochs):
        total, hits = 0.0, 0
        model.train()
        for x, y in loaders[0]:
            optimizer.zero_grad()
            output = model(x)
            value = loss(output, y)
            value.backward()
            optimizer.step()
            total += value.item() * len(x)
            hits += int((output.argmax(1) == y).sum().item())
        model.eval()
        for x, y in loaders[1]:
            output = model(x)
            total += loss(output, y).item() * len(x)
            hits += int((output.argmax(1) == y).sum().item())


def read(maps: Path | None) -> Examples:
    """Return the published maps, or noise of their shape."""
    if maps is None:
        rng = np.random.default_rng(0)
        flow = rng.integers(0, 256, (442, 28, 28, 3)).astype(np.uint8)
        labels, subjects = (
            rng.integers(0, 3, 442),
            np.sort(rng.integers(0, 68, 442)).astype(str),
        )
    else:
        stored = np.load(maps, allow_pickle=False)
        flow, labels, subjects = stored["flow"], stored["label"], stored["subject"]
    return Examples(
        kind="flow28",
        inputs=np.ascontiguousarray(flow.transpose(0, 3, 1, 2), dtype=np.float32),
        labels=labels.astype(np.int64),
        classes=CLASSES,
        persons=tuple(("composite", str(s)) for s in subjects),
        names=tuple(map(str, range(len(flow)))),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=Path)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--folds", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    examples = read(given.maps)
    folds = leave_one_subject_out(examples.persons)[: given.folds]
    recipe = parse_recipe(
        'name = "bench"\nmodel.name = "ststnet"\ndata.kind = "flow28"',
        settings=[f"optim.epochs={given.epochs}", f"optim.learning_rate={RATE}"],
    )
    shared = Shared(recipe, examples, oracle=False)
    items = [(0, number, fold) for number, fold in enumerate(folds)]
    list(run_jobs(run_fold, shared, items[: given.jobs], jobs=given.jobs))  # compiles, once
    ratios = []
    for k in range(given.rounds):
        started = time.perf_counter()
        for fold in folds[: max(1, len(folds) // 4)]:  # its time grows with folds exactly
            published_fold(examples, fold, max(5, given.epochs // 4))
        steps = max(1, len(folds) // 4) * max(5, given.epochs // 4)
        theirs = (time.perf_counter() - started) / steps
        started = time.perf_counter()
        list(run_jobs(run_fold, shared, items, jobs=given.jobs))
        ours = (time.perf_counter() - started) / (len(folds) * given.epochs)
        ratios.append(theirs / ours)
        print(
            f"round {k + 1}: published loop {1e3 * theirs:.1f} ms, mescope {1e3 * ours:.1f} ms "
            f"an epoch and fold, ratio {ratios[-1]:.2f}"
        )
    print(f"{torch.get_num_threads()} threads there, {given.jobs} processes here; "
          f"median ratio {statistics.median(ratios):.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
