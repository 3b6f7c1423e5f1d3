import numpy as np
import pytest

from mescope.synthesis.motion import (
    MIRROR,
    PEAK,
    UNITS,
    displacement_basis,
    inter_ocular,
    units_of,
)
from mescope.synthesis.shapes import mean_shape, random_shape

SHAPE = mean_shape()


def moved(unit: str, landmark: int) -> np.ndarray:
    """Displacement of one landmark under one unit, in inter-ocular distances over PEAK."""
    basis = displacement_basis(SHAPE, SHAPE[[landmark]])
    return basis[UNITS.index(unit), 0] / (PEAK * inter_ocular(SHAPE))


def test_mirror_is_an_involution_of_all_landmarks():
    assert sorted(MIRROR) == list(range(68))
    assert all(MIRROR[MIRROR[i]] == i for i in range(68))


@pytest.mark.parametrize(
    ("unit", "landmark", "x", "y"),
    [
        ("R1", 20, 0, -1),  # right inner brow (image left) up
        ("L1", 23, 0, -1),
        ("R12", 48, -1, -1),  # right mouth corner out and up
        ("L12", 54, 1, -1),
        ("L15", 54, 0, 1),
        ("R4", 20, 1, 1),  # brow down and towards the midline
        ("L4", 23, -1, 1),
        ("26", 57, 0, 1),
        ("17", 57, 0, -1),
        ("blink", 37, 0, 1),
        ("blink", 44, 0, 1),
        ("Llook", 43, 1, 0),
    ],
)
def test_units_move_their_landmarks_the_way_facs_says(unit, landmark, x, y):
    dx, dy = moved(unit, landmark)
    assert np.sign(np.round([dx, dy], 1)).tolist() == [x, y] or (x == 0 and np.sign(dy) == y)


def test_a_one_sided_unit_leaves_the_other_side_alone():
    assert np.abs(moved("L12", 48)).max() < 0.05
    assert np.abs(moved("R1", 25)).max() < 0.05


def test_left_is_the_mirror_image_of_right():
    rng = np.random.default_rng(0)
    points = rng.uniform(60, 260, (40, 2))
    mirrored = points * [-1, 1] + [320, 0]
    plain, other = displacement_basis(SHAPE, points), displacement_basis(SHAPE, mirrored)
    for unit in ("1", "2", "4", "6", "9", "10", "12", "14", "15", "20"):
        left = other[UNITS.index("L" + unit)] * [-1, 1]
        np.testing.assert_allclose(plain[UNITS.index("R" + unit)], left, atol=1e-9)


def test_displacement_follows_the_face_not_the_picture():
    """A face twice as large, elsewhere and turned by 90 degrees moves in its own frame."""
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    big = 2 * SHAPE @ turn.T + [500, 300]
    plain = displacement_basis(SHAPE, SHAPE)
    np.testing.assert_allclose(displacement_basis(big, big), 2 * plain @ turn.T, atol=1e-9)


def test_units_of_splits_sides_and_refuses_unknown_units():
    assert units_of("12") == ("L12", "R12")
    assert units_of("17") == ("17",)
    with pytest.raises(ValueError, match="99"):
        units_of("99")


def test_random_shapes_obey_the_crop_rule_and_differ():
    shapes = [random_shape(np.random.default_rng(i)) for i in range(5)]
    for shape in shapes:
        assert np.linalg.norm(shape[42] - shape[39]) == pytest.approx(2 * 320 / 9)
        assert (shape[42] + shape[39]) / 2 == pytest.approx([160, 3.5 * 320 / 9])
    assert np.abs(shapes[0] - shapes[1]).max() > 2
