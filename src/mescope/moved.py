"""What was renamed since version 0.1.0: old names work for one version, and say so.

An old name gives the very module that the new one gives, so classes are the same under both.
"""

import importlib
import importlib.machinery
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from importlib.abc import Loader

MOVED = {
    "mescope.video.cache": "mescope.io.cache",
    "mescope.training.engine": "mescope.io.parallel",
    "mescope.video.faces": "mescope.face.detector",
    "mescope.video.face_crop": "mescope.face.crop",
    "mescope.video.aligned": "mescope.face.aligned",
    "mescope.video.landmark_track": "mescope.face.landmark_track",
    "mescope.video.nasal_crop": "mescope.face.nasal_crop",
    "mescope.video.sightings": "mescope.face.visibility",
    "mescope.spotting.face_points": "mescope.face.points",
    "mescope.video.flow": "mescope.motion.flow",
    "mescope.video.flow_expand": "mescope.motion.flow_expand",
    "mescope.video.flow_kernel": "mescope.motion.flow_kernel",
    "mescope.video.flow_levels": "mescope.motion.flow_levels",
    "mescope.video.flow_pyramid": "mescope.motion.flow_pyramid",
    "mescope.video.flow_strongest": "mescope.motion.flow_strongest",
    "mescope.video.grey_maps": "mescope.motion.grey_maps",
    "mescope.video.head_motion": "mescope.motion.head_motion",
    "mescope.video.regions": "mescope.motion.regions",
    "mescope.video.roi_flow": "mescope.motion.roi_flow",
    "mescope.video.roi_flow_plain": "mescope.motion.roi_flow_plain",
    "mescope.video.roi_keep": "mescope.motion.window_cache",
    "mescope.video.roi_pass": "mescope.motion.roi_pass",
    "mescope.video.roi_published": "mescope.motion.roi_published",
    "mescope.video.roi_window": "mescope.motion.roi_window",
    "mescope.video.windows": "mescope.motion.windows",
    "mescope.video.tally": "mescope.video.decode_stats",
    "mescope.video.report": "mescope.video.decode_report",
    "mescope.datasets.coding.marks": "mescope.annotations.annotation",
    "mescope.datasets.coding": "mescope.annotations",
    "mescope.datasets.annotations": "mescope.annotations.expression_table",
    "mescope.datasets.sheets": "mescope.datasets.workbook",
    "mescope.reports.words": "mescope.reports.formatting",
    "mescope.reports.pictures": "mescope.reports.face_arrows",
    "mescope.reports.marks": "mescope.reports.annotation_set",
    "mescope.analysis.results": "mescope.results",
    "mescope.analysis.spotters": "mescope.spotting.network",
    "mescope.analysis.telling": "mescope.analysis.movements",
    "mescope.training.clip_features": "mescope.samples.clip_features",
    "mescope.training.clip_pictures": "mescope.samples.clip_pictures",
    "mescope.training.batches": "mescope.samples.clip_samples",
    "mescope.training.examples": "mescope.samples.examples",
    "mescope.training.face_clips": "mescope.samples.face_clips",
    "mescope.training.roi_windows": "mescope.samples.recording_windows",
    "mescope.training.prepare": "mescope.samples.prepare",
    "mescope.training.rendered": "mescope.samples.rendered",
    "mescope.training.synthetic": "mescope.samples.synthetic",
    "mescope.training.samples": "mescope.samples.window_labels",
    "mescope.training.origins": "mescope.samples.provenance",
    "mescope.training.apex": "mescope.samples.apex",
    "mescope.training.sparse_frames": "mescope.samples.sparse_frames",
    "mescope.training.candidate_segments": "mescope.samples.candidate_segments",
    "mescope.training.neutral": "mescope.samples.rsmix.neutral",
    "mescope.training.rsmix": "mescope.samples.rsmix.paste",
    "mescope.training.rsmix_plan": "mescope.samples.rsmix.plan",
    "mescope.training.rsmix_write": "mescope.samples.rsmix.write",
    "mescope.training.parts": "mescope.training.protocols",
    "mescope.training.recognisers": "mescope.training.recognizers",
    "mescope.training.learned": "mescope.training.recognizer",
    "mescope.training.augment": "mescope.samples.augment",
    "mescope.video.pictures": "mescope.video.frame_conversion",
    "mescope.datasets.pictures": "mescope.datasets.picture_check",
    "mescope.datasets.listed": "mescope.datasets.recording_list",
    "mescope.evaluation.rows": "mescope.evaluation.interval_table",
    "mescope.evaluation.stored": "mescope.evaluation.report_files",
    "mescope.evaluation.reports": "mescope.evaluation.report_comparison",
    "mescope.evaluation.tables": "mescope.evaluation.report_tables",
    "mescope.synthesis.folds": "mescope.synthesis.skin_folds",
    "mescope.synthesis.talk": "mescope.synthesis.speech",
    "mescope.synthesis.turning": "mescope.synthesis.head_rotation",
}
"""Old name of a module, or of a package with all its modules, to its new one."""


def new_name(old: str) -> str | None:
    """Return where a module of version 0.1.0 is now, or None.

    >>> new_name("mescope.datasets.coding.elan")
    'mescope.annotations.elan'
    """
    for name, now in MOVED.items():
        if old == name or old.startswith(f"{name}."):
            return now + old.removeprefix(name)
    return None


class _Finder:
    """Finds and loads modules by their old names."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith("mescope.") or new_name(fullname) is None:
            return None
        return importlib.machinery.ModuleSpec(fullname, cast("Loader", self))

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """Leave it to Python: the module is exchanged once it is known."""

    def exec_module(self, module: ModuleType) -> None:
        now = new_name(module.__name__)
        assert now is not None  # find_spec has seen to it
        warnings.warn(
            f"{module.__name__} is now {now}; the old name goes with the next version",
            DeprecationWarning,
            stacklevel=2,
        )
        sys.modules[module.__name__] = importlib.import_module(now)


def renamed(module: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module in which some names have changed.

        __getattr__ = renamed(__name__, {"Sheet": "mescope.annotations.AnnotationSet"})

    Args:
        module: its ``__name__``.
        names: old name to the full new one, module and all.
    """

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warnings.warn(
            f"{module}.{name} is now {names[name]}; the old name goes with the next version",
            DeprecationWarning,
            stacklevel=2,
        )
        home, _, new = names[name].rpartition(".")
        return getattr(importlib.import_module(home), new)

    return get


def keep_old_names() -> None:
    """Let old names be imported; called once, when mescope is."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())  # before the new packages' own search
