"""Recordings kept as a folder of numbered pictures, as most data sets ship them."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mescope.errors import VideoError
from mescope.video.containers import check_size
from mescope.video.decode_report import (
    DecodeReport,
    Repeats,
    dropped_frames,
    rate_of,
    rate_warnings,
)
from mescope.video.picture_depth import BROKEN, DEPTHS, bits_of_data, is_deep, shallow, told
from mescope.video.source import Picture, Policy, Video
from mescope.video.time_stamps import time_stamps

SUFFIXES = frozenset(
    {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
_EXIF_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)
_LONGEST_GAP = 100_000
_TICK = 1e-3  # s; names are rarely finer, and rounding is not variation


@dataclass(frozen=True)
class NumberedFiles:
    """Files in the order of the last number in their names.

    ``files[i]`` shows frame ``numbers[i] - numbers[0]``.  Where the names are times
    (:mod:`mescope.video.time_stamps`), ``stamps[i]`` is that of ``files[i]`` in seconds, and
    the numbers count the files from 0.
    """

    files: tuple[Path, ...]
    numbers: tuple[int, ...]
    ignored: int
    stamps: tuple[float, ...] | None = None


def has_numbered_pictures(names: Iterable[str]) -> bool:
    """Say whether the names of a folder's files are those of a recording in pictures.

    >>> has_numbered_pictures(["img1.jpg", "img2.jpg"]), has_numbered_pictures(["me.jpg"])
    (True, False)
    """
    numbered = (
        PurePath(name)
        for name in names
        if not name.startswith(".") and re.search(r"\d", PurePath(name).stem)
    )
    return sum(path.suffix.lower() in SUFFIXES for path in numbered) >= 2


def numbered_files(folder: Path, rate: float | None = None) -> NumberedFiles:
    """The pictures of a folder; hidden files, thumbnails and other kinds are ignored.

    Args:
        folder: where they lie.
        rate: pictures a second, if it is known: only names that fit it are times.

    Raises:
        VideoError: no pictures, two with the same number, or the folder cannot be read.
    """
    pictures, ignored = _pictures(folder)
    stamps = time_stamps([path.stem for path in pictures], rate)
    if stamps is not None:
        return _by_time(folder, pictures, stamps, ignored)
    found: dict[int, Path] = {}
    for path in pictures:
        number = int(re.findall(r"\d+", path.stem)[-1])
        if number in found:
            raise VideoError(
                f"{folder}: {found[number].name} and {path.name} both have the number "
                f"{number}; keep one of them, or put the recordings into folders of their own"
                f"{_refused_times(pictures, rate)}"
            )
        found[number] = path
    if not found:
        raise VideoError(
            f"{folder}: expected a recording or numbered pictures, found neither; give a video "
            "file or a folder of pictures such as img_0001.jpg"
        )
    numbers = tuple(sorted(found))
    if numbers[-1] - numbers[0] - len(numbers) > _LONGEST_GAP:
        raise VideoError(
            f"{folder}: the picture numbers run from {numbers[0]} to {numbers[-1]} with "
            f"{len(numbers)} pictures; number them by frame"
        )
    return NumberedFiles(tuple(found[n] for n in numbers), numbers, ignored)


def _pictures(folder: Path) -> tuple[list[Path], int]:
    """Return the pictures with a number in their names, sorted, and how many other files."""
    try:
        every = sorted(folder.iterdir())
    except OSError as error:
        raise VideoError(
            f"{folder}: the folder cannot be read ({error.strerror or error}); allow reading it"
        ) from error
    pictures = [
        path
        for path in every
        if path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and re.search(r"\d", path.stem)
        and path.is_file()
    ]
    return pictures, len(every) - len(pictures)


def _refused_times(pictures: Sequence[Path], rate: float | None) -> str:
    """Return what to do if names that do not fit the rate are times; "" if they cannot be."""
    seconds = None if rate is None else time_stamps([path.stem for path in pictures])
    if seconds is None:
        return ""
    usual, _varies = rate_of(np.unique(seconds), _TICK)
    return (
        f"; if the names are times, they are of {usual:.4g} frames/s, not {rate:.4g}: "
        "give that rate"
    )


def _by_time(
    folder: Path, pictures: Sequence[Path], stamps: Sequence[float], ignored: int
) -> NumberedFiles:
    order = sorted(range(len(pictures)), key=lambda i: stamps[i])
    for i, j in itertools.pairwise(order):
        if stamps[i] == stamps[j]:
            raise VideoError(
                f"{folder}: {pictures[i].name} and {pictures[j].name} both have the time "
                f"{stamps[i]:g} s; keep one of them"
            )
    return NumberedFiles(
        files=tuple(pictures[i] for i in order),
        numbers=tuple(range(len(order))),
        ignored=ignored,
        stamps=tuple(stamps[i] for i in order),
    )


class FolderVideo(Video):
    """A recording in numbered pictures; a number that is absent is a missing frame."""

    def __init__(self, path: Path, *, rate: float, policy: Policy = "skip") -> None:
        self.path, self.name = path, path.name
        self._policy = policy
        listing = numbered_files(path, rate)
        first = listing.numbers[0]
        self._files = {
            n - first: f for n, f in zip(listing.numbers, listing.files, strict=True)
        }
        frames = listing.numbers[-1] - first + 1
        self.rate = float(rate)
        self.times = np.arange(frames) / self.rate
        self._stamps = listing.stamps
        self.first_frame, self.last_frame = 0, frames - 1
        self.width, self.height = self._find_size()
        self._bits = bits_of_data(listing.files)
        self.report = DecodeReport(frames=frames, measured_rate=self.rate)
        self.report.codec = listing.files[0].suffix.lower().lstrip(".")
        self.warnings = self._take_times(listing.stamps) if listing.stamps else []
        self.warnings += rate_warnings(self.report)
        if self._bits is not None:
            self.report.pixel_format = f"{self._bits} bits of 16"
        if self._bits is not None and self._bits < DEPTHS[-1]:
            self.warnings.append(told(self._bits))
        gaps = frames - len(self._files)
        if gaps:
            hint = _refused_times(listing.files, rate) if listing.stamps is None else ""
            self.warnings.append(
                f"{gaps} picture numbers are absent and count as missing{hint}"
            )
        if listing.ignored:
            self.warnings.append(f"{listing.ignored} other files in the folder are ignored")

    def frames(
        self, *, grey: bool = True, step: int = 1, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, Picture]]:
        """See :meth:`Video.frames`.  Pictures that ``step`` leaves out are not read."""
        self._check_step(step)
        first = max(start, self.first_frame)
        last = self.last_frame if stop is None else min(stop - 1, self.last_frame)
        missing: list[int] = []
        bad, repeats, before, shown = 0, Repeats(), 0, None
        for index in range(first, last + 1):
            kept = (index - start) % step == 0
            picture = self._load(index, grey) if kept else None
            if picture is not None:
                if shown is not None and before == index - step and _alike(picture, shown):
                    repeats.note(index, before)
                # Of what is handed out, whoever has it may change the pixels.
                before, shown = index, picture.copy()
                yield index, picture
            elif kept or index not in self._files:
                missing.append(index)
                bad += index in self._files
        if first == self.first_frame and last == self.last_frame:
            report = self.report
            report.missing, report.bad_packets = tuple(missing), bad
            report.decoded, report.finished = last - first + 1 - len(missing), True
            repeats.report_to(report, self.times)
            self._tell_run()

    def look_through(self, step: int = 1) -> None:
        """See :meth:`Video.look_through`; pictures that ``step`` leaves out are not read."""
        for _ in self.frames(grey=True, step=step, start=self.first_frame):
            pass

    def read(self, indices: Sequence[int], *, grey: bool = False) -> dict[int, Picture]:
        """See :meth:`Video.read`."""
        found = {i: self._load(i, grey) for i in self._check_indices(indices)}
        return {i: picture for i, picture in found.items() if picture is not None}

    def fingerprint(self) -> str:
        """SHA-256 of rate, range, and number, size, head and tail (64 KiB) of each picture.

        Where the names are times, these are part of it, too.
        """
        digest = hashlib.sha256(f"folder {self.rate!r}".encode())
        digest.update(f" {self.first_frame} {self.last_frame}".encode())
        if self._bits is not None:
            digest.update(f" of {self._bits} bits".encode())
        if self._stamps is not None:
            digest.update(f" at {self._stamps}".encode())
        for index, path in self._files.items():
            try:
                size = path.stat().st_size
                with path.open("rb") as file:
                    head = file.read(1 << 16)
                    file.seek(max(0, size - (1 << 16)))
                    digest.update(f" {index} {size} ".encode() + head + file.read(1 << 16))
            except OSError as error:
                raise self._vanished(path, error) from error
        return digest.hexdigest()

    def _take_times(self, stamps: Sequence[float]) -> list[str]:
        """Take the times of the names in place of number over rate, and say so."""
        self.times = np.array(stamps) - stamps[0]
        report, asked = self.report, self.rate
        self.rate, report.variable_rate = rate_of(self.times, _TICK)
        report.measured_rate = self.rate
        report.longest_gap = float(np.diff(self.times).max(initial=0.0))
        report.dropped = dropped_frames(self.times, self.rate)
        return [
            f"the names of the pictures are taken for times ({self.rate:.4g} frames/s, asked "
            f"for were {asked:.4g}); if they are numbers, name the pictures img_0001 and so on"
        ]

    def _find_size(self) -> tuple[int, int]:
        for path in self._files.values():
            try:
                with Image.open(path) as image:
                    return self._size_of(image, path)
            except (UnidentifiedImageError, SyntaxError, ValueError):
                continue
            except Image.DecompressionBombError as error:
                raise VideoError(f"{path}: expected a picture of a camera; {error}") from error
            except OSError as error:
                if error.errno is None:  # the decoder's, about a picture cut short
                    continue
                raise self._vanished(path, error) from error
        raise VideoError(f"{self.name}: none of its pictures can be read; copy them again")

    def _size_of(self, image: Image.Image, path: Path) -> tuple[int, int]:
        check_size(*image.size, path.name)
        turned = image.getexif().get(_EXIF_ORIENTATION) in _TURNED
        return image.size[::-1] if turned else image.size

    def _load(self, index: int, grey: bool) -> Picture | None:
        """One picture, upright; None if it is absent or damaged."""
        path = self._files.get(index)
        if path is None:
            return None
        try:
            with Image.open(path) as image:
                # Asked first: reading EXIF may read the pixels, and with them goes the header.
                bits = self._bits if self._bits is not None and is_deep(image) else None
                size = self._size_of(image, path)
                if size != (self.width, self.height):
                    raise VideoError(
                        f"{path}: expected {self.width}x{self.height} pixels as in the first "
                        f"picture, found {size[0]}x{size[1]}; keep one size in a folder"
                    )
                return _pixels(image, path, grey, bits)
        except (FileNotFoundError, PermissionError) as error:
            raise self._vanished(path, error) from error
        except BROKEN as error:
            if self._policy == "fail":
                raise VideoError(
                    f"{path}: the picture is damaged ({error}); use the policy 'skip' to go "
                    "on without it"
                ) from error
            return None

    def _vanished(self, path: Path, error: OSError) -> VideoError:
        reason = (error.strerror or str(error)).lower()
        return VideoError(f"{path}: the picture cannot be read ({reason}); bring it back")


def _alike(one: Picture, other: Picture) -> bool:
    """Whether two pictures are the same; most differ in a sparse sample."""
    return np.array_equal(one[::16, ::16], other[::16, ::16]) and np.array_equal(one, other)


def _pixels(image: Image.Image, path: Path, grey: bool, bits: int | None) -> Picture:
    """(H, W) grey or (H, W, 3) RGB uint8, turned as EXIF says; alpha is dropped.

    ``bits`` are those of the data in a picture of 16 bits, None for one of 8.
    """
    if bits is not None:
        image = shallow(image, path, bits)
    elif image.mode in ("RGBA", "P", "CMYK", "LA", "PA"):
        image = image.convert("RGB")
    upright = ImageOps.exif_transpose(image)
    try:
        return np.array(upright.convert("L" if grey else "RGB"))
    except ValueError as error:
        raise VideoError(
            f"{path}: expected grey or RGB pictures, found {image.mode}, which is not read; "
            "convert the pictures to PNG"
        ) from error
