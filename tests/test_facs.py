import pandas as pd
import pytest

from mescope.facs import (
    ActionUnit,
    emotion_of,
    landmarks_of,
    mirror,
    name_of,
    objective_class,
    parse,
    region_of,
    table_units,
)
from mescope.facs_table import PRINTED
from mescope.synthesis.dynamics import EMOTION_UNITS
from mescope.synthesis.motion import MIRROR


def test_every_printed_row_expands_to_its_printed_count():
    """spec_rsmix_videomamba, section 8, check 1."""
    assert len(PRINTED) == 50
    for unit, (_, _, count) in PRINTED.items():
        landmarks = landmarks_of(unit, "as_published")
        assert len(landmarks) == count, unit
        assert all(0 <= i < 68 for i in landmarks)


def asymmetric(table):
    """Units whose row is no mirror image of itself, or of its partner's row."""
    found = set()
    for unit in table_units(table):
        mine = {MIRROR[i] for i in landmarks_of(unit, table)}
        if unit[0] in "LR":
            partner = mirror([unit])[0]
            if partner in table_units(table) and mine != set(landmarks_of(partner, table)):
                found.add(unit)
        elif mine != set(landmarks_of(unit, table)):
            found.add(unit)
    return found


def test_the_clean_table_is_its_own_mirror_image_and_the_printed_one_is_not():
    assert asymmetric("clean") == set()
    assert asymmetric("as_published") == {"L10", "R10", "15", "24", "26"}


def test_left_is_the_persons_left_in_the_clean_table():
    """Image right means landmark numbers of the right half: 22-26, 42-47 and so on."""
    for table, wrong in (("clean", set()), ("as_published", {"L1", "R1", "L2", "R2"})):
        found = set()
        for unit in table_units(table):
            if unit[0] in "LR":
                left = {i for i in landmarks_of(unit, table) if i in LEFT_HALF}
                right = {i for i in landmarks_of(unit, table) if MIRROR[i] in LEFT_HALF}
                if (len(right) > len(left)) != (unit[0] == "L"):
                    found.add(unit)
        assert found == wrong


LEFT_HALF = {*range(8), *range(17, 22), 31, 32, *range(36, 42), 48, 49, 50, 58, 59, 60, 61, 67}


def test_the_mirror_has_ten_fixed_points():
    """Check 2: 9, 28-31, 34, 52, 58, 63, 67, counted from 1."""
    fixed = {i + 1 for i in range(68) if MIRROR[i] == i}
    assert fixed == {9, 28, 29, 30, 31, 34, 52, 58, 63, 67}


@pytest.mark.parametrize(
    ("token", "same_as"),
    [("r18", "R18"), ("A14", "14"), ("L16", "16"), ("39", "38"), ("43", "7"), ("29", "26")],
)
def test_tokens_without_a_row_fall_back_in_the_clean_table_only(token, same_as):
    """spec_rsmix_videomamba, section 4.3."""
    assert landmarks_of(token) == landmarks_of(same_as) != ()
    assert landmarks_of(token, "as_published") == ()


def test_an_unknown_action_unit_has_no_landmarks():
    assert landmarks_of("99") == landmarks_of("L99") == ()


@pytest.mark.parametrize(
    ("unit", "printed", "clean"),
    [
        ("L1", {21, 22}, {23, 24}),
        ("R2", {26, 27}, {18, 19}),
        ("R10", {32, *range(49, 56), 61, 62, 63}, {32, *range(49, 53), 61, 62, 63}),
        ("15", {49, 59, 61, 65}, {49, 55, 57, 59, 61, 65}),
        ("24", set(range(50, 69)), set(range(49, 69))),
        ("26", {8, 9, 10, *range(55, 62), *range(65, 69)},
         {8, 9, 10, 49, *range(55, 62), *range(65, 69)}),
        ("R7", set(), set(range(37, 43))),
        ("T18", set(), set(range(49, 56))),
        ("L18", set(), {54, 55, 56, 65}),
        ("R18", set(), {49, 50, 60, 61}),
        ("B24", set(), {*range(56, 61), 66, 67, 68}),
        ("T22", set(range(50, 55)), set(range(50, 55))),
        ("9", set(range(28, 37)), set(range(28, 37))),
    ],
)  # fmt: skip
def test_rows_of_both_tables_counted_from_1(unit, printed, clean):
    """spec_rsmix_videomamba, sections 4.1 to 4.3: each correction, each added row."""
    assert {i + 1 for i in landmarks_of(unit, "as_published")} == printed
    assert {i + 1 for i in landmarks_of(unit)} == clean


def test_a_bilateral_row_is_the_union_of_its_sides():
    """Section 4.2: every row with both sides, in the clean table."""
    units = set(table_units())
    both = [u for u in units if u.isdigit() and {f"L{u}", f"R{u}"} <= units]
    assert len(both) >= 10
    for unit in both:
        sides = {*landmarks_of(f"L{unit}"), *landmarks_of(f"R{unit}")}
        assert sides == set(landmarks_of(unit)), unit


def test_the_region_of_an_expression_is_the_union_and_says_what_has_no_row():
    """Section 4.3: unknown tokens are left out and told, never fatal."""
    region = region_of("L12+38+L12+glare+99+R12 or R14")
    assert region.landmarks == tuple(sorted({*landmarks_of("L12"), *landmarks_of("38")}))
    assert region.units == ("L12", "38")
    assert region.unmapped == ("99", "glare", "R12", "R14")
    assert region_of(("l12", "T18")) == region_of("L12,T18")
    assert region_of("T18+R7+r18", "as_published") == ((), (), ("T18", "R7", "R18"))
    assert region_of("") == region_of(()) == ((), (), ())
    assert region_of("?").unmapped == ("?",)


