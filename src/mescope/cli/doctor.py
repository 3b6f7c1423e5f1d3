"""``mescope doctor``: whether this installation is sound, and what to do where it is not."""

from __future__ import annotations

import dataclasses
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from mescope.cli.console import explain, show, show_json
from mescope.cli.licences import show_licences
from mescope.cli.options import Json
from mescope.errors import MescopeError

PACKAGES = ("torch", "numpy", "numba", "av", "dlib-bin", "scipy", "pandas", "safetensors")


LICENCE_IN_USE = (
    "Licence in use: the file is of dlib (CC0), trained on iBUG 300-W, whose licence excludes "
    "commercial use; for that, bring landmarks of another program: mescope analyze --landmarks"
)


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One line of the doctor: what was looked at, how it is, and the facts or the cure."""

    name: str
    state: Literal["ok", "warning", "problem"]
    text: str


def doctor(
    as_json: Json = False,
    licences: Annotated[
        bool,
        typer.Option(
            "--licences",
            help="List the licences of mescope and of every package that it needs instead.",
        ),
    ] = False,
) -> None:
    """HealthCheck the installation: versions, video and face libraries, weights, cache.

    Exit status 1 if something is broken; warnings alone leave it at 0.
    """
    if licences:
        show_licences(as_json=as_json)
        return
    checks = list(examine())
    if as_json:
        show_json([dataclasses.asdict(check) for check in checks])
    else:
        _show(checks)
    broken = [check.name for check in checks if check.state == "problem"]
    if broken:
        explain("needs attention: " + ", ".join(broken))
        raise typer.Exit(1)


def examine() -> Iterator[HealthCheck]:
    """Yield the checks, one after the other; none of them stops the next."""
    parts: tuple[Callable[[], HealthCheck], ...] = (
        _python,
        _versions,
        _opencv,
        _ffmpeg,
        _torch,
        _kernels,
        _landmarks,
        _spotters,
        _weights,
        _cache,
    )
    for part in parts:
        name = part.__name__.removeprefix("_")
        try:
            yield part()
        except MescopeError as error:
            yield HealthCheck(name, "problem", str(error))
        except (ImportError, OSError) as error:
            yield HealthCheck(name, "problem", f"{type(error).__name__}: {error}")


def _python() -> HealthCheck:
    from mescope.io.cores import cores

    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return HealthCheck("python", "ok", f"{text}, {cores()} usable cores")


def _versions() -> HealthCheck:
    from importlib import metadata

    found, absent = [f"mescope {metadata.version('mescope')}"], []
    for package in PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            absent.append(package)
    if absent:
        text = f"not installed: {', '.join(absent)}; run: pip install {' '.join(absent)}"
        return HealthCheck("versions", "problem", text)
    return HealthCheck("versions", "ok", ", ".join(found))


def _opencv() -> HealthCheck:
    """Several OpenCV packages overwrite each other's files ."""
    from importlib import metadata

    found = sorted(
        f"{dist.name} {dist.version}"
        for dist in metadata.distributions()
        if (dist.name or "").lower().replace("_", "-").startswith("opencv-")
    )
    import cv2

    if len(set(found)) > 1:
        names = " ".join(entry.split()[0] for entry in found)
        return HealthCheck(
            "opencv",
            "problem",
            f"several packages share one folder: {', '.join(found)}; "
            f"run: pip uninstall {names}, then: pip install opencv-contrib-python-headless",
        )
    return HealthCheck(
        "opencv", "ok", f"{', '.join(found) or 'unknown package'} ({cv2.__version__})"
    )


def _ffmpeg() -> HealthCheck:
    import av

    versions = ", ".join(
        f"{name} {'.'.join(map(str, number))}"
        for name, number in sorted(av.library_versions.items())
        if name in ("libavcodec", "libavformat")
    )
    return HealthCheck("ffmpeg", "ok", f"inside av {av.__version__}: {versions}")


def _torch() -> HealthCheck:
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU (none needed)"
    return HealthCheck("torch", "ok", f"{torch.get_num_threads()} threads, {gpu}")


