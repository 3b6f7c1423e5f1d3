"""How far memory rises with the number of clips: VideoMamba's, which lie in a mapped file.

    python benchmarks/mapped_clips.py [--clips 500 1500] [--folder DIR]

Random clips of 16 frames of 224 px, grey, with two draws (2.3 MiB each) are stacked as those of
a data set are, hashed and looked at for duplicates as an evaluation does, split into a fold,
and read batch by batch for an epoch.  The network is left out: what it takes does not depend on
how many clips there are.  Each number of clips has a process of its own.  What is counted is
memory of the process alone (RssAnon, looked at 50 times a second): pages of the file, which the
system takes back when it needs them, are not.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from memory import resident
from numpy.typing import NDArray

from mescope.samples.examples import Examples
from mescope.samples.face_kinds import Faces
from mescope.samples.mapped_rows import stacked
from mescope.training.evaluate import _check_duplicates
from mescope.training.face_epochs import FaceEpochs
from mescope.training.tables import Optim

KIND = Faces(frames=16, size=224, channels=1, draws=2)
OPTIM = Optim(epochs=1, batch_size=8, learning_rate=1e-4)
PEOPLE = 10


class Watch(threading.Thread):
    """Looks at the memory of this process until it is told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.done = 0.0, threading.Event()

    def run(self) -> None:
        """Look until ``done`` is set."""
        while not self.done.wait(0.02):
            self.most = max(self.most, resident("RssAnon"))


def clips(count: int) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield rng.integers(0, 256, KIND.shape, np.uint8)


def one(count: int, folder: Path) -> None:
    """Print the size of so many clips, and how far memory rose over what imports take."""
    before, watch = resident("RssAnon"), Watch()
    watch.start()
    inputs = stacked(clips(count), count, folder / f"{count}-stacked.npy")
    examples = Examples(
        kind=KIND.kind, inputs=inputs, labels=np.arange(count) % 3, classes=("a", "b", "c"),
        persons=tuple(("x", f"{i % PEOPLE}") for i in range(count)),
        names=tuple(map(str, range(count))),
    )  # fmt: skip
    examples.hashes()
    _check_duplicates(examples)
    some, labels = examples.take([i for i in range(count) if i % PEOPLE])
    epochs = FaceEpochs(OPTIM, KIND, True, KIND.measure(some), some, labels, (), 0)
    for _ in epochs.batches(0):
        pass
    watch.done.set()
    watch.join()
    size = count * int(np.prod(KIND.shape)) / 2**20
    print(f"{count:6} clips {size:8.0f} MiB, memory rose by {watch.most - before:6.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, nargs="+", default=[500, 1500])
    parser.add_argument("--folder", type=Path, help="with room for the clips")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one, options.folder)
        return
    for count in options.clips:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            command = [sys.executable, __file__, "--one", str(count), "--folder", folder]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
