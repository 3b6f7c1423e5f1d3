"""``doctor``, ``models``, ``train``, ``synthesize``."""

import json
from collections import namedtuple
from importlib import metadata

import pytest

from mescope.cli import doctor
from mescope.errors import WeightsError
from mescope.spotting import SPOTTERS


def test_two_opencv_distributions_are_named_with_the_fix(monkeypatch):
    package = namedtuple("package", "name version")
    two = [
        package("opencv-python", "4.10.0"),
        package("opencv_contrib_python_headless", "5.0.0"),
        package("numpy", "2"),
    ]
    monkeypatch.setattr(metadata, "distributions", lambda: two)
    check = doctor._opencv()
    assert check.state == "problem"
    assert "opencv-python 4.10.0" in check.text
    assert "opencv_contrib_python_headless 5.0.0" in check.text
    assert "pip uninstall" in check.text


def test_doctor_tells_and_its_status_says_whether_all_is_well(run, monkeypatch):
    good = doctor.HealthCheck("python", "ok", "3.11")
    bad = doctor.HealthCheck("weights", "problem", "none")
    monkeypatch.setattr(doctor, "examine", lambda: iter([good]))
    assert run("doctor")[0] == 0
    monkeypatch.setattr(doctor, "examine", lambda: iter([good, bad]))
    status, out, err = run("doctor", "--json")
    assert status == 1
    assert [check["state"] for check in json.loads(out)] == ["ok", "problem"]
    assert "weights" in err


def test_a_check_that_fails_does_not_stop_the_others(monkeypatch):
    def broken():
        raise WeightsError("a.safetensors: the checksum does not agree")

    broken.__name__ = "_weights"
    monkeypatch.setattr(doctor, "_weights", broken)
    checks = {check.name: check for check in doctor.examine()}
    assert checks["weights"].state == "problem"
    assert "checksum" in checks["weights"].text
    assert checks["cache"].state == "ok"
    assert checks["spotters"].text == ", ".join(SPOTTERS)
    assert checks["landmarks"].state == "ok"
    assert "commercial" in checks["landmarks"].text


def test_the_doctor_says_which_kernels_run_and_which_cannot(monkeypatch):
    import torch

    from mescope.ops import choice

    on_cpu = "scan: numba, ssd: products, depthwise-conv: shifts, conv-pool: numba on the CPU"
    check = doctor._kernels()
    assert (check.state, check.text) == ("ok", on_cpu)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(choice, "load_kernels", lambda _: object())
    monkeypatch.setenv("MESCOPE_SSD", "products")
    check = doctor._kernels()
    on_gpu = "scan: triton, ssd: products, depthwise-conv: triton, conv-pool: triton on the GPU"
    assert (check.state, check.text) == (
        "ok", f"{on_cpu}; {on_gpu}; as MESCOPE_SSD=products says",
    )  # fmt: skip
    monkeypatch.setattr(choice, "load_kernels", lambda _: None)
    monkeypatch.setattr(choice, "failure", lambda _: "ImportError: no compiler")
    check = doctor._kernels()
    assert check.state == "warning"
    assert check.text.count("because ImportError: no compiler") == 2
    assert check.text.endswith(
        "run: pip install --force-reinstall numba; run: pip install 'mescope[gpu]'"
    )


