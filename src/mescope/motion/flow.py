"""Dense optical flow between two grey images, and its strain.

Flow is an (h, w, 2) float32 array of px, x (to the right) first, y (downwards) second: what is
at ``(x, y)`` of the first image is at ``(x + u, y + v)`` of the second.
"""

from __future__ import annotations

import threading
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mescope.errors import VideoError

Flow = npt.NDArray[np.float32]

PYRAMID_SCALE = 0.5
LEVELS = 3
WINDOW = 15
ITERATIONS = 5
POLY_N = 7
POLY_SIGMA = 1.5

TVL1: dict[str, float | int] = {
    "tau": 0.25,  # time step
    "lambda_": 0.15,  # weight of the brightness term: smaller gives smoother flow
    "theta": 0.3,  # tightness of the coupling
    "nscales": 5,
    "warps": 5,
    "epsilon": 0.01,  # where the iteration stops
    "innnerIterations": 30,  # spelt as OpenCV spells it
    "outerIterations": 10,
    "scaleStep": 0.8,
    "gamma": 0.0,  # no change of brightness is modelled
    "medianFiltering": 5,  # px
    "useInitialFlow": False,
}
"""Parameters of :func:`tvl1`: the defaults of OpenCV, as the papers state none;
written out because a library may change its defaults."""

_OWN = threading.local()


def farneback(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> Flow:
    """Return Farnebäck's flow from ``first`` to ``second`` (two (h, w) uint8 images).

    Source: G. Farnebäck, SCIA 2003, as OpenCV computes it, with the parameters of the
    published code of ME-TST.  Images with a side under 64 px use one pyramid level.

    The result follows a change of brightness between the images as if it were motion: an
    exposure step within a window shows as flow wherever the image has a gradient.
    """
    return np.asarray(
        cv2.calcOpticalFlowFarneback(
            first,
            second,
            None,
            PYRAMID_SCALE,
            LEVELS,
            WINDOW,
            ITERATIONS,
            POLY_N,
            POLY_SIGMA,
            0,
        ),
        dtype=np.float32,
    )


def tvl1(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> Flow:
    """Return the TV-L1 flow from ``first`` to ``second`` (two (h, w) uint8 images).

    Source: C. Zach, T. Pock, H. Bischof, DAGM 2007, as OpenCV's contributed modules compute
    it, with the parameters :data:`TVL1`.  The solver is made once per thread and reused; it
    keeps nothing from one pair of images to the next.

    Raises:
        ValueError: The images differ in size or are not grey.
        VideoError: OpenCV is installed without its contributed modules.
    """
    if first.ndim != 2 or first.shape != second.shape:
        raise ValueError(
            f"tvl1 needs two grey images of one size, got {first.shape}, {second.shape}"
        )
    solver = _solver()
    # A small image lowers the number of scales of OpenCV's solver for all images after it.
    solver.setScalesNumber(TVL1["nscales"])
    return np.asarray(solver.calc(first, second, None), dtype=np.float32)


def _solver() -> Any:
    """Return this thread's solver: its memory must not be shared between threads."""
    if not hasattr(_OWN, "solver"):
        if not hasattr(cv2, "optflow"):
            raise VideoError(
                "TV-L1 needs OpenCV with its contributed modules, another OpenCV hides them; "
                "uninstall it and reinstall opencv-contrib-python-headless"
            )
        optflow: Any = cv2.optflow  # its type stubs lack the solver
        _OWN.solver = optflow.DualTVL1OpticalFlow_create(**TVL1)
    return _OWN.solver


def strain(flow: Flow) -> npt.NDArray[np.float32]:
    """Return the magnitude of the optical strain of a flow (h, w, 2), (h, w) float32.

    With ``exx = du/dx``, ``eyy = dv/dy`` and ``exy = (du/dy + dv/dx) / 2`` it is
    ``sqrt(exx^2 + eyy^2 + 2 exy^2)``: how much the skin is stretched or sheared, px per px,
    without regard to a common shift.  Derivatives are central differences, one-sided at the
    borders.  Source: Shreve et al., FG 2011; the third channel of STSTNet (Liong et al. 2019).

    >>> y, x = np.mgrid[:4, :5].astype(np.float32)
    >>> np.round(strain(np.stack([0.1 * x, 0 * y], axis=-1)), 3).max()
    np.float32(0.1)
    """
    u, v = np.asarray(flow[..., 0], np.float32), np.asarray(flow[..., 1], np.float32)
    uy, ux = np.gradient(u)
    vy, vx = np.gradient(v)
    return np.asarray(np.sqrt(ux**2 + vy**2 + 0.5 * (uy + vx) ** 2), dtype=np.float32)
