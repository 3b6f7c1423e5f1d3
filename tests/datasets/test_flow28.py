"""Published flow maps: the folder layout and the archive give the same, faults are named."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mescope.datasets import open_dataset
from mescope.datasets.flow28 import CLASSES, read_flow_maps
from mescope.errors import DatasetError

REAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "3db_flow28.npz"
PEOPLE = {"sub01": "casme2", "s03": "smic", "006": "samm"}


def planted(n=9, seed=0):
    rng = np.random.default_rng(seed)
    subjects = [list(PEOPLE)[i % 3] for i in range(n)]
    return {
        "flow": rng.integers(0, 256, (n, 28, 28, 3)).astype(np.uint8),
        "label": rng.integers(0, 3, n),
        "subject": np.array(subjects),
        "clip": np.array([f"{s}_clip_{i}" for i, s in enumerate(subjects)]),
        "dataset": np.array([PEOPLE[s] for s in subjects]),
    }


def write_folder(root, maps):
    """As STSTNet's authors did: each person's own maps, and everybody else's to train on."""
    for person in PEOPLE:
        for i, subject in enumerate(maps["subject"]):
            part = "u_test" if subject == person else "u_train"
            folder = root / person / part / str(maps["label"][i])
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(maps["flow"][i]).save(folder / f"{maps['clip'][i]}.png")
    return root


def write_archive(path, maps):
    np.savez(path, **maps)
    return path


def by_clip(found):
    rows = zip(found.persons, found.labels, found.flow, found.clips, strict=True)
    return {clip: (person, label, flow.tobytes()) for person, label, flow, clip in rows}


def test_folder_and_archive_give_the_same(tmp_path):
    maps = planted()
    folder = read_flow_maps(write_folder(tmp_path / "norm_u_v_os", maps))
    archive = read_flow_maps(write_archive(tmp_path / "maps.npz", maps))
    assert by_clip(folder) == by_clip(archive)
    assert archive.flow.shape == (9, 28, 28, 3)
    assert archive.clips == tuple(maps["clip"])
    assert archive.persons[1] == ("smic", "s03")
    np.testing.assert_array_equal(archive.flow, maps["flow"])
    assert archive.labels == tuple(CLASSES[i] for i in maps["label"])


def test_other_counts_than_the_published_are_told(tmp_path):
    found = read_flow_maps(write_archive(tmp_path / "maps.npz", planted()))
    told = " | ".join(map(str, found.problems))
    assert "9 maps, published 442: negative" in told
    assert "3 people, published 68" in told


@pytest.mark.data
@pytest.mark.skipif(not REAL.exists(), reason="the real maps in ../shared/data are not here")
def test_the_real_maps():
    found = read_flow_maps(REAL)
    assert found.problems == ()
    assert Counter(found.labels) == {"negative": 250, "positive": 109, "surprise": 83}
    assert len(set(found.persons)) == 68
    assert Counter(d for d, _ in found.persons) == {"casme2": 145, "samm": 133, "smic": 164}


def test_faulty_pictures_are_left_out_and_named(tmp_path):
    root = write_folder(tmp_path / "maps", planted())
    test = root / "006" / "u_test"
    whole = next(test.glob("*/*.png"))
    again = test / str((int(whole.parent.name) + 1) % 3) / whole.name
    again.parent.mkdir(exist_ok=True)
    again.write_bytes(whole.read_bytes())
    (test / "0").mkdir(exist_ok=True)
    (test / "0" / "cut.png").write_bytes(whole.read_bytes()[:80])
    Image.new("RGB", (28, 27)).save(test / "0" / "small.png")
    Image.new("L", (28, 28)).save(test / "0" / "grey.png")
    (test / "others").mkdir()
    Image.new("RGB", (28, 28)).save(test / "others" / "x.png")
    (root / "nobody" / "u_test" / "0").mkdir(parents=True)
    found = read_flow_maps(root)
    told = " | ".join(str(p) for p in found.problems if p.level == "error")
    assert len(found.clips) == 9
    for message in (
        "0/cut.png: not a picture that can be read",
        "small.png: expected 28 x 28 px in colour, found (27, 28, 3)",
        "grey.png: expected 28 x 28 px in colour, found (28, 28)",
        "x.png: expected a class folder 0 to 2, found 'others'",
        f"{whole.name}: the same clip in another class",
        "nobody: no subject of CASME II",
    ):
        assert message in told


BROKEN = {
    "no flow": lambda m: m.pop("flow"),
    "cast": lambda m: m.update(flow=m["flow"].astype(np.float32)),
    "shape": lambda m: m.update(flow=m["flow"][:, :27]),
    "short": lambda m: m.update(clip=m["clip"][:-1]),
    "label": lambda m: m.update(label=m["label"] + 3),
    "text": lambda m: m.update(label=m["subject"]),
    "empty": lambda m: m.update({k: v[:0] for k, v in m.items()}),
    "pickled": lambda m: m.update(subject=m["subject"].astype(object)),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_archive_that_is_no_such_archive(tmp_path, case):
    maps = planted()
    BROKEN[case](maps)
    with pytest.raises(DatasetError, match=r"maps\.npz: expected"):
        read_flow_maps(write_archive(tmp_path / "maps.npz", maps))


def test_what_is_no_archive_at_all(tmp_path):
    path = write_archive(tmp_path / "maps.npz", planted())
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DatasetError, match="cannot read it"):
        read_flow_maps(path)
    path.write_text("flow")
    with pytest.raises(DatasetError, match="cannot read it"):
        read_flow_maps(path)
    with pytest.raises(DatasetError, match="found nothing at"):
        read_flow_maps(tmp_path / "away")
    with pytest.raises(DatasetError, match="norm_u_v_os"):
        read_flow_maps(tmp_path)


def test_a_second_extraction_stands_behind_the_first(tmp_path):
    maps = planted()
    first = write_archive(tmp_path / "maps.npz", maps)
    rng = np.random.default_rng(1)
    order = rng.permutation(9)
    other = {key: value[order] for key, value in maps.items() if key != "flow"}
    other["whole"] = rng.integers(0, 256, (9, 28, 28, 3)).astype(np.uint8)
    second = write_archive(tmp_path / "second.npz", other)
    found = open_dataset("flow28", first, choices={"second": str(second)})
    assert found.flow.shape == (9, 28, 28, 6)
    np.testing.assert_array_equal(found.flow[..., :3], maps["flow"])
    np.testing.assert_array_equal(found.flow[order][..., 3:], other["whole"])
    assert found.clips == tuple(maps["clip"])
    other["label"] = (other["label"] + 1) % 3
    with pytest.raises(DatasetError, match="9 of 9 missing or of another class"):
        open_dataset("flow28", first, choices={"second": str(write_archive(second, other))})
    with pytest.raises(DatasetError, match=r"second\.npz"):
        open_dataset("flow28", first, choices={"second": str(write_archive(second, {"a": 1}))})
