"""Regional selective mixup: cells, masks, mixed clips, and what cannot be mixed."""

from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mix_sets import FACE_PLAN

from mescope.errors import DatasetError
from mescope.facs import mirror, region_of, table_units
from mescope.samples.rsmix.paste import (
    cells_of,
    dilated,
    find_regions,
    mix,
    paste,
    pixels,
)
from mescope.synthesis.motion import MIRROR


@pytest.fixture
def plan():
    return np.array(FACE_PLAN, np.float64)


def block(rows, columns):
    cells = np.zeros((14, 14), bool)
    cells[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1] = True
    return cells


ACTIVE = MappingProxyType({
    "4": ([(3, 5), (3, 8), (4, 5), (4, 8)], (2, 5), (4, 9), 24),
    "12": ([(r, c) for r in (9, 10) for c in (5, 6, 7, 8)], (8, 11), (4, 9), 24),
    "L12": ([(r, c) for r in (9, 10) for c in (7, 8)], (8, 11), (6, 9), 16),
    "38": ([(r, c) for r in (7, 8) for c in (6, 7)], (6, 9), (5, 8), 16),
})  # fmt: skip


@pytest.mark.parametrize("unit", ACTIVE)
def test_cells_of_the_specification(unit, plan):
    """spec_rsmix_videomamba, section 8, check 3, S = 320."""
    cells, rows, columns, count = ACTIVE[unit]
    active = cells_of(plan[list(region_of(unit).landmarks)], 320)
    assert {tuple(c) for c in np.argwhere(active).tolist()} == set(cells)
    grown = dilated(active)
    assert grown.sum() == count
    np.testing.assert_array_equal(grown, block(rows, columns))


@pytest.mark.parametrize(
    ("cell", "count"), [((0, 0), 4), ((0, 6), 6), ((13, 13), 4), ((5, 9), 9)]
)
def test_corner_edge_and_inner_cells_dilate(cell, count):
    """Check 5."""
    cells = np.zeros((14, 14), bool)
    cells[cell] = True
    grown = dilated(cells)
    assert grown.sum() == count
    assert grown[cell]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([14, 56, 224, 320, 100]))
