"""A made-up Analysis of a realistic shape, with Grace Hopper's portrait as the face."""

import dataclasses
import functools

import cv2
import matplotlib.image
import numpy as np
from matplotlib import cbook

from mescope.analysis import Analysis, Finding, Gap, RegionMotion, Traces
from mescope.analysis.checks import checks_for
from mescope.analysis.evidence import explain
from mescope.events import Detection, FaceEvent, Interval
from mescope.reports import write

REGIONS = (
    "BROW_L", "BROW_L_20", "BROW_L_19", "BROW_L_18", "BROW_R", "BROW_R_23", "BROW_R_24",
    "BROW_R_25", "MOUTH", "MOUTH_48", "MOUTH_54", "MOUTH_51", "MOUTH_57", "MOUTH_62",
    "NOSE_31", "NOSE_35", "LID_L", "LID_R",
)  # fmt: skip
CLASSES = ("negative", "positive", "surprise", "others", "neutral")

SURPRISE = {"BROW_L_20": (0.1, -2.4), "BROW_L_19": (0.0, -2.2), "BROW_L_18": (-0.1, -1.5),
            "BROW_R_23": (0, -2.1), "BROW_R_24": (0.1, -1.8), "BROW_R_25": (0.2, -1.1),
            "BROW_L": (0, -1.9), "BROW_R": (0, -1.7), "LID_L": (0, -0.2)}  # fmt: skip
SMILE = {"MOUTH_48": (-1.9, -1.4), "MOUTH_54": (2.1, -1.5), "MOUTH": (0.1, -0.7),
         "LID_L": (0.0, -0.9), "LID_R": (0.1, -0.8)}  # fmt: skip
FROWN = {"BROW_L_20": (0.7, 1.1), "BROW_R_23": (-0.6, 1.2), "NOSE_31": (0.0, -0.5)}
PATTERNS = {"surprise": SURPRISE, "positive": SMILE, "negative": FROWN, "others": SMILE}


