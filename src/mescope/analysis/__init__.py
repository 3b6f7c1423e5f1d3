"""From a recording to what happened on the face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mescope.results import (
    Analysis,
    Check,
    Evidence,
    Finding,
    Gap,
    RegionMotion,
    Traces,
)

if TYPE_CHECKING:
    from mescope.analysis.analyzer import Analyzer, load

__all__ = [
    "Analysis",
    "Analyzer",
    "Check",
    "Evidence",
    "Finding",
    "Gap",
    "RegionMotion",
    "Traces",
    "load",
]


def __getattr__(name: str) -> Any:
    """Load the analyzer, and torch with it, only when somebody asks for it."""
    if name in ("Analyzer", "load"):
        from mescope.analysis import analyzer

        return getattr(analyzer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
