"""Build the wheel and the source archive, check them, and say how to publish: ``make release``.

    python release/build.py [--check-only]

Checked are: the wheel holds exactly the files of ``src/mescope`` that git knows (weights,
recipes, pages of the app among them) and its own description; the version is that of the
package, of CITATION.cff and of CHANGELOG.md; twine accepts both files.  ``dist/SHA256SUMS`` is
written last: it is there only if everything was right.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import BytesParser
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
PACKAGE = "src/mescope"
NEEDED = {  # folder within the package, ending: how many at least
    ("weights", ".safetensors"): 3,
    ("recipes", ".toml"): 90,
    ("app/static", ".js"): 1,
    ("app/templates", ".html"): 1,
    ("reports/templates", ".html"): 1,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check-only", action="store_true", help="check what dist holds")
    if not parser.parse_args().check_only:
        build()
    wheel, archive = only("*.whl"), only("*.tar.gz")
    faults = [*contents(wheel), *description(wheel)]
    if faults:
        sys.exit("\n".join(["the wheel is not fit to be published:", *faults]))
    subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(archive)],
        check=True, cwd=ROOT,
    )  # fmt: skip
    sums = [f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.name}" for f in (wheel, archive)]
    (DIST / "SHA256SUMS").write_text("\n".join(sums) + "\n", encoding="utf-8")
    print(f"""
{wheel.relative_to(ROOT)} ({wheel.stat().st_size / 1e6:.1f} MB) is fit to be published.

1. `make wheel` installs it into bare environments and runs it.
2. Hand it on: pip install {wheel.name}
3. To publish it: `git tag v{version()}`, push the tag, then `{PYTHON} -m twine upload
   dist/mescope-{version()}*` with a token of the index.  The name must be yours there.
""")


PYTHON = Path(sys.executable).name


def build() -> None:
    """Build both anew, from a folder that holds nothing older."""
    shutil.rmtree(DIST, ignore_errors=True)
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(DIST), str(ROOT)],
        check=True, cwd=ROOT,
    )  # fmt: skip


def only(pattern: str) -> Path:
    found = sorted(DIST.glob(pattern))
    if len(found) != 1:
        sys.exit(f"expected one {pattern} in {DIST}, found {len(found)}; run make release")
    return found[0]


def version() -> str:
    return str(project()["version"])


def project() -> dict[str, object]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(text)["project"])


def tracked() -> set[str]:
    """Return the files of the package that git knows, as they stand in a wheel."""
    done = subprocess.run(
        ["git", "ls-files", "-z", PACKAGE], cwd=ROOT, check=True, capture_output=True, text=True
    )
    names = (name.removeprefix("src/") for name in done.stdout.split("\0") if name)
    return {name for name in names if (ROOT / "src" / name).is_file()}


def contents(wheel: Path) -> list[str]:
    """Return what is in the wheel and should not be, and the other way round."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    own = f"mescope-{version()}.dist-info/"
    inside = {name for name in names if not name.startswith(own)}
    faults = [f"not of the package: {name}" for name in sorted(inside - tracked())]
    faults += [f"missing: {name}" for name in sorted(tracked() - inside)]
    for (folder, ending), least in NEEDED.items():
        count = sum(
            name.startswith(f"mescope/{folder}/") and name.endswith(ending) for name in names
        )
        if count < least:
            faults.append(f"expected {least} or more {ending} in {folder}, found {count}")
    if not any(name.endswith("/LICENSE") for name in names):
        faults.append("the licence is missing")
    return faults


def description(wheel: Path) -> list[str]:
    """Return what is wrong with what the wheel says about itself."""
    with zipfile.ZipFile(wheel) as archive:
        name = f"mescope-{version()}.dist-info/METADATA"
        said = BytesParser().parsebytes(archive.read(name))
    wanted = project()
    faults = []
    for key, expected in (("Version", version()), ("Name", "mescope"),
                          ("Requires-Python", wanted["requires-python"])):  # fmt: skip
        if said[key] != expected:
            faults.append(f"{key}: expected {expected}, found {said[key]}")
    package = (ROOT / "src/mescope/__init__.py").read_text(encoding="utf-8")
    for file, text in (
        ("CITATION.cff", f"version: {version()}"), ("CHANGELOG.md", f"## {version()}")
    ):  # fmt: skip
        if text not in (ROOT / file).read_text(encoding="utf-8"):
            faults.append(f"{file} does not say {text}")
    if not re.search(rf'^__version__ = "{re.escape(version())}"$', package, re.MULTILINE):
        faults.append(f"src/mescope/__init__.py is of another version than {version()}")
    return faults


if __name__ == "__main__":
    main()