@functools.cache
def portrait():
    """Return a 256-px crop of the portrait, RGB uint8."""
    image = matplotlib.image.imread(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    return cv2.resize(image[100:342, 144:386, :3], (256, 256), interpolation=cv2.INTER_AREA)


def moved(pattern, places, strength=1.0):
    """Return the portrait with soft bumps of motion, as a face that moves would look."""
    y, x = np.mgrid[:256, :256].astype(np.float32)
    map_x, map_y = x.copy(), y.copy()
    for name, (dx, dy) in pattern.items():
        if "_" in name:
            px, py = (256 * share for share in places[name])
            bump = np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * 16**2)) * strength * 0.8
            map_x -= bump * dx
            map_y -= bump * dy
    return cv2.remap(
        portrait(), map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def make_analysis(
    *,
    duration=124.0,
    rate=30.0,
    planted=None,
    name="interview 07.mp4",
    gaps=True,
    pictures=True,
):
    """Return an Analysis with ``planted`` (seconds, length in s, emotion); frames from 0."""
    rng = np.random.default_rng(7)
    if planted is None:
        planted = ((18.2, 0.3, "surprise"), (61.4, 0.43, "positive"), (96.0, 1.6, "negative"))
    n = int(duration * rate)
    times = np.arange(n) / rate
    noise = np.convolve(rng.normal(0, 1, n + 40), np.hanning(41) / 6, "valid")
    spotting = np.clip(0.10 + 0.06 * noise, 0, 1)
    logits = rng.normal(0, 0.15, (n, 5)) + np.array([0, 0, 0, 0, 2.6])
    findings = []
    for number, (start, length, emotion) in enumerate(planted, 1):
        first, last = round(start * rate), round((start + length) * rate)
        bump = np.exp(-(((times - start - length / 2) / (0.55 * length)) ** 2))
        spotting = np.maximum(spotting, (0.93 - 0.11 * (number % 4)) * bump)
        logits[:, CLASSES.index(emotion)] += 5.0 * bump
        logits[:, 4] -= 3.0 * bump
        findings.append(_finding(number, first, last, rate, emotion, pictures))
    emotion = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    valid = np.ones(n, dtype=bool)
    gap_list = ()
    if gaps:
        a, b = int(n * 0.58), int(n * 0.62)
        valid[a : b + 1] = False
        spotting[a : b + 1] = np.nan
        emotion[a : b + 1] = np.nan
        gap_list = (
            Gap(
                interval=Interval(a, b), start_s=a / rate, end_s=b / rate, reason="no face seen"
            ),
        )
    return Analysis(
        video={
            "name": name, "width": 640, "height": 360, "rate": rate, "frames": n,
            "duration_s": duration, "fingerprint": "9f2c41d0" * 8,
        },
        findings=tuple(findings),
        traces=Traces(
            frames=np.arange(n), times=times, spotting=spotting, emotion=emotion,
            motion=np.abs(rng.normal(0, 0.3, (n, 18))), valid=valid, regions=REGIONS,
        ),
        gaps=gap_list,
        decode={"frames": n, "decoded": n - 2, "missing": [812, 813], "bad_packets": 1,
                "truncated": False},
        provenance={
            "model": "me-tst-plus-small", "simulated": True, "trained_on":
            "simulated faces (30 drawn identities, seed 0)",
            "weights_sha256": "3b7e0a55" * 8,
            "versions": {"mescope": "0.1.0", "torch": "2.13.0", "opencv": "5.0.0"},
            "parameters": {"face": "largest", "window": 50, "score_floor": 0.3},
            "created": "2026-11-20T21:40:03Z",
        },
        warnings=(
            "no face seen for 5.0 s in 1 stretch; nothing can be said about it",
            "2 frames could not be decoded (812, 813); the frames around them were analyzed",
        ) if gaps else (),
        writer=write,
    )  # fmt: skip


def _finding(number, first, last, rate, emotion, pictures):
    from mescope.reports.face_arrows import PLACES

    pattern = PATTERNS[emotion]
    motion = np.array([pattern.get(name, (0.05, 0.08)) for name in REGIONS])
    apex = first + round(0.45 * (last - first))
    rest = 0.36 / (len(CLASSES) - 1)
    kind = "micro" if (last - first) / rate <= 0.5 else "macro"
    detection = Detection(
        interval=Interval(first, last), kind=kind, score=0.93 - 0.11 * (number % 4), apex=apex,
        emotion=emotion, emotion_scores={c: 0.64 if c == emotion else rest for c in CLASSES},
        onset_s=first / rate, apex_s=apex / rate, offset_s=last / rate,
    )  # fmt: skip
    return Finding(
        id=f"d{number}",
        detection=detection,
        evidence=explain(motion, REGIONS),
        onset_picture=portrait() if pictures else None,
        apex_picture=moved(pattern, PLACES) if pictures else None,
        offset_picture=moved(pattern, PLACES, 0.15) if pictures and number != 2 else None,
    )


def enrich(analysis, *, candidates=9, explained=2, pictures=True, floor=0.5):
    """Return the analysis with all that came later: candidates, events, checks, loops.

    Candidate i starts at 4 + 11.3 i seconds (modulo the duration) and scores from 0.12 up to
    just below ``floor``; the last ``explained`` ones are blinks that score 0.8.
    """
    rate, duration = analysis.video["rate"], analysis.video["duration_s"]
    traces = analysis.traces
    rng = np.random.default_rng(3)
    movement = np.clip(0.3 + 0.08 * rng.normal(size=len(traces.times)), 0, 1)
    movement = np.maximum(movement, np.nan_to_num(traces.spotting))
    movement[~traces.valid] = np.nan
    events = _events(duration, rate)
    found = []
    for i in range(candidates + explained):
        blink = i >= candidates
        first = round((4 + 11.3 * i) % max(0.1, duration - 1) * rate)
        emotion = CLASSES[i % 4]
        made = _finding(i + 1, first, first + 9, rate, emotion, pictures)
        score = 0.8 if blink else 0.12 + (floor - 0.13) * i / max(1, candidates - 1)
        found.append(
            dataclasses.replace(
                made, id=f"c{i + 1}", explained_by="blink" if blink else None,
                detection=dataclasses.replace(made.detection, score=score, kind="micro"),
            )
        )  # fmt: skip
    return dataclasses.replace(
        analysis,
        findings=tuple(
            _checked(finding, events, rate, pictures) for finding in analysis.findings
        ),
        candidates=tuple(_checked(finding, events, rate, pictures) for finding in found),
        events=events,
        floor=floor,
        noise_px=0.42,
        traces=dataclasses.replace(
            traces, movement=movement, openness=np.clip(1 + 0 * movement, 0, 1)
        ),
    )


def _events(duration, rate):
    """Return a blink every 3.7 s, speech from 30 % to 50 %, a turn and a glance."""
    spans = [("blink", t, t + 0.2, 0.8) for t in np.arange(1.0, duration - 1, 3.7)]
    spans += [("speech", 0.3 * duration, 0.5 * duration, 3.1)]
    spans += [("head", 0.7 * duration, 0.72 * duration, 14.0)]
    spans += [("gaze", 0.8 * duration, 0.81 * duration, 0.2)]
    return tuple(
        FaceEvent(
            kind=kind, interval=Interval(round(a * rate), round(b * rate)), onset_s=float(a),
            offset_s=float(b), strength=strength,
        )
        for kind, a, b, strength in sorted(spans, key=lambda s: s[1])
    )  # fmt: skip


def _checked(finding, events, rate, pictures):
    from mescope.reports.face_arrows import PLACES

    pattern = PATTERNS[finding.detection.emotion]
    steps = np.concatenate([np.linspace(0, 1, 7), np.linspace(1, 0, 7)])
    return dataclasses.replace(
        finding,
        checks=checks_for(
            finding.detection.interval, events=events, openness=0.9,
            movement_px=finding.evidence.regions[0].magnitude, noise_px=0.42, light=0.01,
        ),
        clip=tuple(moved(pattern, PLACES, s) for s in steps) if pictures else (),
        clip_rate=rate if pictures else 0.0,
    )  # fmt: skip


def make_full(**options):
    """Return :func:`make_analysis`, enriched."""
    return enrich(make_analysis(**options), pictures=options.get("pictures", True))


__all__ = ["REGIONS", "RegionMotion", "enrich", "make_analysis", "make_full"]
