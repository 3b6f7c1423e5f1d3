"""All words of the page stand in one file, and a translation takes its place."""

from __future__ import annotations

import json
import re

import pytest
from app_server import serving
from page_literals import literals

from mescope.app import words as module
from mescope.app.words import ENGLISH, english, translation
from mescope.errors import MescopeError

STATIC = ENGLISH.parent
TABLE = json.loads(ENGLISH.read_text(encoding="utf-8"))
SCRIPTS = sorted(STATIC.glob("*.js"))

PROSE = re.compile(r"[^\W\d_]{2,}[,;:]? [^\W\d_]{2,}|^\W*[A-Z][a-z]{2,}|[a-z]{2,}[.…!?]$")
"""Two words side by side, a word that begins with a capital, or the end of a sentence."""

NO_WORDS = re.compile(
    r"(class: [^,}\n]*|className = [^;\n]*|classList\.\w+\(|querySelector(All)?\("
    r"|closest\?\.\(|closest\(|matchMedia\(|matches\(|from |import |download: |getContext\("
    r"|\.font = |\b(t|word)\()$"
)
"""What stands before a string that nobody reads: names of classes, selectors, files."""

CODES = {
    "frames from 1",
    "Alt", "ArrowDown", "ArrowLeft", "ArrowRight", "ArrowUp", "Backspace", "Content-Type",
    "Control", "Delete", "Enter", "Escape", "Meta", "Shift", "Shift+", "Space", "Tab",
    "X-Folder", "X-Name", "to code", "to review",
}  # fmt: skip
"""Names that browsers, servers and programs know."""


def prose(script):
    """Return the strings of a script that a person would read."""
    found = []
    for before, text in literals(script):
        words = PROSE.search(text) and text.strip() not in CODES
        if words and not NO_WORDS.search(before):
            found.append(text)
    return found


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_words_stand_in_a_script(path):
    assert prose(path.read_text(encoding="utf-8")) == [], (
        'put them into static/words.json and write t("part.key")'
    )


def test_words_in_a_script_are_seen():
    script = """
    // Two words in a comment
    make("h1", { class: "row head" }, "Loading …");
    say(`Sending ${name || "some file"} of many`);
    const plain = /"two words"/.test(name) ? t("page.close") : "state"; put(box, "Done.");
    """
    assert prose(script) == ["Loading …", "Sending ", "some file", " of many", "Done."]


def test_no_words_stand_in_the_page_itself():
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    shown = re.sub(r"<[^>]*>", " ", page.partition("<body>")[2])
    told = re.findall(r"(?:title|alt|placeholder|aria-label)=\"([^\"]*)\"", page)
    left = re.sub(
        r"\{\{[a-z_.]+\}\}", "", " ".join([shown, *told, *re.findall("<title>(.*)<", page)])
    )
    assert re.findall(r"\w{2,}", left) == []


def used_keys():
    """Return keys, beginnings of keys, and parts that scripts, pages and the server ask for."""
    keys, begins, parts = set(), set(), {"language"}
    for path in [
        *SCRIPTS,
        STATIC / "index.html",
        *STATIC.parent.rglob("*.py"),
        *STATIC.parent.glob("templates/*"),
    ]:
        text = path.read_text(encoding="utf-8")
        keys |= set(re.findall(r"(?<![a-z])(?:t|words)\(\s*\"(\w+\.\w+)\"", text))
        keys |= set(re.findall(r"\{\{(\w+\.\w+)\}\}", text))
        keys |= set(re.findall(r"[?:] \"(\w+\.\w+)\"", text)) & set(all_keys())
        begins |= set(re.findall(r"(?<![a-z])(?:t\(`|words\(f\")(\w+\.\w*)[${]", text))
        parts |= set(re.findall(r"(?:word|\.named)\(\"(\w+)\"", text))
    return keys, begins, parts


def all_keys():
    return [f"{part}.{key}" for part in TABLE if part != "language" for key in TABLE[part]]


def test_every_key_is_there_and_every_text_is_used():
    keys, begins, parts = used_keys()
    known = all_keys()
    assert sorted(keys - set(known)) == []
    assert (
        sorted(begin for begin in begins if not any(k.startswith(begin) for k in known)) == []
    )
    assert parts - {"language"} <= set(module.NAMED)
    left = [k for k in known if k not in keys and k.partition(".")[0] not in parts]
    assert [k for k in left if not k.startswith(tuple(begins))] == []


