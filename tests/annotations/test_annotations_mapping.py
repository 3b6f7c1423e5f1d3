"""Files of ordinary studies, read by a mapping that says what their tiers mean."""

import json

import pytest
from studies_made_up import CELLS, CLOCK, SHEET, boris, eaf, opf

from mescope.annotations import (
    CODECS,
    TableLayout,
    TierMapping,
    TierMeaning,
    dumps,
    dumps_mapping,
    normal,
    propose,
    read,
    read_mapped,
    read_mapping,
    read_tiers,
    summaries,
    table_columns,
    writable,
)
from mescope.errors import DatasetError


def put(folder, name, data):
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def proposed(path, clock=CLOCK):
    found = read_tiers(path, clock=clock)
    every = [tier for one in found.sets for tier in one.tiers]
    return propose(every, table_columns(path)[1])


def told(marks):
    return sorted(
        (m.source, m.interval.first, m.interval.last, m.kind, m.emotion, m.action_units, m.note)
        for m in marks
    )


MARKS = [
    ("anna", 3, 11, "micro", None, "L12B+6", ""),
    ("anna", 30, 59, "macro", None, "12", ""),
    ("ben", 3, 12, "micro", "happiness", "", ""),
    ("ben", 27, 53, "macro", None, "", "komisch"),
]


@pytest.mark.parametrize(("name", "data"), [("study.eaf", eaf()), ("study.boris", boris())])
def test_a_study_is_read_as_proposed(tmp_path, name, data):
    """AU tiers by their number, with side and intensity; words in German; the rest is kept."""
    path = put(tmp_path, name, data)
    mapping = proposed(path)
    assert {(one.name, one.means, one.unit or one.event) for one in mapping.tiers} == {
        ("AU12", "au", "12"), ("AU6", "au", "6"), ("Blinzeln", "event", "blink"),
        ("Ausdruck", "expression", None), ("Transkript", "keep", None),
    }  # fmt: skip
    found = read_mapped(path, mapping, clock=CLOCK)
    (one,) = found.contents.sets
    assert told(one.marks) == MARKS
    assert {tier.name for tier in one.tiers} == set(CELLS)
    counts = {count.name: (count.cells, count.marks, count.left_out) for count in found.counts}
    assert counts["AU12"] == (2, 2, 0)
    assert counts["Transkript"] == (1, 0, 0)
    assert found.contents.lost == 0
    said = read(path, clock=CLOCK, mapping=mapping).remarks
    assert "Blinzeln: 1 kept as they stand" in said


@pytest.mark.parametrize("form", writable())
def test_what_is_kept_comes_back_from_every_format(tmp_path, form):
    """Marks and tiers of a study, through another program and back to its own."""
    path = put(tmp_path, "study.eaf", eaf(below={("Seite", "AU12"): ["links", "beide"]}))
    (one,) = read_mapped(path, proposed(path), clock=CLOCK).contents.sets
    once = put(tmp_path, f"once{CODECS[form].suffixes[-1]}", dumps([one], form))
    (there,) = read(once).sets
    assert there == normal(one)
    back = put(tmp_path, "back.eaf", dumps([there], "elan"))
    tiers = {tier.name: tier for tier in read_tiers(back, clock=CLOCK).sets[0].tiers}
    for name, (coder, cells) in CELLS.items():
        assert tiers[name].coder == coder
        assert [(c.start, c.end, c.values[0]) for c in tiers[name].cells] == cells
    assert [cell.values for cell in tiers["AU12"].cells] == [
        ("links B", "links"),
        ("", "beide"),
    ]


def test_without_a_mapping_a_study_is_refused_with_the_way_out(tmp_path):
    for name, data in (("study.eaf", eaf()), ("study.opf", opf(SHEET))):
        with pytest.raises(DatasetError, match="mescope tiers"):
            read(put(tmp_path, name, data), clock=CLOCK)


