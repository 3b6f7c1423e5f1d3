"""Marks in exported files stand where players show their pictures, late starts included.

Chromium's video element and FFmpeg's filters are the players; the files are opened by readers
that are not ours: an XML and a JSON parser, and Chromium's own of WebVTT.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from late_video import write_late
from numbered_video import number_of

from mescope.annotations import Annotation, AnnotationSet, timed, write
from mescope.cli.marks import clock_of
from mescope.events import Interval

FIRST, LAST = 20, 28
STARTS = {
    "sound.mkv": {"start": 0.523, "sound": True}, "late.mkv": {"start": 2.0},
    "late.webm": {"start": 0.7}, "late.mp4": {"start": 1.25, "sound": True},
    "cut.mov": {"start": 60.5}, "at_zero.mp4": {"start": 0.0}, "late.ts": {"start": 3.0},
}  # fmt: skip


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Make a recording by name, and the files of its mark beside it."""
    folder, made = tmp_path_factory.mktemp("late"), {}

    def of(name):
        if name not in made:
            video = write_late(folder / name, **STARTS[name])
            mark = Annotation(interval=Interval(FIRST, LAST), kind="micro", source="ann")
            sheet = timed(AnnotationSet(video=name, marks=(mark,)), clock_of(str(video), None))
            made[name] = video
            for ending in ("eaf", "boris", "vtt"):
                write([sheet], folder / f"{name}.{ending}", media=video)
        return made[name]

    return of


def said_by_elan(video):
    root = ET.parse(f"{video}.eaf").getroot()
    assert "TIME_ORIGIN" not in root.find("HEADER/MEDIA_DESCRIPTOR").attrib
    slots = {s.get("TIME_SLOT_ID"): int(s.get("TIME_VALUE")) for s in root.iter("TIME_SLOT")}
    one = root.find(".//TIER[@TIER_ID='ME@0#ann']//ALIGNABLE_ANNOTATION")
    return tuple(slots[one.get(f"TIME_SLOT_REF{n}")] / 1000 for n in (1, 2))


def said_by_boris(video):
    with open(f"{video}.boris", encoding="utf-8") as file:
        (observation,) = json.load(file)["observations"].values()
    start, end = (row[0] for row in observation["events"])
    return start, end, observation["time offset"]


ASK = """
const [video, type, track, times, done] = arguments;
const bytes = Uint8Array.from(atob(video), (c) => c.charCodeAt(0));
const player = document.createElement("video");
player.muted = true;
player.src = URL.createObjectURL(new Blob([bytes], { type }));
const words = document.createElement("track");
words.src = URL.createObjectURL(new Blob([track], { type: "text/vtt" }));
words.default = true;
player.append(words);
document.body.append(player);
const once = (what, name) => new Promise((go, stop) => {
  what.addEventListener(name, go, { once: true });
  player.addEventListener("error", () => stop(player.error.message), { once: true });
});
const canvas = Object.assign(document.createElement("canvas"), { width: 128, height: 48 });
const brush = canvas.getContext("2d", { willReadFrequently: true });
let seen = { at: -1, row: [] };  // the picture on the screen, and when it begins
const watch = (_, about) => {
  brush.drawImage(player, 0, 0);
  const pixels = brush.getImageData(0, 24, 128, 1).data;
  seen = { at: about.mediaTime, row: [...pixels].filter((_, i) => i % 4 == 0) };
  player.requestVideoFrameCallback(watch);
};
player.requestVideoFrameCallback(watch);
const there = (at) => seen.at <= at + 0.001 && at < seen.at + 0.0343;
const shown = async (at) => {
  // Chromium may lose the first seek over a long gap and stay where it was decoding
  for (let tries = 0; tries < 20 && !there(at); tries++) {
    const arrived = once(player, "seeked");
    player.currentTime = at;
    await arrived;
    for (let i = 0; i < 50 && !there(at); i++) await new Promise((go) => setTimeout(go, 10));
  }
  return seen.row;
};
(async () => {
  await Promise.all([once(player, "loadeddata"), once(words, "load")]);
  const cues = [...words.track.cues].map((cue) => [cue.startTime, cue.endTime]);
  const rows = [];
  for (const at of times.length ? times : cues.flat()) rows.push(await shown(at));
  player.remove();
  done({ cues, rows });
})().catch((error) => done({ error: String(error) }));
"""


def asked(browser, video, times):
    """Return the cues that Chromium reads, and the numbers of the pictures it shows."""
    browser.get("about:blank")
    data = base64.b64encode(video.read_bytes()).decode()
    kind = "video/webm" if video.suffix == ".webm" else "video/mp4"
    with open(f"{video}.vtt", encoding="utf-8") as file:
        found = browser.execute_async_script(ASK, data, kind, file.read(), times)
    assert "error" not in found, found
    rows = [np.repeat(np.array(row, np.uint8)[None, :, None], 48, 0) for row in found["rows"]]
    return found["cues"], [number_of(row) for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in STARTS if not name.endswith(".ts")])
def test_chromium_shows_the_pictures_of_a_mark_at_its_times(browser, exported, name):
    video = exported(name)
    start, end = elan = said_by_elan(video)
    assert said_by_boris(video)[:2] == elan
    near = 0.004  # s: a stamp of Matroska is whole milliseconds
    cues, shown = asked(browser, video, [start - near, start + near, end - near, end + near])
    assert cues == [pytest.approx(elan, abs=1e-6)]
    assert shown == [FIRST - 1, FIRST, LAST, LAST + 1]


def stamps(video, *options):
    """Return when FFmpeg's filter showinfo sees each picture."""
    told = subprocess.run(
        ["ffmpeg", "-hide_banner", *options, "-i", str(video), "-an", "-vf", "showinfo",
         "-f", "null", "-"],
        capture_output=True, text=True, timeout=60, check=True,
    ).stderr  # fmt: skip
    times = [float(at) for at in re.findall(r"\bn: *\d+ .*?pts_time:([\d.]+)", told)]
    assert len(times) == 60
    return times[FIRST], times[LAST + 1]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs FFmpeg's own program")
@pytest.mark.parametrize("name", STARTS)
def test_ffmpeg_has_the_pictures_of_a_mark_at_its_times(exported, name):
    """Transport streams count from their first stamp, as FFmpeg does without -copyts."""
    video = exported(name)
    found = stamps(video, *([] if video.suffix == ".ts" else ["-copyts"]))
    assert said_by_elan(video) == pytest.approx(found, abs=1.1e-3)
    assert said_by_boris(video)[:2] == pytest.approx(found, abs=1.1e-3)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs FFmpeg's own program")
@pytest.mark.parametrize("name", ["late.mkv", "late.webm", "late.ts"])
def test_boris_takes_off_what_its_player_does_not_count(exported, name):
    """mpv begins at the first stamp of any stream, as FFmpeg does without -copyts."""
    video = exported(name)
    start, end, offset = said_by_boris(video)
    found = start - offset, end - offset
    assert found == pytest.approx(stamps(video), abs=1.1e-3)
    assert (offset > 0) == (video.suffix != ".ts")


@pytest.mark.parametrize("name", ["sound.mkv", "late.mp4", "cut.mov", "at_zero.mp4"])
def test_boris_takes_off_nothing_where_its_player_counts_as_others(exported, name):
    assert said_by_boris(exported(name))[2] == 0
