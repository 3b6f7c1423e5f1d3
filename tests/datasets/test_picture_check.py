"""The slow check: pictures that cannot be decoded, and sizes that change."""

from __future__ import annotations

from PIL import Image

from mescope.cli import run
from mescope.datasets import read
from mescope.datasets.picture_check import check_pictures


def test_damaged_and_odd_pictures_are_named(samm_root):
    folder = samm_root / "006" / "006_1_2"
    files = sorted(folder.iterdir())
    files[1].write_bytes(files[1].read_bytes()[:200])
    files[2].write_bytes(b"no picture")
    Image.new("L", (20, 12)).save(files[3])
    told = []
    problems = check_pictures(read("samm", samm_root), lambda n, total: told.append((n, total)))
    assert [str(p) for p in problems] == [
        "warning: 006/006_1_2: 2 of 9 pictures cannot be decoded: "
        f"{files[1].name}, {files[2].name}",
        f"warning: 006/006_1_2: pictures of several sizes: {files[0].name} is 16x12, "
        f"{files[3].name} is 20x12",
    ]
    assert told[-1] == (5, 5)


def test_a_sound_copy_has_nothing_to_tell(samm_root):
    assert check_pictures(read("samm", samm_root)) == ()


def test_from_the_command_line(samm_root, capsys):
    (samm_root / "006" / "006_1_2" / "006_05563.jpg").write_bytes(b"x")
    arguments = ["datasets", "check", "samm", "--root", str(samm_root)]
    assert run(arguments) == 0
    assert "cannot be decoded" not in capsys.readouterr().out
    assert run([*arguments, "--pictures"]) == 0
    assert "1 of 9 pictures cannot be decoded" in capsys.readouterr().out
