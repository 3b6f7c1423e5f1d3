"""The flip of a flow is the flow of the flip."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mescope.motion.flow import strain, tvl1
from mescope.samples.augment import flip_flow, moved, turned
from mescope.synthesis.portraits import test_portraits

SHAPES = st.sampled_from([(3, 4, 5), (2, 3, 4, 4), (2, 2, 3, 6), (1, 2, 1, 1)])


@settings(max_examples=50, deadline=None)
@given(
    SHAPES.flatmap(lambda s: arrays.arrays(np.float32, s, elements=st.floats(-9, 9, width=32)))
)
def test_twice_is_once_too_many_and_torch_agrees_with_numpy(batch):
    before = batch.copy()
    once = flip_flow(batch)
    np.testing.assert_array_equal(batch, before)  # the argument is left alone
    np.testing.assert_array_equal(flip_flow(once), batch)
    np.testing.assert_array_equal(once[..., 0, :, :], -batch[..., 0, :, ::-1])
    np.testing.assert_array_equal(once[..., 1:, :, :], batch[..., 1:, :, ::-1])
    tensor = torch.from_numpy(batch.copy())
    flipped = flip_flow(tensor)
    assert isinstance(flipped, torch.Tensor)
    assert flipped.dtype == torch.float32
    np.testing.assert_array_equal(flipped.numpy(), once)
    np.testing.assert_array_equal(tensor.numpy(), before)


def example(first, second):
    flow = tvl1(first, second)
    return np.stack([flow[..., 0], flow[..., 1], strain(flow)])


def test_the_flow_of_mirrored_pictures_is_the_flip_of_the_flow():
    face = cv2.cvtColor(test_portraits()[1].image, cv2.COLOR_RGB2GRAY)[60:300, 200:440]
    face = cv2.resize(face, (112, 112), interpolation=cv2.INTER_AREA)
    turn = cv2.getRotationMatrix2D((50, 60), 1.5, 1.01)
    turn[:, 2] += 0.8, -0.3
    moved = cv2.warpAffine(face, turn, (112, 112), borderMode=cv2.BORDER_REFLECT_101)
    plain = example(face, moved)
    mirrored = example(
        np.ascontiguousarray(face[:, ::-1]), np.ascontiguousarray(moved[:, ::-1])
    )
    inner = (slice(None), slice(12, -12), slice(12, -12))
    off = np.abs(flip_flow(plain) - mirrored)[inner]
    assert off[:2].mean() < 0.02  # of a flow of about 1 px
    assert off[2].mean() < 0.01
    wrong = np.abs(plain[..., ::-1] - mirrored)[inner]  # columns alone: u is wrong by 2 u
    assert wrong[0].mean() > 20 * off[0].mean()


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_a_flip_of_one_channel_negates_it(kind):
    only = kind(np.array([[[1.0, -2.0]]], np.float32))
    assert flip_flow(only).tolist() == [[[2.0, -1.0]]]


def test_maps_move_whole_pixels_and_keep_their_edges():
    maps = torch.arange(2.0 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    assert torch.equal(moved(maps, torch.zeros(2, 2, dtype=torch.long)), maps)
    found = moved(maps, torch.tensor([[1, 0], [0, -2]]))  # down; to the left
    assert torch.equal(found[0, :, 1:], maps[0, :, :-1])
    assert torch.equal(found[0, :, 0], maps[0, :, 0])
    assert torch.equal(found[1, :, :, :3], maps[1, :, :, 2:])
    assert torch.equal(found[1, :, :, 3], maps[1, :, :, -1])


@pytest.mark.parametrize("size", [(21, 21), (21, 41)])
def test_maps_turn_clockwise_about_their_middle(size):
    maps = torch.zeros(3, 1, *size)
    middle = (size[0] // 2, size[1] // 2)
    maps[:, 0, middle[0], middle[1] + 6] = 1.0  # to the right of the middle
    quarter = torch.full((3,), np.pi / 2)
    found = turned(
        maps, quarter * torch.tensor([1.0, -1.0, 0.0]), torch.tensor([1.0, 1.0, 1.5])
    )
    places = [tuple(np.unravel_index(int(one.argmax()), size)) for one in found[:, 0]]
    below, above = (middle[0] + 6, middle[1]), (middle[0] - 6, middle[1])
    assert places == [below, above, (middle[0], middle[1] + 9)]
    assert found[:2].amax() > 0.999


def test_maps_that_are_not_turned_stay_and_edges_are_drawn_out():
    maps = torch.rand(2, 3, 7, 9)
    still = turned(maps, torch.zeros(2), torch.ones(2))
    torch.testing.assert_close(still, maps, atol=1e-5, rtol=0)
    small = turned(maps, torch.zeros(2), torch.full((2,), 0.1))
    torch.testing.assert_close(small[..., 0, 0], maps[..., 0, 0])


def test_a_mirrored_map_turns_the_other_way():
    maps, angle, zoom = torch.rand(2, 3, 12, 12), torch.tensor([0.2, -0.1]), torch.ones(2)
    mirrored = turned(flip_flow(maps), angle, zoom)
    torch.testing.assert_close(mirrored, flip_flow(turned(maps, -angle, zoom)))