def test_datavyu_by_columns_and_codes(tmp_path):
    """Its offset is the time of the last frame."""
    path = put(tmp_path, "study.opf", opf(SHEET))
    found = read_mapped(path, proposed(path), clock=CLOCK, coder="cem")
    assert told(found.contents.sets[0].marks) == [
        ("cem", 3, 11, "micro", None, "L12B", ""),
        ("cem", 3, 12, "micro", "happiness", "", ""),
        ("cem", 30, 59, "macro", None, "12", ""),
    ]
    kept = {tier.name: tier for tier in found.contents.sets[0].tiers}
    assert kept["Transkript"].cells[0].values == ("Guten Tag, wo?\nHier.",)


TABLE = (
    "Verhalten;Beginn;Ende;Höhepunkt;Kodierer;Gefühl;Notiz\n"
    "Ausdruck;0,1;0,4;0,2;anna;Ekel;gut\nBlinzeln;1,0;1,2;;ben;;\nAusdruck;x;1;;ben;Wut;\n"
)


def test_a_table_by_the_names_of_its_columns(tmp_path):
    path = put(tmp_path, "t.csv", TABLE)
    mapping = proposed(path)
    assert mapping.table == TableLayout(
        start="Beginn", end="Ende", apex="Höhepunkt", tier="Verhalten", coder="Kodierer"
    )
    found = read_mapped(path, mapping, clock=CLOCK)
    (mark,) = found.contents.sets[0].marks
    assert (mark.interval.first, mark.apex, mark.interval.last) == (3, 6, 11)
    assert (mark.source, mark.emotion, mark.note) == ("anna", "disgust", "gut")
    assert found.contents.lost == 1
    assert "row 4: left out, Beginn is 'x': expected a time" in found.contents.remarks[0]


@pytest.mark.parametrize(
    ("unit", "row", "frames"),
    [
        ("seconds", "0.1,0.4", (3, 11)),
        ("seconds", "00:00:00.100,0:00.400", (3, 11)),
        ("milliseconds", "100,400", (3, 11)),
        ("frames", "3,11", (3, 11)),
        ("frames from 1", "4,12", (3, 11)),
    ],
)
def test_times_of_tables(tmp_path, unit, row, frames):
    path = put(tmp_path, "t.csv", f"a,b,what\n{row},fear\n")
    mapping = TierMapping(
        (TierMeaning(name="table", means="expression"),),
        TableLayout(start="a", end="b", unit=unit),
    )
    (mark,) = read(path, clock=CLOCK, mapping=mapping).sets[0].marks
    assert (mark.interval.first, mark.interval.last, mark.emotion) == (*frames, "fear")


@pytest.mark.parametrize(
    ("head", "row", "unit"),
    [
        ("{} Time - ss.msec", "1.234\t1.534", "seconds"),
        ("{} Time - hh:mm:ss.ms", "00:00:01.234\t00:00:01.534", "seconds"),
        ("{} Time - msec", "1234\t1534", "milliseconds"),
        ("{} ms", "1234.333\t1534.333", "milliseconds"),
    ],
)
def test_the_tab_export_of_elan_is_read_in_its_units(tmp_path, head, row, unit):
    heads = "\t".join(["Tier", head.format("Begin"), head.format("End"), "Annotation"])
    path = put(tmp_path, "elan.csv", f"{heads}\nExpression\t{row}\thappy\n")
    mapping = proposed(path)
    assert mapping.table.unit == unit
    (mark,) = read(path, clock=CLOCK, mapping=mapping).sets[0].marks
    assert (mark.interval.first, mark.interval.last, mark.emotion) == (37, 45, "happiness")


