"""``mescope analyze``: recordings in, tables and reports out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from mescope import defaults
from mescope.cli.batch import Batch
from mescope.cli.console import explain, progress_bar
from mescope.cli.inputs import (
    Job,
    check_folder,
    gather,
    landmarks_of,
    rates_for,
    time_range,
)
from mescope.cli.many import Cluster, Manifest, OnNodes, on_cluster
from mescope.cli.options import (
    SHIPPED,
    Address,
    Device,
    End,
    Engine,
    Face,
    Faces,
    Force,
    Jobs,
    Json,
    Landmarks,
    Method,
    Models,
    Rate,
    Start,
    Videos,
    spotter_named,
    weights_named,
)
from mescope.cli.several import (
    Result,
    analyzed,
    document_of,
    show_result,
    warnings_of,
    whose_face,
)
from mescope.cli.standing import WORDS, Asked, Standing, State, standing
from mescope.errors import MescopeError
from mescope.io.parallel import checked_engine

_UNKNOWN = (
    "files of an earlier command are kept unchecked: what they were made of is in its JSON "
    "file alone, which is not here; --force makes them anew"
)
_PROPOSALS = "the weights learned from simulated faces; results are proposals to look at"


def analyze(
    videos: Videos,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the results; made if absent.")
    ] = Path("mescope-results"),
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            help="Any of json, csv, html and what `convert --formats` lists, commas between.",
        ),
    ] = "json,csv,html",
    model: Models = SHIPPED,
    method: Method = defaults.SPOTTER,
    device: Device = "cpu",
    start: Start = None,
    end: End = None,
    rate: Rate = None,
    jobs: Jobs = None,
    face: Face = "largest",
    faces: Faces = "one",
    landmarks: Landmarks = None,
    overlay: Annotated[
        Path | None,
        typer.Option(help="Also write a video with everything drawn on it, such as out.mp4."),
    ] = None,
    engine: Engine = "local",
    address: Address = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse a recording that gives rise to any warning."),
    ] = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Find micro-expressions, name their emotion, and write a report for every recording.

    For each recording NAME the folder gets NAME.html (a page to look at), NAME.json
    (everything), NAME.csv (a row per expression), NAME.events.csv (blinks, speech and other
    events, and what could not be judged) and NAME.frames.csv (a row per frame; frames count
    from 0).
    Other formats, such as elan (NAME.eaf), are those in which coders can go on.
    With --faces all these files hold every face by its name (face 1, face 2, in order of
    appearance, then from left to right); names are given in the review app.
    The same command can be given again: what is finished is kept, files that are missing are
    made, and a recording that was half done goes on where it stopped.
    With --engine ray the recordings are spread over a cluster, and manifest.jsonl says what
    became of each.
    """
    suffixes, spotter = _formats(formats), spotter_named(method, model)
    by = checked_engine(engine, address)
    options: dict[str, Any] = {
        **time_range(start, end),
        "jobs": jobs,
        "face": whose_face(faces, face, landmarks, overlay),
    }
    check_folder(output)
    work, batch = _taken(videos)
    rates = rates_for(work, rate)
    asked = _asked(model, spotter, options, rates, landmarks, batch.total)
    found = _standing(work, output, suffixes, None if force else asked, batch)
    if overlay is not None:
        _check_overlay(overlay, work, batch.total, force, found)
    ready = [one for one in found if one.missing or _undrawn(overlay, force)]
    _tell_finished([one for one in found if one not in ready], batch, strict)
    if ready:
        finish = _Finish(output, suffixes, overlay, force, strict, as_json, batch)

        def asked_for(one: Standing) -> dict[str, Any]:
            table = landmarks_of(one.job, landmarks, batch.total)
            return options | rates[one.job.source] | table

        with _counted(batch):
            if by == "ray":
                nodes = OnNodes(weights_named(model), spotter, device)
                where, manifest = Cluster(address, jobs), Manifest(output, found, batch.failed)
                on_cluster(nodes, ready, asked_for, finish, batch, where, manifest)
            else:
                from mescope.analysis import load

                analyzer = load(weights_named(model), device=device, method=spotter)
                for one in ready:  # one that fails stops none
                    with batch.attempt(one.job.source):
                        analysis = _analyze(analyzer, one.job, asked_for(one), strict)
                        finish(one, analysis, asked_for(one))
        if finish.simulated:
            explain(_PROPOSALS)
    batch.finish(as_json=as_json)


def _taken(videos: Sequence[str]) -> tuple[list[Job], Batch]:
    """Return the recordings meant, and the batch that they are; others are told."""
    work, missing = gather(videos)
    batch = Batch(len(work) + len(missing))
    batch.refuse(missing)
    return work, batch


def _noted(
    analysis: Result, one: Standing, paths: Sequence[Path]
) -> tuple[str, dict[str, Any]]:
    """Return in one word what was done, and all about it."""
    state: State = "completed" if one.there else one.state
    return WORDS[state], _summary(analysis, one.job, state, paths)


@dataclass
class _Finish:
    """Writes and shows what was found in a recording."""

    output: Path
    suffixes: Sequence[str]
    overlay: Path | None
    force: bool
    strict: bool
    as_json: bool
    batch: Batch
    simulated: bool = False  # something was, so far

    def __call__(self, one: Standing, analysis: Result, options: dict[str, Any]) -> None:
        """Do so, for a recording and the options it was analyzed with."""
        if self.strict:
            _refuse_warnings(warnings_of(analysis))
        paths = _write(analysis, self.output, one, self.suffixes, self.force)
        if self.overlay is not None and _undrawn(self.overlay, self.force):
            paths.append(_draw(analysis, one.job, self.overlay, options, self.force))
        self.batch.note(*_noted(analysis, one, paths))
        if not self.as_json:
            show_result(analysis)
        _explain(analysis, paths, self.batch)
        self.simulated |= bool(analysis.provenance.get("simulated"))