def au(number, **more):
    return ActionUnit(number=number, **more)


@pytest.mark.parametrize(
    ("text", "separator", "expected"),
    [
        ("4+L10", "+", [au(4), au(10, prefix="L")]),
        ("R14", "+", [au(14, prefix="R")]),
        ("12A", "+", [au(12, intensity="A")]),
        ("A14C", "+", [au(14, prefix="A", intensity="C")]),
        ("4(B/C)+7B", "+", [au(4, intensity="B/C"), au(7, intensity="B")]),
        ("10A/B", "+", [au(10, intensity="A/B")]),
        ("ref(7B)+43", "+", [au(7, intensity="B", reference=True), au(43)]),
        (
            "ref(A14)+24+61",
            "+",
            [au(14, prefix="A", reference=True), au(24), au(61)],
        ),
        ("T28+14", "+", [au(28, prefix="T"), au(14)]),
        ("r18", "+", [au(18, prefix="R")]),
        ("AD38", "+", [au(38, code="AD")]),
        ("1+2+5+M58", "+", [au(1), au(2), au(5), au(58, code="M")]),
        ("AU4(k)+L7", "+", [au(4, static=True), au(7, prefix="L")]),
        ("AUR2+12(k)+45", "+", [au(2, prefix="R"), au(12, static=True), au(45)]),
        ("R4,5,16,38", ",", [au(4, prefix="R"), au(5), au(16), au(38)]),
        ("4，11", ",", [au(4), au(11)]),
        ("13?", ",", [au(13, uncertain=True)]),
        (4, "+", [au(4)]),
        (4.0, "+", [au(4)]),
        ("4.0", "+", [au(4)]),
        ("", "+", []),
        (None, "+", []),
        (pd.NA, "+", []),
        (float("nan"), "+", []),
    ],
)
def test_the_grammar_of_the_sheets(text, separator, expected):
    coding = parse(text, separator)
    assert list(coding.units) == expected
    assert coding.complete


def test_five_tokens_and_no_empty_sixth():
    assert [str(u) for u in parse("L2,L4,10,24,38,", ",").units] == [
        "L2",
        "L4",
        "10",
        "24",
        "38",
    ]


def test_what_is_not_understood_is_kept():
    assert parse("?").unknown == ("?",)
    assert parse("4+glare").unknown == ("glare",)
    assert not parse("4+glare").complete
    either = parse("R12 or R14")
    assert [str(u) for u in either.alternatives] == ["R12", "R14"]
    assert not either.complete


@pytest.mark.parametrize(
    "text", ["x or y", "12 or twitch", "A/L12", "R(12or14)B", float("inf"), 4.7, -3]
)
def test_nothing_is_dropped_as_if_it_were_understood(text):
    coding = parse(text)
    assert not coding.complete
    assert coding.units == ()
    assert coding.unknown == (str(text),)


def test_a_bracket_with_an_alternative_inside_keeps_the_rest_as_unknown():
    coding = parse("6B+((8+25)or(50))")
    assert [str(u) for u in coding.units] == ["6"]
    assert coding.unknown == ("((8", "25)or(50))")


@pytest.mark.parametrize(
    ("index", "sets"),
    [
        (1, "12;6;6+12;7+12;12+24;12+61;12+14;10+12;12+25;12+39"),
        (2, "1+2;5;25;25+26;5+24"),
        (3, "4;4+7;23;17+24;4+6+7;4+38;4+7+43;4+6+7+43"),
        (4, "10;9;4+9;4+7+10;7+10;9+12;9+10;10+25+26"),
        (5, "1;15;1+4;15+17"),
        (6, "1+2+4;20;20+21;7+20+26;5+20+25+26"),
        (7, "14;17;24;2;18"),
    ],
)
def test_every_combination_seen_in_the_sheets_has_its_class(index, sets):
    for units in sets.split(";"):
        assert objective_class(units.split("+")) == index, units


def test_mirroring_twice_changes_nothing():
    assert mirror(("L12", "R2", "4")) == ("R12", "L2", "4")  # check 12
    assert mirror(("r18",)) == ("L18",)
    units = ("L12", "R2", "4", "T22")
    assert mirror(units) == ("R12", "L2", "4", "T22")
    assert mirror(mirror(units)) == units


@pytest.mark.parametrize(
    ("units", "emotion", "index"),
    [
        (("12",), "positive", 1),
        (("R12",), "positive", 1),
        (("1", "2"), "surprise", 2),
        (("4",), "negative", 3),
        (("9",), "negative", 4),
        (("15", "17"), "negative", 5),
        (("20",), "negative", 6),
        (("14",), "others", 7),
    ],
)
def test_objective_classes_and_their_emotion(units, emotion, index):
    assert emotion_of(units) == emotion
    assert objective_class(units) == index


@pytest.mark.parametrize("emotion", EMOTION_UNITS)
def test_rules_agree_with_what_is_planted(emotion):
    assert {emotion_of(units) for units in EMOTION_UNITS[emotion]} == {emotion}


def test_names_carry_their_side():
    assert name_of("R1") == "Inner Brow Raiser, right"
    assert name_of("T22") == "Lip Funneler, upper"
