"""A strip shows each clip in its row, the frames in their order."""

import numpy as np

from mescope.reports.mix_strip import TITLES, mix_strip, side_by_side


def clips(count=7, size=28):
    shape = (count, size, size, 3)
    source = (
        np.full(shape, 200, np.uint8) + np.arange(count, dtype=np.uint8)[:, None, None, None]
    )
    target = np.full(shape, 20, np.uint8)
    mask = np.zeros(shape[:3], bool)
    mask[:, :, 14:] = True
    return source, target, mask, np.where(mask[..., None], source, target)


def test_rows_and_columns_of_a_strip():
    strip = mix_strip(*clips(), columns=3)
    step, label = 28 + 4, 22
    assert strip.shape == (label + 4 * (label + step), 3 * step, 3)
    for row, expected in enumerate([(200, 200), (20, 20), (128, 200), (20, 200)]):
        top = label + row * (label + step) + label
        for column, frame in enumerate((0, 3, 6)):
            picture = strip[top : top + 28, column * step : column * step + 28]
            added = [frame if level == 200 else 0 for level in expected]
            assert (picture[:, :14] == expected[0] + added[0]).all()
            assert (picture[:, 14:] == expected[1] + added[1]).all()


def test_a_short_clip_shows_each_frame_once():
    assert mix_strip(*clips(2), columns=6).shape[1] == 2 * 32


def test_side_by_side_is_a_clip():
    shown = side_by_side(*clips())
    assert shown.shape == (7, 28 + 22, 28 * len(TITLES), 3)
    assert (shown[4, 22:, :28] == 204).all()
    assert (shown[4, 22:, 3 * 28 : 3 * 28 + 14] == 20).all()
