"""Files as ordinary studies have them, in which nothing is named as mescope names it."""

import io
import json
import zipfile

from mescope.annotations import Clock

CLOCK = Clock(30.0, [n / 30 for n in range(120)], video="study.mp4")

CELLS = {  # tier: coder, then start and end in ms and value of each cell
    "AU12": ("anna", [(100, 400, "links B"), (1000, 2000, "")]),
    "AU6": ("anna", [(100, 400, "")]),
    "Blinzeln": ("anna", [(500, 600, "")]),
    "Ausdruck": ("ben", [(100, 433, "Freude"), (900, 1800, "komisch")]),
    "Transkript": ("", [(0, 3000, 'Guten Tag, <wie> & "wo"?')]),
}

_EAF = (
    '<?xml version="1.0"?><ANNOTATION_DOCUMENT FORMAT="3.0"><HEADER TIME_UNITS="milliseconds"/>'
    '<TIME_ORDER>{}</TIME_ORDER>{}<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="x" '
    'TIME_ALIGNABLE="true"/><LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="y" TIME_ALIGNABLE="false" '
    'CONSTRAINTS="Symbolic_Association"/></ANNOTATION_DOCUMENT>'
)


def eaf(cells=None, below=None):
    """Return an ELAN file; ``below``: tier under a tier, with a value for each of its cells."""
    from xml.sax.saxutils import escape, quoteattr

    slots, tiers, number, ids = "", "", 0, {}
    for name, (coder, found) in (cells or CELLS).items():
        inside = ""
        for start, end, value in found:
            number += 1
            ids.setdefault(name, []).append(number)
            for which, ms in (("a", start), ("b", end)):
                slots += f'<TIME_SLOT TIME_SLOT_ID="t{number}{which}" TIME_VALUE="{ms}"/>'
            inside += (
                f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number}" TIME_SLOT_REF1='
                f'"t{number}a" TIME_SLOT_REF2="t{number}b"><ANNOTATION_VALUE>{escape(value)}'
                "</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
            )
        tiers += (
            f"<TIER TIER_ID={quoteattr(name)} ANNOTATOR={quoteattr(coder)} "
            f'LINGUISTIC_TYPE_REF="x">{inside}</TIER>'
        )
    for (name, parent), values in (below or {}).items():
        inside = "".join(
            f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="{name}{n}" ANNOTATION_REF="a{n}">'
            f"<ANNOTATION_VALUE>{escape(value)}</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>"
            for n, value in zip(ids[parent], values, strict=False)
        )
        tiers += (
            f'<TIER TIER_ID="{name}" PARENT_REF="{parent}" LINGUISTIC_TYPE_REF="y">{inside}'
            "</TIER>"
        )
    return _EAF.format(slots, tiers).encode()


def boris(cells=None):
    """Return a BORIS project: a behaviour for each tier, its value as modifier."""
    rows = []
    for name, (coder, found) in (cells or CELLS).items():
        who = f"P01#{coder}" if coder else "P01"
        for start, end, value in found:
            rows.append([start / 1000, who, name, value, ""])
            rows.append([end / 1000, who, name, value, ""])
    observation = {"file": {"1": ["study.mp4"]}, "events": rows, "media_info": {}}
    return json.dumps({"observations": {"one": observation}}).encode()


def opf(sheet, project=None, **more):
    """Return an .opf with a spreadsheet; ``more``: further entries."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("project", project or "!project\nviewerSettings: []\n")
        archive.writestr("db", sheet if isinstance(sheet, bytes) else sheet.encode())
        for name, data in more.items():
            archive.writestr(name, data)
    return out.getvalue()


SHEET = (
    "#4\n"
    "AU12 (MATRIX,true,)-side|NOMINAL,level|NOMINAL\n"
    "00:00:00:100,00:00:00:367,(links,B)\n"
    "00:00:01:000,00:00:01:967,(,)\n"
    "Ausdruck (NOMINAL,true,)\n"
    "00:00:00:100,00:00:00:400,Freude\n"
    "Transkript (MATRIX,true,)-text|NOMINAL\n"
    "00:00:00:000,00:00:03:000,(Guten Tag\\, wo?\\\nHier.)\n"
)
