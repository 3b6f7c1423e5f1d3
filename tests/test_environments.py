"""Machines that lack something: a network, a home, a locale, a disk with room."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from made_recipes import flat_recipe
from packaging.requirements import Requirement
from packaging.version import Version
from small_disk import fill, small_disk

from mescope.analysis import load
from mescope.cli.licences import licensed
from mescope.errors import OutputError
from mescope.reports import write
from mescope.synthesis.encode import write_video
from mescope.training import train as training
from mescope.video.arrays import ArrayVideo

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A recording of 1.5 seconds without a face."""
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    write_video(ArrayVideo(np.zeros((45, 64, 64), np.uint8), 30.0), path)
    return path


def unshared(*flags):
    """Return how a command is begun in namespaces of its own, or skip."""
    program = shutil.which("unshare")
    if program is None or subprocess.run([program, *flags, "true"], check=False).returncode:
        pytest.skip("needs namespaces that an ordinary account may make")
    return [program, *flags]


WATCHED = """
import sys
met = []
def hook(name, arguments):
    if name in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.bind"):
        met.append((name, arguments[1:]))
    if name == "urllib.Request":
        met.append((name, arguments[:1]))
sys.addaudithook(hook)
from mescope.cli import run
status = [run(words.split("|")) for words in sys.argv[1:]]
counted = {}
lines = open("/proc/net/snmp").read().splitlines()
for names, values in zip(lines[::2], lines[1::2]):
    kind = names.split(":")[0]
    counted |= {f"{kind}.{n}": int(v) for n, v in zip(names.split()[1:], values.split()[1:])}
sent = {n: counted[n] for n in ("Ip.OutRequests", "Ip.OutNoRoutes", "Tcp.ActiveOpens",
                                "Udp.OutDatagrams") if counted[n]}
print(status, met, sent, file=sys.stderr)
sys.exit(any(status) or bool(met) or bool(sent))
"""


