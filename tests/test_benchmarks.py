"""The table of all ratios reads what the scripts print."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def everything():
    spec = importlib.util.spec_from_file_location("benchmarks_all", FOLDER / "all.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


# What each prints: lines with a ratio, and with that of our own side, which is none.
PRINTED = {
    "selective_scan": """
(b, d, l, n)          pass     side             ms  / fused       MiB  fused /
(1, 192, 3137, 16)    forward  fused            8.1      1.0       2.3    1.000
(1, 192, 3137, 16)    forward  reference      401.2     49.5      10.0    0.230
(1, 192, 3137, 16)    fwd+bwd  mambapy       1201.0     33.1    2210.5    0.020
""",
    "gpu": """
shape                             pass     side                  ms      / ours         MiB
ME-TST+, 12 x 256 windows         forward  ours                1.20        1.00          10
ME-TST+, 12 x 256 windows         forward  chunked            14.50       12.08         300
""",
    "merba": """
preset     batch  pass     side       ms/clip       MiB    time x     MiB x
merba-s28      1  forward  ours            8.64       0.5      1.00      1.00
merba-s28      1  forward  loop           39.42       0.4      4.56      0.69
merba-s28      1  forward  scan ours       0.11                1.00
merba-s28      1  forward  scan loop       9.10               82.70
""",
    "ammsm": """
preset     batch  part      reading   sparsity    ms/clip    time x
ammsm-s28      8  stream    gather         0.0      11.20      1.00
ammsm-s28      8  stream    gather         0.8       6.20      0.55
preset     batch  part      mixers          ms/clip       MiB    time x
ammsm-s28      8  whole     ssd              11.20      10.1      0.91
ammsm-s28      8  whole     attention         12.30      12.1      1.00
""",
    "ammsm_latency": """
row                 reading      SSD ms  attention   ratio      quarters   paper
plain               -              3.21       5.79   0.554     0.55-0.56   0.554
""",
    "videomamba": """
forward  ours       16    3137      2     1.000     1.000    1234.5
forward  loop       16    3137      2     0.123     8.130    1234.5     8.13     1.20
training vit        16    3137     12     0.123     8.130    1234.5     1.70     1.20
""",
    "roi_flow": "ratio                    3.94\n",
    "spotting": "| 640 × 360 | 120 | 40 | 3.0 |\n",
    "clip_flow": """
1 thread                        1.20 clips/s
2 threads, filling a cache      2.30 clips/s   1.92 x one thread
""",
    "loso": """
round 1: published loop 9.0 ms, mescope 3.0 ms an epoch and fold, ratio 3.10
2 threads there, 2 processes here; median ratio 3.05
""",
    "waiting_threads": """
a step of ME-TST+ (small), 2 threads, median of 5
as torch comes                   340 ms   1.00 of the time
GOMP_SPINCOUNT=10000 (ours)      270 ms   0.79 of the time
one thread                       467 ms   1.37 of the time
""",
    "start": """
                              NumPy: wall, CPU s  PyTorch: wall, CPU s  CPU ratio
analyze, a clip of 2 s              4.08    2.73          6.39    4.42       1.62
its imports                         1.89    1.37          4.45    3.13       2.29
score of 2000 windows               5.27    3.31          5.41    3.47       1.05
""",
    "real_time": """
analyze    9.0 s,   6.7 x real time; reading alone   1.0 s,  60.0 x; ratio 9.0; 9.1 CPU s
""",
}
EXPECTED = {
    "selective_scan": [49.5, 33.1], "gpu": [12.08], "merba": [4.56, 82.7],
    "ammsm": [0.55, 0.91], "ammsm_latency": [0.554], "videomamba": [8.13, 1.7],
    "roi_flow": [3.94], "spotting": [3.0], "clip_flow": [1.92], "loso": [3.05],
    "waiting_threads": [0.79, 1.37], "start": [1.62, 2.29, 1.05], "real_time": [9.0],
}  # fmt: skip


def test_every_script_is_there_and_takes_its_words(everything):
    assert {one.name for one in everything.SCRIPTS} == set(PRINTED)
    for one in everything.SCRIPTS:
        text = (FOLDER / f"{one.name}.py").read_text(encoding="utf-8")
        for word in (*one.quick, *one.words):
            assert not word.startswith("--") or f'"{word}"' in text


@pytest.mark.parametrize("name", PRINTED)
def test_ratios_are_read(everything, name):
    (script,) = (one for one in everything.SCRIPTS if one.name == name)
    found = list(everything.rows(script, PRINTED[name]))
    assert [row.ratio for row in found] == EXPECTED[name]
    assert len({row.what for row in found}) == len(found)


@pytest.fixture
def calls(everything, monkeypatch):
    """Play the scripts: loso is well, roi_flow prints nothing, merba fails, spotting hangs."""
    made = []

    def output_of(words, _limit):
        name = Path(words[1]).stem
        made.append(name)
        text = "nothing" if name == "roi_flow" else PRINTED[name]
        return text, {"merba": 1, "spotting": None}.get(name, 0)

    monkeypatch.setattr(everything, "output_of", output_of)
    return made


def test_one_table_and_what_went_wrong(everything, calls, capsys):
    names = ["loso", "roi_flow", "merba", "spotting"]
    assert everything.main(["--only", *names, "--limit", "7"]) == 1
    out = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert len({line.index("benchmarks/") for line in out.splitlines()[1:]}) == 1
    loso = "an epoch of STSTNet 3.05 time of the published loop / ours benchmarks/loso.py"
    assert loso in lines
    assert "roi_flow – printed no ratio benchmarks/roi_flow.py" in lines
    assert "merba – ended with status 1 benchmarks/merba.py" in lines
    assert any(line.startswith("MERba, merba-s28 1 forward loop 4.56") for line in lines)
    assert "spotting – stopped after 7 s (--limit) benchmarks/spotting.py" in lines
    assert sorted(calls) == sorted(names)


def test_what_is_done_is_not_done_again(everything, calls, capsys, tmp_path):
    file = tmp_path / "all.json"
    assert everything.main(["--only", "loso", "merba", "--json", str(file)]) == 1
    assert everything.main(["--only", "loso", "merba", "--json", str(file)]) == 1
    assert calls == ["merba", "loso", "merba"]  # what failed is tried again
    assert everything.main(["--only", "loso", "--json", str(file)]) == 0
    assert "3.05" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="holds a run without --quick"):
        everything.main(["--only", "loso", "--json", str(file), "--quick"])
    file.write_text("{}")
    with pytest.raises(SystemExit, match="expected what this script writes"):
        everything.main(["--only", "loso", "--json", str(file)])


def test_a_script_that_takes_too_long_is_ended_with_its_processes(everything, tmp_path):
    child = (
        f"import time, pathlib; time.sleep(5); pathlib.Path({str(tmp_path / 'late')!r}).touch()"
    )
    code = (
        "import subprocess, sys\n"
        "print('a line in time')\n"
        f"subprocess.run([sys.executable, '-c', {child!r}])"
    )
    text, status = everything.output_of([sys.executable, "-c", code], 3.0)
    assert status is None
    assert text in ("a line in time\n", "")  # nothing where the machine was too busy to begin
    time.sleep(6)
    assert not (tmp_path / "late").exists()
