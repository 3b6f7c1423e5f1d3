"""Reads pages for tests: tags, texts, and whether they load or run anything."""

import re
from html.parser import HTMLParser

EVIL = "<script>alert('1')</script>"


class Reader(HTMLParser):
    """Notes tags, attributes and texts; says whether all tags were closed."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def text_of(page):
    return " ".join(" ".join(read(page).texts).split())


def is_closed(page):
    """Say that a page runs nothing and loads nothing."""
    reader = read(page)
    assert not {"script", "link", "iframe", "img", "object"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
    assert set(re.findall(r"https?://[^\"' )]+", page)) <= {"http://www.w3.org/2000/svg"}
