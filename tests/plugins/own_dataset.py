"""A plug-in that registers a data set: clips of pictures and one CSV table.

Layout  ROOT/labels.csv (person, clip, onset, apex, offset, emotion; picture numbers from 1) and
        ROOT/<person>/<clip>/<number>.png
"""

import csv
from pathlib import Path

from mescope.datasets import Dataset, reader_of
from mescope.datasets.clips import Findings, Sample, check_counts, make_clip
from mescope.labels import LabelSet, add_labels

COUNTS = {"calm": 1, "startled": 1}

add_labels(
    "own",
    COUNTS,
    [LabelSet(dataset="own", name="2-class", classes={n: n for n in COUNTS}, counts=COUNTS)],
)


@reader_of("own", "My clips", obtain="ask me")
def read(root, *, table=None):
    """Return the clips in the order of the table."""
    findings = Findings("labels.csv")
    with Path(table or root / "labels.csv").open(encoding="utf-8", newline="") as file:
        samples = [_sample(row, number) for number, row in enumerate(csv.DictReader(file), 2)]
    check_counts(samples, COUNTS, "My clips", findings)
    found = [
        make_clip(sample, root / sample.subject / sample.name, "own", 100.0, findings)
        for sample in samples
    ]
    clips = tuple(clip for clip in found if clip is not None)
    return Dataset(name="own", clips=clips, problems=findings.problems())


def _sample(row, number):
    onset, apex, offset = (int(row[name]) for name in ("onset", "apex", "offset"))
    return Sample(
        where=f"labels.csv, row {number}", subject=row["person"], name=row["clip"],
        onset=onset, apex=apex, offset=offset, emotion=row["emotion"], action_units="",
    )  # fmt: skip
