"""The command as a process: help, wrong usage, interruption."""

import ast
import json
import os
import signal
import subprocess
import sys

import pytest

COMMANDS = [
    (),
    ("analyze",),
    ("augment",),
    ("augment", "rsmix"),
    ("spot",),
    ("recognize",),
    ("flow",),
    ("score",),
    ("compare",),
    ("convert",),
    ("agree",),
    ("tiers",),
    ("magnify",),
    ("datasets",),
    ("datasets", "check"),
    ("models",),
    ("models", "show"),
    ("recipes",),
    ("recipes", "show"),
    ("train",),
    ("search",),
    ("evaluate",),
    ("ensemble",),
    ("synthesize",),
    ("synthesize", "demo"),
    ("synthesize", "video"),
    ("synthesize", "corpus"),
    ("app",),
    ("doctor",),
]


def mescope(*words, **options):
    return subprocess.run(
        [sys.executable, "-c", "from mescope.cli import main; main()", *words],
        capture_output=True, text=True, timeout=60, check=False, **options,
    )  # fmt: skip


def test_every_command_is_listed_here():
    from mescope.cli import app

    named = {command.name for command in app.registered_commands}
    named |= {group.name for group in app.registered_groups}
    assert named == {words[0] for words in COMMANDS if words}


@pytest.mark.parametrize("given", [None, "7"])
def test_idle_threads_wait_briefly_unless_the_user_says_how(given):
    """It has to be said before torch is imported, whose threads read it once."""
    from mescope.cli import WAITING

    name, ours = WAITING
    code = (
        "import atexit, os, sys; from mescope.cli import main;"
        f"atexit.register(lambda: print(os.environ['{name}'], 'torch' in sys.modules)); main()"
    )
    clean = {k: v for k, v in os.environ.items() if k != name}
    more = {} if given is None else {name: given}
    done = subprocess.run(
        [sys.executable, "-c", code, "--version"],
        env=clean | more, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.split()[-2:] == [given or ours, "False"]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_is_quick_and_loads_nothing_heavy(words):
    """What makes help slow is an import, so the imports are counted."""
    code = (
        "import sys; from mescope.cli import run; status = run(sys.argv[1:]);"
        "heavy = {'torch', 'numpy', 'numba', 'cv2', 'av', 'matplotlib', 'pandas', 'scipy'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words, "--help"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "Usage: mescope" in done.stdout
    assert done.stderr.strip() == "[]"


def test_help_imports_nothing_heavy():
    """Help comes at once; what costs time is these imports."""
    code = (
        "import sys; from mescope.cli import app; from typer.main import get_command;"
        "get_command(app).main(['analyze', '--help'], standalone_mode=False);"
        "print(sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert "--format" in done.stdout
    heavy = {"torch", "numba", "cv2", "pandas", "scipy", "matplotlib", "sklearn", "dlib", "av"}
    assert not heavy & set(ast.literal_eval(done.stderr))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("analyse", "x.mp4"), "analyze"),
        (("analyze", "x.mp4", "--jsn"), "--json"),
        (("models", "shwo"), "show"),
        (("analyze",), "VIDEO"),
        (("train",), "RECIPE"),
    ],
)
def test_wrong_usage_is_status_2_with_a_suggestion(words, said):
    done = mescope(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "words", [("analyze", "no.mp4"), ("analyze", "--bogus"), ("spot", "no")]
)
def test_json_is_json_even_on_errors(words):
    done = mescope(*words, "--json")
    assert json.loads(done.stdout)["status"] == done.returncode
    assert done.returncode in (1, 2)


def test_version():
    from mescope import __version__

    assert mescope("--version").stdout == f"mescope {__version__}\n"


def test_no_command_prints_help_and_is_wrong_usage():
    done = mescope()
    assert done.returncode == 2
    assert "analyze" in done.stderr + done.stdout


SLOW = """
import sys, time
sys.path.insert(0, sys.argv.pop(1))
import made_up_results, mescope.analysis
class Slow(made_up_results.FakeAnalyzer):
    def analyze(self, source, **options):
        if "slow" in source:
            print("started", file=sys.stderr, flush=True)
            time.sleep(60)
        return super().analyze(source, **options)
mescope.analysis.load = lambda name, device, method: Slow()
from mescope.cli import main
main()
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_batch_keeps_what_is_finished(tmp_path, number):
    """Status 130, finished recordings stay, no half file, no traceback."""
    for name in ("a.mp4", "slow.mp4", "c.mp4"):
        (tmp_path / name).write_bytes(b"video")
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, os.path.dirname(__file__),
         "analyze", "a.mp4", "slow.mp4", "c.mp4"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:  # fmt: skip
        # A background job of a shell ignores SIGINT and hands that on; so it is set back above.
        lines = []
        while "started\n" not in lines:
            lines.append(process.stderr.readline())
            assert lines[-1], "".join(lines)
        process.send_signal(number)
        _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "1 of 3 recordings done and kept" in rest
    assert "Traceback" not in rest
    made = sorted(p.name for p in (tmp_path / "mescope-results").iterdir())
    assert made == ["a.csv", "a.events.csv", "a.frames.csv", "a.html", "a.json"]


def test_a_console_that_knows_no_unicode_is_no_reason_to_stop(tmp_path):
    """Locale C, a console of ASCII."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = mescope("analyze", "名字.mp4", env=environment, cwd=tmp_path)
    assert done.returncode == 1
    assert "\\u540d" in done.stderr
    assert "Traceback" not in done.stderr
