"""Read pickled lists of arrays without unpickling: a small machine of our own, nothing else.

Others publish features as ``pickle.dump(list of lists of arrays, file)``.  Python's unpickler
calls whatever such a file names; this reader knows lists, tuples, plain numbers and arrays of
numbers, and four names of NumPy that stand for building them.  Nothing that a file names is
imported or called.  :func:`pickletools.genops` takes the file apart, and the machine below does
what each step says, on placeholders: an array is made from its bytes once its shape and type
are known to fit them.

Bombs: a file that takes more than :data:`MOST_STEPS` steps, nests deeper than
:data:`MOST_DEPTH`, or shows an array more often than the file has bytes for is refused; sizes
are read from the file's map, so a size that it cannot hold costs no memory.
"""

from __future__ import annotations

import math
import mmap
import pickletools
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.errors import DatasetError
from mescope.io.progress import Progress

Arrays = list[list[NDArray[Any]]]

MOST_STEPS = 8_000_000
"""Steps of a pickle; 50,000 windows of 36 channels take 1.2 million."""

MOST_DEPTH = 40
"""How deep marks of lists and tuples may nest; lists of lists of arrays need six."""

_LOOK_EVERY = 4096  # steps between two calls of the progress
_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PK\x03\x04": "zip"}
_PROTOCOLS = range(2, 6)
_KINDS = frozenset({"f2", "f4", "f8", "b1", *(f"{s}{n}" for s in "iu" for n in (1, 2, 4, 8))})
_ADVICE = "use the file as its authors published it, or save it by pickle.dump(..., protocol=4)"


class _Name(Enum):
    """What a file may name; never the thing itself."""

    RECONSTRUCT = "_reconstruct"
    SCALAR = "scalar"
    NDARRAY = "ndarray"
    DTYPE = "dtype"


_NAMES = {("numpy", n.value): n for n in (_Name.NDARRAY, _Name.DTYPE)} | {
    (module, n.value): n
    for module in ("numpy.core.multiarray", "numpy._core.multiarray")
    for n in (_Name.RECONSTRUCT, _Name.SCALAR)
}


class _RefusedError(Exception):
    """What was found in place of what was expected."""


@dataclass(slots=True, eq=False)
class _Kind:
    """Stands for a dtype: a code such as f8, and the order of its bytes."""

    code: str
    order: str = "="


@dataclass(slots=True, eq=False)
class _Slot:
    """Stands for an array until, and after, its bytes came."""

    array: NDArray[Any] | None = None


def read_nested_arrays(path: Path, progress: Progress | None = None) -> Arrays:
    """Return a pickled list of lists of arrays; no array shares memory with another.

    An inner list may be one array of three dimensions or more: its rows are taken.

    Args:
        path: of the pickle, protocol 2 to 5.
        progress: called now and then with bytes.

    Raises:
        DatasetError: no such file, no pickle, cut short, something else in it than numbers,
            lists and arrays, or more than this reader takes.
    """
    size = _checked_size(path)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        source: Any = data  # reads as a file does
        steps: Iterator[Any] = pickletools.genops(source)
        machine, at = _Machine(), 0
        try:
            for count, (step, argument, position) in enumerate(steps):
                at = position or 0
                if count > MOST_STEPS:
                    raise _RefusedError(f"more than {MOST_STEPS:,} steps")
                if progress and count % _LOOK_EVERY == 0:
                    progress(at, size)
                machine.do(step.name, argument)
            if data.tell() != size:
                raise _RefusedError(f"{size - data.tell()} bytes after the end of the pickle")
            found = _nested(machine.result(), size)
        except _RefusedError as error:
            raise DatasetError(
                f"{path}: expected lists of arrays of numbers and nothing else, found {error} "
                f"(at byte {at}); {_ADVICE}"
            ) from None
        except (*_BROKEN, MemoryError) as error:
            raise DatasetError(
                f"{path}: the pickle is cut short or damaged after byte {at} "
                f"({_one_line(error)}); fetch it again"
            ) from None
    if progress:
        progress(size, size)
    return found


_BROKEN = (
    ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError, struct.error
)  # fmt: skip


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


