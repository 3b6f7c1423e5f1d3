"""What tests of operations share."""

import pytest

from mescope.ops.kernel_loading import interpreted


@pytest.fixture(scope="session")
def interpreter() -> None:
    """Skip where Triton's interpreter is not at hand: slow, so shapes are small."""
    pytest.importorskip("triton", reason="needs Triton, which the extra 'gpu' brings on Linux")
    if not interpreted():
        pytest.skip(
            "needs TRITON_INTERPRET=1, which conftest.py sets where nothing else is said"
        )
