"""The table of all ratios reads what the scripts print."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

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
    "real_time": """
analyze    9.0 s,   6.7 x real time; reading alone   1.0 s,  60.0 x; ratio 9.0; 9.1 CPU s
""",
}
EXPECTED = {
    "selective_scan": [49.5, 33.1], "gpu": [12.08], "merba": [4.56, 82.7],
    "ammsm": [0.55, 0.91], "ammsm_latency": [0.554], "videomamba": [8.13, 1.7],
    "roi_flow": [3.94], "spotting": [3.0], "clip_flow": [1.92], "loso": [3.05],
    "waiting_threads": [0.79, 1.37], "real_time": [9.0],
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


def test_one_table_and_what_went_wrong(everything, monkeypatch, capsys, tmp_path):
    def run(words, **_options):
        name = Path(words[1]).stem
        text = {"loso": PRINTED["loso"], "roi_flow": "nothing", "merba": PRINTED["merba"]}[name]
        return SimpleNamespace(stdout=text, returncode=int(name == "merba"))

    monkeypatch.setattr(everything.subprocess, "run", run)
    file = tmp_path / "all.json"
    assert everything.main(["--only", "loso", "--quick", "--json", str(file)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert "3.05  time of the published loop / ours  benchmarks/loso.py" in out[1]
    assert '"ratio": 3.05' in file.read_text()
    assert everything.main(["--only", "roi_flow", "merba"]) == 1
    told = capsys.readouterr()
    assert "MERba, merba-s28 1 forward loop" in told.out
    assert "roi_flow: printed no ratio\n" in told.err
    assert "merba: ended with status 1\n" in told.err
