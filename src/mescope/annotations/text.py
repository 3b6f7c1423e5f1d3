"""Text that every format can hold: tidied before it is written, so that it comes back."""

from __future__ import annotations

import re

_NOT_XML = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def one_line(text: str) -> str:
    r"""Return text that every format can hold in one line.

    >>> one_line("a\0\x1b b\n c ")
    'a b c'
    """
    return " ".join(_NOT_XML.sub("", text).split())


def paragraphs(text: str) -> str:
    r"""Return text that every format can hold; line ends become ``\n``, outer blanks go.

    XML 1.0 (section 2.2) knows neither control characters nor lone surrogates.
    """
    return _NOT_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