def _checked_size(path: Path) -> int:
    """Return the size of a file that begins as a pickle does."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
        size = path.stat().st_size
    except OSError as error:
        raise DatasetError(
            f"{path}: expected a file of pickled features, cannot read it "
            f"({error.strerror or error})"
        ) from None
    for start, name in _PACKED.items():
        if head.startswith(start):
            raise DatasetError(
                f"{path}: expected a pickle, found a {name} archive; unpack it, and give the "
                "file that lies in it"
            )
    if len(head) < 3 or head[0] != 0x80 or head[1] not in _PROTOCOLS:
        what = "an empty file" if not head else f"no pickle (it begins with {head[:4]!r})"
        raise DatasetError(
            f"{path}: expected a pickle of protocol 2 to 5, found {what}; {_ADVICE}"
        )
    return size


class _Machine:
    """A stack, marks and a memo, as pickle's documentation describes them."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def do(self, name: str, argument: Any) -> None:
        """Do one step."""
        if name in _VALUES:
            self.stack.append(_VALUES[name](argument))
        elif name in _STEPS:
            _STEPS[name](self, argument)
        elif name not in _IDLE:
            raise _RefusedError(f"the pickle step {name}")

    def result(self) -> Any:
        """Return what is left."""
        if len(self.stack) != 1:
            raise _RefusedError(f"{len(self.stack)} values at the end of the pickle, not one")
        return self.stack[0]

    def mark(self, _: Any) -> None:
        if len(self.marks) >= MOST_DEPTH:
            raise _RefusedError(f"lists nested more than {MOST_DEPTH} deep")
        self.marks.append(len(self.stack))

    def since_mark(self) -> list[Any]:
        at = self.marks.pop()
        found = self.stack[at:]
        del self.stack[at:]
        return found

    def last(self, count: int) -> tuple[Any, ...]:
        if len(self.stack) < count:
            raise IndexError("a step finds too few values before it")
        found = tuple(self.stack[-count:])
        del self.stack[-count:]
        return found

    def extend(self, some: Sequence[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise _RefusedError(f"items for {_kind(self.stack[-1])}, which is no list")
        self.stack[-1].extend(some)

    def named(self, module: object, name: object) -> None:
        found = (
            _NAMES.get((module, name))
            if isinstance(module, str) and isinstance(name, str)
            else None
        )
        if found is None:
            raise _RefusedError(f"the name {f'{module}.{name}'[:80]!r}, which could be code")
        self.stack.append(found)

    def reduce(self, _: Any) -> None:
        what, given = self.last(2)
        self.stack.append(_called(what, given))

    def build(self, _: Any) -> None:
        what, state = self.stack[-2], self.stack.pop()
        if not isinstance(state, tuple):
            raise _RefusedError(f"{_kind(state)} as the state of {_kind(what)}")
        if isinstance(what, _Slot):
            _fill(what, state)
        elif isinstance(what, _Kind):
            _order(what, state)
        else:
            raise _RefusedError(f"a state for {_kind(what)}")

    def keep(self, at: Any) -> None:
        self.memo[len(self.memo) if at is None else at] = self.stack[-1]


def _same(argument: Any) -> Any:
    return argument


_VALUES: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
         "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "UNICODE", "BINUNICODE", "BINUNICODE8",
         "SHORT_BINUNICODE"),
        _same,
    ),
    "NONE": lambda _: None, "NEWTRUE": lambda _: True, "NEWFALSE": lambda _: False,
    "EMPTY_LIST": lambda _: [], "EMPTY_TUPLE": lambda _: (),
}  # fmt: skip
"""Steps that only put a value on the stack."""

_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "POP": lambda m, _: m.stack.pop() and None,
    "LIST": lambda m, _: m.stack.append(m.since_mark()),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.since_mark())),
    "TUPLE1": lambda m, _: m.stack.append(m.last(1)),
    "TUPLE2": lambda m, _: m.stack.append(m.last(2)),
    "TUPLE3": lambda m, _: m.stack.append(m.last(3)),
    "APPEND": lambda m, _: m.extend(m.last(1)),
    "APPENDS": lambda m, _: m.extend(m.since_mark()),
    "GLOBAL": lambda m, text: m.named(*str(text).split(" ", 1)),
    "STACK_GLOBAL": lambda m, _: m.named(*m.last(2)),
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
    "MEMOIZE": _Machine.keep, "PUT": _Machine.keep,
    "BINPUT": _Machine.keep, "LONG_BINPUT": _Machine.keep,
    **dict.fromkeys(
        ("GET", "BINGET", "LONG_BINGET"), lambda m, at: m.stack.append(m.memo[at])
    ),
}  # fmt: skip

