"""Install the wheel into bare environments and run it there: ``make wheel``.

    python release/wheels.py [PYTHON ...] [--torch] [--newest]

Tried are the interpreters named, or every Python 3.11 to 3.14 on the PATH and under pyenv, each
in an environment of its own in build/wheels.  On the version of Python that runs this script
everything is installed as a user would.  On the others PyTorch is left out, whose build for
them may be several GB, unless ``--torch`` is given (on a machine that has CPU builds); then
only what needs no network is run (``release/smoke.py``).  ``--newest`` takes the newest
libraries in place of those of constraints.txt, PyTorch excepted.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "build" / "wheels"
VERSIONS = ((3, 11), (3, 12), (3, 13), (3, 14))
HEAVY = ("torch", "lightning-fabric")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pythons", nargs="*")
    parser.add_argument("--torch", action="store_true")
    parser.add_argument("--newest", action="store_true")
    chosen = parser.parse_args()
    wheels = sorted((ROOT / "dist").glob("*.whl"))
    if len(wheels) != 1:
        sys.exit(f"expected one wheel in dist, found {len(wheels)}; run: make release")
    found = {version_of(p): p for p in chosen.pythons} or at_hand()
    told = []
    for version in sorted(found):
        whole = chosen.torch or version == sys.version_info[:2]
        try:
            tried(found[version], version, wheels[0], whole=whole, newest=chosen.newest)
            told.append((version, "everything" if whole else "without PyTorch", True))
        except subprocess.CalledProcessError as error:
            told.append((version, f"FAILED: {' '.join(map(str, error.cmd))[:300]}", False))
    for version in VERSIONS:
        if version not in found:
            told.append((version, "not at hand, not tried", True))
    for version, text, _ in sorted(told):
        print(f"Python {version[0]}.{version[1]}: {text}")
    sys.exit(0 if all(good for _, _, good in told) else 1)


def at_hand() -> dict[tuple[int, int], str]:
    """Return an interpreter of every version that can be found."""
    found: dict[tuple[int, int], str] = {}
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for version in VERSIONS:
        name = f"python{version[0]}.{version[1]}"
        places = [shutil.which(name), *map(str, sorted(pyenv.glob(f"*/bin/{name}")))]
        for place in filter(None, places):
            if version_of(place) == version:
                found[version] = place
    return found


def version_of(python: str) -> tuple[int, int]:
    """Return the version of an interpreter; (0, 0) of one that does not run."""
    done = subprocess.run([python, "--version"], capture_output=True, text=True)
    numbers = re.search(r"(\d+)\.(\d+)", done.stdout if done.returncode == 0 else "")
    return (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)


def tried(
    python: str, version: tuple[int, int], wheel: Path, *, whole: bool, newest: bool
) -> None:
    """Make an environment, install, and run; CalledProcessError says what failed."""
    place = PLACE / f"{version[0]}.{version[1]}{'-newest' if newest else ''}"
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(place)], check=True)
    inside = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [str(inside), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    pins = [] if newest else ["--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, "--upgrade", "pip"], check=True)
    if whole:
        torch = [
            w for w in (ROOT / "constraints.txt").read_text().split() if w.startswith("torch==")
        ]
        subprocess.run([*pip, *torch], check=True)
        subprocess.run([*pip, *pins, f"{wheel}[app]"], check=True)
        subprocess.run([str(inside), "-m", "pip", "check"], check=True)
    else:
        subprocess.run([*pip, *pins, *light()], check=True)
        subprocess.run([*pip, "--no-deps", str(wheel)], check=True)
    free = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MESCOPE", "PIP"))
    }
    words = [
        str(inside),
        str(ROOT / "release" / "smoke.py"),
        *([] if whole else ["--no-torch"]),
    ]
    subprocess.run(words, check=True, env=free, cwd=place)


def light() -> list[str]:
    """Return the dependencies but those that need PyTorch."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needed = tomllib.loads(text)["project"]["dependencies"]
    return [one for one in needed if re.split(r"[<>=!~ \[]", one)[0] not in HEAVY]


if __name__ == "__main__":
    main()
