"""What ``mescope evaluate`` leaves in the folder of a run on recordings."""

import re

import numpy as np
from made_up_spotting import keep_traces, made_up_spotting

from mescope.cli import recordings
from mescope.cli.recordings import Run, Source, on_recordings
from mescope.events import Recording
from mescope.motion.windows import Timing
from mescope.samples.recording_windows import MeasuredRecordings, RecordingWindows
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.training import evaluate_recordings
from mescope.training.recipe import parse_recipe


def still(video, frames=900):
    count = frames // 25 - 1
    return RecordingWindows(
        recording=Recording(
            dataset=video.person[0], subject=video.person[1], name=video.key[1],
            frames=frames, rate=30.0, path="x", expressions=(),
        ),
        windows=np.zeros((count, 36, 50), np.float32), valid=np.ones((count, 50), bool),
        frames=np.arange(frames), padded=0, timing=Timing(50, 25, 1, 30.0),
        regions=AnnotatedRecordings().region_names, mode="clean",
    )  # fmt: skip


def test_the_report_links_to_a_page_of_every_recording(tmp_path, monkeypatch):
    report = made_up_spotting((0,), people=2)
    data = MeasuredRecordings(tuple(still(video) for video in report.videos))

    def evaluated(recipe, data, protocol, *, out, **options):
        keep_traces(report, out, evaluate_recordings.traces_of(out))
        return report

    monkeypatch.setattr(recordings, "measured", lambda recipe, source, jobs: data)
    monkeypatch.setattr(evaluate_recordings, "evaluate_recordings", evaluated)
    recipe = parse_recipe(
        'name = "x"\nlabels = "4-class"\n[model]\nname = "me-tst-plus-small"\n'
        '[data]\nkind = "recordings"\n'
    )
    run = Run(tmp_path, "loso", 1, "local", None, "cpu")
    source = Source("folder", tmp_path, None, tmp_path)
    assert on_recordings(recipe, source, run, weights=None, keep=False) is report
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    links = re.findall(r'<a href="(videos/\d+\.html)">', page)
    assert len(links) == len(report.videos) == 4
    for link in links:
        text = (tmp_path / link).read_text(encoding="utf-8")
        assert '<a href="../report.html">' in text
