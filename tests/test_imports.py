"""The direction of imports: a layer imports itself and what stands before it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "mescope"
GROUND = (
    "compiling", "defaults", "errors", "events", "facs", "facs_table", "labels", "moved",
    "plugins", "ranges", "registry",
)  # fmt: skip
ORDER = (
    *GROUND,
    "io", "ops", "video", "face", "motion", "annotations", "datasets", "synthesis", "models",
    "spotting", "evaluation", "samples", "training",
    "results", "face_results", "reports", "analysis", "app", "cli",
)  # fmt: skip
RANK = {name: 0 if name in GROUND else i for i, name in enumerate(ORDER)}
WITHOUT_TORCH = (
    "video", "face", "motion", "annotations", "datasets", "spotting", "evaluation",
    "synthesis", "results", "face_results", "reports",
)  # fmt: skip
FILES = sorted(PACKAGE.rglob("*.py"))


def layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Every imported module, those inside functions and TYPE_CHECKING blocks too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_layers_import_downwards(path):
    here = layer(path)
    if here in ("__init__", "__main__"):
        return  # the public names come from everywhere, lazily
    for module in imports(path):
        parts = module.split(".")
        if parts[0] != "mescope" or len(parts) < 2 or parts[1] not in RANK:
            continue
        where = str(path.relative_to(PACKAGE)).replace("\\", "/")
        assert RANK[parts[1]] <= RANK[here], (
            f"{where} is of layer {here} and must not import {module}"
        )


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_the_lazy_public_names_are_no_way_around_the_layers(path):
    """`from mescope import load` inside the package would hide which layer it comes from."""
    for module in imports(path) if layer(path) != "__init__" else ():
        parts = module.split(".")
        if parts[0] == "mescope" and len(parts) == 2:
            assert parts[1] in (*RANK, "__version__"), f"{path}: import {module} from its home"


def test_no_two_files_need_each_other():
    """Strongly connected files, imports for types and inside functions counted too."""
    names = {}
    for path in FILES:
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        names[".".join(("mescope", *parts)).removesuffix(".__init__")] = path
    needs = {}
    for name, path in names.items():
        found = imports(path)
        needs[name] = {
            module
            for module in found & names.keys() - {name}
            if not only_modules_of(module, found, names)
        }
    assert circles(needs) == []


def only_modules_of(package, found, names):
    """Say whether all that is taken from a package are modules, which stand for themselves."""
    taken = {m for m in found if m.rpartition(".")[0] == package}
    return bool(taken) and taken <= names.keys()


def circles(needs):
    """Return the files that reach themselves, by walking from each."""
    found = []
    for start in needs:
        seen, todo = set(), list(needs[start])
        while todo:
            here = todo.pop()
            if here not in seen:
                seen.add(here)
                todo += needs[here]
        if start in seen:
            found.append(start)
    return found


def test_circles_are_seen():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c"]


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_scoring_and_seeing_need_no_torch(name):
    for path in (p for p in FILES if layer(p) == name):
        heavy = {m for m in imports(path) if m.split(".")[0] == "torch"}
        above = {m for m in imports(path) if m.startswith(("mescope.ops", "mescope.models"))}
        assert not heavy | above, f"{path}: {heavy | above}"


def test_only_the_command_line_prints():
    for path in FILES:
        if layer(path) == "cli":
            continue
        calls = [
            node.lineno
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "print"
        ]
        assert not calls, f"{path}: prints in lines {calls}"


@pytest.mark.parametrize("module", ["mescope", "mescope.cli"])
def test_importing_loads_nothing_heavy(module):
    code = (
        f"import sys, {module}; "
        "print([m for m in ('torch', 'cv2', 'numba', 'av', 'dlib', 'matplotlib', 'pandas')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


NEED_NONE = (*WITHOUT_TORCH, *GROUND, "io", "analysis", "app", "cli")
USE_TORCH = (
    "mescope.analysis.motion", "mescope.analysis.recognition",
    "mescope.analysis.recognize_many", "mescope.reports.search_plot",
)  # fmt: skip
"""They ask a network, which torch runs, or draw what the training of one found."""


def test_what_uses_no_torch_is_imported_without_it():
    """Not only no line that imports it: nothing on the way needs it, either."""
    code = """
import importlib, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "lightning_fabric"):
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)
sys.meta_path.insert(0, Absent())
for name in sys.argv[1:]:
    importlib.import_module(name)
print(len(sys.argv) - 1)
"""
    names = [
        ".".join(("mescope", *p.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
            ".__init__"
        )
        for p in FILES
        if layer(p) in NEED_NONE
    ]
    wanted = sorted(set(names) - set(USE_TORCH))
    done = subprocess.run(
        [sys.executable, "-c", code, *wanted], capture_output=True, text=True, timeout=300
    )
    assert done.stdout.strip() == str(len(wanted)), done.stderr[-2000:]
    assert len(wanted) > 200


def test_analyzing_does_not_load_the_compiler_of_torch():
    """It takes a second, at every start, of whoever compiles nothing."""
    code = "import sys, mescope.analysis.analyzer; print('torch._dynamo' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"
