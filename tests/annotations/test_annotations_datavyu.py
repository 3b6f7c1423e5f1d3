"""Datavyu: what people change in it, and files that are none."""

import io
import re
import zipfile
from dataclasses import replace

import pytest
from marks_made_up import mark, sheet
from studies_made_up import CLOCK, SHEET, opf

from mescope.annotations import Clock, dumps, normal, read, read_tiers
from mescope.annotations.tiers import Cell, Tier
from mescope.errors import DatasetError
from mescope.events import FaceEvent, Interval


def changed(path, *edits):
    """Change the spreadsheet of a file."""
    text = zipfile.ZipFile(path).read("db").decode()
    for before, after in edits:
        assert before in text, text
        text = text.replace(before, after)
    path.write_bytes(opf(text))
    return path


@pytest.fixture
def ours(tmp_path):
    made = sheet(mark(30, 39, apex=35, source="anna", emotion="fear", note="n"))
    path = tmp_path / "a.opf"
    path.write_bytes(dumps([made], "datavyu"))
    return path


ROW = "00:00:01:000,00:00:01:300,(micro-expression,fear,,,,n,00:00:01:167"


def test_it_shows_the_first_and_the_last_frame(ours):
    assert ROW in zipfile.ZipFile(ours).read("db").decode()
    assert b"viewerSettings: []" in zipfile.ZipFile(ours).read("project")


@pytest.mark.parametrize("clock", [None, CLOCK])
def test_what_is_changed_in_datavyu_wins(ours, clock):
    moved = ROW.replace("01:300", "01:400").replace("fear", "joy").replace("01:167", "01:233")
    contents = read(changed(ours, (ROW, moved)), clock=clock)
    (found,) = contents.sets[0].marks
    assert (found.interval, found.apex, found.emotion) == (Interval(30, 42), 37, "joy")
    assert contents.remarks == (
        "ME_0_anna, cell 1: moved from frames 30-39 to 30-42; the apex was moved to frame 37",
    )


def test_a_cell_that_was_added_is_a_mark_of_the_columns_coder(ours):
    new = "00:00:02:000,00:00:02:000,(macro-expression,,12,,,,,)\n"
    contents = read(changed(ours, (ROW, new + ROW)))
    added = contents.sets[0].marks[-1]
    assert (added.interval, added.kind, added.source) == (Interval(60, 60), "macro", "anna")
    assert added.action_units == "12"


def test_events_of_a_model_are_written_and_no_marks(tmp_path):
    event = FaceEvent(
        kind="blink", interval=Interval(3, 6), onset_s=0.1, offset_s=0.2, strength=0.5
    )
    path = tmp_path / "e.opf"
    path.write_bytes(dumps([sheet(mark(1, 9), events=(event,))], "datavyu"))
    assert "EVENT_blink (MATRIX,true,)-value|NOMINAL\n00:00:00:100" in (
        zipfile.ZipFile(path).read("db").decode()
    )
    (back,) = read(path).sets
    assert (len(back.marks), back.tiers) == (1, ())


def test_names_that_datavyu_does_not_take(tmp_path):
    made = sheet(mark(source="Ärger (a,b)-|"), mark(40, 50, source="ärger a b"))
    path = tmp_path / "n.opf"
    path.write_bytes(dumps([made], "datavyu"))
    text = zipfile.ZipFile(path).read("db").decode()
    names = [line.split(" (")[0] for line in text.split("\n") if "(MATRIX" in line]
    assert all(re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) for name in names)
    assert len({name.lower() for name in names}) == 3
    assert read(path).sets == (normal(made),)


def test_the_offset_of_the_video_is_taken_off(tmp_path):
    """Of several videos that of the recording counts."""
    project = (
        "!project\ndbFile: db\nviewerSettings:\n- !vs\n  feed: /x/other.mp4\n"
        "  settingsId: '1'\n- !vs\n  feed: C:\\films\\study.mp4\n  settingsId: '2'\n"
    )
    path = tmp_path / "o.opf"
    path.write_bytes(opf(SHEET, project, **{"1": "#x\noffset=50\n", "2": "offset=-40\n"}))
    (found,) = read_tiers(path, clock=CLOCK).sets
    assert found.video == "study.mp4"
    assert found.tiers[0].cells[0].start == 140
    with pytest.raises(DatasetError, match="at different offsets"):
        read_tiers(path, clock=Clock(30.0, [0.0, 0.1], video="third.mp4"))