def _kernels() -> HealthCheck:
    """Some operations have compiled back ends and slower ones of plain torch."""
    import torch

    from mescope.ops.choice import OPERATIONS, variable, why_slow

    cures = {"cpu": "pip install --force-reinstall numba"}
    if torch.cuda.is_available():
        cures["cuda"] = "pip install 'mescope[gpu]'"
    said, advice = [], []
    refused: dict[str, list[str]] = {}  # by operation, a reason for each device
    for device, cure in cures.items():
        runs = _running(device, refused)
        said.append(f"{', '.join(runs)} on the {'GPU' if device == 'cuda' else 'CPU'}")
        slow = dict.fromkeys(why for name in OPERATIONS if (why := why_slow(name, device)))
        if slow:
            said[-1] += f", of which some are right but slow, because {'; '.join(slow)}"
            advice.append(f"run: {cure}")
    asked = [
        f"{key}={value}" for key in map(variable, OPERATIONS) if (value := os.environ.get(key))
    ]
    if asked:
        said.append(f"as {', '.join(asked)} says")
    nowhere = [whys[0] for whys in refused.values() if len(whys) == len(cures)]
    if nowhere:
        return HealthCheck("kernels", "problem", "; ".join(nowhere))
    said += [why for whys in refused.values() for why in whys]
    state: Literal["ok", "warning"] = "warning" if advice or refused else "ok"
    return HealthCheck("kernels", state, "; ".join([*said, *advice]))


def _running(device: str, refused: dict[str, list[str]]) -> list[str]:
    """Return what runs on a device; add to ``refused`` why what the environment names does not.

    What is named for a card may be right there, and still run on no CPU.
    """
    from mescope.ops.choice import OPERATIONS, backend_in_use

    runs = []
    for name in OPERATIONS:
        try:
            runs.append(f"{name}: {backend_in_use(name, device)}")
        except MescopeError as error:
            runs.append(f"{name}: none")
            refused.setdefault(name, []).append(str(error))
    return runs


def _landmarks() -> HealthCheck:
    from mescope.face.detector import landmark_model

    path = landmark_model()
    if not path.is_file():
        text = f"{path.name} is missing; run: pip install --force-reinstall {path.parts[-3]}"
        return HealthCheck("landmarks", "problem", text)
    size = path.stat().st_size / 1e6
    return HealthCheck("landmarks", "ok", f"{path.name} ({size:.0f} MB). {LICENCE_IN_USE}")


def _spotters() -> HealthCheck:
    """Name what ``--method`` chooses from, plug-ins and installed packages included."""
    from mescope.spotting import SPOTTERS

    for name in SPOTTERS:
        SPOTTERS.named(name)  # loads what an installed package brings
    return HealthCheck("spotters", "ok", ", ".join(SPOTTERS))


def _weights() -> HealthCheck:
    from mescope.models.weights import list_weights, load

    shipped = list_weights()
    if not shipped:
        return HealthCheck(
            "weights", "problem", "none come with this copy; `mescope train` makes some"
        )
    for path in shipped.values():
        load(path)  # checks the checksum, the shapes and that every number is finite
    return HealthCheck("weights", "ok", f"{', '.join(shipped)}: checksums agree")


def _cache() -> HealthCheck:
    from mescope.cli.inputs import check_folder
    from mescope.io.cache import default_cache

    folder = Path(default_cache())
    check_folder(folder)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return HealthCheck("cache", "ok", f"{folder}, {size / 1e6:.0f} MB used")


def _show(checks: list[HealthCheck]) -> None:
    from rich.table import Table
    from rich.text import Text

    colours = {"ok": "green", "warning": "yellow", "problem": "bold red"}
    table = Table(box=None, show_header=False, pad_edge=False)
    for check in checks:
        state = Text(check.state, style=colours[check.state] if sys.stdout.isatty() else "")
        table.add_row(check.name, state, Text(check.text))
    show(table)
