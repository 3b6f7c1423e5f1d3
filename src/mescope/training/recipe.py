"""Recipes: one flat TOML file answers "what was run?".

``data`` decides what a recipe is about: ``synthetic`` trains a spotting model on simulated
region flow (:class:`Recipe`), ``rendered`` one on rendered pixels (:class:`RenderedRecipe`);
the others train a recogniser on clips (:class:`ClipRecipe`).

No inheritance and no defaults that hide: an unknown key is an error with a suggestion, and the
text of the recipe travels inside the weights it made.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mescope.errors import RecipeError


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a training run."""

    name: str  # of the weights
    model: str  # a preset of mescope.models
    data: str  # "synthetic"
    options: dict[str, Any] = field(default_factory=dict)  # fields of the model's Config
    seed: int = 0
    epochs: int = 30
    steps: int = 50  # batches of an epoch
    recordings: int = 200  # drawn anew for every epoch
    seconds: float = 30.0  # of every recording
    micro_per_minute: float = 16.0
    macro_per_minute: float = 5.0
    negative_ratio: float = 4.0  # windows without an expression per window with one
    batch_size: int = 128
    learning_rate: float = 3e-4  # maximum of the OneCycle schedule
    spotting_weight: float = 0.9  # of the loss; recognition has the rest
    neutral_weight: float = 6.0  # factor on the balanced weight of the neutral class
    notes: str = ""

    def __post_init__(self) -> None:
        _check_choice("data", self.data, ("synthetic",))
        if not 0.0 <= self.spotting_weight <= 1.0:
            raise RecipeError(f"spotting_weight must be 0 to 1, got {self.spotting_weight}")
        numbers = ("epochs", "steps", "recordings", "batch_size", "seconds", "learning_rate")
        _check_positive(self, numbers)


