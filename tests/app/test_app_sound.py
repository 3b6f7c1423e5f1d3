"""Sound and views as programs ask for them."""

import io
import os
import time
import wave

import numpy as np
import pytest
from app_server import decoded
from numbered_video import picture
from sounding_video import write_sounding

from mescope.app.limits import Limits
from mescope.app.records import StoredRecording, VideoFacts
from mescope.app.sounds import Sounds, SoundWish
from mescope.errors import OutputError
from mescope.video.sound import RATE, SoundStream

CLICK = 1.5


@pytest.fixture(scope="module")
def heard(served):
    """A recording with a click, its sound read."""
    write_sounding(served.folder / "heard.mp4", [CLICK], picture=picture)
    identity = served.known("heard.mp4")
    url = f"/api/recordings/{identity}"
    assert ready(served, url)["state"] == "ready"
    return url


def ready(served, url, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = served.client.get(f"{url}/sound").json()
        if found["state"] not in ("waiting", "coming"):
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def samples(answer):
    assert answer.status_code == 200, answer.text
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(int)


def test_pieces_are_exact_at_any_speed(served, heard):
    for speed in (1, 0.5, 0.25):
        found = samples(served.client.get(f"{heard}/sound.wav?start=1&seconds=1&speed={speed}"))
        assert len(found) == RATE / speed
        loud = np.flatnonzero(abs(found) > 4000) * speed / RATE + 1
        assert abs(loud.mean() - CLICK) < 0.02
    outside = samples(served.client.get(f"{heard}/sound.wav?start=50&seconds=2"))
    assert not outside.any()


def test_what_cannot_be_heard_is_refused(served, heard, numbers):
    assert served.client.get(f"{heard}/sound.wav?seconds=20&speed=0.25").status_code == 400
    assert served.client.get(f"{heard}/sound.wav?speed=2").status_code == 400
    assert served.client.get(f"{heard}/sound?stream=3").status_code == 404
    mute = f"/api/recordings/{numbers}"
    assert served.client.get(f"{mute}/sound").json()["state"] == "none"
    for tail in ("sound.wav", "loudness"):
        answer = served.client.get(f"{mute}/{tail}")
        assert answer.status_code == 404
        assert "without" in answer.json()["error"]


def test_loudness_is_thinned_and_keeps_the_peak(served, heard):
    found = served.client.get(f"{heard}/loudness?points=10").json()
    levels = found["series"]["loudness"]["max"]
    assert len(levels) == 10
    assert found["frames"][int(np.argmax(levels))] == 45  # of 90; the click is in frame 45
    assert sorted(levels)[-2] < -40 < -20 < max(levels)


def test_views_hold_the_onset(served, heard):
    """Frame against itself: nothing changed; too long after it is refused kindly."""
    url = f"{heard}/view"
    same = decoded(served.client.get(f"{url}/10.jpg?onset=10&kind=difference"))
    assert same.shape == (48, 128, 3)
    assert np.abs(same.astype(int) - 128).max() < 12
    other = decoded(served.client.get(f"{url}/11.jpg?onset=10&kind=difference"))
    assert np.abs(other.astype(int) - 128).max() > 100  # a cell turned
    for kind in ("magnified", "flow"):
        assert (
            decoded(served.client.get(f"{url}/11.jpg?onset=10&kind={kind}")).shape == same.shape
        )
    early = served.client.get(f"{url}/9.jpg?onset=10")
    assert early.status_code == 404
    assert "one before it" in early.json()["error"]
    assert served.client.get(f"{url}/11.jpg?onset=10&factor=21").status_code == 400
    assert served.client.get(f"{url}/11.jpg?onset=1000").status_code == 404


def wish(folder, identity, seconds):
    facts = VideoFacts(
        seconds=seconds, rate=30.0, frames=30, width=8, height=8, start_offset=0.0
    )
    recording = StoredRecording(
        id=identity, name="x", path="x", size=1, mtime_ns=1, sha256=None, fingerprint=None,
        added="", facts=facts, error=None,
    )  # fmt: skip
    return SoundWish(recording, folder / "x", folder / "x.f8", 0)


def test_sounds_take_no_more_room_than_allowed(tmp_path):
    """The one that was heard longest ago goes; one that is too large is refused."""
    sounds = Sounds(tmp_path, Limits(sound_bytes=3 * 2 * RATE, free_bytes=0), lambda _: [])
    for age, name in ((30, "a" * 12), (10, "b" * 12)):
        folder = sounds._folder(wish(tmp_path, name, 1.0))
        folder.mkdir(parents=True)
        (folder / "sound.s16").write_bytes(bytes(2 * RATE))
        then = time.time() - age

        os.utime(folder / "sound.s16", (then, then))
    new = wish(tmp_path, "c" * 12, 2.0)
    sounds._make_room(new, sounds._folder(new), 2 * 2 * RATE)
    assert [p.parent.name[:1] for p in tmp_path.glob("*/sound-*")] == ["b"]
    with pytest.raises(OutputError, match="cut the recording"):
        sounds._make_room(new, sounds._folder(new), 4 * 2 * RATE)
    full = Sounds(tmp_path, Limits(free_bytes=1 << 60), lambda _: [])
    with pytest.raises(OutputError, match="disk is full"):
        full._make_room(new, full._folder(new), 100)


def test_a_sound_that_cannot_be_read_says_why_and_is_tried_again(tmp_path):
    streams = [SoundStream(0, "aac", 48_000, 1, "")]
    sounds = Sounds(tmp_path / "cache", Limits(free_bytes=0), lambda _: streams)
    asked = wish(tmp_path, "d" * 12, 1.0)  # its file is not there
    try:
        assert sounds.state(asked)["state"] == "waiting"
        end = time.monotonic() + 60
        while (found := sounds.state(asked))["state"] in ("waiting", "coming"):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert found["state"] == "failed"
        assert "x" in found["error"]
        assert sounds.state(asked)["state"] == "waiting"
    finally:
        sounds.close()
