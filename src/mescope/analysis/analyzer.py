"""Run the whole way from a recording to an :class:`~mescope.results.Analysis`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from mescope import defaults
from mescope.analysis.extraction import extraction_for
from mescope.analysis.findings import damage_warnings, describe, gaps, to_native_event
from mescope.analysis.movements import emotion_traces, measure_movements, noise_level
from mescope.analysis.network import Unread, network_of, read_weights, score_of
from mescope.analysis.provenance import provenance
from mescope.analysis.several import check_clean, together
from mescope.errors import MescopeError
from mescope.events import Detection
from mescope.face.choice import FaceChoice
from mescope.face.landmark_tables import LandmarkTable
from mescope.face.people import FaceAnswers
from mescope.face_results import FacesAnalysis
from mescope.io.cache import default_cache
from mescope.io.devices import checked_device
from mescope.io.progress import Progress
from mescope.motion.roi_flow import RoiFlow, extract
from mescope.motion.several_faces import extract_faces
from mescope.moved import renamed
from mescope.reports import write
from mescope.results import Analysis, Traces
from mescope.spotting import SPOTTERS, Network, Spotter, Spotting
from mescope.spotting.cascade import CascadeRule
from mescope.spotting.face_events import find_events
from mescope.spotting.network import rule_of
from mescope.spotting.proposals import ProposalRule
from mescope.spotting.spotters import Score
from mescope.spotting.traces import stitch
from mescope.video.mpv_clock import mpv_zero
from mescope.video.reading import Video, open_video

if TYPE_CHECKING:
    import torch

    from mescope.models.card import Card
    from mescope.models.fold_cards import Fold

Source = str | Path | NDArray[np.uint8] | Video


def load(
    name_or_path: str | Path | Sequence[str | Path] = defaults.MODEL,
    *,
    device: str = "cpu",
    method: str = defaults.SPOTTER,
) -> Analyzer:
    """Return an analyzer with shipped weights (by name), those of a file, or of several.

    Args:
        name_or_path: of the weights.  Of a folder, and of several names and paths, the scores
            are averaged (:mod:`mescope.models.mean_of_folds`): folds of one training, for
            recordings of people whom none of them has seen.
        device: cpu, cuda, a card such as cuda:1, mps or auto.
        method: a name of :data:`mescope.spotting.SPOTTERS`.  Weights are read only if this
            spotter needs them.

    Raises:
        WeightsError: unknown name, a file that is damaged or of another kind, a folder
            without weights, or several that do not go together.
        MescopeError: the device or the spotter is not there.
    """
    if not SPOTTERS.named(method).needs_network:
        return Analyzer(method=method)
    chosen = checked_device(device)
    found = read_weights(name_or_path, chosen)
    return Analyzer(
        found.model, found.card, name=found.name, device=chosen, method=method,
        folds=found.folds, score=found.score,
    )  # fmt: skip


class Analyzer:
    """A spotter, with a model and its card if it needs one, ready for any number of recordings.

    Args:
        model: the network; None if only spotters without one are used.
        card: of the network.
        name: of the weights.
        device: where the network runs.
        method: a name of :data:`mescope.spotting.SPOTTERS`.
        folds: whose mean the model is, for the provenance.
        score: what spotters ask in place of the model, which is then read by nobody else.
    """

    def __init__(
        self,
        model: torch.nn.Module | Unread | None = None,
        card: Card | None = None,
        *,
        name: str = "",
        device: str = "cpu",
        method: str = defaults.SPOTTER,
        folds: Sequence[Fold] = (),
        score: Score | None = None,
    ) -> None:
        self._model, self._score = model, score
        self.card = card
        self.name = name
        self.device = device
        self.method = method
        self.folds = tuple(folds)

    @property
    def model(self) -> torch.nn.Module | None:
        """The network in eval mode, read with PyTorch when it is first asked for."""
        if self._model is None:
            return None
        if isinstance(self._model, Unread):
            self._model = self._model.read()
        return self._model.eval()

    def analyze(
        self,
        source: Source,
        *,
        start: float | None = None,
        end: float | None = None,
        rate: float | None = None,
        face: FaceChoice = "largest",
        landmarks: LandmarkTable | str | Path | None = None,
        jobs: int | None = None,
        cache: Path | Literal["default"] | None = "default",
        progress: Progress | None = None,
        method: str | None = None,
        pictures: bool = True,
    ) -> Analysis:
        """Find micro-expressions in a recording.

        Args:
            source: a file, a folder of numbered frames, an array (n, H, W[, 3]) or a Video.
            start: seconds; analyze from here.
            end: seconds; analyze up to here.
            rate: frames per second of a folder or array, which carry no time stamps.  The
                times of a file are stretched to it (high-speed recordings in slow motion).
            face: "largest", "central", a number from left to right, a point or a time; see
                :data:`mescope.face.choice.FaceChoice`.
            landmarks: in place of mescope's own landmark model, the result table of OpenFace,
                py-feat or MediaPipe for this recording; see
                :func:`mescope.face.landmark_tables.read_landmarks`.
            jobs: threads; default all cores.
            cache: where extracted motion is kept so that a second run is quick and a killed run
                goes on; None keeps nothing.
            progress: called with (windows done, windows in all).
            method: another spotter than the analyzer's own, such as "flow-peaks", the
                training-free one.
            pictures: read the face crops of every detection.

        Raises:
            MescopeError: the recording cannot be read, or there is no such spotter.
        """
        method = method or self.method
        spotter = self.spotter(method)
        video = _opened(source, rate, start, end)
        folder = default_cache() if cache == "default" else cache
        card = self.card if spotter.needs_network else None
        flow = extract(
            video, head=spotter.head, overlap=spotter.overlap, face=face, landmarks=landmarks,
            jobs=jobs, cache=folder, progress=progress, **extraction_for(card, video.rate),
        )  # fmt: skip
        spotter.look(video, flow, jobs=jobs)
        spotting = _fitting(spotter.spot(flow), flow, method)
        return self._analysis(video, flow, spotting, spotter, method, pictures)

    def analyze_faces(
        self,
        source: Source,
        *,
        start: float | None = None,
        end: float | None = None,
        rate: float | None = None,
        answers: FaceAnswers | None = None,
        jobs: int | None = None,
        cache: Path | Literal["default"] | None = "default",
        progress: Progress | None = None,
        method: str | None = None,
        pictures: bool = True,
    ) -> FacesAnalysis:
        """Find micro-expressions on every face of a recording, each followed by itself.

        The recording is decoded once for all faces.  Who leaves and comes back is the same face
        where place and shape say so; where they do not say so plainly, the result asks
        (``questions``) and ``answers`` says.

        Args:
            source: as in :meth:`analyze`, and so are all arguments but ``answers``.
            start: seconds.
            end: seconds.
            rate: frames per second.
            answers: what a person said about who is who, and the faces' names.
            jobs: threads.
            cache: where extracted motion is kept; new answers need no new extraction.
            progress: called with (windows done, windows in all).
            method: a spotter.
            pictures: read the face crops of every detection.

        Raises:
            MescopeError: as :meth:`analyze`; the weights follow one face as published.
        """
        method = method or self.method
        spotter = self.spotter(method)
        video = _opened(source, rate, start, end)
        options = extraction_for(self.card if spotter.needs_network else None, video.rate)
        check_clean(options)
        found = extract_faces(
            video, head=spotter.head, overlap=spotter.overlap, answers=answers, jobs=jobs,
            cache=default_cache() if cache == "default" else cache, progress=progress,
            **options,
        )  # fmt: skip
        analyses = []
        for face in found.faces:
            own = self.spotter(method)  # some keep what they looked at
            own.look(video, face.flow, jobs=jobs)
            spotting = _fitting(own.spot(face.flow), face.flow, method)
            analyses.append(self._analysis(video, face.flow, spotting, own, method, pictures))
        return together(video, found, analyses, write, pictures=pictures)

    def spotter(self, method: str | None = None) -> Spotter:
        """Return a spotter by its name, with the network if it needs one.

        Raises:
            MescopeError: there is none of this name, or it needs weights and there are none.
        """
        name = method or self.method
        if name == defaults.SPOTTER and self.card is not None and self.card.look == "frames":
            name = self.card.model  # such weights have a spotter of their own
        kind = SPOTTERS.named(name)
        if not kind.needs_network:
            return kind()
        if self._model is None or self.card is None:
            raise MescopeError(
                f"the spotter {name!r} needs weights, and this analyzer has none; "
                f"use mescope.load(NAME, method={name!r})"
            )
        return kind(self._network(self.card))

    def spot(self, flow: RoiFlow, *, method: str | None = None) -> Spotting:
        """Return every movement down to a low floor, and the floor of what is shown."""
        return _fitting(self.spotter(method).spot(flow), flow, method or self.method)

    def detect(
        self, flow: RoiFlow, *, method: str | None = None
    ) -> tuple[list[Detection], NDArray[np.float64], NDArray[np.float64]]:
        """Return what is shown, in decimated frames: detections that no other event explains.

        Also returns the score (n,) and the probabilities of the classes (n, 5).
        """
        spotting = self.spot(flow, method=method)
        movements = measure_movements(flow, spotting, find_events(flow).events)
        shown = [one.detection for one in movements if one.shown]
        return shown, spotting.score, emotion_traces(spotting, movements)

    def rule(self) -> ProposalRule | CascadeRule:
        """Return the spotting rule that was chosen together with the weights.

        Raises:
            MescopeError: the analyzer has no weights.
        """
        if self._model is None or self.card is None:
            raise MescopeError("expected an analyzer with weights; mescope.load(NAME) has them")
        return rule_of(self._network(self.card))

    def _network(self, card: Card) -> Network:
        if self._score is None:
            self._score = score_of(cast("torch.nn.Module", self.model), card, self.device)
        return network_of(self._score, card, self.name)

    def _analysis(
        self,
        video: Video,
        flow: RoiFlow,
        spotting: Spotting,
        spotter: Spotter,
        method: str,
        pictures: bool,
    ) -> Analysis:
        """Put everything together."""
        events = find_events(flow)
        movements = measure_movements(flow, spotting, events.events)
        noise = noise_level(flow, [one.detection for one in movements])
        findings, candidates = describe(
            video, flow, movements, events, noise, pictures=pictures
        )
        traces = _traces(flow, spotting, emotion_traces(spotting, movements), events.openness)
        parameters: dict[str, Any] = {
            "method": method,
            "extraction": flow.parameters,
            "spotting": dict(spotter.parameters),
        }
        own = spotter.needs_network
        return Analysis(
            video=_about(video),
            findings=findings,
            candidates=candidates,
            events=tuple(to_native_event(event, flow, video) for event in events.events),
            floor=spotting.floor,
            noise_px=noise,
            traces=traces,
            gaps=gaps(video, flow, traces.valid, events.unjudged),
            decode=flow.decode,
            provenance=provenance(
                self.name if own else method, self.card if own else None, parameters,
                self.folds if own else (),
            ),
            warnings=(
                *video.warnings, *flow.warnings, *damage_warnings(findings, flow.decode)
            ),
            writer=write,
        )  # fmt: skip


def _opened(
    source: Source, rate: float | None, start: float | None, end: float | None
) -> Video:
    if isinstance(source, (str, Path, np.ndarray)):
        return open_video(source, rate=rate, start=start, end=end)
    return source


def _fitting(spotting: Spotting, flow: RoiFlow, method: str) -> Spotting:
    """Refuse a result that does not fit the recording: a spotter may come from outside."""
    wanted = (len(flow.windows) + 1) * flow.timing.hop
    if spotting.score.shape != (wanted,):
        raise MescopeError(
            f"the spotter {method!r} returned scores of shape {spotting.score.shape}, expected "
            f"({wanted},): one for every decimated frame"
        )
    return spotting


def _traces(
    flow: RoiFlow,
    spotting: Spotting,
    emotion: NDArray[np.float64],
    openness: NDArray[np.float64],
) -> Traces:
    """Return the curves of a recording, without the padding at its end."""
    n = len(spotting.score) - flow.padded
    motion = stitch(_lengths(flow), flow.timing.hop, valid=flow.valid)
    return Traces(
        frames=flow.frames[:n],
        times=flow.times[:n],
        spotting=spotting.score[:n],
        emotion=emotion[:n],
        motion=motion[:n],
        valid=~np.isnan(motion[:n, 0]),
        regions=flow.regions,
        movement=None if spotting.movement is None else spotting.movement[:n],
        openness=openness[:n],
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
        "start_offset": float(video.start_offset),
        "mpv_zero": mpv_zero(video),
        "fingerprint": video.fingerprint(),
    }


__getattr__ = renamed(__name__, {"DEFAULT_MODEL": "mescope.defaults.MODEL"})
