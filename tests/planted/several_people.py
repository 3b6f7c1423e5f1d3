"""Recordings of several people: portraits side by side, each with expressions of its own.

Stills are reused, so that only the frames of planted expressions are rendered.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import cv2
import numpy as np
from one_expression import one_expression

from mescope.synthesis.portraits import drawn_portrait
from mescope.synthesis.portraits import test_portraits as portraits
from mescope.video.reading import open_video

CANVAS = WIDE, HIGH = 320, 240  # of one person
RATE = 30
SMILE, FROWN = ("6", "12"), ("4",)
LENGTH = 12  # frames of an expression


@dataclass(frozen=True)
class Person:
    """Who stands at ``x``, ``y``; ``acts`` are expressions by their first frame in the part."""

    who: int  # 0 or 1: which portrait; 2: a drawn one
    x: int
    y: int = 0
    scale: float = 1.0
    acts: dict = field(default_factory=dict)


@functools.cache
def _frames(who, units):
    """Grey frames of an expression from its onset on; the first is the face at rest."""
    portrait = drawn_portrait(3, CANVAS) if who == 2 else portraits(CANVAS)[who]
    video = one_expression(portrait, units, peak=1.2, noise=0.0, rate=RATE)
    return [grey for _, grey in video.frames(grey=True)]


def picture(people, frame, size=(2 * WIDE, HIGH), light=90):
    """The scene in one frame of a part."""
    canvas = np.full(size[::-1], light, np.uint8)
    for person in people:
        shown = _frames(person.who, SMILE)[0]
        for first, units in person.acts.items():
            if first <= frame < first + LENGTH:
                shown = _frames(person.who, units)[frame - first]
        if person.scale != 1:
            shown = cv2.resize(
                shown, None, fx=person.scale, fy=person.scale, interpolation=cv2.INTER_AREA
            )
        high, wide = shown.shape
        canvas[person.y : person.y + high, person.x : person.x + wide] = shown
    return canvas


def stack(*parts, size=(2 * WIDE, HIGH), light=90):
    """Frames (n, h, w) of parts, each (frames, people), with a little noise."""
    noise = np.random.default_rng(0).normal(0, 1.0, (8, *size[::-1]))
    found = []
    for length, people in parts:
        for frame in range(length):
            shown = picture(people, frame, size, light) + noise[len(found) % 8]
            found.append(np.clip(shown, 0, 255).astype(np.uint8))
    return np.stack(found)


def recording(*parts, **options):
    """The same as an open recording of 30 frames per second."""
    return open_video(stack(*parts, **options), rate=RATE)
