"""Run the whole way from a recording to an :class:`~mescope.analysis.results.Analysis`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from mescope.analysis.findings import describe, doubts, gaps, native
from mescope.analysis.provenance import provenance
from mescope.analysis.results import Analysis, Traces
from mescope.analysis.spotters import by_movement, by_network, rule_of
from mescope.analysis.telling import noise_level, tell, voted
from mescope.errors import MescopeError, WeightsError
from mescope.events import Detection
from mescope.io.cache import default_cache
from mescope.models.weights import Card
from mescope.models.weights import load as load_weights
from mescope.motion.head_motion import Head
from mescope.motion.roi_flow import RoiFlow, extract
from mescope.motion.windows import Overlap
from mescope.spotting.cascade import CascadeRule, Spotted
from mescope.spotting.face_events import find_events
from mescope.spotting.proposals import ProposalRule
from mescope.spotting.traces import stitch
from mescope.video.reading import Video, open_video

DEFAULT_MODEL = "me-tst-plus-cascade"
Progress = Callable[[int, int], None]
Method = Literal["model", "flow-peaks"]
Source = str | Path | NDArray[np.uint8] | Video


def load(name_or_path: str | Path = DEFAULT_MODEL, *, device: str = "cpu") -> Analyzer:
    """Return an analyzer with shipped weights (by name) or with weights of a file.

    Raises:
        WeightsError: unknown name, or a file that is damaged or of another kind.
        MescopeError: the device is not there.
    """
    chosen = _device(device)
    model, card = load_weights(name_or_path)
    if not card.regions:
        raise WeightsError(
            "expected weights that find expressions in recordings, found "
            f"{name_or_path}, which name one expression; use `mescope recognize`"
        )
    return Analyzer(model.to(chosen), card, name=Path(name_or_path).stem, device=chosen)


class Analyzer:
    """A model with its card, ready for any number of recordings."""

    def __init__(
        self, model: torch.nn.Module, card: Card, *, name: str, device: str = "cpu"
    ) -> None:
        self.model = model.eval()
        self.card = card
        self.name = name
        self.device = device

    def analyze(
        self,
        source: Source,
        *,
        start: float | None = None,
        end: float | None = None,
        rate: float | None = None,
        face: str | int = "largest",
        jobs: int | None = None,
        cache: Path | Literal["default"] | None = "default",
        progress: Progress | None = None,
        method: Method = "model",
        pictures: bool = True,
    ) -> Analysis:
        """Find micro-expressions in a recording.

        Args:
            source: a file, a folder of numbered frames, an array (n, H, W[, 3]) or a Video.
            start: seconds; analyze from here.
            end: seconds; analyze up to here.
            rate: frames per second of a folder or array, which carry no time stamps.
            face: "largest", "central", or a number from left to right.
            jobs: threads; default all cores.
            cache: where extracted motion is kept so that a second run is quick and a killed run
                goes on; None keeps nothing.
            progress: called with (windows done, windows in all).
            method: "model", or "flow-peaks" for the training-free spotter.
            pictures: read the face crops of every detection.

        Raises:
            MescopeError: the recording cannot be read.
        """
        video = (
            open_video(source, rate=rate, start=start, end=end)
            if isinstance(source, (str, Path, np.ndarray))
            else source
        )
        folder = default_cache() if cache == "default" else cache
        flow = extract(
            video, head=self._head(method), overlap=self._overlap(method), face=face, jobs=jobs,
            cache=folder, progress=progress,
        )  # fmt: skip
        spotted, floor = self.spot(flow, method=method)
        return self._analysis(video, flow, spotted, floor, method, pictures)

    def _head(self, method: Method) -> Head:
        """Return whose motion the spotter takes for the head's: old weights know the nose's."""
        return "nose" if method == "model" and self.card.head == "nose" else "face"

    def _overlap(self, method: Method) -> Overlap:
        """Return how far windows are measured: only a network that sees them needs all."""
        return "full" if method == "model" and self.card.look == "windows" else "thin"

    def spot(self, flow: RoiFlow, *, method: Method = "model") -> tuple[Spotted, float]:
        """Return every movement down to a low floor, and the floor of what is shown."""
        if method == "flow-peaks":
            return by_movement(flow)
        return by_network(flow, self.model, self.card, self.name, self.device)

    def detect(
        self, flow: RoiFlow, *, method: Method = "model"
    ) -> tuple[list[Detection], NDArray[np.float64], NDArray[np.float64]]:
        """Return what is shown, in decimated frames: detections that no other event explains.

        Also returns the score (n,) and the probabilities of the classes (n, 5).
        """
        spotted, floor = self.spot(flow, method=method)
        told = tell(flow, spotted, floor, find_events(flow).events)
        return [t.detection for t in told if t.shown], spotted.score, voted(spotted, told)

    def rule(self) -> ProposalRule | CascadeRule:
        """Return the spotting rule that was chosen together with the weights."""
        return rule_of(self.card, self.name)

    def _analysis(
        self,
        video: Video,
        flow: RoiFlow,
        spotted: Spotted,
        floor: float,
        method: Method,
        pictures: bool,
    ) -> Analysis:
        """Put everything together."""
        n = len(spotted.score) - flow.padded
        events = find_events(flow)
        told = tell(flow, spotted, floor, events.events)
        noise = noise_level(flow, [one.detection for one in told])
        findings, candidates = describe(video, flow, told, events, noise, pictures=pictures)
        motion = stitch(_lengths(flow), flow.timing.hop, valid=flow.valid)
        traces = Traces(
            frames=flow.frames[:n],
            times=flow.times[:n],
            spotting=spotted.score[:n],
            emotion=voted(spotted, told)[:n],
            motion=motion[:n],
            valid=~np.isnan(motion[:n, 0]),
            regions=flow.regions,
            movement=spotted.movement[:n],
            openness=events.openness[:n],
        )
        own = method == "model"
        parameters: dict[str, Any] = {
            "method": method,
            "extraction": flow.parameters,
            "spotting": self.card.proposals if own else {},
        }
        return Analysis(
            video=_about(video),
            findings=findings,
            candidates=candidates,
            events=tuple(native(event, flow, video) for event in events.events),
            floor=floor,
            noise_px=noise,
            traces=traces,
            gaps=gaps(video, flow, traces.valid, events.unjudged),
            decode=flow.decode,
            provenance=provenance(
                self.name if own else method, self.card if own else None, parameters
            ),
            warnings=(*video.warnings, *flow.warnings, *doubts(findings, flow.decode)),
        )


def _lengths(flow: RoiFlow) -> NDArray[np.float64]:
    """Return the length of every region's motion in every window, (W, k, R)."""
    count, _, k = flow.windows.shape
    vectors = flow.windows.reshape(count, len(flow.regions), 2, k)
    return np.asarray(np.hypot(vectors[:, :, 0], vectors[:, :, 1]).transpose(0, 2, 1), float)


def _about(video: Video) -> dict[str, Any]:
    """Return facts about the recording, without its folder: paths can name people."""
    return {
        "name": video.name,
        "width": video.width,
        "height": video.height,
        "rate": round(float(video.rate), 6),
        "frames": len(video),
        "duration_s": float(video.times[-1] - video.times[0]) if len(video) else 0.0,
        "fingerprint": video.fingerprint(),
    }


def _device(name: str) -> str:
    """Return a torch device; a GPU that was asked for and is absent is an error."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise MescopeError("device cuda was asked for, but torch sees no GPU; use cpu")
    if name.split(":")[0] not in ("cpu", "cuda", "mps"):
        raise MescopeError(f"unknown device {name!r}; expected cpu, cuda, mps or auto")
    return name
