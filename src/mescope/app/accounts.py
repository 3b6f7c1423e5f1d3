"""Who else has an account on this machine, and secrets that keep them out.

A port on loopback is open to every account of the machine, whatever the rights of the files.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from pathlib import Path

from mescope.app.security_middleware import LEAST_TOKEN
from mescope.errors import MescopeError

_NO_SHELLS = frozenset({"nologin", "false", "sync", "shutdown", "halt", "git-shell", ""})
_FIRST_PERSON = 500 if sys.platform == "darwin" else 1000
_NOBODY = 60_000  # and above: nobody, and users of containers
_LONGEST_FILE = 4096


def shares_machine() -> bool:
    """Say whether people with other accounts may use this machine; yes where we cannot tell."""
    if sys.platform == "win32":
        return True
    import pwd

    people = {
        entry.pw_uid
        for entry in pwd.getpwall()
        if _FIRST_PERSON <= entry.pw_uid < _NOBODY
        and os.path.basename(entry.pw_shell) not in _NO_SHELLS
    }
    return len(people | {os.getuid()}) > 1


def new_token() -> str:
    """Return a secret that nobody guesses."""
    return secrets.token_hex(16)


def checked_token(text: str, where: str) -> str:
    """Return a token as it is used.

    Raises:
        MescopeError: it is short, or holds more than letters and digits.
    """
    if len(text) < LEAST_TOKEN or not text.isascii() or not text.isalnum():
        raise MescopeError(
            f"{where}: expected {LEAST_TOKEN} letters and digits or more, such as {new_token()}"
        )
    return text


def token_in(path: Path) -> str:
    """Return the token in a file that only its owner can read.

    Raises:
        MescopeError: it cannot be read, others may read it, or it holds no token.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_LONGEST_FILE).decode("utf-8", "replace").strip()
    except OSError as error:
        raise MescopeError(
            f"--token-file {path}: cannot be read ({error.strerror}); write a secret into it"
        ) from error
    if os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH):
        raise MescopeError(
            f"--token-file {path}: other accounts can read it; run: chmod 600 {path}"
        )
    return checked_token(text, f"--token-file {path}")