@pytest.mark.parametrize("version", ["", "#2\n", "#3\n"])
def test_older_spreadsheets(tmp_path, version):
    shown = ",false" if version == "#3\n" else ""
    text = (
        f"{version}face (MATRIX{shown})-a|NOMINAL,b|INTEGER\n00:00:00:100,00:00:00:200,(x,3)\n"
    )
    path = tmp_path / "v.opf"
    path.write_bytes(opf(text.replace("\n", "\r\n")))
    (tier,) = read_tiers(path).sets[0].tiers
    assert (tier.name, tier.fields, tier.cells[0].values) == ("face", ("a", "b"), ("x", "3"))


def test_lines_that_are_none_cost_no_other(tmp_path):
    path = tmp_path / "l.opf"
    bad = "nonsense\n00:00:09:000,00:00:01:000,(x,y)\n00:00:01:000,00:00:02:000,(1,2,3)\n"
    path.write_bytes(opf(SHEET.replace("Ausdruck (NOM", bad + "Ausdruck (NOM")))
    contents = read_tiers(path)
    assert [len(tier.cells) for tier in contents.sets[0].tiers] == [3, 1, 1]
    assert contents.sets[0].tiers[0].cells[2].values == ("1", "2,3")
    assert [text.partition(": ")[0] for text in contents.remarks] == [
        "l.opf, row 5",
        "l.opf, row 6",
    ]


def test_a_file_that_is_no_utf_8_is_read_and_told(tmp_path):
    path = tmp_path / "w.opf"
    path.write_bytes(
        opf("#4\nTon (TEXT,true,)\n00:00:00:000,00:00:01:000,für\n".encode("cp1252"))
    )
    contents = read_tiers(path)
    assert contents.sets[0].tiers[0].cells[0].values == ("für",)
    assert "Windows-1252" in contents.remarks[0]


def packed(**entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


def broken():
    data = bytearray(opf(SHEET))
    at = data.index(b"db") + 8
    data[at : at + 20] = b"\xff" * 20
    return bytes(data)


def locked():
    data = bytearray(opf(SHEET))
    for signature, where in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + where] |= 1
            at = data.find(signature, at + 4)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04 nothing", "expected an .opf of Datavyu"),
        (b"no zip", "expected an .opf of Datavyu"),
        (broken(), "expected an .opf of Datavyu"),
        (opf(SHEET)[:-30], "expected an .opf of Datavyu"),
        (locked(), "locked by a password"),
        (packed(other="x"), "expected a spreadsheet 'db' in the zip, found other"),
        (packed(db=""), "expected columns of Datavyu"),
        (packed(db="a,b\n1,2\n"), "expected columns of Datavyu"),
        (packed(db=SHEET, project=b"x" * 1_100_000), "expected at most 1000000 bytes"),
        (b"", "empty file"),
    ],
)
def test_zips_that_are_none_are_refused_in_one_line(tmp_path, data, said):
    path = tmp_path / "x.opf"
    path.write_bytes(data)
    with pytest.raises(DatasetError) as caught:
        read_tiers(path, clock=CLOCK)
    assert said in str(caught.value)
    assert str(caught.value).startswith("x.opf: ")
    assert "\n" not in str(caught.value)


def test_a_zip_that_grows_without_end_is_left(tmp_path, monkeypatch):
    """Whatever it says of its size: it is read to the limit and no further."""
    monkeypatch.setattr("mescope.annotations.opf.MAX_BYTES", 100_000)
    path = tmp_path / "b.opf"
    path.write_bytes(packed(db=b"#4\n" + b"0" * 5_000_000))
    assert path.stat().st_size < 10_000
    with pytest.raises(DatasetError, match="expected at most 100000 bytes in 'db', found more"):
        read_tiers(path)


def test_a_column_that_is_called_as_our_events_are_is_kept(tmp_path):
    """Of a study of its own, and as a tier beside the events of a model."""
    path = tmp_path / "x.opf"
    path.write_bytes(opf("#4\nEVENT_onset (NOMINAL,true,)\n00:00:00:100,00:00:00:400,yes\n"))
    (tier,) = read_tiers(path, clock=CLOCK).sets[0].tiers
    assert (tier.name, tier.cells[0].values) == ("EVENT_onset", ("yes",))
    blink = FaceEvent(
        kind="blink", interval=Interval(10, 14), onset_s=10 / 30, offset_s=14 / 30, strength=1.0
    )
    own = Tier(name="EVENT_blink", coder="ann", cells=(Cell(100, 400, ("mine",)),))
    made = replace(sheet(mark(30, 39, source="anna")), events=(blink,), tiers=(own,))
    path.write_bytes(dumps([made], "datavyu"))
    back = read(path, clock=CLOCK).sets[0]
    assert [cell.values for tier in back.tiers for cell in tier.cells] == [("mine",)]
