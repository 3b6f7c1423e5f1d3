"""Ranges of the fields of the models' configs, and the bound on what is built of them.

A card says how its network is built, and a recipe, too.  Ranges keep every single number sane
(:func:`mescope.ranges.check_fields`); many sane numbers still multiply, so :func:`bounded`
counts while a network is built, on the ``meta`` device where it costs no memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import torch
from torch import nn
from torch.nn.modules import module as registration

from mescope.errors import WeightsError
from mescope.ranges import Within

Channels = Annotated[int, Within(1, 1024)]
Classes = Annotated[int, Within(1, 1024)]
Named = Annotated[int, Within(2, 64)]  # classes of the spotting models and of published ones
Dim = Annotated[int, Within(1, 4096)]
States = Annotated[int, Within(1, 256)]
Blocks = Annotated[int, Within(1, 128)]
SomeBlocks = Annotated[int, Within(0, 128)]
Heads = Annotated[int, Within(1, 256)]
Side = Annotated[int, Within(1, 1024)]
Stride = Annotated[int, Within(1, 8)]
Stages = Within(1, 8)  # length of a list with a value for each stage

PARAMETERS_MAX = 500_000_000
"""Numbers that the network of a recipe may have; VideoMamba-M has 74 million."""

PARTS_MAX = 40_000
"""Modules, parameters and buffers of the network of a recipe."""


@contextmanager
def bounded(parameters: int = PARAMETERS_MAX, parts: int = PARTS_MAX) -> Iterator[None]:
    """Stop a network that is being built in this thread and grows over a bound.

    Args:
        parameters: numbers in all its tensors.
        parts: modules, parameters and buffers.

    Raises:
        WeightsError: as soon as a bound is passed.
    """
    thread, count, bounds = threading.get_ident(), [0, 0], (parameters, parts)

    def seen(_module: nn.Module, _name: str, part: Any) -> None:
        if threading.get_ident() != thread:
            return
        count[0] += part.numel() if isinstance(part, torch.Tensor) else 0
        count[1] += 1
        for found, most, what in zip(count, bounds, ("weights", "parts"), strict=True):
            if found > most:
                raise WeightsError(
                    f"expected a network of at most {most:,} {what}, its options ask for more; "
                    "choose smaller ones"
                )

    hooks: tuple[Callable[..., Any], ...] = (
        registration.register_module_parameter_registration_hook,
        registration.register_module_buffer_registration_hook,
        registration.register_module_module_registration_hook,
    )
    handles = [hook(seen) for hook in hooks]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
