"""Reading orders: the printed lists, no symmetry among the four, every one undone exactly."""

from __future__ import annotations

import itertools

import pytest
import torch

from mescope.ops.orders import ASYMMETRIC, inverse, lay, order, read

PRINTED = {
    ("hr", 3): "0 1 2 3 4 5 6 7 8",
    ("vr", 3): "0 3 6 1 4 7 2 5 8",
    ("hz", 3): "0 1 2 5 4 3 6 7 8",
    ("vz", 3): "0 3 6 7 4 1 2 5 8",
    ("hz", 4): "0 1 2 3 7 6 5 4 8 9 10 11 15 14 13 12",
    ("vz", 4): "0 4 8 12 13 9 5 1 2 6 10 14 15 11 7 3",
}
CHANGES = ("", "reversed-", "mirrored-")


@pytest.mark.parametrize(("name", "side"), PRINTED)
def test_printed_lists(name, side):
    assert list(order(name, side)) == [int(n) for n in PRINTED[name, side].split()]


@pytest.mark.parametrize("side", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ASYMMETRIC)
def test_every_token_once_and_back_again(name, change, side):
    tokens = order(change + name, side)
    assert sorted(tokens) == list(range(side * side))
    if not change:
        assert tokens[0] == 0
    x = torch.randn(side * side, 3)
    assert torch.equal(x[list(tokens)][list(inverse(tokens))], x)


def jumps(tokens, side):
    cells = [divmod(t, side) for t in tokens]
    return sum(abs(r - q) + abs(c - d) != 1 for (r, c), (q, d) in itertools.pairwise(cells))


def test_jumps_and_symmetries_of_side_7():  # check 2
    four = {name: order(name, 7) for name in ASYMMETRIC}
    assert [jumps(four[n], 7) for n in ASYMMETRIC] == [6, 6, 0, 0]
    for base, other in (("hr", "vr"), ("hz", "vz")):
        transposed = tuple(t % 7 * 7 + t // 7 for t in four[base])
        assert transposed == four[other]
    for a, b in itertools.permutations(ASYMMETRIC, 2):
        upside_down = tuple((6 - t // 7) * 7 + t % 7 for t in four[a])
        assert four[b] not in (
            order(f"reversed-{a}", 7),
            order(f"mirrored-{a}", 7),
            upside_down,
        )


def test_changed_orders():
    assert order("reversed-hr", 3) == (8, 7, 6, 5, 4, 3, 2, 1, 0)
    assert order("mirrored-vz", 2) == (1, 3, 2, 0)


@pytest.mark.parametrize("name", ["", "hx", "reversed-", "mirrored-reversed-hr", "h"])
def test_unknown_orders_are_told(name):
    with pytest.raises(ValueError, match="expected an order of hr, vr, hz, vz"):
        order(name, 3)
    with pytest.raises(ValueError, match="side 1 or more"):
        order("hr", 0)


def test_reading_and_laying_equal_indexing_with_gradients():
    orders = [order(name, 3) for name in ("hz", "vr", "mirrored-vz")]
    forth, back = torch.tensor(orders), torch.tensor([inverse(tokens) for tokens in orders])
    tokens = torch.randn(2, 9, 5, dtype=torch.float64, requires_grad=True)
    mixed = torch.randn(3, 2, 9, 5, dtype=torch.float64, requires_grad=True)
    found = read(tokens, forth, back), lay(mixed, forth, back)
    wanted = (
        torch.stack([tokens[:, places] for places in forth]),
        torch.stack([one[:, places] for one, places in zip(mixed, back, strict=True)]).sum(0),
    )
    for mine, theirs, given in zip(found, wanted, (tokens, mixed), strict=True):
        torch.testing.assert_close(mine, theirs)
        pull = torch.randn_like(theirs)
        gradients = (torch.autograd.grad(out, given, pull)[0] for out in (mine, theirs))
        torch.testing.assert_close(*gradients)
