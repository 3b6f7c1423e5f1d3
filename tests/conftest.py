"""What tests of several folders ask for."""

import pytest


@pytest.fixture(scope="module")
def one_thread():
    """Let torch use one thread: on a busy machine, many wait for each other fifty times longer
    than tiny models need."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
