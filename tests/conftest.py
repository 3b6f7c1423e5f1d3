"""What tests of several folders ask for."""

import os

import hypothesis
import pytest

# How long an example takes is the machine's affair.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")

# Triton reads it once, when it is imported: with it, kernels for a card run on the CPU, slowly.
# On a machine with a card, TRITON_INTERPRET=0 runs the tests that need one.
os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture(scope="module")
def one_thread():
    """Let torch use one thread: on a busy machine, many wait for each other fifty times longer
    than tiny models need."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
