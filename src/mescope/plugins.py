"""Plug-ins: Python files of the user's, run because the user named them.

A plug-in registers what it brings by decorators, such as ``@MODELS.register("my-net")``.  It
is the user's own code and runs with the user's rights, so nothing is looked for: a file is run
only if it stands on the command line (``--plugin FILE``), in ``MESCOPE_PLUGINS`` or in a call
of :func:`load_plugin`.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import traceback
import zlib
from pathlib import Path
from types import ModuleType

from mescope.errors import MescopeError

VARIABLE = "MESCOPE_PLUGINS"
"""Files to run, separated as in ``PATH``.  Processes that mescope starts inherit it."""

_PREFIX = "mescope_plugin_"


def load_plugin(path: str | Path) -> ModuleType:
    """Run a plug-in, once, and return it as a module; processes started later run it, too.

    Args:
        path: a Python file.

    Raises:
        MescopeError: there is no such file, or it fails; the message names the line.
    """
    file = _resolved(path)
    name = module_name(file)
    if name in sys.modules:
        return sys.modules[name]
    if not file.is_file() or file.suffix != ".py":
        raise MescopeError(f"expected a Python file as plug-in, found {path}; check its path")
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None  # it ends in .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        del sys.modules[name]
        raise MescopeError(_where_it_failed(file, error)) from error
    _pass_on(file)
    return module


def module_name(file: Path) -> str:
    """Return the name under which a plug-in is a module, the same in every process."""
    path = os.fsencode(file.with_suffix(""))  # a-b.py and a_b.py are two plug-ins
    return f"{_PREFIX}{re.sub(r'[^0-9A-Za-z_]', '_', file.stem)}_{zlib.crc32(path):08x}"


def _resolved(path: str | Path) -> Path:
    try:
        return Path(path).expanduser().resolve()
    except (ValueError, OSError, RuntimeError) as error:  # a NUL; a circle of links; no home
        raise MescopeError(
            f"expected a Python file as plug-in, found {str(path)!r} ({error}); check its path"
        ) from None


def load_asked_for() -> None:
    """Run the plug-ins of ``MESCOPE_PLUGINS`` that were not run yet."""
    for path in _listed():
        if module_name(_resolved(path)) not in sys.modules:
            load_plugin(path)


def _listed() -> list[str]:
    return [p for p in os.environ.get(VARIABLE, "").split(os.pathsep) if p]


def _pass_on(file: Path) -> None:
    """Name the plug-in to processes that are started from here."""
    if str(file) not in _listed():
        os.environ[VARIABLE] = os.pathsep.join([*_listed(), str(file)])


def _where_it_failed(file: Path, error: BaseException) -> str:
    """Say where a plug-in failed: the last of its own lines, and the error."""
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == str(file):
            line = frame.lineno
    where = f"{file.name}, line {line}" if line else file.name
    return (
        f"the plug-in {where} fails: {type(error).__name__}: {error}; correct it and try again"
    )
