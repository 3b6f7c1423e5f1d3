"""mescope: find facial micro-expressions in long videos and name their emotion.

The public names are resolved when they are first used, so importing mescope loads nothing heavy
and has no effect.  ``docs/api.md`` describes them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mescope.moved import keep_old_names

if TYPE_CHECKING:
    from mescope.analysis import Analysis, Analyzer, load
    from mescope.analysis.recognition import recognize
    from mescope.datasets import open_dataset
    from mescope.errors import MescopeError
    from mescope.evaluation.matching import match
    from mescope.evaluation.report import Report
    from mescope.evaluation.summary import summarize
    from mescope.events import Detection, Expression, Interval, Recording
    from mescope.face.pictures import landmarks
    from mescope.models import MODELS, create_model
    from mescope.models.weight_files import list_weights
    from mescope.motion.flow import tvl1
    from mescope.motion.roi_flow import extract
    from mescope.spotting import SPOTTERS
    from mescope.training.evaluate import evaluate
    from mescope.training.train import train
    from mescope.video.reading import open_video

__version__ = "0.1.0"

__all__ = [
    "MODELS",
    "SPOTTERS",
    "Analysis",
    "Analyzer",
    "Detection",
    "Expression",
    "Interval",
    "MescopeError",
    "Recording",
    "Report",
    "__version__",
    "create_model",
    "evaluate",
    "extract",
    "landmarks",
    "list_weights",
    "load",
    "match",
    "open_dataset",
    "open_video",
    "recognize",
    "summarize",
    "train",
    "tvl1",
]

_HOME = {
    "MODELS": "mescope.models",
    "SPOTTERS": "mescope.spotting",
    "Analysis": "mescope.analysis",
    "Analyzer": "mescope.analysis",
    "Detection": "mescope.events",
    "Expression": "mescope.events",
    "Interval": "mescope.events",
    "MescopeError": "mescope.errors",
    "Recording": "mescope.events",
    "Report": "mescope.evaluation.report",
    "evaluate": "mescope.training.evaluate",
    "create_model": "mescope.models",
    "extract": "mescope.motion.roi_flow",
    "landmarks": "mescope.face.pictures",
    "list_weights": "mescope.models.weight_files",
    "load": "mescope.analysis",
    "match": "mescope.evaluation.matching",
    "open_dataset": "mescope.datasets",
    "open_video": "mescope.video.reading",
    "recognize": "mescope.analysis.recognition",
    "summarize": "mescope.evaluation.summary",
    "train": "mescope.training.train",
    "tvl1": "mescope.motion.flow",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'mescope' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)


keep_old_names()
