"""Whatever can be chosen by a name is documented, and some test asks for it by that name."""

import importlib.util
import re
from pathlib import Path

import pytest

from mescope.annotations import CODECS
from mescope.datasets import DATASETS
from mescope.evaluation.metrics import METRICS
from mescope.models import MODELS
from mescope.models.importers import IMPORTERS
from mescope.samples.kinds import SAMPLES
from mescope.spotting import SPOTTERS
from mescope.training.tasks import TASKS

ROOT = Path(__file__).parents[1]
REGISTRIES = {
    "MODELS": MODELS,
    "IMPORTERS": IMPORTERS,
    "TASKS": TASKS,
    "SAMPLES": SAMPLES,
    "SPOTTERS": SPOTTERS,
    "CODECS": CODECS,
    "DATASETS": DATASETS,
    "METRICS": METRICS,
}
TESTS = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "tests").rglob("*.py"))
    if path != Path(__file__)
)


def test_the_page_of_names_is_what_the_registries_say():
    place = ROOT / "docs" / "generate_names.py"
    spec = importlib.util.spec_from_file_location("generate_names", place)
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    written = (ROOT / "docs" / "names.md").read_text(encoding="utf-8")
    assert written == generator.page(), "run `make docs`"
    assert "|  |" not in written, "an entry is not described"
    for registry in REGISTRIES.values():
        assert all(f"| `{name}` |" in written for name in registry)


@pytest.mark.parametrize("called", REGISTRIES)
def test_every_entry_is_tested(called):
    """By its name, or because a test goes through the whole registry."""
    whole = re.search(rf"(?:parametrize\(.*|in (?:sorted|list|tuple)?\(?){called}\b", TESTS)
    missing = [
        name
        for name in REGISTRIES[called]
        if not whole and not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", TESTS)
    ]
    assert missing == []


def test_every_registry_has_an_example_from_outside_that_a_test_runs():
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    there = {path.name for path in (ROOT / "tests" / "plugins").glob("own_*.py")}
    assert set(re.findall(r"tests/plugins/(own_\w+\.py)", guide)) == there
    assert {"own_recogniser.py", "own_spotter.py", "own_dataset.py"} <= there
    assert {"own_format.py", "own_metric.py"} <= there
    for name in there:
        assert f'"{name}"' in TESTS, f"no test runs {name}"
