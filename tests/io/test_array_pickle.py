"""Pickled lists of arrays are read without unpickling; whatever else they hold is refused."""

import os
import pickle
import struct
from itertools import chain

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mescope.errors import DatasetError
from mescope.io import array_pickle
from mescope.io.array_pickle import read_nested_arrays

LISTS = [[np.arange(8.0).reshape(2, 4), np.ones((2, 4))], [np.zeros((2, 4), np.float32)]]
anywhere = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def written(tmp_path, data):
    path = tmp_path / "features.pkl"
    path.write_bytes(data if isinstance(data, bytes) else pickle.dumps(data, protocol=4))
    return path


def refused(tmp_path, data):
    with pytest.raises(DatasetError, match=r"features\.pkl") as error:
        read_nested_arrays(written(tmp_path, data))
    assert "\n" not in str(error.value)
    return str(error.value)


kinds = st.sampled_from(["<f8", ">f8", "<f4", "<i4", "<f2", "|b1"])
array = kinds.flatmap(
    lambda kind: arrays.arrays(
        np.dtype(kind), arrays.array_shapes(max_dims=2, max_side=5), elements=None
    )
)


@anywhere
@given(
    st.lists(st.lists(array, max_size=4), max_size=4), st.sampled_from([3, 4]), st.booleans()
)
def test_what_numpy_pickles_comes_back_to_the_bit(tmp_path, lists, protocol, turned):
    given_lists = [[np.asfortranarray(a) if turned else a for a in inner] for inner in lists]
    found = read_nested_arrays(written(tmp_path, pickle.dumps(given_lists, protocol=protocol)))
    assert [len(inner) for inner in found] == [len(inner) for inner in lists]
    for one, other in zip(chain(*found), chain(*lists), strict=True):
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()


def test_the_old_name_of_numpys_core_is_known(tmp_path):
    data = pickle.dumps(LISTS, protocol=3)
    assert b"numpy._core.multiarray" in data
    old = data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    for one, other in zip(read_nested_arrays(written(tmp_path, old)), LISTS, strict=True):
        np.testing.assert_array_equal(one, other)


def test_tuples_and_large_arrays_are_lists_too(tmp_path):
    found = read_nested_arrays(written(tmp_path, (tuple(LISTS[0]), np.ones((3, 2, 4)))))
    assert [len(inner) for inner in found] == [2, 3]
    assert found[1][0].shape == (2, 4)


def test_progress_is_told(tmp_path):
    seen = []
    path = written(tmp_path, LISTS)
    read_nested_arrays(path, lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, path.stat().st_size)
    assert seen[-1] == (path.stat().st_size,) * 2


class Canary:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize(
    "wrap", [lambda c: c, lambda c: [c], lambda c: [[c]], lambda c: [[np.ones(2), c]]]
)
def test_code_is_not_run(tmp_path, wrap):
    said = refused(tmp_path, wrap(Canary(tmp_path / "canary")))
    assert "the name 'io.open', which could be code" in said
    assert not (tmp_path / "canary").exists()


HEAD = b"\x80\x04"
NDARRAY = b"cnumpy\nndarray\n"
HUGE = 1 << 40