_IDLE = frozenset({"PROTO", "FRAME", "STOP"})


def _kind(value: object) -> str:
    """Return what a value is in two words; never what it says, which may be endless."""
    names = {_Slot: "array", _Kind: "dtype", _Name: "name of NumPy"}
    word = names.get(type(value), type(value).__name__)
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def _called(what: object, given: object) -> Any:
    """Return what the call of one of the four names stands for."""
    if isinstance(given, tuple):
        if what is _Name.RECONSTRUCT and len(given) == 3 and given[0] is _Name.NDARRAY:
            return _Slot()  # the other two are always (0,) and b"b"
        if what is _Name.DTYPE and given and isinstance(given[0], str):
            return _kind_of(given[0])
        if what is _Name.SCALAR and len(given) == 2 and isinstance(given[0], _Kind):
            return _values(given[1], given[0], ()).item()
    raise _RefusedError(f"a call of {_kind(what)} that builds no array")


def _kind_of(code: str) -> _Kind:
    if code not in _KINDS:
        text = " (objects, which could be code)" if code.startswith("O") else ""
        raise _RefusedError(f"an array of type {code[:20]!r}{text}")
    return _Kind(code)


def _order(kind: _Kind, state: tuple[Any, ...]) -> None:
    """Take the order of bytes; structures and arrays inside a type are refused."""
    if len(state) < 5 or state[1] not in ("<", ">", "|", "=") or state[2:5] != (None,) * 3:
        raise _RefusedError("an array whose type is no plain number")
    kind.order = state[1]


def _fill(slot: _Slot, state: tuple[Any, ...]) -> None:
    """Make the array: its type, its shape and its bytes must fit each other."""
    if slot.array is not None or len(state) != 5:
        raise _RefusedError("an array that is not built as NumPy builds it")
    _, shape, kind, columns, raw = state
    if not isinstance(kind, _Kind):
        raise _RefusedError(f"{_kind(kind)} as the type of an array")
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise _RefusedError("an array whose shape is no tuple of whole numbers")
    slot.array = _values(raw, kind, shape, "F" if columns is True else "C")


def _values(raw: object, kind: _Kind, shape: tuple[int, ...], order: str = "C") -> NDArray[Any]:
    """Return numbers from their bytes, read-only."""
    if not isinstance(raw, bytes):
        raise _RefusedError(f"an array made of {_kind(raw)}, not of bytes")
    if len(shape) > 4:
        raise _RefusedError(f"an array of {len(shape)} dimensions")
    dtype = np.dtype(kind.order + kind.code)
    wanted = math.prod(shape) * dtype.itemsize
    if wanted != len(raw) or not wanted:
        text = "x".join(str(n)[:20] for n in shape) or "one value"
        raise _RefusedError(f"an array of {text} in {len(raw)} bytes, of {kind.code}")
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if order == "F" else "C")


def _nested(top: object, size: int) -> Arrays:
    """Return lists of arrays; one array shown again and again is more than the file holds."""
    found: Arrays = []
    shown = 0
    for outer in _items(top, "the outer list"):
        inner: list[NDArray[Any]] = []
        found.append(inner)
        for one in _rows(outer):
            inner.append(one)
            shown += one.nbytes
            if shown > size:
                raise _RefusedError("the same arrays over and over: more than the file holds")
    return found


def _rows(outer: object) -> Iterator[NDArray[Any]]:
    """Yield the arrays of an inner list, or the rows of one large array."""
    if isinstance(outer, _Slot) and outer.array is not None and outer.array.ndim > 2:
        yield from outer.array
        return
    for number, one in enumerate(_items(outer, "an inner list"), 1):
        if not isinstance(one, _Slot) or one.array is None:
            raise _RefusedError(f"{_kind(one)} as item {number} of an inner list")
        yield one.array


def _items(value: object, where: str) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise _RefusedError(f"{_kind(value)} where {where} should be")
    return value
