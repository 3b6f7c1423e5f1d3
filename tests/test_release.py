"""What a release is checked for: a wheel with a file too many or too few is refused."""

import importlib.util
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def module(name):
    spec = importlib.util.spec_from_file_location(
        f"release_{name}", ROOT / f"release/{name}.py"
    )
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def build():
    if subprocess.run(["git", "rev-parse"], cwd=ROOT, capture_output=True).returncode:
        pytest.skip("a release is made in a clone: what belongs to it, git knows")
    return module("build")


def wheel_of(build, path, names, metadata):
    own = f"mescope-{build.version()}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "")
        archive.writestr(f"{own}/METADATA", metadata)
        archive.writestr(f"{own}/licenses/LICENSE", "")
    return path


def test_a_wheel_holds_the_package_and_nothing_else(build, tmp_path):
    whole = build.tracked()
    assert "mescope/recipes/3db-svm-flow.toml" in whole
    good = f"Name: mescope\nVersion: {build.version()}\nRequires-Python: >=3.11\n"
    path = wheel_of(build, tmp_path / "a.whl", whole, good)
    assert [*build.contents(path), *build.description(path)] == []
    lacking = {n for n in whole if not n.endswith(".safetensors")} | {"mescope/face.jpg"}
    path = wheel_of(build, tmp_path / "b.whl", lacking, good.replace("3.11", "3.9"))
    said = "\n".join([*build.contents(path), *build.description(path)])
    assert "not of the package: mescope/face.jpg" in said
    assert "missing: mescope/weights/merba-s28.safetensors" in said
    assert "expected 3 or more .safetensors in weights, found 0" in said
    assert "Requires-Python: expected >=3.11, found >=3.9" in said


def test_other_pythons_get_all_but_what_needs_pytorch():
    needed = module("wheels").light()
    assert any(one.startswith("numpy") for one in needed)
    assert not any(one.startswith(("torch", "lightning")) for one in needed)
    assert module("wheels").version_of("/bin/false") == (0, 0)
