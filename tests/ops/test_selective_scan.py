from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mescope.ops.selective_scan import backend_in_use, selective_scan

SIZES = [
    (1, 1, 1, 1),
    (2, 1, 3, 5),
    (3, 31, 5, 7),
    (2, 32, 4, 16),
    (1, 33, 17, 3),
    (17, 65, 9, 64),
]
LIMIT = {torch.float32: 1e-4, torch.float64: 1e-9}


def make(b: int, l: int, d: int, n: int, dtype: torch.dtype) -> list[Tensor]:  # noqa: E741
    g = torch.Generator().manual_seed(b + l + d + n)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=dtype)

    u, delta = draw(b, l, d), F.softplus(draw(b, l, d) - 2)
    A = -torch.exp(draw(d, n))
    return [u, delta, A, draw(b, l, n), draw(b, l, n), draw(d), draw(b, d, n)]


def run(args: list[Tensor], backend: str) -> list[Tensor]:
    y, state = selective_scan(
        *args[:6], initial_state=args[6], return_state=True, backend=backend
    )
    loss = (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum()
    return [y, state, *torch.autograd.grad(loss + state.sin().sum(), args)]


def worst(found: list[Tensor], wanted: list[Tensor]) -> float:
    """Largest difference relative to the largest value of each tensor."""
    return max(
        float(((f - w).abs().max() / w.abs().max().clamp_min(1e-6)).detach())
        for f, w in zip(found, wanted, strict=True)
    )


def test_the_fused_path_is_what_these_tests_run():
    assert backend_in_use("scan") == "numba"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", SIZES)
def test_values_and_gradients_equal_the_reference(size, dtype):
    args = [t.requires_grad_() for t in make(*size, dtype)]
    assert worst(run(args, "numba"), run(args, "reference")) < LIMIT[dtype]


def test_non_contiguous_inputs():
    u, delta, A, B, C, D, h = make(2, 40, 6, 5, torch.float64)
    args = [u, delta, A.T.contiguous().T, B, C, D.repeat(2)[::2], h]
    for k in (0, 1, 3, 4):
        args[k] = args[k].transpose(0, 1).contiguous().transpose(0, 1)
    args[5] = torch.stack([D, D], 1)[:, 0]
    args = [t.detach().requires_grad_() for t in args]
    assert not args[0].is_contiguous()
    assert worst(run(args, "numba"), run(args, "reference")) < 1e-9


def test_gradcheck():
    args = [t.requires_grad_() for t in make(2, 34, 2, 3, torch.float64)]
    assert torch.autograd.gradcheck(
        lambda *a: selective_scan(
            *a[:6], initial_state=a[6], return_state=True, backend="numba"
        ),
        args,
    )


def test_a_split_run_equals_a_whole_run():
    u, delta, A, B, C, D, _ = make(2, 50, 4, 8, torch.float64)
    whole = selective_scan(u, delta, A, B, C, D)
    y1, h = selective_scan(
        u[:, :20], delta[:, :20], A, B[:, :20], C[:, :20], D, return_state=True
    )
    y2 = selective_scan(u[:, 20:], delta[:, 20:], A, B[:, 20:], C[:, 20:], D, initial_state=h)
    torch.testing.assert_close(torch.cat([y1, y2], 1), whole)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_in_float32_state(dtype):
    u, delta, A, B, C, D, _ = make(2, 20, 4, 8, torch.float32)
    low = [t.to(dtype) for t in (u, delta, B, C)]
    y, h = selective_scan(low[0], low[1], A, low[2], low[3], D, return_state=True)
    wide = [t.float() for t in low]
    y32, h32 = selective_scan(wide[0], wide[1], A, wide[2], wide[3], D, return_state=True)
    assert y.dtype == dtype
    assert h.dtype == torch.float32
    torch.testing.assert_close(h, h32)
    torch.testing.assert_close(y, y32.to(dtype))


def test_compile_full_graph():
    args = [t.requires_grad_() for t in make(2, 20, 4, 8, torch.float32)[:6]]
    compiled = torch.compile(selective_scan, backend="aot_eager", fullgraph=True)
    found = torch.autograd.grad(compiled(*args).square().sum(), args)
    wanted = torch.autograd.grad(selective_scan(*args).square().sum(), args)
    assert worst(list(found), list(wanted)) < 1e-5


def test_nan_stays_visible():
    args = make(1, 10, 3, 16, torch.float32)[:6]
    args[0][0, 4, 1] = float("nan")
    args[1][0, 6, 2] = float("nan")
    y = selective_scan(*args)
    assert y[0, 4:, 1].isnan().all()
    assert y[0, 6:, 2].isnan().all()
    assert not y[0, :, 0].isnan().any()


def test_thread_count_does_not_change_the_result():
    args = [t.requires_grad_() for t in make(1, 300, 32, 16, torch.float32)]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = run(args, "numba")
        torch.set_num_threads(2)
        two = run(args, "numba")
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize(
    ("index", "shape"), [(1, (2, 5, 4)), (2, (4, 6)), (3, (2, 5, 7)), (5, (4,)), (0, (5, 3))]
)
def test_unfitting_shapes_are_named(index, shape):
    args = make(2, 5, 3, 6, torch.float32)[:6]
    args[index] = torch.ones(shape)
    with pytest.raises(ValueError, match=r"found .*\("):
        selective_scan(*args)


def test_empty_batch_and_mixed_dtypes():
    args = make(2, 5, 3, 6, torch.float32)[:6]
    empty = [t[:0] if t.dim() == 3 else t for t in args]
    with pytest.raises(ValueError, match=r"\(0, 5, 3\)"):
        selective_scan(*empty)
    args[3] = args[3].double()
    with pytest.raises(ValueError, match=r"float64.*cast"):
        selective_scan(*args)


def test_import_leaves_numba_alone_and_works_without_it():
    code = (
        "import sys; import mescope.ops.selective_scan as s; assert 'numba' not in sys.modules;"
        "sys.modules['numba'] = None; import torch;"
        "assert s.backend_in_use('scan') == 'chunked'; o = torch.ones(1, 2, 3);"
        "s.selective_scan(o, o, -torch.ones(3, 4), torch.ones(1, 2, 4), torch.ones(1, 2, 4),"
        " torch.ones(3))"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)


def test_exp2_is_right_to_the_last_places():
    from numba import njit

    from mescope.ops.scan_kernels import exp2

    @njit
    def each(x, out):
        for i in range(len(x)):
            out[i] = exp2(x[i])

    for dtype, limit in ((np.float32, 2.5e-7), (np.float64, 1e-15)):
        x = np.linspace(-125.9, 126.9, 100_003).astype(dtype)
        found = np.empty_like(x)
        each(x, found)
        wanted = np.exp2(x.astype(np.longdouble))
        assert np.abs((found - wanted) / wanted).max() < limit
        x = np.array([-np.inf, -1e30, np.nan, 1e30], dtype)
        found = np.empty_like(x)
        each(x, found)
        assert (found[:2] < 1e-37).all()
        assert np.isnan(found[2])
        assert found[3] > 1e38


def test_without_a_place_to_cache_kernels_still_compile(tmp_path):
    """A read-only package and no home folder."""
    code = (
        "import numba; from numba.core import caching;"
        "caching.CacheImpl._locator_classes = [caching.UserProvidedCacheLocator];"
        "import mescope.compiling as c; c._private_cache = lambda: None;"
        "from mescope.ops.selective_scan import backend_in_use;"
        "assert backend_in_use('scan') == 'numba'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
