"""What RSMix makes of a long video: planted frame numbers come back in the right places."""

import numpy as np
import pytest
from mix_sets import FACE_PLAN, PlanFinder, expression, frames_in, recording

from mescope.errors import RecipeError, VideoError
from mescope.events import Recording
from mescope.face.nasal_crop import nasal_crop
from mescope.facs import region_of
from mescope.samples.rsmix.neutral import GUARD
from mescope.samples.rsmix.paste import cells_of, dilated, pixels
from mescope.samples.rsmix.plan import FaceMarks, Settings, clip_of, plan_recording
from mescope.synthesis.dynamics import PlantedExpression, Script, Waves
from mescope.synthesis.portraits import test_portraits
from mescope.synthesis.render import SyntheticVideo
from mescope.video.reading import open_video

SMALL = Settings(size=112)


@pytest.fixture
def plans_of(tmp_path):
    """Return plans, video and finder of a made-up recording."""

    def make(frames, expressions, settings=SMALL, **options):
        made = recording(tmp_path, f"film{len(list(tmp_path.iterdir()))}", frames, expressions,
                         **options)  # fmt: skip
        video = open_video(made.path, rate=made.rate)
        finder = PlanFinder()
        return plan_recording(made, video, settings, finder), video, finder

    return make


def shown(plan, video, size=112):
    return frames_in(clip_of(plan, video), pixels(plan.cells, size))


def reasons(plans):
    return [plan.account.skipped for plan in plans]


def test_source_frames_lie_on_the_first_neutral_frames_that_suffice(plans_of):
    """spec_rsmix_videomamba, section 8, checks 7 and 8, with the guard band of 5 frames."""
    plans, video, _ = plans_of(120, [expression(80, 89), expression(20, 34)])
    assert [p.expression.interval.first for p in plans] == [20, 80]
    first, second = plans
    assert shown(first, video) == (list(range(20, 35)), list(range(15)))
    assert first.target.rule == "first fit"
    assert shown(second, video) == (list(range(80, 90)), list(range(40, 50)))
    used = [*first.target.frames, *second.target.frames]
    assert len(set(used)) == len(used)
    for plan in plans:
        span = plan.expression.interval
        assert not {*range(span.first - GUARD, span.last + GUARD + 1)} & set(used)


def test_the_mask_is_that_of_the_landmarks_in_the_crop(plans_of):
    plans, video, _ = plans_of(60, [expression(30, 33, "L12")])
    crop = nasal_crop(np.array(FACE_PLAN), size=112)
    points = crop.points(np.array(FACE_PLAN))[list(region_of("L12").landmarks)]
    expected = np.repeat(dilated(cells_of(points, 112))[None], 4, axis=0)
    np.testing.assert_array_equal(plans[0].cells, expected)
    assert clip_of(plans[0], video).shape == (4, 112, 112, 3)
    assert plans[0].account.units == ("L12",)


def test_the_last_neutral_frame_is_repeated(plans_of):
    """Check 6."""
    plans, video, _ = plans_of(46, [expression(0, 34), expression(12, 21)])
    assert shown(plans[0], video) == (
        list(range(35)), [40, 41, 42, 43, 44, 45, *[45] * 29],
    )  # fmt: skip
    assert plans[0].account.repeated == 29
    assert plans[0].target.rule == "after the source"
    assert reasons(plans) == ["", "no neutral frame of the recording is left"]


def test_no_neutral_stretch_at_all(plans_of):
    plans, _, _ = plans_of(30, [expression(3, 26)])
    assert reasons(plans) == ["no neutral frame of the recording is left"]
    assert plans[0].account.units == ("12",)


