"""MediaPipe's face mesh (468 points, 478 with irises) as the 68 points of dlib's order.

A mesh point lies on the skin, dlib's jaw on the outline that the camera sees: seen from the
front they agree, and the jaw serves no measurement here.  Where no mesh point lies where dlib
puts one, the mean of two stands for it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MESH_SIZES = (468, 478)
"""Points of a mesh, without and with irises; the first 468 are the same."""

MESH_POINTS: tuple[tuple[int, ...], ...] = (
    # 0-16: jaw, from the image's left ear over the chin
    (127,), (234,), (93,), (132,), (58, 172), (136,), (150,), (176,), (152,),
    (400,), (379,), (365,), (397, 288), (361,), (323,), (454,), (356,),
    # 17-21: brow on the image's left, 22-26: on its right
    (70,), (63,), (105,), (66,), (107,),
    (336,), (296,), (334,), (293,), (300,),
    # 27-30: bridge of the nose, 31-35: nostrils
    (168,), (197, 6), (195, 5), (4,),
    (98, 64), (97,), (2,), (326,), (327, 294),
    # 36-41: eye on the image's left, 42-47: on its right
    (33,), (160,), (158,), (133,), (153,), (144,),
    (362,), (385,), (387,), (263,), (373,), (380,),
    # 48-59: outer lips, clockwise from the image's left corner
    (61,), (39, 40), (37,), (0,), (267,), (269, 270), (291,),
    (321, 405), (314,), (17,), (84,), (91, 181),
    # 60-67: inner lips
    (78,), (81, 82), (13,), (311, 312), (308,), (317, 402), (14,), (87, 178),
)  # fmt: skip
"""For each of dlib's points, from 0, the mesh points whose mean stands for it."""


def from_mesh(points: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Return (68, 2) of a mesh (468 or 478, 2).

    >>> from_mesh(np.arange(478.0)[:, None] * [1, 2])[30].tolist()
    [4.0, 8.0]
    """
    return np.stack([points[list(some)].mean(axis=0) for some in MESH_POINTS]).astype("f4")
