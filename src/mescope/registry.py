"""Registries: what has a name and can be chosen by it, here and from outside.

An entry comes from one of three places, all alike afterwards: the package itself; a file of
the user's, run by ``--plugin FILE``, :func:`mescope.plugins.load_plugin` or the environment
variable ``MESCOPE_PLUGINS``; an installed package with an entry point in the registry's group.

    [project.entry-points."mescope.models"]
    my-net = "my_package.net:build"
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from mescope.errors import MescopeError
from mescope.plugins import load_asked_for

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Entry = TypeVar("Entry")


class Registry(Mapping[str, Entry]):
    """Entries by name, in the order in which they were registered.

    Args:
        kind: what one entry is, for messages, such as ``model``.
        group: of entry points, such as ``mescope.models``.
        error: raised by :meth:`named` for a name that is not there.
    """

    def __init__(self, kind: str, group: str, error: type[MescopeError]) -> None:
        self.kind, self.group, self._error = kind, group, error
        self._entries: dict[str, Entry] = {}

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """Return a decorator that gives what it decorates a name.

        Raises:
            ValueError: the name is taken, or empty.
        """

        def keep(entry: Entry) -> Entry:
            if not name.strip() or name in self._entries or name in self._installed:
                raise ValueError(
                    f"expected a name that no other {self.kind} has, found {name!r}"
                )
            self._entries[name] = entry
            return entry

        return keep

    def remove(self, name: str) -> None:
        """Forget an entry; for tests that register one."""
        del self._entries[name]

    def named(self, name: str) -> Entry:
        """Return an entry.

        Raises:
            MescopeError: of the registry's class, with the nearest name, if there is none.
        """
        if name not in self:
            raise self._error(
                f"there is no {self.kind} {name!r}; choose from {', '.join(self)}"
                f"{suggestion(name, self)}"
            )
        return self[name]

    def __getitem__(self, name: str) -> Entry:
        load_asked_for()
        if name not in self._entries and name in self._installed:
            self._entries[name] = self._loaded(self._installed[name])
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        load_asked_for()
        return name in self._entries or name in self._installed

    def __iter__(self) -> Iterator[str]:
        load_asked_for()
        return iter([*self._entries, *(n for n in self._installed if n not in self._entries)])

    def __len__(self) -> int:
        return len(list(iter(self)))

    @cached_property
    def _installed(self) -> dict[str, EntryPoint]:
        """Entry points of installed packages, none of them loaded yet."""
        from importlib.metadata import entry_points  # slow, and most commands ask for none

        return {point.name: point for point in entry_points(group=self.group)}

    def _loaded(self, point: EntryPoint) -> Entry:
        try:
            entry: Entry = point.load()
        except Exception as error:  # whatever a stranger's package raises
            raise self._error(
                f"the {self.kind} {point.name!r} of an installed package ({point.value}) "
                f"cannot be loaded: {error}; update or uninstall that package"
            ) from error
        return entry


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest known name, or nothing.

    >>> suggestion("me-tst-plas", ["me-tst", "me-tst-plus"])
    "; did you mean 'me-tst-plus'?"
    """
    close = difflib.get_close_matches(name.lower(), list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