def test_the_doctor_names_what_the_environment_asks_for_in_vain(run, monkeypatch):
    import torch

    from mescope.ops import choice

    monkeypatch.setenv("MESCOPE_SCAN", "fast")
    status, out, err = run("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(out)}
    assert status == 1
    assert "Traceback" not in err
    assert checks["kernels"]["state"] == "problem"
    assert "MESCOPE_SCAN=fast: expected a backend among auto" in checks["kernels"]["text"]
    assert checks["weights"]["state"] == "ok"
    monkeypatch.setenv("MESCOPE_SCAN", "triton")
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    assert doctor._kernels().state == "problem"  # the only device is a CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(choice, "load_kernels", lambda _: object())
    check = doctor._kernels()
    assert check.state == "warning"
    assert "scan: none, ssd: products" in check.text
    assert "scan: triton, ssd: triton" in check.text
    assert "choose auto or one of numba, chunked, reference" in check.text


def test_an_unknown_name_of_weights_is_status_1_with_what_there_is(run):
    status, _, err = run("models", "show", "me-tst-pluss-small")
    assert status == 1
    assert "mescope models" in err
    assert err.count("\n") == 1


@pytest.mark.slow
def test_train_ends_in_weights_that_say_what_they_are(run, here, monkeypatch):
    """Train, list, show: the file of a tiny run, seen by the other commands."""
    from mescope.models import weight_files
    from mescope.training.publish import publish

    monkeypatch.setitem(publish.__kwdefaults__, "recordings", 12)  # 240 take two minutes
    (here / "r.toml").write_text(
        'name = "tiny"\nmodel.name = "me-tst-plus-small"\n'
        '[data]\nkind = "synthetic"\nrecordings = 2\nseconds = 20.0\n'
        "[optim]\nepochs = 1\nsteps = 1\nbatch_size = 8\n"
    )
    status, out, err = run("train", "r.toml", "--json")
    assert status == 0, err
    file = json.loads(out)["weights"]
    assert (here / "runs/r/checkpoint.safetensors").exists()
    assert json.loads(run("train", "r.toml", "--json")[1])["epochs"] == 1
    status, out, _ = run("models", "show", file, "--json")
    assert status == 0
    assert json.loads(out)["simulated"] is True
    assert "Apache-2.0" in run("models", "show", file)[1]
    monkeypatch.setattr(weight_files, "list_weights", lambda: {"tiny": here / file})
    assert "tiny" in run("models")[1]
    assert set(json.loads(run("models", "--json")[1])) == {"tiny"}
    assert doctor._weights().state == "ok"
    monkeypatch.setattr(weight_files, "list_weights", dict)
    assert "mescope train" in run("models")[2]


@pytest.mark.parametrize(
    ("text", "said"),
    [("epochs = 'many'", "epochs"), ("epoch = 3", "did you mean"), ("= 3", "TOML")],
)
def test_a_wrong_recipe_is_status_1_and_names_the_key(run, here, text, said):
    (here / "r.toml").write_text(
        f'name = "x"\nmodel.name = "me-tst"\ndata.kind = "synthetic"\n[optim]\n{text}\n'
    )
    status, _, err = run("train", "r.toml")
    assert status == 1
    assert said in err
    assert not (here / "runs").exists()


def test_a_run_that_exists_is_kept(run, here):
    (here / "r.toml").write_text('name = "x"\nmodel.name = "me-tst"\ndata.kind = "synthetic"\n')
    (here / "runs/r").mkdir(parents=True)
    (here / "runs/r/checkpoint.safetensors").write_bytes(b"mine")
    status, _, err = run("train", "r.toml")
    assert status == 1
    assert "cannot be read" in err
    assert "delete it" in err
    assert (here / "runs/r/checkpoint.safetensors").read_bytes() == b"mine"


def test_a_video_of_a_photo_without_a_face_is_a_clean_error(run, here):
    import cv2
    import numpy as np

    cv2.imwrite("wall.png", np.full((200, 200, 3), 128, np.uint8))
    status, _, err = run("synthesize", "video", "wall.png", "-o", "wall.mp4")
    assert status == 1
    assert "no face found" in err
    assert not (here / "wall.mp4").exists()


def test_demo_writes_a_video_and_its_truth(run, here):
    status, out, _ = run("synthesize", "demo", "--duration", "2", "--json")
    assert status == 0
    document = json.loads(out)
    assert (here / document["video"]).stat().st_size > 10_000
    truth = (here / document["truth"]).read_text().splitlines()
    assert truth[0].startswith("subject,video,onset,offset,emotion")
    assert len(truth) - 1 == document["expressions"]
    kept = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in here.iterdir()}
    status, again, err = run("synthesize", "demo", "--duration", "2", "--json")
    assert (status, again) == (0, out)
    assert "finished before and is kept" in err
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in here.iterdir()} == kept
    (here / document["truth"]).unlink()
    assert run("synthesize", "demo", "--duration", "2")[0] == 0
    assert (here / document["truth"]).read_text().splitlines() == truth
    for other in (("--duration", "3"), ("--duration", "2", "--seed", "5")):
        status, _, err = run("synthesize", "demo", *other)
        assert status == 1
        assert "exists already and is kept; --force replaces it" in err


def test_corpus_writes_a_data_set(run, here):
    status, out, _ = run("synthesize", "corpus", "c", "-n", "1", "--duration", "1", "--json")
    assert status == 0
    assert json.loads(out)["recordings"] == 1
    assert (here / "c/truth.csv").exists()


def test_a_corpus_of_one_level(run, here):
    words = ("synthesize", "corpus", "c", "-n", "2", "--duration", "1")
    assert run(*words, "--level", "wild")[0] == 2
    assert run(*words, "--level", "calm")[0] == 0
    assert (here / "c/recordings.csv").read_text().count("calm") == 2


def test_levels_are_checked(run, here):
    status, _, err = run("synthesize", "video", "x.png", "-o", "x.mp4", "--level", "wild")
    assert status == 2
    assert "calm, middle, hard" in err
