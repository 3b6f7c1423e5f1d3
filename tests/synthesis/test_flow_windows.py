"""The fast path of training is held to the pixel path, on drawn faces."""

from dataclasses import replace

import numpy as np
import pytest

from mescope.motion.regions import REGIONS_18
from mescope.motion.roi_flow import extract
from mescope.motion.windows import timing
from mescope.synthesis.dynamics import PlantedExpression, random_script
from mescope.synthesis.flow_windows import draw_errors, flow_windows
from mescope.synthesis.portraits import drawn_portrait
from mescope.synthesis.render import SyntheticVideo
from mescope.synthesis.shapes import mean_shape

NAMES = [region.name for region in REGIONS_18]


def quiet(level="calm", seconds=8.0, **options):
    rng = np.random.default_rng(0)
    return random_script(
        rng, seconds, level=level, micro_per_minute=0, macro_per_minute=0, **options
    )


def planted(units, onset=3.0):
    return PlantedExpression(
        onset_s=onset, apex_s=onset + 0.2, offset_s=onset + 0.45, kind="micro",
        emotion="positive", action_units=units, peak=1.0,
    )  # fmt: skip


def no_errors():
    errors = draw_errors(np.random.default_rng(0), 0.0)
    return replace(
        errors,
        gain=np.ones(19),
        point_noise=0.0,
        region_noise=np.zeros(19),
        reference_noise=np.zeros(19),
        light=np.zeros((19, 2)),
        blink=np.zeros((19, 2)),
        landmark_jitter=0.0,
        saturation=1e9,
    )


def at(windows, region, frame, plan):
    """Vector of a region in the window that scores the frame, from its reference frame."""
    window = frame // plan.hop - 1
    start = NAMES.index(region) * 2
    return windows[window][start : start + 2, frame - window * plan.hop]


def test_a_planted_corner_pull_arrives_in_its_region_and_nowhere_else():
    plan = timing(30.0)
    script = replace(quiet(), expressions=(planted(("L12",)),))
    still = replace(quiet(), sway=script.sway)
    arguments = (mean_shape(), plan, no_errors(), np.random.default_rng(0))
    moved, _ = flow_windows(script, *arguments)
    rest, _ = flow_windows(still, *arguments)
    apex = round(3.2 * 30)
    dx, dy = at(moved - rest, "MOUTH_54", apex, plan)
    assert dx > 1
    assert dy < -1
    for region in ("MOUTH_48", "BROW_L", "BROW_R", "LID_L"):
        assert np.abs(at(moved - rest, region, apex, plan)).max() < 0.15


def test_windows_have_the_shape_of_the_extraction_and_start_at_zero():
    script, plan = quiet(seconds=10.0), timing(200.0)
    windows, times = flow_windows(
        script, mean_shape(), plan, draw_errors(np.random.default_rng(1), 2.0),
        np.random.default_rng(1),
    )  # fmt: skip
    count = int(10 * plan.rate) // 15 - 1
    assert windows.shape == (count, 36, 30)
    assert len(times) == (count + 1) * 15
    assert not windows[:, :, 0].any()
    assert windows.dtype == np.float32
    assert np.isfinite(windows).all()


def test_the_crop_follows_the_head():
    """A head that moves by many pixels leaves less than two in the regions."""
    script = quiet(level="hard")
    travelled = np.ptp(script.head(np.arange(0, 8, 0.1))[:, 0]) * 107
    assert travelled > 10
    still = replace(script, sway=(*script.sway[:2], quiet().sway[2], quiet().sway[3]))
    windows, _ = flow_windows(
        still, mean_shape(), timing(30.0), no_errors(), np.random.default_rng(0)
    )
    assert np.abs(windows).max() < 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 7])
def test_both_paths_agree_where_something_moves(seed):
    """Correlation of the region vectors over a recording of a drawn face."""
    expressions = (
        planted(("12",), 2.0), planted(("1", "2"), 3.5), planted(("4",), 5.0),
        planted(("15",), 6.5),
    )  # fmt: skip
    script = replace(quiet(), expressions=expressions)
    flow = extract(SyntheticVideo(drawn_portrait(seed), script, 30.0), head="nose")
    box = flow.boxes[0]
    shape = (flow.landmarks[0] - box[:2]) * 320 / (box[2] - box[0])
    fast, _ = flow_windows(
        script, shape.astype(np.float64), flow.timing, no_errors(), np.random.default_rng(0)
    )
    count = len(fast)
    for region in ("BROW_L_19", "BROW_R_24", "MOUTH_48", "MOUTH_54"):
        rows = slice(NAMES.index(region) * 2, NAMES.index(region) * 2 + 2)
        a, b = flow.windows[:count, rows].ravel(), fast[:, rows].ravel()
        assert np.corrcoef(a, b)[0, 1] > 0.85, region
        assert 0.6 < (a @ b) / (b @ b) < 1.3, region