@pytest.mark.parametrize(
    ("unit", "row", "said"),
    [
        ("seconds", "00:00:01:12,00:00:02:03", "found frames behind the seconds"),
        ("seconds", "00:00:01;12,2", "found frames behind the seconds"),
        ("milliseconds", '"12,234","12,534"', "may be a thousand"),
        ("milliseconds", "1.234,1.534", "may be a thousand"),
        ("frames", "1.000,1.012", "may be a thousand"),
        ("frames from 1", '"2,000","2,000"', "may be a thousand"),
        ("seconds", "0:00:75,0:01:02", "found frames behind the seconds"),
    ],
)
def test_times_that_may_be_read_in_two_ways_are_told(tmp_path, unit, row, said):
    path = put(tmp_path, "t.csv", f"a,b,what\n{row},fear\n")
    table = TableLayout(start="a", end="b", unit=unit)
    found = read_mapped(path, TierMapping((), table), clock=CLOCK).contents
    assert found.lost == 1
    assert said in found.remarks[0]


@pytest.mark.parametrize(
    ("head", "rows"),
    [
        ("onset (mm:ss:ff),offset (mm:ss:ff)", "00:00:01,00:00:02\n00:00:02,00:00:03"),
        ("onset,offset", "00:00:01,00:00:02\n00:00:02,00:00:74"),
    ],
)
def test_minutes_seconds_and_frames_are_no_clock(tmp_path, head, rows):
    """They would be 60 times as late; where one of a column is none, all of it is in doubt."""
    lines = "\n".join(f"{row},fear" for row in rows.splitlines())
    path = put(tmp_path, "t.csv", f"{head},what\n{lines}\n")
    found = read_mapped(path, TierMapping(), clock=CLOCK).contents
    assert found.lost == 2
    assert "found frames behind the seconds" in found.remarks[0]


def test_the_aggregated_events_of_boris_are_read_by_their_columns(tmp_path):
    """A column "Time offset (s)" is no end, and "Observation type" no behaviour."""
    heads = (
        "Observation id,Observation date,Observation duration,Observation type,"
        "Time offset (s),Media duration (s),FPS,Subject,Behavior,Behavioral category,"
        "Behavior type,Start (s),Stop (s),Duration (s),Media file name,Image index start"
    )
    first = "obs1,2024-05-01 10:00:00,4.0,Media file(s),0.0,4.0,30.0,p1"
    rows = (
        f"{first},smile,affect,STATE,0.1,0.4,0.3,study.mp4,3\n"
        f"{first},blink,eyes,POINT,0.5,NA,NA,study.mp4,15\n"
    )
    path = put(tmp_path, "aggregated.csv", f"{heads}\n{rows}")
    mapping = proposed(path)
    assert mapping.table == TableLayout(
        start="Start (s)", end="Stop (s)", tier="Behavior", participant="Subject",
        video="Media file name",
    )  # fmt: skip
    assert mapping.of("blink").event == "blink"
    (one,) = read_tiers(path, clock=CLOCK).sets
    assert {t.name: (t.cells[0].start, t.cells[0].end) for t in one.tiers} == {
        "smile": (100, 400), "blink": (500, 500),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("heads", "starts", "stops"),
    [
        ("Start (s),Behavior,Behavior type", "START", "STOP"),  # as BORIS
        ("Begin,Behavior,Event_Type", "State start", "State stop"),  # as The Observer
    ],
)
def test_states_that_start_and_stop_in_rows_of_their_own_are_refused(
    tmp_path, heads, starts, stops
):
    path = put(tmp_path, "t.csv", f"{heads}\n0.1,smile,{starts}\n0.4,smile,{stops}\n")
    with pytest.raises(DatasetError, match="in one row and its stop in another"):
        read_tiers(path, clock=CLOCK)
    points = put(tmp_path, "p.csv", f"{heads}\n0.1,smile,POINT\n0.4,smile,POINT\n")
    assert len(read_tiers(points, clock=CLOCK).sets[0].tiers[0].cells) == 2


def test_from_goes_with_to(tmp_path):
    path = put(tmp_path, "t.csv", "From (s),To (s),Code\n0.1,0.4,smile\n")
    (tier,) = read_tiers(path, clock=CLOCK).sets[0].tiers
    assert (tier.cells[0].start, tier.cells[0].end) == (100, 400)


