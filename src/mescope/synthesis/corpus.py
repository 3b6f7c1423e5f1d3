"""Write rendered recordings as video files with their truth: a data set nobody had to sit for.

Layout of a corpus folder::

    manifest.json      what was asked for, by which version; "complete" once all is written
    recordings.csv     subject, dataset, video, file, frames, rate, width, height, level
    truth.csv          the interval table: subject, video, onset, offset, emotion, apex, type,
                       au, onset_s, apex_s, offset_s, status, source; frames from 0, ends
                       included
    videos/*.mp4

Every recording follows from the corpus seed and its own number, so an interrupted run goes on
where it stopped and ends in the same files.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from mescope.errors import DatasetError, OutputError
from mescope.events import Expression, Interval, Recording
from mescope.io.atomic import is_draft, write_atomically, write_table
from mescope.io.json_text import json_value
from mescope.io.progress import Progress
from mescope.labels import RENDERED
from mescope.synthesis.dynamics import Level, random_script
from mescope.synthesis.encode import write_video
from mescope.synthesis.portraits import CANVAS, Portrait, drawn_portrait
from mescope.synthesis.render import SyntheticVideo

TRUTH_COLUMNS = (
    "subject", "video", "onset", "offset", "emotion", "apex", "type", "au",
    "onset_s", "apex_s", "offset_s", "status", "source",
)  # fmt: skip
RECORDING_COLUMNS = (
    "subject",
    "dataset",
    "video",
    "file",
    "frames",
    "rate",
    "width",
    "height",
    "level",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusRecipe:
    """All that decides a corpus.  The ``subjects`` identities take the recordings in turn."""

    recordings: int
    seed: int
    subjects: int
    duration: float = 30.0  # seconds of each recording
    rate: float = 30.0  # frames/s
    levels: tuple[Level, ...] = ("calm", "middle", "hard")  # taken in turn
    micro_per_minute: float = 8.0
    macro_per_minute: float = 3.0
    size: tuple[int, int] = CANVAS
    faces: tuple[str, ...] = ()  # names of the portraits given; drawn identities if none


def write_corpus(
    folder: str | Path,
    n: int,
    seed: int,
    *,
    subjects: int | None = None,
    duration: float = 30.0,
    rate: float = 30.0,
    levels: Sequence[Level] = ("calm", "middle", "hard"),
    micro_per_minute: float = 8.0,
    macro_per_minute: float = 3.0,
    size: tuple[int, int] = CANVAS,
    portraits: Sequence[Portrait] = (),
    jobs: int = 1,
    progress: Progress | None = None,
) -> tuple[Recording, ...]:
    """Write ``n`` recordings with their truth into ``folder`` and return what they hold.

    Args:
        folder: made if need be; an interrupted corpus of the same recipe is completed, another
            one is refused.
        n: number of recordings.
        seed: seed of everything.
        subjects: number of drawn identities; one for every recording by default.
        duration: seconds of each recording.
        rate: frames a second.
        levels: disturbance levels, taken in turn.
        micro_per_minute: expected micro-expressions a minute.
        macro_per_minute: expected macro-expressions a minute.
        size: width and height of the drawn identities' pictures, px, even.
        portraits: faces to use, in turn, in place of drawn identities.
        jobs: processes.
        progress: called with (recordings finished, n) after each.

    Raises:
        OutputError: the folder holds something else or cannot be written.
    """
    recipe = CorpusRecipe(
        recordings=n,
        seed=seed,
        subjects=len(portraits) or subjects or n,
        duration=duration,
        rate=rate,
        levels=tuple(levels),
        micro_per_minute=micro_per_minute,
        macro_per_minute=macro_per_minute,
        size=size,
        faces=tuple(portrait.name for portrait in portraits),
    )
    folder = Path(folder)
    _open_folder(folder, recipe)
    _write_all(folder, recipe, portraits, jobs, progress)
    return read_corpus(folder)


def read_corpus(folder: str | Path) -> tuple[Recording, ...]:
    """Return the recordings of a corpus folder with their truth; paths are absolute.

    Raises:
        DatasetError: the folder holds no finished corpus.
    """
    folder = Path(folder).resolve()
    try:
        manifest = json_value((folder / "manifest.json").read_text("utf-8"))
        recordings = _read_table(folder / "recordings.csv")
        truth = _read_table(folder / "truth.csv")
    except (OSError, ValueError) as error:
        raise DatasetError(f"{folder} holds no finished corpus: {error}") from error
    if not manifest.get("complete"):
        raise DatasetError(f"the corpus in {folder} is not finished; run its command again")
    return tuple(
        Recording(
            dataset=RENDERED,
            subject=row["subject"],
            name=row["video"],
            frames=int(row["frames"]),
            rate=float(row["rate"]),
            expressions=tuple(_expression(e) for e in truth if e["video"] == row["video"]),
            path=str(folder / row["file"]),
        )
        for row in recordings
    )


def corpus_video(
    recipe: CorpusRecipe, number: int, portraits: Sequence[Portrait] = ()
) -> SyntheticVideo:
    """Return recording ``number`` of a corpus, to be rendered without a file."""
    subject = number % recipe.subjects
    if portraits:
        portrait = portraits[subject]
    else:
        drawn = np.random.default_rng([recipe.seed, 1, subject])
        portrait = drawn_portrait(int(drawn.integers(2**31)), recipe.size)
    script = random_script(
        np.random.default_rng([recipe.seed, 2, number]),
        recipe.duration,
        level=_level(recipe, number),
        micro_per_minute=recipe.micro_per_minute,
        macro_per_minute=recipe.macro_per_minute,
    )
    return SyntheticVideo(portrait, script, recipe.rate, name=f"recording-{number:05d}")


Row = dict[str, object]


def _level(recipe: CorpusRecipe, number: int) -> Level:
    # Every identity meets every level, one in each turn.
    turn, subject = divmod(number, recipe.subjects)
    return recipe.levels[(turn + subject) % len(recipe.levels)]


def _write_all(
    folder: Path,
    recipe: CorpusRecipe,
    portraits: Sequence[Portrait],
    jobs: int,
    progress: Progress | None,
) -> None:
    """Write the videos that are missing, the tables, and at last that all is complete."""
    n, folder = recipe.recordings, folder.absolute()  # processes may be elsewhere
    work = Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(_write_one)(folder, recipe, number, portraits) for number in range(n)
    )
    rows = {}
    for number, row, expressions in work:
        rows[number] = (row, expressions)
        if progress is not None:
            progress(len(rows), n)
    ordered = [rows[number] for number in range(n)]
    write_table(folder / "recordings.csv", RECORDING_COLUMNS, (row for row, _ in ordered))
    write_table(folder / "truth.csv", TRUTH_COLUMNS, (e for _, some in ordered for e in some))
    _write_manifest(folder, recipe, complete=True)


def _write_one(
    folder: Path, recipe: CorpusRecipe, number: int, portraits: Sequence[Portrait]
) -> tuple[int, Row, list[Row]]:
    """Write one recording unless it is there; return its number and its rows."""
    video = corpus_video(recipe, number, portraits)
    file = folder / "videos" / f"{video.name}.mp4"
    if not file.exists():  # files appear whole or not at all
        write_video(video, file)
    subject = video.portrait.name
    row: Row = {
        "subject": subject,
        "dataset": RENDERED,
        "video": video.name,
        "file": f"videos/{file.name}",
        "frames": len(video),
        "rate": f"{recipe.rate:g}",
        "width": video.width,
        "height": video.height,
        "level": video.script.level,
    }
    return number, row, [truth_row(subject, video, e) for e in video.expressions]


def truth_row(subject: str, video: SyntheticVideo, expression: Expression) -> Row:
    """Return one line of the interval table; seconds are those of the frames named."""
    first, last = expression.interval.first, expression.interval.last
    apex = first if expression.apex is None else expression.apex
    return {
        "subject": subject,
        "video": video.name,
        "onset": first,
        "offset": last,
        "emotion": expression.emotion,
        "apex": apex,
        "type": f"{expression.kind}-expression",
        "au": "+".join(expression.action_units),
        "onset_s": f"{video.times[first]:.6f}",
        "apex_s": f"{video.times[apex]:.6f}",
        "offset_s": f"{video.times[last]:.6f}",
        "status": "accepted",
        "source": "planted",
    }


def _expression(row: dict[str, str]) -> Expression:
    return Expression(
        interval=Interval(int(row["onset"]), int(row["offset"])),
        kind="micro" if row["type"] == "micro-expression" else "macro",
        apex=int(row["apex"]),
        emotion=row["emotion"],
        action_units=tuple(row["au"].split("+")),
    )


def _open_folder(folder: Path, recipe: CorpusRecipe) -> None:
    """Make the folder, or check that what it holds is the same corpus, unfinished or not."""
    manifest, complete = folder / "manifest.json", False
    try:
        (folder / "videos").mkdir(parents=True, exist_ok=True)
        if manifest.exists():
            kept = json_value(manifest.read_text("utf-8"))
            videos = list((folder / "videos").glob("*.mp4"))
            complete = kept["complete"] is True and len(videos) == recipe.recordings
            if kept["asked"] != _asked(recipe):
                raise OutputError(f"{folder} holds another corpus; choose an empty folder")
        elif not all(is_draft(path) for path in (folder / "videos").iterdir()):
            raise OutputError(
                f"{folder} holds videos of unknown origin; choose an empty folder"
            )
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise OutputError(f"cannot write a corpus into {folder}: {error}") from error
    if not complete:
        _write_manifest(folder, recipe, complete=False)


def _asked(recipe: CorpusRecipe) -> dict[str, object]:
    asked = {**asdict(recipe), "mescope": version("mescope")}
    plain: dict[str, object] = json.loads(json.dumps(asked))  # tuples become lists, as in files
    return plain


def _write_manifest(folder: Path, recipe: CorpusRecipe, *, complete: bool) -> None:
    content = {"format": "mescope-corpus-1", "asked": _asked(recipe), "complete": complete}
    write_atomically(folder / "manifest.json", (json.dumps(content, indent=1) + "\n").encode())


def _read_table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
