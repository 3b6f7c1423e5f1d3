"""The words in which coders write kinds, emotions, action units, sides, intensities, events.

English and German.  What a value says is taken word by word; what nobody here knows stays text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

from mescope import facs
from mescope.events import EventKind, Kind


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_KINDS: dict[Kind, str] = {
    "micro": "micro microexpression mikro mikroexpression mikroausdruck me",
    "macro": "macro macroexpression makro makroexpression makroausdruck mae",
}
_EMOTIONS = {
    "happiness": "happiness happy joy enjoyment freude froh glueck gluecklich",
    "sadness": "sadness sad trauer traurig traurigkeit",
    "anger": "anger angry wut wuetend aerger zorn",
    "disgust": "disgust disgusted ekel abscheu",
    "fear": "fear afraid angst aengstlich furcht",
    "surprise": "surprise surprised ueberraschung ueberrascht",
    "contempt": "contempt verachtung",
    "repression": "repression unterdrueckung",
    "tense": "tense tension anspannung angespannt",
    "neutral": "neutral",
    "negative": "negative negativ",
    "positive": "positive positiv",
    "others": "others other andere sonstige sonstiges",
}
_SIDES = {
    "L": "left links l li linke unilateral_left",
    "R": "right rechts r re rechte",
    "": "both bilateral beide beidseitig",
}
_INTENSITIES = {  # FACS manual: trace, slight, marked, severe, maximum
    "A": "a 1 trace spur",
    "B": "b 2 slight leicht schwach",
    "C": "c 3 marked pronounced mittel deutlich",
    "D": "d 4 severe extreme stark",
    "E": "e 5 maximum max maximal",
}
_EVENTS: dict[EventKind, str] = {
    "blink": "blink blinks blinking blinzeln lidschlag lidschluss zwinkern au45",
    "speech": "speech speaking speaks talk talking sprache sprechen spricht rede reden",
    "head": "head kopf kopfbewegung nod nodding nicken kopfnicken kopfschuetteln headmovement",
    "gaze": "gaze blick blickrichtung blickbewegung augenbewegung glance eyemovement",
}
EXPRESSION_WORDS = word_set(
    "expression expressions ausdruck ausdruecke gesichtsausdruck mimik emotion "
    "emotions emotionen affect affekt face facial gesicht gefuehl gefuehle"
)
APEX_WORDS = word_set("apex peak hoehepunkt scheitel")
AU_WORDS = word_set("au aus facs actionunit actionunits unit units")
NOTE_WORDS = word_set(
    "note notes comment comments kommentar kommentare notiz bemerkung remark text"
)
CODER_WORDS = word_set("coder rater annotator kodierer kodiererin codierer beurteiler")

_AU_NAME = re.compile(
    r"(?<![a-z])au[\s_.-]*([lrtb]?)[\s_.-]*(\d{1,2})([lr]?)(?![a-z0-9])", re.I
)
_AU_TOKEN = re.compile(r"(?:AU\s*[LRTBA]?|[LRTBA])\d{1,2}[A-E]?", re.I)


def _by_word(words: dict[str, str]) -> dict[str, str]:
    return {word: meaning for meaning, all_ in words.items() for word in all_.split()}


KINDS_BY_WORD = _by_word({str(kind): words for kind, words in _KINDS.items()})
EMOTION_BY_WORD = _by_word(_EMOTIONS)
SIDE_BY_WORD = _by_word(_SIDES)
INTENSITY_BY_WORD = _by_word(_INTENSITIES)
EVENT_BY_WORD = _by_word({str(kind): words for kind, words in _EVENTS.items()})


def plain(text: str) -> str:
    """Return text in small letters, umlauts as two letters, without other accents.

    >>> plain("Überraschung"), plain("Mikro-Ausdruck")
    ('ueberraschung', 'mikro-ausdruck')
    """
    small = text.lower()
    for umlaut, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        small = unicodedata.normalize("NFC", small).replace(umlaut, letters)
    folded = unicodedata.normalize("NFKD", small)
    return "".join(sign for sign in folded if not unicodedata.combining(sign))


def words_of(text: str) -> list[str]:
    """Return the words of a name: cut at signs, and where capitals begin.

    >>> words_of("Mikro_Ausdruck@anna"), words_of("headMovement 2")
    (['mikro', 'ausdruck', 'anna'], ['head', 'movement', '2'])
    """
    cut = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return [part for part in re.split(r"[^a-z0-9]+", plain(cut)) if part]


@dataclass(frozen=True, slots=True)
class Said:
    """What a value says; ``rest`` is what was not understood."""

    kind: Kind | None = None
    emotion: str | None = None
    units: tuple[str, ...] = ()
    side: str | None = None
    intensity: str | None = None
    absent: bool = False  # an intensity of 0
    rest: str = ""


def read_words(text: str, *, of_units: bool = False) -> Said:
    """Return what a value of a cell says, word by word.

    Args:
        text: the value.
        of_units: whether it stands in a tier of action units: then single letters and numbers
            are sides and intensities, elsewhere they are text.

    >>> read_words("Freude, Mikroausdruck AU6+L12C")
    Said(kind='micro', emotion='happiness', units=('6', 'L12C'), side=None, intensity=None, \
absent=False, rest='')
    >>> read_words("left, B", of_units=True).side, read_words("left, B").rest
    ('L', 'left B')
    """
    said, rest = Said(), []
    joined = re.sub(r"(?i)\b(micro|macro|mikro|makro)[- ]?(expression|ausdruck)", r"\1", text)
    for token in re.split(r"[\s,;/|()+]+", joined):
        after = _after(said, token, of_units) if token else said
        if after is None:
            rest.append(token)
        else:
            said = after
    return replace(said, rest=" ".join(rest))


def _after(said: Said, token: str, of_units: bool) -> Said | None:
    """Return what is said after one more word; None where it is not understood."""
    word = plain(token).strip(".:!?\"'")
    if word in KINDS_BY_WORD and said.kind is None:
        kind: Kind = "micro" if KINDS_BY_WORD[word] == "micro" else "macro"
        return replace(said, kind=kind)
    if word in EMOTION_BY_WORD and said.emotion is None:
        return replace(said, emotion=EMOTION_BY_WORD[word])
    if _AU_TOKEN.fullmatch(token) and facs.parse(token).complete:
        return replace(said, units=(*said.units, unit_of(token)))
    if of_units:
        if word in SIDE_BY_WORD and said.side is None:
            return replace(said, side=SIDE_BY_WORD[word])
        if word in INTENSITY_BY_WORD and said.intensity is None:
            return replace(said, intensity=INTENSITY_BY_WORD[word])
        if word == "0":
            return replace(said, absent=True)
    return None


def unit_of(token: str) -> str:
    """Return one action unit as FACS writes it, with side and intensity.

    >>> unit_of("au l12c"), unit_of("AU4")
    ('L12C', '4')
    """
    return re.sub(r"^AU", "", re.sub(r"\s+", "", token).upper())


def units_in(name: str) -> str:
    """Return the action units that a name of a tier names, such as ``L12``; empty: none.

    >>> units_in("AU12_links"), units_in("au 4"), units_in("AU6+AU12"), units_in("Auge 12")
    ('L12', '4', '6+12', '')
    """
    found = [(side or after, number) for side, number, after in _AU_NAME.findall(plain(name))]
    if not found:
        return ""
    sides = {SIDE_BY_WORD[w] for w in words_of(name) if w in SIDE_BY_WORD and len(w) > 1} - {""}
    side = sides.pop() if len(sides) == 1 else ""
    return "+".join(f"{(own or side).upper()}{int(number)}" for own, number in found)


def event_in(name: str) -> EventKind | None:
    """Return the event that a name of a tier names, or None.

    >>> event_in("Blinzeln"), event_in("AU45"), event_in("Kopfbewegung_anna"), event_in("x")
    ('blink', 'blink', 'head', None)
    """
    for kind, words in _EVENTS.items():
        if set(words_of(name)) & set(words.split()):
            return kind
    return None