def rebuilt(shape, raw, kind="f8", state=None):
    """Bytes of an array whose parts are chosen."""
    start = HEAD + b"cnumpy.core.multiarray\n_reconstruct\n" + NDARRAY
    made = start + b"K\x00\x85C\x01b\x87R(K\x01"
    sizes = b"".join(b"\x8a\x08" + struct.pack("<q", n) for n in shape)
    typed = b"cnumpy\ndtype\n\x8c" + bytes([len(kind)]) + kind.encode() + b"\x89\x88\x87R"
    typed += state or b"(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    return made + b"(" + sizes + b"t" + typed + b"\x89C" + bytes([len(raw)]) + raw + b"tb."


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (rebuilt((2,), bytes(16)), "an array where the outer list should be"),
        (rebuilt((HUGE,), bytes(16)), "an array of 1099511627776 in 16 bytes"),
        (rebuilt((0, HUGE), b""), "in 0 bytes"),
        (rebuilt((-1,), bytes(8)), "no tuple of whole numbers"),
        (rebuilt((1,) * 9, bytes(8)), "9 dimensions"),
        (rebuilt((2,), bytes(16), kind="O8"), "objects, which could be code"),
        (rebuilt((2,), bytes(16), kind="V8"), "type 'V8'"),
        (rebuilt((1,), bytes(8), state=b"(K\x03\x8c\x01<\x8c\x01xNNtb"), "no plain number"),
        (
            HEAD + b"cnumpy\nndarray\n\x8a\x08" + struct.pack("<q", HUGE) + b"\x85R.",
            "a call of",
        ),
        (HEAD + b"cnumpy\nload\n.", "the name 'numpy.load'"),
        (HEAD + b"cos\nsystem\n\x8c\x02ls\x85R.", "the name 'os.system'"),
        (HEAD + b"\x8c\x05numpy\x8c\x0ctesting.main\x93.", "'numpy.testing.main'"),
        (HEAD + b"(ios\nsystem\n.", "the pickle step INST"),
        (HEAD + b"}.", "the pickle step EMPTY_DICT"),
        (HEAD + b"\x8c\x01a.", "a str where the outer list should be"),
        (HEAD + b"K\x01K\x02.", "2 values at the end"),
        (HEAD + b"].more", "4 bytes after the end"),
        (HEAD + b"(" * 100 + b"t" * 100 + b".", "nested more than 40 deep"),
        (HEAD + b"]\x94" + b"h\x00a.", "a list as item 1 of an inner list"),  # itself
        (HEAD + b"](\x8e" + struct.pack("<Q", 1 << 62) + b"e.", "cut short"),
        (HEAD + b"h\x07.", "damaged"),
        (HEAD + b"r\xff\xff\xff\x7f.", "damaged"),  # nothing to keep, far away
        (HEAD + b"]K\x01b.", "as the state of a list"),
        (HEAD + b"a.", "damaged"),
    ],
)
def test_hostile_files_are_named_in_one_line(tmp_path, data, says):
    assert says in refused(tmp_path, data)


def test_one_array_again_and_again_is_refused(tmp_path):
    """What takes little to write and much to read; ten thousand times in ten thousand lists."""
    one = np.ones((36, 50))
    inner = [one] * 10_000
    assert "over and over" in refused(tmp_path, [inner] * 10_000)


def test_a_far_place_of_the_memo_costs_nothing(tmp_path):
    data = HEAD + b"]r\xf0\xff\xff\x7f(j\xf0\xff\xff\x7fe."
    assert "a list as item 1" in refused(tmp_path, data)


def test_too_many_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(array_pickle, "MOST_STEPS", 50)
    assert "more than 50 steps" in refused(tmp_path, LISTS * 9)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "an empty file"),
        (b"subject,onset\n", "no pickle (it begins with b'subj')"),
        (b"\x1f\x8b\x08\x00rest", "a gzip archive; unpack it"),
        (b"PK\x03\x04rest", "a zip archive"),
        (b"\x93NUMPY\x01\x00", "no pickle"),
        (pickle.dumps(LISTS, protocol=0), "no pickle"),
        (pickle.dumps(LISTS, protocol=2), "'_codecs.encode'"),
        (pickle.dumps(LISTS, protocol=5), "_frombuffer"),
    ],
)
def test_other_files(tmp_path, data, says):
    assert says in refused(tmp_path, data)


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(DatasetError, match="cannot read it"):
        read_nested_arrays(tmp_path / "nothing.pkl")
    with pytest.raises(DatasetError, match="cannot read it"):
        read_nested_arrays(tmp_path)


WHOLE = pickle.dumps(LISTS, protocol=4)


@pytest.mark.parametrize("length", range(3, len(WHOLE), 7))
def test_every_truncation_is_told(tmp_path, length):
    said = refused(tmp_path, WHOLE[:length])
    assert "cut short or damaged" in said


def arrays_or_error(tmp_path, data):
    try:
        return read_nested_arrays(written(tmp_path, data)), ""
    except DatasetError as error:
        return [], str(error)


@anywhere
@given(st.integers(2, len(WHOLE) - 1), st.binary(min_size=1, max_size=6))
@example(place=len(WHOLE) - 1, change=b"\x00")
def test_any_damage_is_a_known_error_or_other_numbers(tmp_path, place, change):
    data = WHOLE[:place] + change + WHOLE[place + len(change) :]
    before = set(os.listdir(tmp_path))
    found, said = arrays_or_error(tmp_path, data)
    assert "\n" not in said
    assert all(isinstance(one, np.ndarray) for inner in found for one in inner)
    assert set(os.listdir(tmp_path)) <= before | {"features.pkl"}


@anywhere
@given(st.binary(max_size=80))
def test_any_bytes_at_all(tmp_path, tail):
    assert "\n" not in arrays_or_error(tmp_path, HEAD + tail)[1]
