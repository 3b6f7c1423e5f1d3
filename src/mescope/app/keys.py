"""Keys of the review: the commands, and the key that each has unless a project changes it.

A key is called as browsers call it (``Enter``, ``ArrowLeft``, ``a``), in small letters,
``Space`` for the blank, with ``Shift+`` before a letter or digit.
"""

from __future__ import annotations

import re

DEFAULT_KEYS: dict[str, str] = {
    "play": "Space", "pause": "k", "forward": "l", "backward": "j", "frame_back": "ArrowLeft",
    "frame_on": "ArrowRight", "second_back": "ArrowUp", "second_on": "ArrowDown",
    "next_mark": "n", "previous_mark": "p", "onset": "i", "apex": "a", "offset": "o",
    "hold": "e", "units": "u", "confirm": "Enter", "reject": "Backspace", "undo": "z",
    "loop": "r", "slow_loop": "q", "slower": "s", "overlay": "v", "sound": ".", "zoom_in": "+",
    "zoom_out": "-", "zoom_all": "0", "leave": "Escape", "help": "?",
}  # fmt: skip
"""Commands of the page; ``commands.js`` does them, ``words.json`` says what they do."""

_NAMED = (
    "Space|Enter|Backspace|Delete|Insert|Escape|Home|End|PageUp|PageDown"
    "|Arrow(?:Left|Right|Up|Down)|F(?:[1-9]|1[0-2])"
)
_KEY = re.compile(rf"Shift\+[a-z0-9]|{_NAMED}|\S")


def is_key(text: str) -> bool:
    """Say whether a text names a key that can be given a meaning.

    >>> is_key("a"), is_key("Shift+b"), is_key("ArrowLeft"), is_key("Tab"), is_key("A")
    (True, True, True, False, False)
    """
    plain = text.isprintable() and _KEY.fullmatch(text) is not None
    return plain and (len(text) > 1 or text == text.lower())


def clash(taken: list[tuple[str, str]]) -> str | None:
    """Return in words which key has two meanings; None where none has.

    Args:
        taken: keys and what they mean.
    """
    seen: dict[str, str] = {}
    for key, meaning in taken:
        other = seen.setdefault(key, meaning)
        if other != meaning:
            return f"the key {key} stands for {other} and for {meaning}; change one of them"
    return None
