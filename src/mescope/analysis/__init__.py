"""From a recording to what happened on the face."""

from mescope.analysis.results import (
    Analysis,
    Evidence,
    Finding,
    Gap,
    RegionMotion,
    Traces,
)

__all__ = ["Analysis", "Evidence", "Finding", "Gap", "RegionMotion", "Traces"]
