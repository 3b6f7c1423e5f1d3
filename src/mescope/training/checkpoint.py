"""Checkpoints: everything a killed run needs to go on as if nothing had happened.

One safetensors file (never pickle): model, Adam moments, and JSON metadata with the epoch, the
recipe, what was learned from (a hash) and the history.  Written to a temporary file and moved
into place, so the last good checkpoint survives a kill at any moment.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from mescope.errors import RecipeError
from mescope.io.atomic import write_atomically
from mescope.io.json_text import json_value
from mescope.moved import renamed
from mescope.training.fit import is_first
from mescope.training.tables import Recipe

CHECKPOINT = "checkpoint.safetensors"


@dataclass
class RunState:
    """Where a run stands."""

    epoch: int = 0  # epochs finished
    history: list[dict[str, float]] = field(default_factory=list)  # one entry an epoch


class Companion(Protocol):
    """What a run needs beside model and optimizer to go on, such as the best epoch so far."""

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Return its tensors and its values, plain for JSON."""
        ...

    def put_back(self, tensors: dict[str, torch.Tensor], values: dict[str, Any]) -> None:
        """Take over what :meth:`state` returned.

        Raises:
            LookupError, TypeError, ValueError: it is no such state.
        """
        ...


class Checkpointer:
    """Writes the checkpoint and the history of one run into its folder.

    Of several processes of a training the first one writes, for all.

    Args:
        folder: of the run.
        recipe: what is trained; a checkpoint of another one is refused.
        every: seconds between two checkpoints; 0 for one after every epoch.
        data: hash of what is learned from; a checkpoint of other data is refused.  "" where
            the recipe alone decides it, or whoever keeps the folder compares it.

    Attributes:
        companions: what goes into the checkpoint beside model and optimizer, by name.
    """

    def __init__(
        self, folder: Path, recipe: Recipe, every: float = 0.0, *, data: str = ""
    ) -> None:
        self.path, self.recipe, self.every = folder / CHECKPOINT, recipe, every
        self.data = data
        self.progress = RunState()
        self.companions: dict[str, Companion] = {}
        self._written = time.monotonic()

    def restore(self, model: torch.nn.Module, optimizer: torch.optim.Adam) -> int:
        """Go on from the checkpoint, if there is one; return the number of the next epoch.

        Raises:
            RecipeError: see :func:`load_checkpoint`.
        """
        if self.path.exists():
            self.progress = load_checkpoint(
                self.path, self.recipe, model, optimizer, self.companions, data=self.data
            )
            if is_first():
                self._write_history()  # a kill may have come between the two files
        return self.progress.epoch

    def keep(
        self, model: torch.nn.Module, optimizer: torch.optim.Adam, entry: dict[str, float]
    ) -> None:
        """Write what an epoch ended with, if it is time; ``entry`` goes into the history."""
        self.progress.epoch += 1
        self.progress.history.append(entry)
        if not is_first() or time.monotonic() - self._written < self.every:
            return
        save_checkpoint(
            self.path, self.recipe, model, optimizer, self.progress, self.companions,
            data=self.data,
        )  # fmt: skip
        self._write_history()
        self._written = time.monotonic()

    def _write_history(self) -> None:
        history = json.dumps(self.progress.history, indent=1).encode()
        write_atomically(self.path.with_name("history.json"), history)