def test_nothing_is_sent_and_no_network_is_needed(film, tmp_path):
    """P112: in a namespace without any interface; neither Python nor a library tries to."""
    commands = (
        f"analyze|{film}|-o|{tmp_path / 'out'}|--method|flow-peaks",
        f"convert|{tmp_path / 'out' / 'film.json'}|{tmp_path / 'film.boris'}",
        "doctor|--licences",
    )
    done = subprocess.run(
        [*unshared("-rn"), sys.executable, "-c", WATCHED, *commands],
        capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


BARE = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torchvision", "torchaudio", "tkinter", "ray"):
            raise ImportError(f"{name} is not installed")
sys.meta_path.insert(0, Absent())
from mescope.cli import run
sys.exit(run(sys.argv[1:]))
"""


def test_a_bare_machine_is_enough(film, tmp_path):
    """C108: no display, home, FFmpeg, GPU or torchvision; the package cannot be written."""
    out = tmp_path / "out"
    bare = {
        "PATH": "/nowhere", "HOME": "/proc/nowhere", "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(tmp_path),
    }  # fmt: skip
    script = (
        'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec env -i "$@"'
    )
    command = [
        *unshared("-rm"), "sh", "-c", script, "sh", str(ROOT / "src"),
        *(f"{name}={value}" for name, value in bare.items()), sys.executable, "-c", BARE,
        "analyze", str(film), "-o", str(out), "--method", "flow-peaks",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=500, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert {f.suffix for f in out.iterdir()} == {".json", ".csv", ".html"}


LOCALES = {"tr_TR": "ISO-8859-9"}


@pytest.fixture(scope="module")
def locales(tmp_path_factory):
    """Return environments of people elsewhere; those locales that can be made here."""
    folder = tmp_path_factory.mktemp("locales")
    found = [
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    ]
    maker = shutil.which("localedef")
    for name, encoding in LOCALES.items() if maker else ():
        made = [maker, "-i", name, "-f", encoding, str(folder / name)]
        if not subprocess.run(made, capture_output=True, check=False).returncode:
            found.append({"LC_ALL": name, "LOCPATH": str(folder), "PYTHONUTF8": "0"})
    return found


IN_LOCALE = """
import locale, sys
try:
    locale.setlocale(locale.LC_ALL, "")  # as a plug-in or a library may
except locale.Error:
    pass
from mescope.cli import main
main()
"""


def test_files_are_the_same_in_every_locale(film, tmp_path, locales):
    """S84: numbers, letters and order do not follow the place; the console is not asked."""
    named = tmp_path / "INTERVIEW i.mp4"
    named.write_bytes(film.read_bytes())
    others = ("LC_", "LANG", "PYTHONUTF8")
    base = {k: v for k, v in os.environ.items() if not k.startswith(others)}
    kept = []
    for number, one in enumerate([{"LC_ALL": "C.UTF-8"}, *locales]):
        out = tmp_path / str(number)
        words = ["analyze", str(named), "-o", str(out), "--method", "flow-peaks",
                 "--format", "json,csv,html"]  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", IN_LOCALE, *map(os.fsencode, words)], env=base | one,
            capture_output=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, (one, done.stderr)
        kept.append({os.fsencode(f.name): stable(f.read_bytes()) for f in out.iterdir()})
    assert len(kept[0]) == 5
    for one, files in zip(locales, kept[1:], strict=True):
        assert files == kept[0], one


def stable(data):
    """Take out when it was."""
    data = re.sub(rb"20\d\d-\d\d-\d\dT[\d:.+Z-]*", b"", data)
    return re.sub(rb"Made 20\d\d-\d\d-\d\d, \d\d:\d\d", b"", data)


def test_a_full_disk_leaves_reports_whole_or_absent(film, tmp_path):
    """S78: on a real one, and on one that can only be read."""
    analysis = load(method="flow-peaks").analyze(film)
    with small_disk(tmp_path / "disk", 1) as disk:
        write(analysis, disk / "before.json")
        before = (disk / "before.json").read_bytes()
        filler = fill(disk)
        for suffix in (".json", ".csv", ".html", ".eaf", ".boris"):
            with pytest.raises(OutputError, match=r"[Nn]o space"):
                write(analysis, disk / f"after{suffix}")
        with pytest.raises(OutputError, match=r"[Nn]o space"):
            write(replace(analysis, floor=0.123), disk / "before.json", force=True)
        assert (disk / "before.json").read_bytes() == before
        assert sorted(p.name for p in disk.iterdir()) == ["before.json", "filler"]
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(OutputError, match=r"[Rr]ead-only"):
            write(analysis, disk / "after.json")


TINY = flat_recipe(
    name="tiny", model="me-tst-plus-small", data="synthetic",
    options={"dim": 8, "states": 2}, epochs=2, steps=1, recordings=2, seconds=20.0,
    batch_size=2, learning_rate=1e-3,
)  # fmt: skip


@pytest.mark.usefixtures("one_thread")
def test_a_disk_that_fills_stops_a_training_and_keeps_what_is_there(tmp_path):
    """T64: on a real one; once there is room the same run ends where it would have."""
    whole, _ = training.train(TINY, tmp_path / "whole")
    with small_disk(tmp_path / "disk", 8) as disk:
        fillers = []

        def full(done, total, loss):
            if done == 2:  # after the first checkpoint, before the second
                fillers.append(fill(disk))

        with pytest.raises(OutputError, match=r"[Nn]o space"):
            training.train(TINY, disk / "run", report=full)
        assert not [p.name for p in (disk / "run").rglob("*") if p.suffix == ".tmp"]
        fillers[0].unlink()
        resumed, _ = training.train(TINY, disk / "run")
        for name, tensor in whole.state_dict().items():
            assert (resumed.state_dict()[name] == tensor).all(), name


def test_versions_are_bounded_below_and_hold_here():
    """C109: what is declared can be installed, and what runs here is what is declared."""
    wanted = [Requirement(one) for one in PROJECT["dependencies"]]
    for extra in PROJECT["optional-dependencies"].values():
        wanted += [Requirement(one) for one in extra]
    for one in wanted:
        assert one.url is None, one  # no file of another place
        try:
            installed = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            continue
        assert one.specifier.contains(installed, prereleases=True), (one, installed)
    for one in (Requirement(d) for d in PROJECT["dependencies"]):
        lower = [s for s in one.specifier if s.operator in (">=", "==", "~=")]
        assert lower, f"{one.name} has no lowest version"
        above = [s for s in one.specifier if s.operator in ("<", "<=")]
        assert all(Version(a.version) > Version(b.version) for a in above for b in lower)


def test_licences_of_everything_that_is_needed_are_known():
    """`mescope doctor --licences`: no package without one, and none left out."""
    found = {one.name: one for one in licensed()}
    assert next(iter(found)) == "mescope"
    for one in map(Requirement, PROJECT["dependencies"]):
        assert one.name.lower().replace("_", "-") in found
    assert {"starlette", "h11"} <= set(found)  # of the app, and what it needs itself
    for one in found.values():
        assert one.licence, one.name
        assert one.licence.isprintable()
    assert "LGPL" in found["av"].note


def test_sources_are_of_the_lowest_python_that_is_declared():
    import ast

    lowest = tuple(map(int, PROJECT["requires-python"].removeprefix(">=").split(".")))
    classifiers = [c.split(":: ")[-1] for c in PROJECT["classifiers"] if ":: 3." in c]
    assert ".".join(map(str, lowest)) in classifiers
    for path in (ROOT / "src").rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=lowest)


@pytest.mark.parametrize(
    "text",
    [
        "frame, face_id, timestamp, confidence, success, x_0, y_0\n1, 0, 0.0, 0.98, 1, 3, 4\n",
        "frame,x_0,y_0\n0,nan,nan\n",
        "frame," + ",".join(f"x_{i}" for i in range(67)) + "\n" + "1," * 67 + "1\n",
        "y_0,x_0,frame\n1,2,three\n",
        "\ufeffframe;x_0;y_0\n1;2,5;3,5\n",
        "",
        "\0\0\0",
    ],
)
def test_tables_of_landmarks_are_no_marks_and_no_recordings(tmp_path, text, capsys):
    """F43: OpenFace's tables, old ones and damaged ones, get one line wherever they are put."""
    from mescope.cli import run

    path = tmp_path / "landmarks.csv"
    path.write_text(text, encoding="utf-8")
    for words in (
        ["convert", str(path), str(tmp_path / "out.json"), "--to", "json"],
        ["convert", str(path), str(tmp_path / "out.eaf")],
        ["agree", str(path), str(path)],
        ["spot", str(path)],
        ["datasets", "import-features", str(path), str(tmp_path / "features")],
    ):
        assert run(words) in (1, 2), words
        said = capsys.readouterr().err
        assert "Traceback" not in said
        assert said.startswith("mescope: ")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["landmarks.csv"]
