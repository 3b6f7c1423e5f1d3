"""The table from action units to the 68 landmarks, as data.

Source: Appendix A of the RSMix paper (action-unit-guided augmentation).  Landmarks count from 1
here, as printed; :func:`mescope.facs.landmarks_of` converts to the 0-based dlib order.
"""

from __future__ import annotations

# action unit with side: (name, printed list of landmarks, how many landmarks the list names)
PRINTED: dict[str, tuple[str, str, int]] = {
    "1": ("Inner Brow Raiser", "21, 22, 23, 24", 4),
    "L1": ("Left Inner Brow Raiser", "21, 22", 2),
    "R1": ("Right Inner Brow Raiser", "23, 24", 2),
    "2": ("Outer Brow Raiser", "18, 19, 26, 27", 4),
    "L2": ("Left Outer Brow Raiser", "18, 19", 2),
    "R2": ("Right Outer Brow Raiser", "26, 27", 2),
    "4": ("Brow Lowerer", "21, 22, 23, 24", 4),
    "5": ("Upper Lid Raiser", "38, 39, 44, 45", 4),
    "6": ("Cheek Raiser", "32, 36-49, 55", 16),
    "L6": ("Left Cheek Raiser", "36, 43-48, 55", 8),
    "R6": ("Right Cheek Raiser", "32, 49, 37-42", 8),
    "7": ("Lid Tightener", "37-48", 12),
    "L7": ("Left Lid Tightener", "43-48", 6),
    "9": ("Nose Wrinkler", "28-36", 9),
    "L9": ("Left Nose Wrinkler", "28-31, 34-36", 7),
    "R9": ("Right Nose Wrinkler", "28-34", 7),
    "10": ("Upper Lip Raiser", "32, 36, 49-55, 61-65", 14),
    "L10": ("Left Upper Lip Raiser", "36, 52-55, 63-65", 8),
    "R10": ("Right Upper Lip Raiser", "32, 49-55, 61-63", 11),
    "L11": ("Left Nasolabial Deepener", "36, 54, 55, 65", 4),
    "R11": ("Right Nasolabial Deepener", "49, 50, 61, 32", 4),
    "12": ("Lip Corner Puller", "49-51, 59-61, 53-57, 65", 12),
    "L12": ("Left Lip Corner Puller", "53-57, 65", 6),
    "R12": ("Right Lip Corner Puller", "49-51, 59-61", 6),
    "14": ("Dimpler", "49, 55, 61-68", 10),
    "L14": ("Left Dimpler", "63-67, 55", 6),
    "R14": ("Right Dimpler", "49, 61-63, 67, 68", 6),
    "15": ("Lip Corner Depressor", "49, 59, 61, 65", 4),
    "16": ("Lower Lip Depressor", "56-60, 66-68", 8),
    "17": ("Chin Raiser", "57-59", 3),
    "18": ("Lip Puckerer", "49, 50, 61, 60, 54-56, 65", 8),
    "20": ("Lip stretcher", "49-60, 8, 9, 10", 15),
    "L20": ("Left Lip stretcher", "52-58, 9, 10", 9),
    "R20": ("Right Lip stretcher", "49-52, 58-60, 8, 9", 9),
    "21": ("Neck tightener", "7-11", 5),
    "22": ("Lip Funneler", "49-68", 20),
    "T22": ("Top Lip Funneler", "50-54", 5),
    "B22": ("Bottom Lip Funneler", "56-60", 5),
    "23": ("Lip Tightener", "49-68", 20),
    "T23": ("Top Lip Tightener", "50-54", 5),
    "B23": ("Bottom Lip Tightener", "56-60", 5),
    "24": ("Lip Pressor", "50-68", 19),
    "T24": ("Top Lip Pressor", "50-54, 62-64", 8),
    "25": ("Lips part", "6-12, 49-68", 27),
    "26": ("Jaw Drop", "55-61, 65-68, 8-10", 14),
    "27": ("Mouth Stretch", "49-68, 7-11", 25),
    "28": ("Lip Suck", "50-54, 56-60", 10),
    "T28": ("Top Lip Suck", "50-54", 5),
    "B28": ("Bottom Lip Suck", "56-60", 5),
    "38": ("Nostril dilator", "32, 33, 35, 36", 4),
}
"""The 50 rows verbatim.  Its sides are inconsistent and some rows are not mirror-symmetric."""

CLEAN_CHANGES: dict[str, str] = {
    # the paper's L1, R1, L2, R2 name the other side than all its other rows
    "L1": "23, 24",
    "R1": "21, 22",
    "L2": "26, 27",
    "R2": "18, 19",
    "R10": "32, 49-52, 61-63",  # printed 49-55; the mirror of L10 is 49-52
    "15": "49, 55, 57, 59, 61, 65",  # printed without 55 and 57
    "24": "49-68",  # printed from 50
    "26": "8-10, 49, 55-61, 65-68",  # printed without 49
    # rows the data sets need and the paper does not print
    "R7": "37-42",
    "39": "32, 33, 35, 36",
    "43": "37-48",
    "29": "8-10, 49, 55-61, 65-68",
    "T18": "49-55",
    "L18": "54, 55, 56, 65",
    "R18": "49, 50, 60, 61",
    "B24": "56-60, 66-68",
}
"""What the clean table changes and adds."""

NAMES: dict[int, str] = {
    1: "Inner Brow Raiser", 2: "Outer Brow Raiser", 4: "Brow Lowerer", 5: "Upper Lid Raiser",
    6: "Cheek Raiser", 7: "Lid Tightener", 8: "Lips Toward Each Other", 9: "Nose Wrinkler",
    10: "Upper Lip Raiser", 11: "Nasolabial Deepener", 12: "Lip Corner Puller",
    13: "Sharp Lip Puller", 14: "Dimpler", 15: "Lip Corner Depressor",
    16: "Lower Lip Depressor", 17: "Chin Raiser", 18: "Lip Puckerer", 19: "Tongue Show",
    20: "Lip Stretcher", 21: "Neck Tightener", 22: "Lip Funneler", 23: "Lip Tightener",
    24: "Lip Pressor", 25: "Lips Part", 26: "Jaw Drop", 27: "Mouth Stretch", 28: "Lip Suck",
    29: "Jaw Thrust", 30: "Jaw Sideways", 31: "Jaw Clencher", 32: "Lip Bite", 33: "Cheek Blow",
    34: "Cheek Puff", 35: "Cheek Suck", 36: "Tongue Bulge", 37: "Lip Wipe",
    38: "Nostril Dilator", 39: "Nostril Compressor", 41: "Lid Droop", 42: "Slit",
    43: "Eyes Closed", 44: "Squint", 45: "Blink", 46: "Wink",
}  # fmt: skip
"""Names of the main FACS codes."""