def test_a_table_that_only_looks_like_ours_is_read_by_its_columns(tmp_path):
    """Its kinds are no kinds of expressions; one of mescope's own needs no layout."""
    text = "video,onset,offset,type\nstudy.mp4,3,11,smile\nstudy.mp4,20,30,AU4\n"
    path = put(tmp_path, "s.csv", text)
    mapping = proposed(path)
    assert mapping.table is not None
    assert (mapping.table.tier, mapping.table.unit) == ("type", "frames")
    assert told(read(path, clock=CLOCK, mapping=mapping).sets[0].marks) == [
        ("", 20, 30, "micro", None, "4", "")
    ]
    own = put(tmp_path, "o.csv", text.replace("smile", "micro"))
    assert table_columns(own) == ((), None)
    assert len(read(own, clock=CLOCK, mapping=mapping).sets[0].tiers) == 0


def test_the_tables_of_datavyu_need_no_layout(tmp_path):
    """Its spreadsheet, and its table of cells beside each other."""
    wide = (
        "au.ordinal,au.onset,au.offset,au.code01,look.ordinal,look.onset,look.offset,look.where\n"
        "1,100,367,AU12,1,0,500,mother\n2,1000,1967,AU4,,,,\n"
    )
    for text, names in ((SHEET, {"AU12", "Ausdruck", "Transkript"}), (wide, {"au", "look"})):
        path = put(tmp_path, "d.csv", text)
        assert table_columns(path) == ((), None)
        assert {t.name for t in read_tiers(path, clock=CLOCK).sets[0].tiers} == names
    assert summaries(read_tiers(path).sets[0].tiers)[0].count == 2


def test_fields_mean_what_the_mapping_says(tmp_path):
    """Of a tier with a tier below it; who coded, and the apex, stand in the values."""
    cells = {"Gesicht": ("", [(100, 400, "AU4+L10"), (1000, 1200, "")]),
             "Apex": ("", [(200, 201, "")])}  # fmt: skip
    below = {("Wer", "Gesicht"): ["dora", "emil"], ("Was", "Gesicht"): ["irgendwie froh", ""]}
    path = put(tmp_path, "s.eaf", eaf(cells, below))
    meaning = TierMeaning(
        name="Gesicht", means="expression", kind="micro", emotion="tense", keep=False,
        fields={"value": "au", "Wer": "coder", "Was": "emotion"},
    )  # fmt: skip
    mapping = TierMapping((meaning, TierMeaning(name="Apex", means="apex", keep=False)))
    found = read_mapped(path, mapping, clock=CLOCK)
    one = found.contents.sets[0]
    assert told(one.marks) == [
        ("dora", 3, 11, "micro", "irgendwie froh", "4+L10", ""),
        ("emil", 30, 35, "micro", "tense", "", ""),
    ]
    assert [mark.apex for mark in one.marks] == [6, None]
    assert one.tiers == ()


@pytest.mark.parametrize("apex", ["250", "-0.5", "1e400", "nan", "00:00:01:000"])
def test_an_apex_outside_its_cell_is_told_and_none(tmp_path, apex):
    """In another unit, say; it was taken for the last frame."""
    sheet = f"#4\nface (MATRIX,true,)-at|NOMINAL\n00:00:00:100,00:00:00:400,({apex})\n"
    path = put(tmp_path, "s.opf", opf(sheet))
    meaning = TierMeaning(name="face", means="expression", fields={"at": "apex"})
    found = read(path, clock=CLOCK, mapping=TierMapping((meaning,)))
    assert [(m.interval.first, m.apex) for m in found.sets[0].marks] == [(3, None)]
    assert "lies outside of it and was left out" in found.remarks[0]


