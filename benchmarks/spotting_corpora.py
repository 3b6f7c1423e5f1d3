"""Rendered people in the real layouts of CAS(ME)^3 part A and SAMM Long Videos.

    python benchmarks/spotting_corpora.py OUT [--people 6] [--videos 2] [--seconds 20]
                                          [--layout casme3a|samm-lv|both] [--jobs 2]

Nobody sat for these pictures: faces are drawn, and their movements planted.  What is real is
the way in: folders of numbered JPEG pictures, and the sheets as the data sets have them (cells,
columns, numbers from 1, micro- and macro-expressions), so that readers, frame rules at 30 and
200 frames a second, extraction, folds and scores are tried as a lab would.  The sheets of SAMM
Long Videos name no emotions; SAMM's own table, which does, is written beside.

**Figures on these corpora say nothing of real people.**  A file in each root says so, by which
the readers call these people "synthetic", and every report its faces simulated.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openpyxl
from joblib import Parallel, delayed

from mescope.datasets.base import RENDERED_MARK
from mescope.events import Expression
from mescope.synthesis.dynamics import LEVELS, random_script
from mescope.synthesis.portraits import drawn_portrait
from mescope.synthesis.render import SyntheticVideo
from mescope.synthesis.timecourse import truth

SIZE = (480, 360)
QUALITY = 92  # of the JPEG pictures
RAW = {"positive": "happy", "negative": "disgust", "surprise": "surprise", "others": "others"}
SAMM_RAW = {"positive": "Happiness", "negative": "Anger", "surprise": "Surprise",
            "others": "Other"}  # fmt: skip


@dataclass(frozen=True)
class Planned:
    """One video: whose, which number, how long, how fast."""

    person: int
    video: int
    seconds: float
    rate: float

    def rendered(self) -> SyntheticVideo:
        """Return the video."""
        rng = np.random.default_rng((20, self.person, self.video))
        level = list(LEVELS)[(self.person + self.video) % len(LEVELS)]
        script = random_script(
            rng, self.seconds, level=level, micro_per_minute=9.0, macro_per_minute=4.0
        )
        face = drawn_portrait(700 + self.person, SIZE)
        return SyntheticVideo(face, script, self.rate)


def write_video(folder: Path, planned: Planned, name: str) -> list[Expression]:
    """Write the pictures that are missing; return what was planted."""
    video = planned.rendered()
    folder.mkdir(parents=True, exist_ok=True)
    names = [folder / name.format(n + 1) for n in range(len(video))]
    if not all(path.exists() for path in names):
        for number, frame in video.frames(grey=True):
            if frame is not None:
                cv2.imwrite(str(names[number]), frame, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return list(truth(video.script, video.times))


def save(path: Path, sheets: dict[str, list[list[Any]]]) -> None:
    """Write a workbook."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def casme3a(root: Path, plans: list[Planned], jobs: int) -> None:
    """Write part A of CAS(ME)^3: both tables, colour pictures by number."""
    places = [(p, f"spNO.{300 + p.person}", "abcdefgh"[p.video]) for p in plans]
    found = Parallel(n_jobs=jobs)(
        delayed(write_video)(root / "part_A" / who / which / "color", p, "{}.jpg")
        for p, who, which in places
    )
    head = ["Subject", "Filename", "Onset", "Apex", "Offset", "AU"]
    large = [[*head, "Expression type", "Objective class"]]
    label = [[*head, "Objective class", "emotion"]]
    for (_, who, which), expressions in zip(places, found, strict=True):
        for e in expressions:
            cells = [who, which, *numbered(e), "+".join(e.action_units)]
            large.append([*cells, f"{e.kind.title()}-expression", "VII"])
            if e.kind == "micro":
                label.append([*cells, "VII", RAW[str(e.emotion)]])
    save(root / "annotation" / "CAS(ME)3_part_A_v2.xls",
         {"AU+Emotion": large, "eye blink": []})  # fmt: skip
    save(root / "annotation" / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", {"label": label})


def samm_lv(root: Path, plans: list[Planned], jobs: int) -> None:
    """Write SAMM Long Videos: one table without emotions, and that of SAMM, which has them."""
    places = [(p, f"{p.person + 6:03d}_{p.video + 1}") for p in plans]
    found = Parallel(n_jobs=jobs)(
        delayed(write_video)(root / "SAMM_longvideos" / name, p, name + "_{:04d}.jpg")
        for p, name in places
    )
    lines: list[list[Any]] = [[f"remark {i}"] for i in range(9)]
    lines.append(["Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset",
                  "Duration", "Type", "Action Units", "Notes"])  # fmt: skip
    micro: list[list[Any]] = [[f"remark {i}"] for i in range(13)]
    micro.append(["Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame",
                  "Offset Frame", "Duration", "Micro", "Action Units", "Estimated Emotion",
                  "Objective Classes", "Notes"])  # fmt: skip
    for (_, name), expressions in zip(places, found, strict=True):
        for i, e in enumerate(expressions, 1):
            onset, apex, offset = numbered(e)
            units = "+".join(e.action_units)
            kind = "Micro - 1/2" if e.kind == "micro" else "Macro"
            cells = [name[:3], f"{name}_{i}", int(name[4])]
            lines.append([*cells, onset, apex, offset, offset - onset + 1, kind, units, None])
            if e.kind == "micro":
                emotion = SAMM_RAW[str(e.emotion)]
                micro.append([*cells, onset, apex, offset, offset - onset + 1, "Micro - 1/2",
                              units, emotion, 1, None])  # fmt: skip
    save(root / "SAMM_LongVideos_V1_Release.xlsx", {"FACS_Movement_Only": lines})
    save(root / "SAMM_Micro_FACS_Codes_v2.xlsx", {"MICRO_ONLY": micro})


def numbered(e: Expression) -> tuple[int, int, int]:
    """Return onset, apex and offset as picture numbers, from 1."""
    apex = e.interval.first if e.apex is None else e.apex
    return e.interval.first + 1, apex + 1, e.interval.last + 1


def plans(people: int, videos: int, seconds: float, rate: float) -> Iterator[Planned]:
    """Yield every video."""
    for person in range(people):
        for video in range(videos):
            yield Planned(person, video, seconds, rate)


def main() -> None:
    """Write what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--people", type=int, default=6)
    parser.add_argument("--videos", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--layout", choices=("casme3a", "samm-lv", "both"), default="both")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    for layout, rate, write in (("casme3a", 30.0, casme3a), ("samm-lv", 200.0, samm_lv)):
        if args.layout in (layout, "both"):
            root = args.out / layout
            write(root, list(plans(args.people, args.videos, args.seconds, rate)), args.jobs)
            (root / RENDERED_MARK).write_text(
                "Drawn faces, planted movements: nobody sat for these.\n"
            )
            print(root)


if __name__ == "__main__":
    main()
