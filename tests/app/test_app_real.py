"""From a rendered recording to a judged proposal, with nothing made up."""

import os
import shutil
import signal

import cv2
import numpy as np
import pytest
from app_server import serving

from mescope.app.limits import Limits
from mescope.synthesis.dynamics import random_script
from mescope.synthesis.encode import write_video
from mescope.synthesis.portraits import drawn_portrait
from mescope.synthesis.render import SyntheticVideo


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    script = random_script(np.random.default_rng(1), 4.0, level="calm", micro_per_minute=15)
    write_video(SyntheticVideo(drawn_portrait(3), script), folder / "face.mp4")
    for name in ("twin.mp4", "seen.mp4"):
        shutil.copy(folder / "face.mp4", folder / name)
    with serving(folder, "mescope.app.worker:analyze", Limits(free_bytes=0)) as one:
        yield one


def analyze(real, name, then=lambda: None):
    identity = real.known(name)
    real.client.post(f"/api/recordings/{identity}/analyze")
    real.wait(name, lambda r: r["state"] == "analyzing" and r["progress"] > 0, 500)
    then()
    found = real.wait(name, lambda r: r["state"] in ("to review", "failed"), 500)
    assert found["error"] is None
    return identity


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_analysis_ends_as_one_that_was_not(real):
    """The worker is killed half way; marks and traces are those of an undisturbed run."""
    whole = analyze(real, "face.mp4")

    def kill():
        process = real.jobs.process
        if process is not None:  # it may be done already, which is as good
            os.kill(process.pid, signal.SIGKILL)

    broken = analyze(real, "twin.mp4", kill)
    for tail in ("traces?points=500", "marks"):
        one, two = (
            real.client.get(f"/api/recordings/{i}/{tail}").json() for i in (whole, broken)
        )
        for found in (one, two):
            found.pop("revision", None)
        assert one == two
    about = real.client.get(f"/api/recordings/{whole}").json()
    assert about["model"] == "me-tst-plus-cascade"
    assert about["simulated"] is True


def test_the_face_and_how_it_moved(real):
    url = f"/api/recordings/{real.known('face.mp4')}"
    found = real.client.get(f"{url}/overlay/40?reference=30").json()
    assert np.shape(found["landmarks"]) == (68, 2)
    assert len(found["regions"]) == len(found["arrows"]) == 18
    (left, top), (right, bottom) = np.min(found["landmarks"], 0), np.max(found["landmarks"], 0)
    mouth = next(r["box"] for r in found["regions"] if r["name"] == "MOUTH")
    assert left < mouth[0] < mouth[2] < right
    assert (top + bottom) / 2 < mouth[1] < bottom
    still = real.client.get(f"{url}/overlay/40?reference=40").json()
    assert still["arrows"] == []


def test_a_pair_magnifies_what_moved(real):
    url = f"/api/recordings/{real.known('face.mp4')}/pair"

    def picture(**wanted):
        data = real.client.get(url, params=wanted).content
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).astype(int)

    same = picture(onset=30, apex=30)
    assert same.shape == (320, 968, 3)
    assert np.abs(same[:, :320] - same[:, 324:644]).max() <= 1
    assert np.abs(same[:, 648:] - 128).max() <= 1
    plain, more = picture(onset=30, apex=40), picture(onset=30, apex=40, magnify=6)
    change = [np.abs(p[:, :320] - p[:, 324:644]).mean() for p in (plain, more)]
    assert change[1] > change[0]


@pytest.mark.slow
def test_the_page_draws_landmarks_and_compares_onset_and_apex(real, browser):
    """With the overlay the face of the frame is drawn upon, without it the frame is itself."""
    from browsing import Page

    identity = real.known("seen.mp4")
    real.judge(identity, "add", first=30, apex=40, last=45)
    page = Page(browser, real, identity)
    page.pick(0)
    page.until(
        lambda: page.js("return document.querySelector('.pair img').naturalWidth") == 968
    )
    page.until(lambda: page.frame() == 30)
    page.press("v")
    page.until(
        lambda: page.js("return document.querySelector('#screen').dataset.overlay") == "30"
    )
    points = (
        "return [...document.querySelector('#screen').getContext('2d')"
        ".getImageData(...arguments[0]).data]"
    )
    found = real.client.get(f"/api/recordings/{identity}/overlay/30").json()
    nose = [round(v) for v in found["landmarks"][30]]
    assert page.js(points, [*nose, 1, 1])[:3] == [255, 209, 102]  # the yellow of landmarks
    page.press("v")
    page.until(lambda: page.js(points, [*nose, 1, 1])[:3] != [255, 209, 102])