SKIPPED = {
    "one frame": (expression(20, 20), {}, "the source has 1 frame, at least 2 are needed"),
    "no unit": (expression(20, 25, ""), {}, "no action unit has landmarks"),
    "unknown unit": (expression(20, 25, "99"), {}, "no action unit has landmarks"),
    "long": (expression(5, 36), {"rate": 10.0}, "a micro-expression of 3.2 s, at most 3 s"),
    "picture": (
        expression(20, 25), {"absent": (22,)}, "1 of 6 pictures are missing or damaged",
    ),
    "no face": (
        expression(20, 25), {"dark": range(21, 25)},
        "source: 4 of 6 frames show no face, at most 3 may; leave this stretch out",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SKIPPED)
def test_sources_that_cannot_be_used_are_told(case, plans_of):
    """Sections 1.5, 2, 4.3 and check 9."""
    source, options, reason = SKIPPED[case]
    plans, _, _ = plans_of(60, [source], **options)
    assert reasons(plans) == [reason]
    assert plans[0].target is None


def test_what_lies_at_the_limits_is_used(plans_of):
    slow = {"rate": 10.0}
    plans, _, _ = plans_of(80, [expression(5, 34), expression(50, 51)], **slow)  # 3.0 s
    assert reasons(plans) == ["", ""]
    macro = expression(5, 36, kind="macro")
    assert reasons(plans_of(80, [macro], **slow)[0]) == [""]
    kept = Settings(size=112, keep_long=True)
    assert reasons(plans_of(80, [expression(5, 36)], kept, **slow)[0]) == [""]
    plans, _, _ = plans_of(60, [expression(20, 25)], dark=(21, 22, 23))
    assert reasons(plans) == [""]
    assert plans[0].account.filled == (1, 2, 3)


def test_unknown_tokens_are_told_and_the_others_used(plans_of):
    plans, _, _ = plans_of(60, [expression(30, 33, "99+12+r18")])
    assert plans[0].account.units == ("12", "R18")
    assert plans[0].account.unmapped == ("99",)
    published = Settings(size=112, table="as_published")
    plans, _, _ = plans_of(60, [expression(30, 33, "12+r18")], published)
    assert plans[0].account.unmapped == ("R18",)


def test_neutral_frames_without_a_picture_are_passed_over(plans_of):
    plans, video, _ = plans_of(80, [expression(50, 55)], absent=(3, 9))
    assert shown(plans[0], video)[1] == list(range(10, 16))


def test_neutral_runs_in_which_nobody_is_seen_are_passed_over(plans_of):
    """Section 2: unusable if all frames of a target run lack a face."""
    plans, _, _ = plans_of(80, [expression(50, 55)], dark=range(8))
    # 0-5 show nobody; 6-11 four faces, whose landmarks serve the other two as well
    assert plans[0].target.frames == (6, 7, 8, 9, 10, 11)
    plans, _, _ = plans_of(60, [expression(50, 55)], dark=range(45))
    assert reasons(plans) == ["no neutral frame of the recording is left"]


def test_every_frame_is_looked_at_once(plans_of):
    plans, _, finder = plans_of(100, [expression(30, 44), expression(38, 50)])
    sources = set(range(30, 51))
    targets = {f for plan in plans for f in plan.target.frames}
    assert finder.looks == len(sources | targets)


def test_the_control_pastes_neutral_frames_and_keeps_the_targets(plans_of):
    """Section 3.4: the same cells, nothing that moves."""
    sources = [expression(40, 49, "12"), expression(70, 75, "4")]
    plain, _, _ = plans_of(140, sources)
    control, video, _ = plans_of(140, sources, Settings(size=112, control=True))
    assert [p.target for p in control] == [p.target for p in plain]
    for one, other in zip(plain, control, strict=True):
        np.testing.assert_array_equal(one.cells, other.cells)
    assert shown(control[0], video) == (list(range(16, 26)), list(range(10)))
    assert shown(control[1], video) == (list(range(26, 32)), list(range(10, 16)))
    every = [f for p in control for t in (p.target, p.paste) for f in t.frames]
    assert len(set(every)) == len(every)
    assert not set(every) & {*range(35, 55), *range(65, 81)}


def test_a_control_without_a_second_stretch_is_skipped(plans_of):
    plans, _, _ = plans_of(22, [expression(0, 14)], Settings(size=112, control=True))
    assert reasons(plans) == ["no second neutral stretch is left for the control"]


def test_landmarks_are_nan_where_nobody_is(tmp_path):
    made = recording(tmp_path, "film", 12, [], dark=(4,), absent=(6,))
    marks = FaceMarks(open_video(made.path, rate=30), PlanFinder())
    assert np.isnan(marks.of([4, 6])).all()
    np.testing.assert_array_equal(marks.of([5, 3])[1], FACE_PLAN)
    assert marks.absent(range(12)) == [6]


def test_a_picture_that_goes_between_planning_and_drawing_is_told(plans_of):
    plans, video, _ = plans_of(60, [expression(30, 33)])
    (video.path / "3.png").unlink()
    video = open_video(video.path, rate=30)
    with pytest.raises(VideoError, match="frame 2 could be read before"):
        clip_of(plans[0], video)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"table": "cleen"}, "table to be one of clean, as_published, found 'cleen'"),
        ({"smoothing": "5"}, "smoothing to be one of median5, clip, none"),
        ({"mask": "all"}, "mask to be one of frame, union"),
        ({"extent": "wide"}, "extent to be one of square, tight"),
        ({"size": 13}, "crops of 14 px or more"),
        ({"guard": -1}, "found 224 px and -1 frames"),
    ],
)
def test_settings_that_make_no_sense(options, message):
    with pytest.raises(RecipeError, match=message):
        Settings(**options)


STILL = Waves(amplitudes=(), frequencies=(), phases=())


def test_a_smile_moves_on_the_neutral_face_and_the_rest_stays_still():
    """A rendered face, real landmarks: motion inside the mask, none outside."""
    smile = PlantedExpression(
        onset_s=1.0, apex_s=1.2, offset_s=1.4, kind="micro", emotion="positive",
        action_units=("12",), peak=1.5,
    )  # fmt: skip
    script = Script(
        duration=2.0, expressions=(smile,), disturbances=(), sway=(STILL,) * 4, nods=(),
        flicker=STILL, noise=0.0, quality=None, seed=1, level="calm",
    )  # fmt: skip
    video = SyntheticVideo(test_portraits()[0], script, 25)
    made = Recording(dataset="synthetic", subject="a", name="b", frames=len(video), rate=25,
                     expressions=video.expressions)  # fmt: skip
    (plan,) = plan_recording(made, video, Settings(mask="union", smoothing="clip"))
    assert plan.account.skipped == ""
    clip = clip_of(plan, video).astype(int)
    apex = video.expressions[0].apex - video.expressions[0].interval.first
    moved = np.abs(clip[apex] - clip[0]).max(axis=-1)
    mask = pixels(plan.cells, 224)[0]
    assert moved[mask].mean() > 3
    assert moved[~mask].max() == 0  # the same neutral face in the same place
