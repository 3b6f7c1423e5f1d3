"""States of networks with the published names and shapes, and numbers drawn by us."""

import torch

from mescope.models.me_tst_import import published_shapes

SMALL = {"dim": 4, "states": 2}
"""Sizes of a network that computes in no time."""


def made_up(family, prefix="module.", seed=4, **options):
    """A state with the published names and shapes, and numbers drawn by us."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in published_shapes(family, **options).items():
        tensor = 0.05 * torch.randn(shape, generator=generator)
        if name.endswith("num_batches_tracked"):
            tensor = torch.tensor(7)
        elif name.endswith("running_var"):
            tensor = tensor.abs() + 0.5
        state[prefix + name] = tensor
    return state
