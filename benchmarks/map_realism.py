"""Are simulated flow maps like real ones?  Measures that need no label of a real map.

    python benchmarks/map_realism.py [--real 3db_flow28.npz] [--people all] [--json out.json]

One table: the power of u and v by cycles per crop (each map to mean 0 and deviation 1, Hann
window), mean and median over maps; the correlation of strain with the strain of u and v, whose
relative scale, lost in grey values, is the one that fits best; mean absolute u and v of bands
of rows.  Then the AUC with which a classifier tells real from simulated, in five folds that
never split a person: a logistic regression, which is the bar, and a Gaussian kernel, which sees
more; of u and v, and with strain.  Maps are prepared as for `3db-svm-flow-rbf` (median 0, root
mean square 1) but not averaged.  Simulated maps are drawn from a seed, the classes as often as
the composite's publication counts them; no map's own label is read.

The simulation was shaped on the people with even index of the sorted list (``--people even``);
``odd`` are those it was never shaped on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.svm import SVC

from mescope.datasets.flow28 import PUBLISHED, read_flow_maps
from mescope.errors import MescopeError
from mescope.motion.flow import strain
from mescope.synthesis.flow_maps import CLASSES, CLIPS, draw_flow_maps

Maps = NDArray[np.floating]

CYCLES = (1, 3, 5, 7, 9, 11, 13)
BANDS = ((0, 4), (4, 8), (8, 12), (12, 16), (16, 20), (20, 24), (24, 28))  # rows
SCALES = 2.0 ** np.arange(-3, 3.1, 0.5)  # of u against v
AUC_BAR, STRAIN_BAR = 0.85, 0.03
FOLDS = 5


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    what: str
    real: float | None
    simulated: float
    bar: str = ""


def prepared(maps: Maps) -> Maps:
    """Return maps (n, c, h, w), each channel with median 0 and root mean square 1."""
    centred = maps - np.median(maps, (2, 3), keepdims=True)
    size = np.sqrt((centred**2).mean((2, 3), keepdims=True))
    return np.asarray(centred / np.where(size > 0, size, 1.0), np.float32)


def spectrum(maps: Maps, cycles: Sequence[int] = CYCLES) -> Maps:
    """Return the power of square maps (n, c, h, h) by cycles per crop, (n, c, len(cycles)).

    It is the mean over all directions whose cycles round to that number.
    """
    side = maps.shape[-1]
    centred = maps - maps.mean((2, 3), keepdims=True)
    size = centred.std((2, 3), keepdims=True)
    window = np.hanning(side + 2)[1:-1]
    waves = np.fft.fft2(centred / np.where(size > 0, size, 1.0) * np.outer(window, window))
    along = np.fft.fftfreq(side) * side
    radius = np.rint(np.hypot(along[:, None], along))
    power = np.abs(waves) ** 2
    return np.stack([power[..., radius == k].mean(-1) for k in cycles], -1)


def strain_agreement(maps: Maps) -> Maps:
    """Return how strain correlates with that of u and v, their scale fitted: (n,)."""
    return np.array([max(_agreement(one, scale) for scale in SCALES) for one in maps])


def _agreement(one: Maps, scale: float) -> float:
    again = strain(np.stack([one[0] * scale, one[1]], -1).astype(np.float32))
    if again.std() == 0 or one[2].std() == 0:
        return 0.0
    return float(np.corrcoef(again.ravel(), one[2].ravel())[0, 1])


def told_apart(
    first: Maps, second: Maps, groups: Sequence[int], kind: str = "linear", seed: int = 0
) -> float:
    """Return the AUC of a classifier between two sets of maps, in folds that split no group.

    Args:
        first: (n, ...).
        second: (m, ...).
        groups: of all, first those of ``first``.
        kind: ``linear``, or ``kernel`` for a Gaussian one.
        seed: of the folds.
    """
    values = np.concatenate([first, second]).reshape(len(groups), -1).astype(np.float32)
    truth = np.repeat([1, 0], [len(first), len(second)])
    scores = np.zeros(len(truth))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(values, truth, np.asarray(groups)):
        if kind == "linear":
            model = LogisticRegression(C=1e-3, class_weight="balanced", max_iter=500)
        else:
            model = SVC(gamma=_width(values[train]), class_weight="balanced")
        scores[test] = model.fit(values[train], truth[train]).decision_function(values[test])
    return float(roc_auc_score(truth, scores))


def _width(values: Maps) -> float:
    """Return half of one over the median squared distance, as `3db-svm-flow-rbf` does."""
    squares = (values**2).sum(1)
    return float(0.5 / np.median(squares[:, None] + squares - 2 * values @ values.T))


def real_maps(path: Path, people: str) -> tuple[Maps, list[int]]:
    """Return real maps (n, 3, h, w) and the index of each one's person."""
    found = read_flow_maps(path)
    order = {person: i for i, person in enumerate(sorted(set(found.persons)))}
    persons = np.array([order[person] for person in found.persons])
    wanted = {"all": persons >= 0, "even": persons % 2 == 0, "odd": persons % 2 == 1}[people]
    maps = found.flow[wanted][..., :3].transpose(0, 3, 1, 2)
    return maps.astype(np.float32), persons[wanted].tolist()