@dataclass(frozen=True, kw_only=True)
class RenderedRecipe:
    """Everything that decides a spotting model trained on rendered, really measured recordings.

    The last ``held_out`` share of the recordings, of other identities, is not trained on: it
    calibrates the scores and chooses the floor.
    """

    name: str  # of the weights
    model: str  # a preset of mescope.models
    data: str  # "rendered"
    look: str = "candidates"  # or "windows": what the network is shown
    options: dict[str, Any] = field(default_factory=dict)  # fields of the model's Config
    seed: int = 0
    hours: float = 10.0  # of rendered recordings, natural and staged together
    staged: float = 0.5  # share of them that is staged (training.rendered.Manner)
    seconds: float = 60.0  # of every recording
    held_out: float = 0.15
    epochs: int = 10
    steps: int = 200  # batches of an epoch
    negative_ratio: float = 3.0  # windows without an expression per window with one
    batch_size: int = 64
    learning_rate: float = 1.5e-3  # maximum of the OneCycle schedule
    spotting_weight: float = 0.9  # of the loss; recognition has the rest
    neutral_weight: float = 1.0  # factor on the balanced weight of the neutral class
    notes: str = ""

    def __post_init__(self) -> None:
        _check_choice("data", self.data, ("rendered",))
        _check_choice("look", self.look, ("candidates", "windows"))
        for name in ("spotting_weight", "held_out", "staged"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise RecipeError(f"{name} must be 0 to 1, got {getattr(self, name)}")
        numbers = ("hours", "seconds", "epochs", "steps", "batch_size", "learning_rate")
        _check_positive(self, numbers)

    @property
    def recordings(self) -> int:
        """Return how many recordings are rendered."""
        return max(2, round(self.hours * 3600 / self.seconds))

    @property
    def natural(self) -> int:
        """Return how many of them are natural; the others are staged."""
        return max(1, round(self.recordings * (1 - self.staged)))


@dataclass(frozen=True, kw_only=True)
class ClipRecipe:
    """Everything that decides how a recogniser is trained on clips, and judged.

    Nothing in it looks at a test person: the number of epochs is fixed, and what is measured on
    data (``standardise``, ``balanced``) is measured on the training people of each fold.
    """

    name: str
    model: str  # a preset of mescope.models, or a name of mescope.training.classical
    data: str  # what the model is given: one of CLIP_DATA
    labels: str = "3-class"  # a label set of mescope.labels
    options: dict[str, Any] = field(default_factory=dict)  # of the model
    seed: int = 0  # of the first run
    seeds: int = 3  # runs, with seed, seed + 1 ...
    epochs: int = 100
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.0  # decoupled, as AdamW has it
    schedule: str = "constant"  # one of SCHEDULES
    clip_norm: float = 0.0  # longest gradient, 0 for any
    hold_out: float = 0.0  # share of the training people that choose the epoch, or in a search
    # ratios and alpha; 0 for the last epoch
    shuffle: bool = True
    flip: bool = False  # mirror half of the flow maps, u negated; of faces, one mirrored copy
    # of every original beside it
    balanced: bool = False  # weigh classes by how rare they are
    scale: float = 1.0  # inputs are multiplied by it
    standardise: bool = False  # each channel to mean 0 and deviation 1
    unit_flow: bool = False  # flow in px to deviation 1, the same for u and v, zero kept
    size: int = 28  # side of the maps or frames made from clips
    frames: int = 16  # of faces: what the model is shown of an expression
    draws: int = 4  # of faces: draws of them kept for training; 0 for the tested ones only
    difference: bool = False  # of faces: what changed since the first frame shown
    macro: bool = False  # also learn from macro-expressions
    macro_others: bool = True  # also from those of the class others
    macro_weight: float = 1.0  # of a macro-expression in the loss, a micro-expression having 1
    rsmix: bool = False  # also learn from RSMix copies
    control: bool = False  # also ask about control clips of test people, see rsmix_plan
    au_table: str = "clean"  # of RSMix: clean or as_published
    smoothing: str = "median5"  # of the landmarks that place a crop: median5, clip or none
    precision: str = "32-true"  # or bf16-mixed
    channels: int = 3  # of flow: 3 for u, v and strain, 2 without strain; of faces: 1 for grey
    dgcm_mix: str = "sum"  # of MERba's two heads: sum or convex
    weights: str = ""  # to start from: shipped ones or a file, that saw no real person
    maps: int = 0  # simulated flow maps to draw
    shift: int = 0  # flow maps are moved by up to so many px, down and across
    mixup: float = 0.0  # inputs mixed in pairs by shares of Beta(mixup, mixup); 0 for none
    adaptive_epochs: int = 0  # AMMSM: first epochs, that draw ratios and alpha for every batch
    mesa: float = 0.0  # AMMSM: weight of its averaged copy's say; 0 for none
    search_population: int = 0  # AMMSM: candidates of a generation, 0 for no search
    search_generations: int = 20  # after the first one
    notes: str = ""

    def __post_init__(self) -> None:
        _check_choice("data", self.data, CLIP_DATA)
        _check_choice("dgcm_mix", self.dgcm_mix, ("sum", "convex"))
        _check_choice("schedule", self.schedule, SCHEDULES)
        numbers = (
            "epochs",
            "seeds",
            "batch_size",
            "learning_rate",
            "scale",
            "size",
            "channels",
        )
        _check_positive(self, numbers)
        least = (
            self.weight_decay,
            self.seed,
            self.clip_norm,
            self.shift,
            self.mixup,
            self.mesa,
        )
        if min(least) < 0:
            raise RecipeError(
                "seed, weight_decay, clip_norm, shift, mixup and mesa must be 0 or above"
            )
        if self.shift and not self.is_flow:
            raise RecipeError("shift is for flow maps, got data = 'clips'; leave it out")
        self._check_flow()
        self._check_faces()
        self._check_phases()
        if not 0.0 <= self.hold_out < 1.0:
            raise RecipeError(f"hold_out must be 0 to 1 (1 excluded), got {self.hold_out}")
        if (self.maps > 0) != (self.data == SIMULATED):
            raise RecipeError(
                f"maps must be above 0 for data = {SIMULATED!r} and 0 otherwise, got "
                f"{self.maps} for {self.data!r}"
            )

    def _check_flow(self) -> None:
        if self.data == ONSET_FLOW and (self.channels != 2 or self.standardise):
            raise RecipeError(
                f"data = {ONSET_FLOW!r} needs channels = 2 and standardise = false (there is "
                f"unit_flow), got {self.channels} and {str(self.standardise).lower()}"
            )
        if self.unit_flow and (self.standardise or self.data not in ("flow", ONSET_FLOW)):
            raise RecipeError(
                f"unit_flow is for data = 'flow' or {ONSET_FLOW!r} without standardise, got "
                f"{self.data!r}"
            )

    def _check_faces(self) -> None:
        _check_choice("precision", self.precision, PRECISIONS)
        if self.data != FACES:
            asked = ("macro", "rsmix", "control", "difference")
            given = [name for name in asked if getattr(self, name)]
            if given:
                raise RecipeError(
                    f"{', '.join(given)} belong to data = {FACES!r}, got {self.data!r}"
                )
            return
        shapes = sorted({"frames", "side", "channels"} & self.options.keys())
        if shapes:
            raise RecipeError(
                f"with data = {FACES!r}, frames and size of the recipe decide the model's "
                f"{', '.join(shapes)}; take it out of the options"
            )
        if self.frames < 2 or self.draws < 0 or self.channels not in (1, 3):
            raise RecipeError(
                "expected frames of 2 or more, draws of 0 or more and 1 or 3 channels, got "
                f"{self.frames}, {self.draws} and {self.channels}"
            )
        if self.macro_weight <= 0 or self.hold_out or self.standardise or self.mixup:
            raise RecipeError(
                f"data = {FACES!r} needs a macro_weight above 0 and no hold_out, standardise "
                "or mixup"
            )

    def _check_phases(self) -> None:
        if not 0 <= self.adaptive_epochs <= self.epochs:
            raise RecipeError(
                f"adaptive_epochs must be 0 to epochs = {self.epochs}, got "
                f"{self.adaptive_epochs}"
            )
        if self.search_population and not (
            self.search_population >= SEARCHED_LEAST
            and self.search_generations >= 0
            and self.hold_out > 0
            and self.adaptive_epochs > 0
        ):
            raise RecipeError(
                f"a search needs search_population of {SEARCHED_LEAST} or more, "
                "search_generations of 0 or more, adaptive_epochs, and hold_out for people to "
                f"choose on, got {self.search_population}, {self.search_generations}, "
                f"{self.adaptive_epochs} and {self.hold_out:g}"
            )

    @property
    def is_flow(self) -> bool:
        """True where inputs are flow maps, which may be mirrored and lose their strain."""
        return self.data not in ("clips", FACES)


SIMULATED = "synthetic-maps"

ONSET_FLOW = "flow-onset"

FACES = "faces"

CLIP_DATA = ("flow28", "flow", ONSET_FLOW, "clips", FACES, SIMULATED)
"""Published 28 x 28 maps, onset-apex flow, u and v of it with the grey onset frame, frames from
onset to offset, faces out of long recordings (:mod:`mescope.samples.face_clips`), or maps of
simulated faces like the published ones (:mod:`mescope.synthesis.flow_maps`)."""

PRECISIONS = ("32-true", "bf16-mixed")
"""As Lightning Fabric names them; state spaces are scanned in float32 in both."""

SEARCHED_LEAST = 4
"""Candidates of a generation, of which a quarter are parents of the next."""

SCHEDULES = ("constant", "cosine", "warm-up", "warm-up-cosine")
"""``cosine`` falls to 0 in the last step; ``warm-up`` is MERba's and ``warm-up-cosine``
VideoMamba's (:mod:`mescope.training.schedules`)."""

SpottingRecipe = Recipe | RenderedRecipe
AnyRecipe = SpottingRecipe | ClipRecipe


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise RecipeError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def _check_positive(recipe: AnyRecipe, names: tuple[str, ...]) -> None:
    for name in names:
        if not getattr(recipe, name) > 0:
            raise RecipeError(f"{name} must be above 0, got {getattr(recipe, name)}")


def read_recipe(path: str | Path, **overrides: Any) -> AnyRecipe:
    """Read a recipe file; ``overrides`` win over the file.

    Raises:
        RecipeError: the file is missing, is no TOML, misses a key, or has an unknown key or a
            value of the wrong type.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"cannot read the recipe {path}: {error}") from error
    return parse_recipe(text, path.name, **overrides)


def read_window_recipe(path: str | Path) -> SpottingRecipe:
    """Read a recipe that trains a spotting model.

    Raises:
        RecipeError: as :func:`read_recipe`, or the recipe is about clips.
    """
    recipe = read_recipe(path)
    if isinstance(recipe, ClipRecipe):
        raise RecipeError(
            f"{Path(path).name}: expected a recipe with data = 'synthetic' or "
            f"'rendered', found {recipe.data!r}; recipes on clips are run by `mescope evaluate`"
        )
    return recipe


def read_clip_recipe(path: str | Path, **overrides: Any) -> ClipRecipe:
    """Read a recipe that trains a recogniser on clips.

    Raises:
        RecipeError: as :func:`read_recipe`, or the recipe is about something else.
    """
    recipe = read_recipe(path, **overrides)
    if not isinstance(recipe, ClipRecipe):
        raise RecipeError(
            f"{Path(path).name}: expected a recipe with data of {', '.join(CLIP_DATA)}, found "
            f"{recipe.data!r}; it is run by `mescope train`"
        )
    return recipe


def parse_recipe(text: str, source: str = "recipe", **overrides: Any) -> AnyRecipe:
    r"""Build a recipe from TOML text; ``source`` names it in errors.

    >>> parse_recipe('name = "a"\nmodel = "me-tst"\ndata = "synthetic"').epochs
    30
    """
    try:
        values = tomllib.loads(text) | overrides
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{source} is not valid TOML: {error}") from error
    kinds = {"synthetic": Recipe, "rendered": RenderedRecipe} | dict.fromkeys(
        CLIP_DATA, ClipRecipe
    )
    data = values.get("data")
    if isinstance(data, str):
        _check_choice(f"{source}: data", data, tuple(kinds))
    kind: type[AnyRecipe] = kinds.get(data, Recipe) if isinstance(data, str) else Recipe
    known = {f.name: f for f in fields(kind)}
    for key, value in values.items():
        if key not in known:
            close = get_close_matches(key, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"options are {', '.join(known)}"
            raise RecipeError(f"{source}: unknown option {key!r}; {hint}")
        _check_type(source, key, value, str(known[key].type))
    missing = [k for k in ("name", "model", "data") if k not in values]
    if missing:
        raise RecipeError(f"{source} lacks {', '.join(missing)}")
    return kind(**values)


def _check_type(source: str, key: str, value: Any, declared: str) -> None:
    """Refuse a value of the wrong TOML type; whole numbers do for floats."""
    kinds: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (int, float),
        "str": (str,),
        "dict[str, Any]": (dict,),
        "bool": (bool,),
    }
    if isinstance(value, bool) != (declared == "bool") or not isinstance(
        value, kinds[declared]
    ):
        raise RecipeError(f"{source}: {key} must be {declared}, got {value!r}")


def recipe_text(recipe: AnyRecipe) -> str:
    """Return a recipe as TOML for :func:`parse_recipe`, without what is as by default.

    >>> print(recipe_text(ClipRecipe(name="a", model="htnet", data="flow28")), end="")
    name = "a"
    model = "htnet"
    data = "flow28"
    """
    lines, options = [], []
    for one in fields(recipe):
        value = getattr(recipe, one.name)
        if isinstance(value, dict):
            options = [f"{key} = {json.dumps(v)}" for key, v in value.items()]
        elif value != one.default:
            lines.append(f"{one.name} = {json.dumps(value)}")
    if options:
        lines += ["", "[options]", *options]
    return "\n".join(lines) + "\n"