def test_cells_and_pixels_against_a_plain_reading(seed, size):
    """Section 3.2, cell by cell; a landmark's own pixel is always pasted."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.2 * size, 1.2 * size, (3, 5, 2))
    plain = np.zeros((3, 14, 14), bool)
    grown = np.zeros_like(plain)
    for j in range(3):
        for x, y in np.round(points[j]):
            r = min(max(int(np.floor(14 * y / size)), 0), 13)
            c = min(max(int(np.floor(14 * x / size)), 0), 13)
            plain[j, r, c] = True
            for a in (-1, 0, 1):
                for b in (-1, 0, 1):
                    if 0 <= r + a < 14 and 0 <= c + b < 14:
                        grown[j, r + a, c + b] = True
    np.testing.assert_array_equal(cells_of(points, size), plain)
    np.testing.assert_array_equal(dilated(plain), grown)
    mask = pixels(plain, size)
    for j in range(3):
        for x, y in np.round(points[j]).astype(int):
            if 0 <= x < size and 0 <= y < size:
                assert mask[j, y, x]


def test_cells_are_the_patches_of_224_px():
    mask = pixels(block((2, 2), (5, 5)), 224)
    expected = np.zeros((224, 224), bool)
    expected[32:48, 80:96] = True
    np.testing.assert_array_equal(mask, expected)


def constant(level, count, size=320, colour=False):
    return np.full((count, size, size, 3) if colour else (count, size, size), level, np.uint8)


@pytest.mark.parametrize("colour", [False, True])
def test_the_source_shows_inside_the_mask_and_nowhere_else(plan, colour):
    """Check 4."""
    source, target = constant(200, 5, colour=colour), constant(50, 5, colour=colour)
    kept = source.copy(), target.copy()
    mixed, account = mix(source, target, np.repeat(plan[None], 5, 0), "12")
    mask = pixels(block((8, 11), (4, 9)), 320)
    np.testing.assert_array_equal(mixed.mask, np.repeat(mask[None], 5, 0))
    flat = mixed.frames if not colour else mixed.frames[..., 1]
    np.testing.assert_array_equal(flat, np.where(mixed.mask, 200, 50))
    assert (mixed.frames.shape, mixed.frames.dtype) == (source.shape, np.uint8)
    np.testing.assert_array_equal(source, kept[0])
    np.testing.assert_array_equal(target, kept[1])
    assert account.units == ("12",)
    assert (account.cells, account.changing, account.outside, account.repeated) == (24, 0, 0, 0)
    assert account.skipped == ""


def noise(seed, count, size=112):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size), dtype=np.uint8)


def wandering(plan, count, size=112):
    """Landmarks that move by whole cells, so that masks change from frame to frame."""
    return np.rint(plan * size / 320) + np.arange(count)[:, None, None] * 3


def test_each_frame_has_its_own_mask_or_all_have_the_union(plan):
    marks = wandering(plan, 4)
    source, target = noise(1, 4), noise(2, 4)
    own, account = mix(source, target, marks, "L12")
    union, told = mix(source, target, marks, "L12", mask="union")
    assert account.changing == told.changing > 0
    assert not (own.mask == own.mask[0]).all()
    np.testing.assert_array_equal(union.mask, np.repeat(own.mask.any(0)[None], 4, 0))
    np.testing.assert_array_equal(union.frames, np.where(union.mask, source, target))
    assert told.cells > account.cells


def test_several_units_are_their_union(plan):
    marks = wandering(plan, 3)
    source, target = noise(3, 3), noise(4, 3)
    both, one, two = (mix(source, target, marks, u)[0].mask for u in ("4+L12", "4", "L12"))
    np.testing.assert_array_equal(both, one | two)


def test_the_published_table_pastes_the_other_brow(plan):
    """Section 4.2: the side conflict shows in the picture."""
    marks = np.repeat(plan[None], 2, 0)
    source, target = constant(200, 2), constant(50, 2)
    clean = mix(source, target, marks, "L1")[0].mask
    published = mix(source, target, marks, "L1", table="as_published")[0].mask
    assert np.argwhere(clean)[:, 2].mean() > 160 > np.argwhere(published)[:, 2].mean()


class Flipped(NamedTuple):
    """A mirrored clip with what belongs to it."""

    frames: np.ndarray
    landmarks: np.ndarray
    units: tuple[str, ...]


def flip_clip(frames, landmarks, units):
    """The mirror image of a clip: L and R change places, T and B stay."""
    turned = np.asarray(landmarks, np.float64)[:, list(MIRROR)]
    turned[..., 0] = frames.shape[2] - 1 - turned[..., 0]
    return Flipped(np.ascontiguousarray(frames[:, :, ::-1]), turned, mirror(units))


UNITS = st.lists(st.sampled_from(table_units()), min_size=1, max_size=4, unique=True)


@settings(max_examples=40, deadline=None)
@given(UNITS, st.integers(0, 2**31))
def test_mixing_the_mirror_image_is_the_mirror_image_of_mixing(units, seed):
    """Section 3.3; clean table, whole px, S a multiple of 14."""
    rng = np.random.default_rng(seed)
    marks = rng.integers(-5, 61, (3, 68, 2)).astype(float)
    source, target = (rng.integers(0, 256, (3, 56, 56, 3), dtype=np.uint8) for _ in "st")
    mirrored = flip_clip(source, marks, units)
    backdrop = flip_clip(target, marks, units).frames
    swapped = mix(mirrored.frames, backdrop, mirrored.landmarks, mirrored.units)[0]
    plain = mix(source, target, marks, units)[0]
    np.testing.assert_array_equal(swapped.frames, plain.frames[:, :, ::-1])
    np.testing.assert_array_equal(swapped.mask, plain.mask[:, :, ::-1])


def test_the_published_table_is_not_its_own_mirror_image(plan):
    marks = np.repeat(np.rint(plan * 224 / 320)[None], 2, 0)
    source, target = constant(200, 2, 224), constant(50, 2, 224)
    mirrored = flip_clip(source, marks, ("R10",))
    options = {"table": "as_published"}
    swapped = mix(mirrored.frames, target, mirrored.landmarks, mirrored.units, **options)[0]
    plain = mix(source, target, marks, ("R10",), **options)[0]
    assert (swapped.mask != plain.mask[:, :, ::-1]).any()


def test_flipping_twice_is_the_identity(plan):
    """Check 12."""
    frames, marks = noise(5, 3), wandering(plan, 3)
    once = flip_clip(frames, marks, ("L12", "R2", "4"))
    assert once.units == ("R12", "L2", "4")
    assert (once.landmarks[0, 16] == [111 - marks[0, 0, 0], marks[0, 0, 1]]).all()
    twice = flip_clip(*once)
    np.testing.assert_array_equal(twice.frames, frames)
    np.testing.assert_array_equal(twice.landmarks, marks)
    assert twice.units == ("L12", "R2", "4")
    assert [MIRROR[i] for i in MIRROR] == list(range(68))


def test_a_short_target_repeats_its_last_frame(plan):
    """Check 6, for arrays: ten frames on six."""
    source, target = constant(200, 10, 112), noise(6, 6)
    mixed, account = mix(source, target, wandering(plan, 10), "38")
    assert account.repeated == 4
    longer = target[[0, 1, 2, 3, 4, 5, 5, 5, 5, 5]]
    np.testing.assert_array_equal(mixed.frames, np.where(mixed.mask, 200, longer))


def test_a_long_target_gives_its_first_frames(plan):
    source, target = constant(200, 3, 112), noise(7, 8)
    mixed, account = mix(source, target, wandering(plan, 3), "38")
    assert account.repeated == 0
    np.testing.assert_array_equal(mixed.frames[~mixed.mask], target[:3][~mixed.mask])


@pytest.mark.parametrize("units", ["", "99", "glare", "?", ()])
def test_no_mapped_unit_makes_no_sample_and_is_told(plan, units):
    """Check 9."""
    outcome = mix(noise(1, 3), noise(2, 3), wandering(plan, 3), units)
    assert outcome.mixed is None
    assert outcome.account.skipped == "no action unit has landmarks"
    assert outcome.account.unmapped == region_of(units).unmapped


def test_unknown_tokens_are_left_out_and_told(plan):
    """Section 4.3."""
    known = mix(noise(1, 3), noise(2, 3), wandering(plan, 3), "12")
    mixed, account = mix(noise(1, 3), noise(2, 3), wandering(plan, 3), "12+99+glare+T18",
                         table="as_published")  # fmt: skip
    assert account.units == ("12",)
    assert account.unmapped == ("99", "T18", "glare")
    np.testing.assert_array_equal(mixed.frames, known.mixed.frames)


def test_clips_without_landmarks_make_no_sample(plan):
    for marks in (None, np.full((4, 68, 2), np.nan)):
        outcome = mix(noise(1, 4), noise(2, 4), marks, "12")
        assert outcome.mixed is None
        assert "landmarks" in outcome.account.skipped or "no face" in outcome.account.skipped
    marks = wandering(plan, 4).astype(float)
    marks[1:] = np.nan
    outcome = mix(noise(1, 4), noise(2, 4), marks, "12")
    assert outcome.mixed is None
    assert "3 of 4 frames show no face, at most 2 may" in outcome.account.skipped


def test_a_few_frames_without_landmarks_are_interpolated(plan):
    """Section 2."""
    marks = wandering(plan, 5)
    gappy = marks.copy()
    gappy[[0, 2]] = np.nan
    mixed, account = mix(noise(1, 5), noise(2, 5), gappy, "12")
    assert account.filled == (0, 2)
    whole = mix(noise(1, 5), noise(2, 5), marks, "12")[0]
    np.testing.assert_array_equal(mixed.mask[1:], whole.mask[1:])
    np.testing.assert_array_equal(mixed.mask[0], whole.mask[1])


def test_one_frame_shows_no_motion(plan):
    """Section 1.5: fewer than two frames."""
    outcome = mix(noise(1, 1), noise(2, 1), wandering(plan, 1), "12")
    assert outcome.mixed is None
    assert outcome.account.skipped == "the source has 1 frame, at least 2 are needed"


def test_no_neutral_frame_makes_no_sample(plan):
    outcome = mix(noise(1, 3), noise(2, 0), wandering(plan, 3), "12")
    assert outcome.mixed is None
    assert outcome.account.skipped == "there is no neutral frame"


def test_landmarks_outside_the_crop_count_for_the_border(plan):
    """Section 3.2: clipped to 0..13."""
    marks = np.repeat(plan[None], 2, 0) + np.array([0.0, 90.0])  # mouth below the crop
    mixed, account = mix(constant(200, 2), constant(50, 2), marks, "17")
    assert account.outside == 2 * 3
    assert mixed.mask[0].any(axis=1).nonzero()[0].min() == 12 * 320 // 14 + 1
    assert mixed.mask[0, -1].any()
    assert mix(constant(200, 2), constant(50, 2), marks, "1")[1].outside == 0


def test_regions_alone_are_those_of_a_mixed_clip(plan):
    marks = wandering(plan, 4)
    cells, account = find_regions(marks, "6+12", 112, frames=4)
    mixed, told = mix(noise(1, 4), noise(2, 4), marks, "6+12")
    np.testing.assert_array_equal(pixels(cells, 112), mixed.mask)
    np.testing.assert_array_equal(paste(noise(1, 4), noise(2, 4), cells), mixed.frames)
    assert account == told
    frame = paste(noise(1, 4)[2], noise(2, 4)[2], cells[2])
    np.testing.assert_array_equal(frame, mixed.frames[2])


REFUSED = MappingProxyType({
    "not square": (np.zeros((3, 112, 100), np.uint8), None, None, "expected a source"),
    "float": (np.zeros((3, 112, 112)), None, None, "expected a source"),
    "tiny": (np.zeros((3, 8, 8), np.uint8), None, None, "S at least 14"),
    "no frame": (np.zeros((0, 112, 112), np.uint8), None, None, "expected a source"),
    "other size": (None, np.zeros((3, 56, 56), np.uint8), None, "expected a target"),
    "colour": (None, np.zeros((3, 112, 112, 3), np.uint8), None, "expected a target"),
    "landmarks": (None, None, np.zeros((2, 68, 2)), "expected landmarks"),
})  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_arrays_that_do_not_belong_together_are_refused(case, plan):
    source, target, marks, message = REFUSED[case]
    with pytest.raises(DatasetError, match=message):
        mix(
            noise(1, 3) if source is None else source,
            noise(2, 3) if target is None else target,
            wandering(plan, 3) if marks is None else marks,
            "12",
        )