def simulated_maps(count: int, seed: int) -> tuple[Maps, list[int]]:
    """Return simulated maps, classes in the published shares, and the face of each."""
    drawn = draw_flow_maps(count, seed)
    whole = sum(PUBLISHED.values())
    shares = [PUBLISHED[name] / whole for name in CLASSES]
    have = np.bincount(drawn.labels, minlength=len(CLASSES))
    most = min(n / share for n, share in zip(have, shares, strict=True))
    kept = [
        np.flatnonzero(drawn.labels == label)[: int(most * share)]
        for label, share in enumerate(shares)
    ]
    rows = np.sort(np.concatenate(kept))
    return drawn.maps[rows].astype(np.float32), (rows // CLIPS).tolist()


def spectra(real: Maps, simulated: Maps) -> list[Row]:
    """Return the rows of the power spectra."""
    rows = []
    for channel, name in enumerate("uv"):
        here, there = (spectrum(m[:, channel : channel + 1])[:, 0] for m in (real, simulated))
        for title, mean in (("mean", np.mean), ("median", np.median)):
            rows += [
                Row(f"power of {name}, {k} cycles, {title}", float(a), float(b))
                for k, a, b in zip(CYCLES, mean(here, 0), mean(there, 0), strict=True)
            ]
    return rows


def compare(
    real: Maps, people: Sequence[int], simulated: Maps, faces: Sequence[int]
) -> list[Row]:
    """Return all rows of the table."""
    rows = spectra(real, simulated)
    a, b = (float(strain_agreement(m).mean()) for m in (real, simulated))
    rows.append(Row("strain with that of u, v", a, b, f"within {STRAIN_BAR} of the real one"))
    first, second = prepared(real), prepared(simulated)
    for channel, name in enumerate("uv"):
        rows += [
            Row(
                f"mean |{name}| in rows {low} to {high - 1}",
                float(np.abs(first[:, channel, low:high]).mean()),
                float(np.abs(second[:, channel, low:high]).mean()),
            )
            for low, high in BANDS
        ]
    groups = [*people, *(max(people) + 1 + face for face in faces)]
    for kind in ("linear", "kernel"):
        for channels, name in ((2, "u, v"), (3, "u, v, strain")):
            auc = told_apart(first[:, :channels], second[:, :channels], groups, kind)
            bar = f"at most {AUC_BAR}" if kind == "linear" else ""
            rows.append(Row(f"AUC, {kind}, {name}", None, auc, bar))
    return rows


def show(rows: Sequence[Row]) -> None:
    """Print the table."""
    print(f"{'what':32}  {'real':>9}  {'simulated':>9}  {'ratio':>6}  bar")
    for row in rows:
        real = "" if row.real is None else f"{row.real:.3f}"
        ratio = f"{row.simulated / row.real:.2f}" if row.real else ""
        print(f"{row.what:32}  {real:>9}  {row.simulated:9.3f}  {ratio:>6}  {row.bar}".rstrip())


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=Path, default=Path("../shared/data/3db_flow28.npz"))
    parser.add_argument("--people", choices=("all", "even", "odd"), default="all")
    parser.add_argument("--maps", type=int, default=900, help="to draw; fewer are kept")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    try:
        real, people = real_maps(options.real, options.people)
    except MescopeError as error:
        print(f"{error}; give the maps with --real", file=sys.stderr)
        return 1
    simulated, faces = simulated_maps(options.maps, options.seed)
    print(f"{len(real)} real maps ({options.people} people), {len(simulated)} simulated ones")
    rows = compare(real, people, simulated, faces)
    show(rows)
    if options.json:
        plain = [asdict(row) for row in rows]
        options.json.write_text(json.dumps(plain, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
