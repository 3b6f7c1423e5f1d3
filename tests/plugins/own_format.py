"""A plug-in that brings a format: a plain table with tabs, one annotation a line.

    video<TAB>onset_s<TAB>offset_s<TAB>kind<TAB>who

Run by ``mescope --plugin own_format.py``; nothing of the package is touched.
"""

from mescope.annotations import CODECS, Annotation, AnnotationSet, Codec, Contents
from mescope.errors import DatasetError

HEAD = "video\tonset_s\toffset_s\tkind\twho"


def write(sets, header):
    lines = [HEAD]
    for one in sets:
        for mark in one.marks:
            start, end = mark.span_s
            lines.append(f"{one.video}\t{start:.4f}\t{end:.4f}\t{mark.kind}\t{mark.source}")
    return "\n".join(lines).encode() + b"\n"


def read(path, clock):
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    if head != HEAD:
        raise DatasetError(f"{path.name}: expected the columns {HEAD!r}, found {head[:40]!r}")
    if clock is None:
        raise DatasetError(f"{path.name}: it has times only; name --video or --rate")
    found = {}
    for video, start, end, kind, who in (line.split("\t") for line in lines):
        mark = Annotation(
            interval=clock.interval(float(start), float(end)), kind=kind, source=who
        )
        found.setdefault(video, []).append(mark)
    sets = (AnnotationSet(video=name, marks=tuple(marks)) for name, marks in found.items())
    return Contents(tuple(sets))


CODECS.register("own")(Codec(title="own table", suffixes=(".own.tsv",), read=read, write=write))
