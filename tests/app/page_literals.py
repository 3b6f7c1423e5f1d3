"""The texts that stand in JavaScript files, cut out without running them."""

import re

_REGEX_AFTER = re.compile(r"(?:[(,=:\[!&|?{};]|return|=>)\s*$")
_BLOCKS = (("//", "\n"), ("/*", "*/"))


def literals(text):
    """Yield what stands before each string of a file (60 signs at most), and the string.

    Of a template the parts between its ``${...}`` come one by one; what is within them is read
    like the rest.
    """
    found, at = [], 0
    while at < len(text):
        at = _one(text, at, found)
    return found


def _one(text, at, found):
    """Read what begins at a place; return where it ends."""
    for begin, end in _BLOCKS:
        if text.startswith(begin, at):
            stop = text.find(end, at)
            return len(text) if stop < 0 else stop + len(end)
    sign, before = text[at], text[max(0, at - 60) : at]
    if sign in "'\"":
        stop = at + 1
        while text[stop] != sign:
            stop += 2 if text[stop] == "\\" else 1
        found.append((before, text[at + 1 : stop]))
        return stop + 1
    if sign == "`":
        return _template(text, at, before, found)
    if sign == "/" and _REGEX_AFTER.search(before):
        in_class, stop = False, at + 1
        while in_class or text[stop] != "/":
            in_class = text[stop] == "[" or (in_class and text[stop] != "]")
            stop += 2 if text[stop] == "\\" else 1
        return stop + 1
    return at + 1


def _template(text, at, before, found):
    at, begin = at + 1, at + 1
    while text[at] != "`":
        if text.startswith("${", at):
            found.append((before, text[begin:at]))
            at, depth = at + 2, 1
            while depth:
                depth += {"{": 1, "}": -1}.get(text[at], 0)
                at = _one(text, at, found) if depth else at + 1
            begin = at
        else:
            at += 2 if text[at] == "\\" else 1
    found.append((before, text[begin:at]))
    return at + 1
