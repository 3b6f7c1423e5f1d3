"""Writes a tiny SMIC in its real layout: no table, running picture numbers, zeros missing."""

from __future__ import annotations

from pathlib import Path

from layouts import picture

CLIPS = (  # person, class, clip, number of the first picture, pictures
    ("s1", "negative", "s1_ne_02", 563854, 20),
    ("s1", "surprise", "s1_sur_01", 549990, 17),
    ("s9", "surprise", "s9_sur_03", 90823, 25),
    ("s12", "positive", "s12_po_05", 17581039, 30),
)


def write_smic(
    root: Path, camera: str = "HS", *, cropped: bool = True, clips: tuple = CLIPS
) -> Path:
    for person, emotion, clip, first, count in clips:
        raw = root / "SMIC_all_raw" / camera / person / "micro" / emotion / clip
        for n in range(first, first + count):
            picture(raw / f"image{n:06d}.jpg", n)
        padded = f"s{int(person[1:]):02d}"
        crop = root / "SMIC_all_cropped" / camera / padded / "micro" / emotion / clip
        for n in range(first, first + count) if cropped else ():
            picture(crop / f"reg_image{n:06d}.bmp", n)
    (root / "li2013microexpressions.pdf").write_bytes(b"%PDF")
    return root
