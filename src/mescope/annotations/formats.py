"""The formats that mescope brings, in the order in which they are offered."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mescope.annotations import (
    activitynet,
    boris,
    boris_read,
    datavyu,
    datavyu_read,
    elan,
    elan_read,
    table_tiers,
    tables,
    webvtt,
)
from mescope.annotations.annotation import AnnotationSet, Contents
from mescope.annotations.clock import Clock
from mescope.annotations.codecs import CODECS, Codec, Header, Reader, TierReader
from mescope.annotations.coded_table import is_table_of_codes, read_codes
from mescope.annotations.datavyu_text import looks_like_datavyu
from mescope.annotations.files import read_json, read_text
from mescope.io.file_names import valid


def _read_csv(path: Path, clock: Clock | None) -> Contents:
    """Read whichever CSV it is: a table of marks, of codes, or one that Datavyu exported."""
    text = read_text(path)
    if looks_like_datavyu(text):
        return datavyu_read.read(path, clock)
    if is_table_of_codes(text):
        return read_codes(path, clock)
    return tables.read_csv(path)


def _read_json(path: Path, clock: Clock | None) -> Contents:
    """Read whichever JSON it is: of an analysis, of a review, or ActivityNet's."""
    document: Any = read_json(path)
    if isinstance(document, dict) and document.get("format") == "mescope-analysis":
        return tables.read_analysis(document, path)
    if isinstance(document, dict) and document.get("format") == "mescope-review":
        return tables.read_review(document, path)
    return activitynet.read(path, clock)


def _tiers(read: Reader) -> TierReader:
    return lambda path, clock, _layout: read(path, clock)


def _csv(sets: Sequence[AnnotationSet], _header: Header) -> bytes:
    return tables.dumps(sets).encode("utf-8")


def _elan(sets: Sequence[AnnotationSet], header: Header) -> bytes:
    url = quote(os.fsencode(header.media.replace(os.sep, "/")))
    media = url if not url or url.startswith("../") else f"./{url}"
    return elan.dumps(sets[0], media=media, date=header.date or elan.FIXED_DATE)


def _boris(sets: Sequence[AnnotationSet], header: Header) -> bytes:
    date = (header.date or boris.FIXED_DATE)[:19]  # BORIS knows no zone
    return boris.dumps(sets, media=valid(header.media), date=date).encode("utf-8")


def _datavyu(sets: Sequence[AnnotationSet], _header: Header) -> bytes:
    return datavyu.dumps(sets[0])


def _webvtt(sets: Sequence[AnnotationSet], _header: Header) -> bytes:
    return webvtt.dumps(sets[0]).encode("utf-8")


def _activitynet(sets: Sequence[AnnotationSet], _header: Header) -> bytes:
    return activitynet.dumps(sets).encode("utf-8")


CODECS.register("csv")(
    Codec(
        title="CSV table",
        suffixes=(".csv",),
        read=_read_csv,
        write=_csv,
        media_type="text/csv",
        tiers=table_tiers.read_any,
        needs_times=False,
    )
)
CODECS.register("elan")(
    Codec(
        title="ELAN .eaf",
        suffixes=(".eaf",),
        read=elan_read.read,
        write=_elan,
        media_type="application/xml",
        several=False,
        whole_milliseconds=True,
        tiers=_tiers(elan_read.read_any),
        codes=True,
        keep_coders=elan_read.keep_coders,
    )
)
CODECS.register("boris")(
    Codec(
        title="BORIS project",
        suffixes=(".boris",),
        read=boris_read.read,
        write=_boris,
        media_type="application/json",
        whole_milliseconds=True,
        tiers=_tiers(boris_read.read),
        codes=True,
    )
)
CODECS.register("datavyu")(
    Codec(
        title="Datavyu .opf",
        suffixes=(".opf",),
        read=datavyu_read.read,
        write=_datavyu,
        media_type="application/zip",
        several=False,
        whole_milliseconds=True,
        tiers=_tiers(datavyu_read.read_any),
    )
)
CODECS.register("vtt")(
    Codec(
        title="WebVTT",
        suffixes=(".vtt",),
        read=webvtt.read,
        write=_webvtt,
        media_type="text/vtt",
        several=False,
        whole_milliseconds=True,
    )
)
CODECS.register("activitynet")(
    Codec(
        title="ActivityNet JSON",
        suffixes=(".activitynet.json", ".json"),
        read=_read_json,
        write=_activitynet,
        media_type="application/json",
    )
)
# Whole analyses and reviews are written where they are made: mescope.reports and mescope.app.
CODECS.register("analysis")(Codec(title="mescope JSON", suffixes=(".json",), read=_read_json))
