"""How a result came to be: versions, weights, parameters, time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mescope.models.card import Card
    from mescope.models.fold_cards import Fold

PACKAGES = ("mescope", "torch", "numpy", "opencv-contrib-python-headless", "av", "dlib-bin")
"""The packages whose version can change a result."""


def provenance(
    name: str, card: Card | None, parameters: dict[str, Any], folds: Sequence[Fold] = ()
) -> dict[str, Any]:
    """Return what a reader needs to repeat the analysis; plain values, ready for JSON.

    Args:
        name: of the weights, or of the training-free method.
        card: of the weights; None for a training-free method.
        parameters: of the extraction and of the spotting rule.
        folds: the weights whose scores were averaged; none where there was one file.
    """
    about: dict[str, Any] = {
        "model": name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {package: _version(package) for package in PACKAGES},
        "parameters": parameters,
    }
    if card is not None:
        about |= {
            "architecture": card.model,
            "weights_sha256": card.sha256,
            "weights_licence": card.licence,
            "simulated": card.simulated,
            "trained_on": card.trained_on,
            "scores": dict(card.scores),
            "notes": card.notes,
        }
    if folds:
        about["folds"] = [asdict(fold) for fold in folds]
    return about


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