def read_history(folder: Path) -> list[dict[str, float]]:
    """Return what every finished epoch of a run ended with, from ``history.json``.

    Raises:
        RecipeError: there is no such file, or it is damaged.
    """
    path = folder / "history.json"
    try:
        return list(json_value(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise RecipeError(
            f"the history {path} cannot be read ({error}); train again in another folder"
        ) from None


def save_checkpoint(
    path: Path,
    recipe: Recipe,
    model: torch.nn.Module,
    optimizer: torch.optim.Adam,
    progress: RunState,
    companions: Mapping[str, Companion] | None = None,
    *,
    data: str = "",
) -> None:
    """Write a checkpoint in one step; ``data`` as for :class:`Checkpointer`."""
    tensors = {f"model/{k}": v.detach().contiguous() for k, v in model.state_dict().items()}
    moments = optimizer.state_dict()["state"]
    for index, state in moments.items():
        for key, value in state.items():
            tensors[f"adam/{index}/{key}"] = value.detach().contiguous()
    values: dict[str, Any] = {}
    for name, companion in (companions or {}).items():
        more, values[name] = companion.state()
        tensors |= {f"beside/{name}/{k}": t.detach().contiguous() for k, t in more.items()}
    metadata = {
        "recipe": json.dumps(recipe.to_dict(), sort_keys=True),
        "progress": json.dumps(asdict(progress)),
        "beside": json.dumps(values),
        "data": data,
    }
    write_atomically(path, save(tensors, metadata))


def check_checkpoint(path: Path, recipe: Recipe, data: str = "") -> RunState:
    """Return where a run stands, from the metadata of its checkpoint alone.

    Checkpoints of older versions do not say what was learned from, and are believed.

    Raises:
        RecipeError: the file is damaged, or was made by another recipe or on other ``data``.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        made_by, progress = json_value(metadata["recipe"]), _state(metadata["progress"])
    except (SafetensorError, OSError, LookupError, TypeError, ValueError) as error:
        raise RecipeError(
            f"the checkpoint {path} cannot be read ({error}); delete it to start anew"
        ) from error
    if made_by != json.loads(json.dumps(recipe.to_dict())):
        raise RecipeError(
            f"the checkpoint {path} was made by another recipe; restore that recipe, "
            "or choose another output folder"
        )
    if data and metadata.get("data") and metadata["data"] != data:
        raise RecipeError(
            f"the checkpoint {path} learned from other data than what is given now (people, "
            "clips or annotations differ); restore them, or choose another output folder"
        )
    return progress


def load_checkpoint(
    path: Path,
    recipe: Recipe,
    model: torch.nn.Module,
    optimizer: torch.optim.Adam,
    companions: Mapping[str, Companion] | None = None,
    *,
    data: str = "",
) -> RunState:
    """Restore ``model``, ``optimizer`` and ``companions``; return where the run stands.

    Raises:
        RecipeError: see :func:`check_checkpoint`.
    """
    progress = check_checkpoint(path, recipe, data)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            beside = json_value((file.metadata() or {}).get("beside", "{}"))
        _put_back(tensors, model, optimizer)
        for name, companion in (companions or {}).items():
            start = f"beside/{name}/"
            own = {k.removeprefix(start): t for k, t in tensors.items() if k.startswith(start)}
            companion.put_back(own, beside[name])
    except (
        SafetensorError, OSError, RuntimeError, LookupError, ValueError, TypeError,
    ) as error:  # fmt: skip
        raise RecipeError(
            f"the checkpoint {path} does not fit its recipe's model; it was changed after it "
            "was written: delete it to start anew"
        ) from error
    return progress


def _state(text: str) -> RunState:
    """Return where a run stands, from its metadata.

    Raises:
        KeyError, TypeError, ValueError: it is no such text, or contradicts itself.
    """
    values = json_value(text)
    epoch, history = values["epoch"], values["history"]
    sound = isinstance(epoch, int) and isinstance(history, list) and len(history) == epoch
    if not sound or not all(isinstance(entry, dict) for entry in history):
        raise ValueError("its number of epochs and its history differ")
    return RunState(epoch=epoch, history=history)


def _put_back(
    tensors: Mapping[str, torch.Tensor],
    model: torch.nn.Module,
    optimizer: torch.optim.Adam,
) -> None:
    """Restore weights and moments; raises what torch raises where they do not fit."""
    model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model/")})
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("adam/"):
            _, index, name = key.split("/")
            if value.dim() and value.shape != parameters[int(index)].shape:
                raise ValueError(f"{key} has another shape than its weights")
            state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(
        {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
    )


__getattr__ = renamed(
    __name__,
    {
        "Keeper": "mescope.training.checkpoint.Checkpointer",
        "Progress": "mescope.training.checkpoint.RunState",
    },
)
