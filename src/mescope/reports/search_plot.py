"""What a search preferred: ratios of every stage, the factor, and how the best loss fell.

The paper shows the ratios per stage and the factor that its search found (Figure 4).  Of one
search the winner is drawn over the distribution of the best quarter of all candidates; of an
evaluation that searched within every fold, the winners of all folds are.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from mescope.io.atomic import write_atomically
from mescope.training.ammsm_training import ALPHAS, RATIOS
from mescope.training.search import PARENTS, Candidate, Found, Space

INK, MARK = "0.35", "#c44e52"


def save_search_plot(found: Found, space: Space, path: str | Path) -> None:
    """Write a PNG.

    Raises:
        OutputError: the file cannot be written.
    """
    ranked = sorted(found.candidates, key=lambda c: (c.loss, c.genome))
    best = ranked[: max(1, len(ranked) // PARENTS)]
    figure = Figure(figsize=(3.0 + 0.7 * sum(space.pairs) + 6.0, 3.8), layout="constrained")
    panels = ["ratios"] * bool(space.pairs) + ["alpha"] * space.alpha + ["loss"]
    widths = {"ratios": max(3.0, 0.8 * sum(space.pairs)), "alpha": 3.0, "loss": 3.0}
    axes = figure.subplots(1, len(panels), width_ratios=[widths[p] for p in panels])
    for name, axis in zip(panels, np.atleast_1d(axes), strict=True):
        if name == "ratios":
            _draw_ratios(axis, found, best, space)
        elif name == "alpha":
            _draw_alpha(axis, found, best)
        else:
            _draw_loss(axis, found)
    _write(figure, path)


def save_winners_plot(chosen: Sequence[Mapping[str, Any]], path: str | Path) -> bool:
    """Write a PNG of what the searches within the folds of an evaluation found.

    Args:
        chosen: of the report; entries without a ``genome`` are of no search.
        path: of the file.

    Returns:
        Whether there was a search to draw.

    Raises:
        OutputError: the file cannot be written.
    """
    found = [one for one in chosen if one.get("genome")]
    if not found:
        return False
    genes = np.array([one["genome"] for one in found])
    pairs = [int(count) for count in found[0]["pairs"]]
    ratios, alphas = genes[:, : sum(pairs)], genes[:, sum(pairs) :]
    panels = ["ratios"] * bool(pairs) + ["alpha"] * alphas.shape[1]
    widths = [max(3.0, 0.8 * sum(pairs)) if panel == "ratios" else 3.0 for panel in panels]
    figure = Figure(figsize=(sum(widths) + 2.0, 3.8), layout="constrained")
    axes = figure.subplots(1, len(panels), width_ratios=widths)
    for name, axis in zip(panels, np.atleast_1d(axes), strict=True):
        if name == "ratios":
            _draw_shares(axis, ratios, pairs, f"share of {len(found)} searches")
            axis.plot(range(sum(pairs)), 10 * ratios.mean(0) - 1, "o", color=MARK, label="mean")
            axis.legend(fontsize=8, loc="upper left")
        else:
            axis.hist(alphas[:, 0], [float(e) for e in np.linspace(*ALPHAS, 13)], color="0.6")
            axis.axvline(alphas.mean(), color=MARK, label=f"mean {alphas.mean():.2f}")
            axis.set(xlabel="alpha", ylabel="searches", title="factor")
            axis.legend(fontsize=8)
    _write(figure, path)
    return True


def _write(figure: Figure, path: str | Path) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_atomically(Path(path), buffer.getvalue())


def _draw_ratios(axis: Axes, found: Found, best: Sequence[Candidate], space: Space) -> None:
    """Draw, for every two blocks, how often the best had which ratio; the winner as dots."""
    genes = sum(space.pairs)
    ratios = np.array([c.genome[:genes] for c in best])
    _draw_shares(axis, ratios, space.pairs, "share of the best quarter")
    axis.plot(
        range(genes), np.rint(10 * np.array(found.winner[:genes])) - 1, "o", color=MARK,
        label="winner",
    )  # fmt: skip
    axis.legend(fontsize=8, loc="upper left")


def _draw_shares(
    axis: Axes, ratios: NDArray[np.float64], pairs: Sequence[int], label: str
) -> None:
    """Draw how often each ratio stands for every two blocks, ratios (n, genes)."""
    steps = np.rint(10 * ratios).astype(int)
    shares = np.stack([(steps == round(10 * ratio)).mean(0) for ratio in RATIOS])
    shown = axis.imshow(shares, origin="lower", aspect="auto", cmap="Blues", vmin=0.0)
    axis.figure.colorbar(shown, ax=axis, label=label)
    for end in np.cumsum(pairs)[:-1]:
        axis.axvline(end - 0.5, color=INK, lw=1)
    places = [f"{s + 1}.{j + 1}" for s, n in enumerate(pairs) for j in range(n)]
    axis.set_xticks(range(sum(pairs)), places)
    axis.set_yticks(range(len(RATIOS)), [f"{100 * ratio:.0f}" for ratio in RATIOS])
    axis.set(xlabel="stage.pair of blocks", ylabel="windows dropped, %", title="ratios")


def _draw_alpha(axis: Axes, found: Found, best: Sequence[Candidate]) -> None:
    edges = [float(edge) for edge in np.linspace(*ALPHAS, 13)]
    for candidates, label, colour in (
        (found.candidates, "all", "0.8"),
        (best, "best quarter", "#4c72b0"),
    ):
        values = [c.genome[-1] for c in candidates]
        weights = np.full(len(values), 1.0 / len(values))
        axis.hist(values, edges, weights=weights, label=label, color=colour, alpha=0.8)
    axis.axvline(found.winner[-1], color=MARK, label=f"winner {found.winner[-1]:.1f}")
    axis.set(xlabel="alpha", ylabel="share of candidates", title="factor")
    axis.legend(fontsize=8)


def _draw_loss(axis: Axes, found: Found) -> None:
    axis.plot([c.generation for c in found.candidates], [c.loss for c in found.candidates],
              ".", color="0.7", label="candidates")  # fmt: skip
    axis.plot(range(len(found.best)), found.best, color=MARK, label="best so far")
    axis.set(xlabel="generation", ylabel="cross-entropy of held-out people", title="loss")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(fontsize=8)