@contextmanager
def _counted(batch: Batch) -> Iterator[None]:
    """Say how far it came where somebody interrupts; what is done stays."""
    try:
        yield
    except KeyboardInterrupt:
        explain(f"{len(batch.done)} of {batch.total} recordings done and kept")
        raise


def _formats(text: str) -> list[str]:
    """Return the suffixes of formats, each named or given by its suffix."""
    from mescope.reports import formats

    known = formats()
    meant = {suffix.lower(): suffix for suffix in known.values()} | known
    chosen = []
    for word in (part.strip().lower() for part in text.split(",")):
        suffix = meant.get(word.removeprefix(".")) or meant.get(f".{word.removeprefix('.')}")
        if suffix is None:
            raise typer.BadParameter(f"--format {word!r}: expected any of {', '.join(known)}")
        chosen.append(suffix)
    return list(dict.fromkeys(chosen))


def _check_overlay(
    overlay: Path, work: Sequence[Job], total: int, force: bool, found: Sequence[Standing]
) -> None:
    """Refuse what cannot be drawn before any work is done; say that a drawing is kept."""
    from mescope.reports.overlay import check_overlay

    if total != 1:
        raise typer.BadParameter(f"--overlay draws one recording, found {total}")
    for job in work:
        check_overlay(overlay, job.source, force or not _untouched(found))
    check_folder(overlay.parent)
    if not _undrawn(overlay, force):
        explain(
            f"{overlay} exists already and is kept, whatever it shows; --force draws it anew"
        )


def _draw(
    analysis: Result, job: Job, overlay: Path, options: dict[str, Any], force: bool
) -> Path:
    from mescope.reports.overlay import write_overlay

    one: Any = analysis  # with --overlay there are no others
    with progress_bar(overlay.name) as progress:
        return write_overlay(
            one, job.source, overlay, **options, force=force, progress=progress
        )


def _standing(
    work: Sequence[Job], output: Path, suffixes: Sequence[str], asked: Asked | None,
    batch: Batch,
) -> list[Standing]:  # fmt: skip
    """Return how far each recording is; files that are in the way are named at once."""
    from mescope.reports import files_of

    found = []
    for job in work:
        files = [f for s in suffixes for f in files_of(output / f"{job.name}{s}")]
        with batch.attempt(job.source):
            found.append(one := standing(job, files, asked))
            if one.there and not one.known:
                batch.warn(Path(job.source).name, [_UNKNOWN])
    return found


def _asked(
    model: list[str], spotter: str, options: dict[str, Any],
    rates: dict[str, dict[str, float | None]], landmarks: Path | None, total: int,
) -> Asked:  # fmt: skip
    def table(job: Job) -> Path | None:
        return landmarks_of(job, landmarks, total).get("landmarks")

    def times(job: Job) -> dict[str, Any]:
        return {**rates[job.source], "start": options["start"], "end": options["end"]}

    return Asked(weights_named(model), spotter, times, options["face"], table)


def _untouched(found: Sequence[Standing]) -> bool:
    return not any(one.there for one in found)


def _undrawn(overlay: Path | None, force: bool) -> bool:
    return overlay is not None and (force or not os.path.lexists(overlay))


def _tell_finished(finished: Sequence[Standing], batch: Batch, strict: bool) -> None:
    """Say which recordings were finished before; their files are left alone."""
    for one in finished:
        with batch.attempt(one.job.source):
            _finished_before(one, batch, strict)


def _finished_before(one: Standing, batch: Batch, strict: bool) -> None:
    document = one.document()
    if strict:
        _refuse_warnings(document.get("warnings", ()))
    explain(f"{Path(one.job.source).name}: finished before and kept; --force does it again")
    files = {"input": one.job.source, "outputs": [str(path) for path in one.there]}
    batch.note(WORDS["finished"], {**files, "state": "finished", **document})


def _analyze(analyzer: Any, job: Job, options: dict[str, Any], strict: bool) -> Result:
    if strict:
        from mescope.video.reading import open_video

        times = {key: options[key] for key in ("rate", "start", "end")}
        _refuse_warnings(open_video(job.source, **times).warnings)
    with progress_bar(Path(job.source).name) as progress:
        return analyzed(analyzer, job.source, options, progress)


def _refuse_warnings(warnings: Sequence[str]) -> None:
    if warnings:
        raise MescopeError(f"refused because of --strict: {'; '.join(warnings)}")


def _write(
    analysis: Result, output: Path, one: Standing, suffixes: Sequence[str], force: bool
) -> list[Path]:
    """Write what is missing; return the files that a format begins with, if it was written."""
    from mescope.reports import files_of, write

    paths = [output / f"{one.job.name}{suffix}" for suffix in suffixes]
    wanted = [path for path in paths if not set(one.missing).isdisjoint(files_of(path))]
    for path in wanted:
        write(analysis, path, force=force, keep=bool(one.there), media=one.job.source)
    return wanted


def _summary(analysis: Result, job: Job, state: State, paths: Sequence[Path]) -> dict[str, Any]:
    return {
        "input": job.source,
        "outputs": [str(path) for path in paths],
        "state": state,
        **document_of(analysis),
    }


def _explain(analysis: Result, paths: Sequence[Path], batch: Batch) -> None:
    batch.warn(str(analysis.video.get("name")), warnings_of(analysis))
    for path in paths:
        explain(f"wrote {path}")