def test_a_text_and_its_filling():
    assert english()("adding.sends", n=1, of=2, name="a {b}") == "Sending 1 of 2: a {b}"
    assert english().named("states", "reviewed") == "reviewed"
    assert english().named("emotions", "awe") == "awe"
    assert "<title>mescope</title>" in english().filled("<title>{{page.title}}</title>")


def changed(part, key, text):
    copy = json.loads(json.dumps(TABLE))
    copy[part][key] = text
    return copy


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (changed("page", "more", "mehr"), "page: 'more' is not known"),
        ({k: v for k, v in TABLE.items() if k != "panel"}, "'panel' is missing"),
        (changed("adding", "sends", "{n} von {of}"), "adding.sends: expected {name}"),
        (changed("adding", "sends", {"one": "{n}"}), "adding.sends: expected one text"),
        (changed("adding", "more", {"one": "{n}"}), "adding.more: expected one text, or forms"),
        (changed("page", "close", 7), "page.close: expected text"),
        (TABLE | {"language": "de fr"}, "language: expected a tag"),
        ([], "expected an object"),
    ],
)  # fmt: skip
def test_a_translation_that_does_not_fit_is_refused(tmp_path, table, said):
    path = tmp_path / "de.json"
    path.write_text(json.dumps(table), encoding="utf-8")
    with pytest.raises(MescopeError, match="translate the texts and leave the keys") as error:
        translation(path)
    assert said in str(error.value)


def test_a_translation_may_have_more_plurals_and_names(tmp_path):
    copy = changed("adding", "more", {"one": "{n} a", "few": "{n} b", "other": "{n} c"})
    copy["emotions"]["awe"] = "Ehrfurcht"
    path = tmp_path / "cs.json"
    path.write_text(json.dumps(copy | {"language": "cs"}), encoding="utf-8")
    assert translation(path).named("emotions", "awe") == "Ehrfurcht"


FOREIGN = str.maketrans(
    {c: chr(ord(c) + 0xFEE0) for c in map(chr, range(33, 127)) if c.isalpha()}
)
READ = """
const names = ["title", "alt", "placeholder", "aria-label"], found = [];
for (const one of [document.body, ...document.body.querySelectorAll("*")]) {
  if (one.closest("script, noscript, body [lang]")) continue;
  for (const name of names) found.push(one.getAttribute(name) ?? "");
  for (const inner of one.childNodes) if (inner.nodeType === 3) found.push(inner.data);
}
return found;
"""


def foreign(text):
    """Return a text in letters that no English word has; what is filled in stays."""
    if isinstance(text, dict):
        return {form: foreign(one) for form, one in text.items()}
    parts = re.split(r"(\{\w+\})", text)
    return "".join(p if p.startswith("{") else p.translate(FOREIGN) for p in parts)


@pytest.mark.slow
def test_a_translated_page_shows_no_english(browser, tmp_path):
    """Every page; what the library says is marked as English."""
    pytest.importorskip("selenium", reason="the tests of the page need selenium")
    from browsing import Keys, Page

    table = {
        part: texts if part == "language" else {k: foreign(text) for k, text in texts.items()}
        for part, texts in TABLE.items()
    }
    path = tmp_path / "foreign.json"
    path.write_text(json.dumps(table | {"language": "de"}), encoding="utf-8")
    folder = tmp_path / "study"
    folder.mkdir()
    with serving(folder, words=path) as one:
        page = Page(browser, one, one.known_as_analyzed("1.mp4"))
        assert page.js("return document.documentElement.lang") == "de"
        page.code_as("7")
        page.press(Keys.ESCAPE, "i", "o")
        page.until(lambda: page.marks()["annotations"])
        page.pick(1)
        left = english_on(page)
        page.press("?")
        left |= english_on(page)
        pages = (
            ("#/", ".recording img"), ("#/agreement", "main h1"), ("#/study", "#rates p"),
        )  # fmt: skip
        for where, there in pages:
            page.go(where)
            page.until(lambda there=there: page.all(there))
            left |= english_on(page)
        page.go("api/report?show=true")
        page.until(lambda: page.all("section table"))
        left |= english_on(page)
        browser.get("about:blank")
    assert left == set()


def english_on(page):
    """Return the English words that can be read, seen or heard on a page."""
    own = (
        r"\b(oder|ELAN|eaf|BORIS|Datavyu|WebVTT|ActivityNet|JSON|mescope|mp4|study|MB)\b|\.\w+"
    )
    texts = [re.sub(own, "", text) for text in page.js(READ)]
    return {text.strip() for text in texts if re.search(r"[A-Za-z]{2,}", text)}
