"""The geometry table of the ME-TST specification, section 11."""

import numpy as np
import pytest
from planted_landmarks import LANDMARKS

from mescope.face.box import Box
from mescope.motion.regions import GLOBAL, REGIONS_5, REGIONS_18, SHARES, place

# fmt: off
# name: rows and columns of the outer box, rows and columns of the inner box, pixels
TABLE = {
    "GLOBAL": ((137, 180, 147, 173), (152, 170, 152, 168), 288),
    "BROW_L": ((67, 100, 55, 132), (77, 90, 65, 122), 741),
    "BROW_L_20": ((67, 100, 55, 132), (75, 95, 105, 125), 400),
    "BROW_L_19": ((67, 100, 55, 132), (72, 92, 85, 105), 400),
    "BROW_L_18": ((67, 100, 55, 132), (75, 95, 65, 85), 400),
    "BROW_R": ((67, 100, 188, 260), (77, 90, 198, 250), 676),
    "BROW_R_23": ((67, 100, 188, 260), (75, 95, 195, 215), 400),
    "BROW_R_24": ((67, 100, 188, 260), (72, 92, 215, 235), 400),
    "BROW_R_25": ((67, 100, 188, 260), (75, 95, 235, 255), 400),
    "MOUTH": ((200, 258, 95, 225), (210, 248, 105, 215), 4180),
    "MOUTH_48": ((200, 258, 95, 225), (218, 238, 105, 135), 600),
    "MOUTH_54": ((200, 258, 95, 225), (218, 238, 185, 215), 600),
    "MOUTH_51": ((200, 258, 95, 225), (208, 228, 150, 170), 400),
    "MOUTH_57": ((200, 258, 95, 225), (238, 258, 150, 170), 400),
    "MOUTH_62": ((200, 258, 95, 225), (217, 237, 150, 170), 400),
    "NOSE_31": ((147, 193, 108, 212), (162, 187, 118, 148), 750),
    "NOSE_35": ((147, 193, 108, 212), (162, 187, 172, 202), 750),
    "LID_L": ((127, 147, 80, 120), (132, 142, 85, 115), 300),
    "LID_R": ((127, 147, 200, 240), (132, 142, 205, 235), 300),
}
# fmt: on


def rows_and_columns(box: Box) -> tuple[int, int, int, int]:
    return box.top, box.bottom, box.left, box.right


@pytest.mark.parametrize("mode", ["clean", "as_published"])
def test_boxes_of_the_specification(mode):
    placed = place(LANDMARKS, (GLOBAL, *REGIONS_18), mode=mode)
    assert [p.name for p in placed] == list(TABLE)
    for p in placed:
        outer, inner, pixels = TABLE[p.name]
        assert rows_and_columns(p.outer) == outer, p.name
        assert rows_and_columns(p.inner) == inner, p.name
        assert p.inner.area == pixels, p.name


def test_five_regions_are_entries_of_the_eighteen():
    """Section 11, check 19, for the geometry."""
    assert [r.name for r in REGIONS_5] == ["BROW_L", "BROW_R", "MOUTH", "NOSE_31", "NOSE_35"]
    eighteen = place(LANDMARKS)
    assert place(LANDMARKS, REGIONS_5) == tuple(eighteen[i] for i in (0, 4, 8, 14, 15))
    assert len(eighteen) == 18


RIGHT_BROW = {"BROW_R_23": 0.3, "BROW_R_24": 0.3, "BROW_R_25": 0.3}


@pytest.mark.parametrize(
    ("shares", "other"),
    [("default", {}), ("he2024", {"BROW_L": 0.2, **RIGHT_BROW}), ("me-tst-plus", RIGHT_BROW)],
)
def test_other_shares(shares, other):
    ours = {p.name: p.percent for p in place(LANDMARKS)}
    theirs = {p.name: p.percent for p in place(LANDMARKS, shares=shares)}
    assert {k: v for k, v in theirs.items() if v != ours[k]} == other
    assert set(SHARES) == {"default", "he2024", "me-tst-plus"}


def test_columns_are_clamped_in_every_crop_and_rows_in_those_of_brows_as_published():
    left = np.array(LANDMARKS, dtype=float) - [110, 0]
    outer = {p.name: p.outer for p in place(left, mode="as_published")}
    for name in ("BROW_L", "MOUTH", "NOSE_31", "LID_L"):
        assert (outer[name].left, outer[name].width > 0) == (0, True)
    for name, shift, empty in (
        ("BROW_L", 90, False),
        ("NOSE_31", 170, True),
        ("LID_L", 135, True),
    ):
        up = np.array(LANDMARKS, dtype=float) - [0, shift]  # across the upper border
        placed = {p.name: p for p in place(up, mode="as_published")}[name]
        assert (placed.outer.area == 0, placed.inner.area == 0) == (empty, empty)


def test_clean_boxes_never_leave_the_crop():
    """Whatever the landmarks, boxes lie in the crop and are not empty."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        points = np.array(LANDMARKS) * rng.uniform(0.01, 2, 2) + rng.uniform(-400, 400, 2)
        for p in place(points, (GLOBAL, *REGIONS_18)):
            o, i = p.outer, p.inner
            assert 0 <= o.left <= i.left < i.right <= o.right <= 320
            assert 0 <= o.top <= i.top < i.bottom <= o.bottom <= 320
            assert min(o.width, o.height) >= 8


def test_low_right_brow_is_guarded_in_clean_mode_only():
    flat = np.array(LANDMARKS, dtype=float)
    flat[17:27, 1] = 82  # both brows a straight line: outer boxes 20 px high
    clean = {p.name: p.inner for p in place(flat)}
    published = {p.name: p.inner for p in place(flat, mode="as_published")}
    assert clean["BROW_L"].height == clean["BROW_R"].height == 20 - 10 - 4
    assert published["BROW_L"].height == 6
    assert published["BROW_R"].area == 0


def test_nose_offsets_ignore_the_clamp_as_published():
    left = np.array(LANDMARKS, dtype=float)
    left[30:36, 0] -= 120  # nostrils at x 18..62: the outer box would start at -12
    clean = {p.name: p.inner for p in place(left)}["NOSE_31"]
    published = {p.name: p.inner for p in place(left, mode="as_published")}["NOSE_31"]
    assert (clean.left, clean.right) == (0, 28)
    assert (published.left, published.right) == (10, 40)


def test_wrong_number_of_landmarks_is_refused():
    with pytest.raises(ValueError, match=r"\(68, 2\)"):
        place(np.zeros((5, 2)))