def test_what_makes_no_sense_is_counted_with_its_reason(tmp_path):
    cells = {"AU4": ("a", [(0, 100, "0"), (200, 300, "")]), "AUs": ("a", [(0, 100, "hm")])}
    path = put(tmp_path, "s.eaf", eaf(cells))
    mapping = TierMapping((
        TierMeaning(name="AU4", means="au", unit="4"), TierMeaning(name="AUs", means="au"),
    ))  # fmt: skip
    found = read_mapped(path, mapping, clock=CLOCK)
    why = {count.name: (count.marks, count.left_out, count.why) for count in found.counts}
    assert why == {
        "AU4": (1, 1, ["its intensity is 0: the action unit is not there"]),
        "AUs": (0, 1, ["it names no action unit; say which one the tier means"]),
    }
    assert found.contents.lost == 2


def test_what_is_ignored_is_counted(tmp_path):
    path = put(tmp_path, "s.eaf", eaf({"Skizze": ("a", [(0, 100, "x"), (200, 300, "y")])}))
    mapping = TierMapping((TierMeaning(name="Skizze", means="ignore"),))
    found = read_mapped(path, mapping, clock=CLOCK)
    assert found.contents.sets[0].tiers == ()
    assert list(map(str, found.counts)) == ["Skizze: 2 ignored"]


def test_marks_past_the_end_refuse_the_file(tmp_path):
    path = put(tmp_path, "s.eaf", eaf({"Ausdruck": ("a", [(9000, 9500, "Wut")])}))
    with pytest.raises(DatasetError, match=r"9\.000 to 9\.500 s, but the recording is shown"):
        read(path, clock=CLOCK, mapping=proposed(path))


def test_a_mapping_comes_back_from_its_file(tmp_path):
    mapping = TierMapping(
        (
            TierMeaning(name="AU12", means="au", unit="L12", coder="ä", kind="macro"),
            TierMeaning(name="x", means="event", event="gaze"),
            TierMeaning(name="y", means="expression", keep=False, fields={"a": "note"}),
        ),
        TableLayout(start="a", end="b", unit="frames from 1", tier="c"),
    )
    assert read_mapping(put(tmp_path, "m.json", dumps_mapping(mapping))) == mapping


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "expected an object as a mapping"),
        ({"format": "x"}, "expected a mapping"),
        ({"tiers": [{"means": "au"}]}, "the name of a tier"),
        ({"tiers": [{"name": "a", "means": "AU"}]}, "tier 'a': means: expected expression, au"),
        ({"tiers": [{"name": "a", "means": "event"}]}, "event: expected blink, speech"),
        ({"tiers": [{"name": "a", "unit": "lip"}]}, "action units such as 12"),
        ({"tiers": [{"name": "a", "colour": 1}]}, "found 'colour'"),
        ({"tiers": [{"name": "a", "keep": 1}]}, "true or false as keep"),
        ({"tiers": [{"name": "a", "fields": {"v": "x"}}]}, "field 'v': expected words"),
        ({"tiers": [{"name": "a"}, {"name": "a"}]}, "there twice"),
        ({"tiers": [{"name": "a" * 300}]}, "at most 200 characters"),
        ({"table": {"end": "b"}}, "column of onsets"),
        ({"table": {"start": "a", "unit": "hours"}}, "unit: expected seconds"),
        ({"rows": []}, "found 'rows'"),
    ],
)
def test_a_wrong_mapping_is_told_in_one_line(tmp_path, document, said):
    path = put(tmp_path, "m.json", json.dumps(document))
    with pytest.raises(DatasetError) as caught:
        read_mapping(path)
    assert said in str(caught.value)
    assert str(caught.value).startswith("m.json: ")
    assert "\n" not in str(caught.value)


def test_a_column_that_is_not_there(tmp_path):
    path = put(tmp_path, "t.csv", "a,b\n1,2\n")
    with pytest.raises(DatasetError, match=r"t.csv: expected the column 'c'.*found a, b"):
        read(path, mapping=TierMapping((), TableLayout(start="c")))
    with pytest.raises(DatasetError, match="expected a column of onsets, found a, b"):
        read_tiers(path)
    with pytest.raises(DatasetError, match="expected a file of csv, elan, boris, datavyu"):
        read_tiers(put(tmp_path, "v.vtt", "WEBVTT\n"))
