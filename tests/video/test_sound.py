"""The sound of recordings lies where its frames are: clicks are planted and looked for."""

import av
import numpy as np
import pytest
from sounding_video import LENGTH, write_sounding

from mescope.errors import VideoError
from mescope.video.reading import open_video
from mescope.video.slow_sound import NEAREST, slowed
from mescope.video.sound import QUIETEST, RATE, SoundRun, loudness, sound_streams

CLICK = 1.5
NEAR = 0.002  # seconds; an edit list of MP4 counts whole milliseconds
CASES = {
    "mono.mp4": {},
    "stereo.mkv": {"codec": "pcm_s16le", "rate": 44_100, "layout": "stereo"},
    "five_one.mp4": {"layout": "5.1"},
    "odd_rate.mov": {"codec": "pcm_s16le", "rate": 11_025},
    "odder_rate.mov": {"codec": "pcm_s16le", "rate": 7_350},
    "late_sound.mp4": {"sound_start": 0.7},
    "late_picture.mkv": {"video_start": 1.25, "rate": 22_050},
    "free_clock.ts": {"video_start": 0.5},
}


def heard(path, stream=0):
    """Return all samples of a recording, and what was noted."""
    video = open_video(path)
    seconds = float(video.times[-1]) + 1 / video.rate
    run = SoundRun(path, start_offset=video.start_offset, seconds=seconds, number=stream)
    samples = np.zeros(round(seconds * RATE), np.int16)
    end = 0
    for place, part in run.pieces():
        assert place >= end
        end = place + len(part)
        samples[place:end] = part
    return samples, run.notes


def clicks(samples):
    """Return the seconds at which something loud begins."""
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 4000)
    begins = loud[np.diff(loud, prepend=-RATE) > RATE // 10]
    return begins / RATE


@pytest.mark.parametrize("name", CASES)
def test_a_click_is_heard_where_its_frame_is_shown(tmp_path, name):
    samples, notes = heard(write_sounding(tmp_path / name, [CLICK], **CASES[name]))
    (found,) = clicks(samples)
    assert abs(found - CLICK) < NEAR
    assert notes == []


def test_streams_are_told_apart(tmp_path):
    path = write_sounding(tmp_path / "two.mkv", [0.5, 2.0], streams=2)
    assert [(s.number, s.channels) for s in sound_streams(path)] == [(0, 1), (1, 1)]
    for stream, click in enumerate((0.5, 2.0)):
        (found,) = clicks(heard(path, stream)[0])
        assert abs(found - click) < NEAR
    with pytest.raises(VideoError, match="stream 2"):
        heard(path, 2)


def test_damaged_packets_are_silence_and_nothing_moves(tmp_path):
    path = write_sounding(tmp_path / "hurt.mp4", [0.5, 2.5])
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in container.demux(audio=0):
            if packet.size and 1.0 < packet.pts * packet.time_base < 2.0:
                data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    path.write_bytes(data)
    samples, notes = heard(path)
    found = clicks(samples)
    assert max(abs(found[0] - 0.5), abs(found[-1] - 2.5)) < NEAR
    assert not samples[round(1.2 * RATE) : round(1.8 * RATE)].any()
    assert "packets of the sound are damaged" in notes[0]


def test_a_file_that_is_cut_off_is_heard_up_to_the_cut(tmp_path):
    path = write_sounding(tmp_path / "cut.mkv", [0.5, 2.5])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    samples, _ = heard(path)
    (found,) = clicks(samples)
    assert abs(found - 0.5) < NEAR


def test_a_folder_and_a_silent_film_have_no_sound(tmp_path):
    assert sound_streams(tmp_path) == ()
    path = write_sounding(tmp_path / "mute.mp4", [], streams=0)
    assert sound_streams(path) == ()
    with pytest.raises(VideoError, match="no streams"):
        heard(path)


def test_slow_sound_keeps_pitch_and_place():
    second = np.arange(RATE) / RATE
    tone = np.rint(8000 * np.sin(2 * np.pi * 220 * second)).astype(np.int16)
    for speed in (0.5, 0.25, 0.125):
        slow = slowed(tone, RATE // 4, RATE, speed).astype(float)
        assert len(slow) == RATE
        top = np.argmax(np.abs(np.fft.rfft(slow * np.hanning(RATE))))
        assert abs(top - 220) <= 2  # Hz
        assert 0.8 < np.sqrt((slow**2).mean() * 2) / 8000 < 1.2
    assert slowed(tone, -100, 300, 1).tolist() == [0] * 100 + tone[:200].tolist()


def test_a_click_in_slow_sound_is_near_its_place():
    samples = np.zeros(3 * RATE, np.int16)
    place = round(CLICK * RATE)
    samples[place : place + round(LENGTH * RATE)] = 16_000
    for speed in (0.5, 0.25, 0.125):
        slow = slowed(samples, RATE, round(RATE / speed), speed)
        loud = np.flatnonzero(np.abs(slow.astype(int)) > 500) * speed / RATE + 1.0
        assert loud.min() > CLICK - NEAREST - LENGTH
        assert loud.max() < CLICK + NEAREST + 2 * LENGTH


def test_loudness_of_every_frame():
    """Half a second at -20 dB, silence, then nothing; frames are not even."""
    samples = np.zeros(RATE, np.int16)
    samples[: RATE // 2] = 3277
    times = np.array([0.0, 0.1, 0.3, 0.5, 0.75, 1.0, 1.1])
    found = loudness(samples, times)
    assert found[:3] == pytest.approx([-20, -20, -20], abs=0.1)
    assert found[3:5].tolist() == [QUIETEST, QUIETEST]
    assert np.isnan(found[5:]).all()
