"""Examples: parts of them, and what tells them apart."""

import dataclasses

import numpy as np
from face_sets import face_clips


def test_some_of_them_keep_all_that_is_known_about_them():
    data = face_clips(people=2, each=2, roles=("original",))
    parts = tuple("train" if subject == "p0" else "testA" for _, subject in data.persons)
    data = dataclasses.replace(data, parts=parts)
    items = [5, 0, 3]
    some = data.subset(items)
    for name in ("labels", "persons", "names", "origins", "parts"):
        assert list(getattr(some, name)) == [getattr(data, name)[i] for i in items]
    np.testing.assert_array_equal(some.inputs, data.inputs[items])
    bare = dataclasses.replace(data, parts=(), origins=()).subset(items)
    assert (bare.parts, bare.origins, len(bare)) == ((), (), 3)


def test_their_digest_is_of_inputs_people_and_parts():
    data = face_clips(people=2, each=1, roles=("original",))
    other = [
        dataclasses.replace(data, inputs=data.inputs + np.uint8(1)),
        dataclasses.replace(data, persons=data.persons[::-1]),
        dataclasses.replace(data, parts=("train",) * len(data)),
    ]
    assert data.digest() == dataclasses.replace(data).digest()
    assert data.digest() not in {one.digest() for one in other}
