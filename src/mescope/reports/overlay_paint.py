"""Draws one frame of an overlay: face, words, and a strip of the spotting score below."""

from __future__ import annotations

import bisect
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from mescope.annotations.face_events import KINDS
from mescope.reports.formatting import clock, emotion_words
from mescope.reports.judged import EVENT_NAMES
from mescope.results import VISIBLE
from mescope.video.source import Picture

if TYPE_CHECKING:
    from mescope.results import Analysis, Finding

Color = tuple[int, int, int]

SPAN_S = 10.0
"""Seconds of score that the strip shows, the present in the middle."""

_BACK: Color = (24, 26, 30)
_WORDS: Color = (235, 235, 235)
_FAINT: Color = (120, 124, 132)
_LINE: Color = (130, 200, 255)
_DOT: Color = (140, 255, 170)
_REGION: Color = (200, 205, 215)
_KIND: dict[str, Color] = {"micro": (255, 160, 40), "macro": (90, 150, 255)}

_LEAST = 320  # px: width below which the words would not fit
_LANDMARKS = 68


class Painter:
    """Draws frames of one recording.

    ``size`` is the width and height of what it draws: the picture, padded to even sides and to
    at least 320 px in width, with a band below.
    """

    def __init__(
        self, analysis: Analysis, picture: tuple[int, int], regions: tuple[str, ...]
    ) -> None:
        width, height = picture
        self._picture_height = height
        self._left = max(0, _LEAST - width) // 2
        full = max(width, _LEAST)
        self._scale = float(np.clip(full / 640, 0.75, 4))
        self._font = _font(round(15 * self._scale))
        self._small = _font(round(10 * self._scale))
        self._line = round(22 * self._scale)
        self._strip_height = round(54 * self._scale)
        total = height + 2 * self._line + self._strip_height
        self.size = full + full % 2, total + total % 2
        self._findings = sorted(analysis.findings, key=lambda f: f.detection.interval)
        self._events = analysis.events
        self._gaps = [(gap.start_s, gap.end_s) for gap in analysis.gaps]
        self._times, self._score = analysis.traces.times, analysis.traces.spotting
        self._frames, self._valid = analysis.traces.frames, analysis.traces.valid
        self._regions = regions

    def draw(
        self, picture: Picture, frame: int, second: float, shape: npt.NDArray[np.float64] | None
    ) -> Picture:
        """Return the frame as it is shown, (h, w, 3) RGB uint8 of :attr:`size`.

        Args:
            picture: (H, W, 3) RGB uint8.
            frame: its number in the recording, from 0.
            second: its time.
            shape: landmarks and corners, see :meth:`Sightings.shape`; None without a face.
        """
        canvas = np.full((self.size[1], self.size[0], 3), _BACK, np.uint8)
        here = picture.copy()  # the caller may show its own picture elsewhere
        present = self._present(frame)
        if shape is not None and self._seen(frame):
            self._draw_face(here, shape, present)
        h, w = here.shape[:2]
        canvas[:h, self._left : self._left + w] = here
        if present is not None:
            edge = _KIND[present.detection.kind]
            corner = (self._left + w - 1, h - 1)
            cv2.rectangle(canvas, (self._left, 0), corner, edge, self._px(3))
        self._draw_strip(canvas, second)
        return self._draw_words(canvas, frame, second, present)

    def _px(self, length: float) -> int:
        return max(1, round(length * self._scale))

    def _present(self, frame: int) -> Finding | None:
        """Return what is detected in a frame; the likeliest of several."""
        inside = [
            f
            for f in self._findings
            if f.detection.interval.first <= frame <= f.detection.interval.last
        ]
        return max(inside, key=lambda f: f.detection.score, default=None)

    def _at(self, frame: int) -> int | None:
        """Return the index of the analyzed frame that stands for a frame."""
        i = int(np.searchsorted(self._frames, frame, side="right")) - 1
        return i if i >= 0 else None

    def _seen(self, frame: int) -> bool:
        i = self._at(frame)
        return i is not None and bool(self._valid[i])

    def _draw_face(
        self, picture: Picture, shape: npt.NDArray[np.float64], present: Finding | None
    ) -> None:
        moved = _moved(present)
        corners = np.rint(shape[_LANDMARKS:]).astype(int).reshape(-1, 2, 2)
        for name, ((left, top), (right, bottom)) in zip(self._regions, corners, strict=True):
            strong = name in moved and present is not None
            color = _KIND[present.detection.kind] if strong and present else _REGION
            start, stop = (int(left), int(top)), (int(right), int(bottom))
            cv2.rectangle(picture, start, stop, color, self._px(1))
        for x, y in np.rint(shape[:_LANDMARKS]).astype(int):
            cv2.circle(picture, (int(x), int(y)), self._px(1.2), _DOT, -1, cv2.LINE_AA)

    def _draw_strip(self, canvas: Picture, second: float) -> None:
        """Draw the score around the present, with detections and gaps behind it."""
        width = self.size[0]
        top = self._picture_height + 2 * self._line
        bottom = top + self._strip_height - self._px(4)

        def x(t: float) -> int:
            return round(
                float(np.clip(width / 2 + (t - second) / SPAN_S * width, -9, width + 9))
            )

        for start, end in self._gaps:
            cv2.rectangle(canvas, (x(start), top), (x(end), bottom), (52, 54, 60), -1)
        for finding in self._findings:
            d = finding.detection
            if d.onset_s is not None and d.offset_s is not None:
                dark = tuple(c // 3 for c in _KIND[d.kind])
                end = max(x(d.offset_s), x(d.onset_s) + 1)
                cv2.rectangle(canvas, (x(d.onset_s), top), (end, bottom), dark, -1)
        cv2.line(canvas, (0, bottom), (width, bottom), _FAINT, 1)
        for points in self._curves(second, top, bottom):
            cv2.polylines(canvas, [points], False, _LINE, self._px(1.4), cv2.LINE_AA)
        cv2.line(canvas, (width // 2, top), (width // 2, bottom), _WORDS, self._px(1))

    def _curves(self, second: float, top: int, bottom: int) -> list[npt.NDArray[np.int32]]:
        """Return the visible score as lines of points; it breaks where there is none."""
        a, b = np.searchsorted(self._times, [second - SPAN_S / 2, second + SPAN_S / 2])
        times, score = self._times[max(0, a - 1) : b + 1], self._score[max(0, a - 1) : b + 1]
        xs = self.size[0] / 2 + (times - second) / SPAN_S * self.size[0]
        ys = bottom - np.clip(score, 0, 1) * (bottom - top - 2)
        known = np.isfinite(ys)
        runs = np.split(np.arange(len(ys)), np.flatnonzero(np.diff(known)) + 1)
        return [
            np.rint(np.stack([xs[run], ys[run]], axis=1)).astype(np.int32)
            for run in runs
            if len(run) > 1 and known[run[0]]
        ]

    def _draw_words(
        self, canvas: Picture, frame: int, second: float, present: Finding | None
    ) -> Picture:
        image = Image.fromarray(canvas)
        draw = ImageDraw.Draw(image)
        pad, y = self._px(8), self._picture_height + self._px(2)
        i = self._at(frame)
        score = float("nan") if i is None else float(self._score[i])
        known = f"score {score:.2f}" if np.isfinite(score) else "no face"
        draw.text((pad, y), f"frame {frame}   {clock(second)}", font=self._font, fill=_WORDS)
        right = self.size[0] - pad
        draw.text((right, y), known, font=self._font, fill=_LINE, anchor="ra")
        low, half = self.size[1] - self._px(8), SPAN_S / 2
        draw.text((pad, low), f"−{half:g} s", font=self._small, fill=_FAINT, anchor="ls")
        draw.text((right, low), f"+{half:g} s", font=self._small, fill=_FAINT, anchor="rs")
        spoken = self._spoken(frame, present)
        if spoken:
            color = _FAINT if present is None else _KIND[present.detection.kind]
            words = _fitting(spoken, self._font, self.size[0] - 2 * pad)
            draw.text((pad, y + self._line), words, font=self._font, fill=color)
        return np.asarray(image)

    def _spoken(self, frame: int, present: Finding | None) -> str:
        """Return what is detected in a frame, and which events happen in it."""
        parts = []
        if present is not None:
            d = present.detection
            parts.append(
                f"{present.id}  {d.kind}-expression: {emotion_words(d.emotion)} ({d.score:.2f})"
            )
        kinds = {e.kind for e in self._events if e.interval.first <= frame <= e.interval.last}
        parts += [EVENT_NAMES[kind][0] for kind in KINDS if kind in kinds]
        return "   ".join(parts)


def _moved(present: Finding | None) -> set[str]:
    """Return the regions that moved visibly in a detection."""
    if present is None:
        return set()
    return {m.region for m in present.evidence.regions if m.magnitude >= VISIBLE}


def _font(size: int) -> ImageFont.FreeTypeFont:
    """Return matplotlib's own font: the same letters on every machine."""
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), size)


def _fitting(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """Return as much of a text as fits, with an ellipsis if that is not all."""
    if len(text) <= width and font.getlength(text) <= width:
        return text
    # nothing that fits has more letters than pixels, so a text of any length takes no time
    kept = bisect.bisect_left(
        range(min(len(text), width)),
        True,
        key=lambda n: font.getlength(text[: n + 1] + "…") > width,
    )
    return text[:kept] + "…"
