"""Made-up sheets without pictures, and feature lists as the authors of ME-TST+ pickle them."""

import pickle
from pathlib import Path

import numpy as np
import openpyxl

NUMBERS = ["Onset", "Apex", "Offset"]


def save(path, title, rows):
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def samm_sheets(root, rows, emotions=True):
    """SAMM Long Videos: rows (name of the expression, onset, apex, offset, micro?)."""
    header = ["Subject", "Filename", "Inducement Code", *NUMBERS, "Duration", "Type"]
    lines = [["a remark"], [*header, "Action Units", "Notes"]]
    for name, onset, apex, offset, micro in rows:
        kind = "Micro - 1/2" if micro else "Macro"
        lines.append([name[:3], name, int(name[4]), onset, apex, offset, 1, kind, "4", None])
    save(root / "SAMM_LongVideos_V1_Release.xlsx", "FACS_Movement_Only", lines)
    if emotions:
        clips = [["Subject", "Filename", "Onset Frame", "Estimated Emotion"]]
        clips += [[n[:3], n, onset, "Anger"] for n, onset, _, _, micro in rows if micro]
        save(root / "SAMM_Micro_FACS_Codes_v2.xlsx", "MICRO_ONLY", clips)
    return root


def casme3_sheets(root, rows):
    """CAS(ME)^3 part A: rows (person, video, onset, apex, offset, emotion or "" for macro)."""
    header = ["Subject", "Filename", *NUMBERS, "AU"]
    large = [[*header, "Expression type", "Objective class"]]
    label = [[*header, "Objective class", "emotion"]]
    for person, video, *numbers, emotion in rows:
        cells = [person, video, *map(str, numbers), "4"]
        kind = "Micro-expression" if emotion else "Macro-expression"
        large.append([*cells, kind, "VII"])
        if emotion:
            label.append([*cells, "VII", emotion])
    save(root / "CAS(ME)3_part_A_v2.xls", "AU+Emotion", large)
    save(root / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", "label", label)
    return root


def windows(count, k, channels=36, seed=0):
    """A recording as it is pickled: a list of float64 arrays that begin with (0, 0)."""
    rng = np.random.default_rng(seed)
    some = [rng.normal(size=(channels, k)) for _ in range(count)]
    for one in some:
        one[:, 0] = 0
    return some


def pickled(path, lists, protocol=4):
    Path(path).write_bytes(pickle.dumps(lists, protocol=protocol))
    return Path(path)
