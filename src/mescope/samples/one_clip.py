"""One expression of a recording whose onset and apex are known, as its frames are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mescope.errors import VideoError
from mescope.face.detector import Grey
from mescope.video.source import Video


@dataclass(frozen=True)
class OneClip:
    """The expression from ``onset`` over ``apex`` to ``offset``, frames of ``video`` from 0."""

    video: Video
    onset: int
    apex: int
    offset: int | None = None

    @cached_property
    def pair(self) -> list[Grey]:
        """The onset and the apex."""
        return self.greys((self.onset, self.apex))

    @property
    def whole(self) -> range:
        """The frames from onset to offset.

        Raises:
            VideoError: the offset is not known.
        """
        if self.offset is None:
            raise VideoError("a model of whole clips needs the offset too, found none")
        return range(self.onset, self.offset + 1)

    def greys(self, frames: Sequence[int]) -> list[Grey]:
        """Return grey pictures of the frames, in that order.

        Raises:
            VideoError: one is missing or damaged.
        """
        seen = self.video.read(sorted(set(frames)), grey=True)
        if missing := [frame for frame in frames if frame not in seen]:
            raise VideoError(
                f"{self.video.name}: frame {missing[0]} is missing or damaged; choose another "
                "one"
            )
        return [seen[frame] for frame in frames]
