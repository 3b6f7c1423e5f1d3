"""Checkpoints: everything a killed run needs to go on as if nothing had happened.

One safetensors file (never pickle): model, Adam moments, and JSON metadata with the epoch, the
recipe and the history.  Written to a temporary file and moved into place, so the last good
checkpoint survives a kill at any moment.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from mescope.errors import RecipeError
from mescope.io.atomic import write_atomically
from mescope.moved import renamed
from mescope.training.tables import Recipe


@dataclass
class RunState:
    """Where a run stands."""

    epoch: int = 0  # epochs finished
    history: list[dict[str, float]] = field(default_factory=list)  # one entry an epoch


class Checkpointer:
    """Writes the checkpoint and the history of one run into its folder."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.path, self.recipe = folder / "checkpoint.safetensors", recipe
        self.progress = RunState()

    def restore(self, model: torch.nn.Module, optimizer: torch.optim.Adam) -> int:
        """Go on from the checkpoint, if there is one; return the number of the next epoch.

        Raises:
            RecipeError: see :func:`load_checkpoint`.
        """
        if self.path.exists():
            self.progress = load_checkpoint(self.path, self.recipe, model, optimizer)
        return self.progress.epoch

    def keep(
        self, model: torch.nn.Module, optimizer: torch.optim.Adam, entry: dict[str, float]
    ) -> None:
        """Write what an epoch ended with; ``entry`` goes into the history."""
        self.progress.epoch += 1
        self.progress.history.append(entry)
        save_checkpoint(self.path, self.recipe, model, optimizer, self.progress)
        history = json.dumps(self.progress.history, indent=1).encode()
        write_atomically(self.path.with_name("history.json"), history)


def read_history(folder: Path) -> list[dict[str, float]]:
    """Return what every finished epoch of a run ended with, from ``history.json``.

    Raises:
        RecipeError: there is no such file, or it is damaged.
    """
    path = folder / "history.json"
    try:
        return list(json.loads(path.read_text(encoding="utf-8")))
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
) -> None:
    """Write a checkpoint in one step."""
    tensors = {f"model/{k}": v.detach().contiguous() for k, v in model.state_dict().items()}
    moments = optimizer.state_dict()["state"]
    for index, state in moments.items():
        for key, value in state.items():
            tensors[f"adam/{index}/{key}"] = value.detach().contiguous()
    metadata = {
        "recipe": json.dumps(recipe.to_dict(), sort_keys=True),
        "progress": json.dumps(asdict(progress)),
    }
    write_atomically(path, save(tensors, metadata))


def load_checkpoint(
    path: Path, recipe: Recipe, model: torch.nn.Module, optimizer: torch.optim.Adam
) -> RunState:
    """Restore ``model`` and ``optimizer`` from ``path``; return where the run stands.

    Raises:
        RecipeError: the file is damaged, or was made by another recipe.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise RecipeError(
            f"the checkpoint {path} cannot be read ({error}); delete it to start anew"
        ) from error
    if json.loads(metadata.get("recipe", "{}")) != json.loads(json.dumps(recipe.to_dict())):
        raise RecipeError(
            f"the checkpoint {path} was made by another recipe; restore that recipe, "
            "or choose another output folder"
        )
    model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model/")})
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("adam/"):
            _, index, name = key.split("/")
            state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(
        {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
    )
    values = json.loads(metadata["progress"])
    return RunState(epoch=values["epoch"], history=values["history"])


__getattr__ = renamed(
    __name__,
    {
        "Keeper": "mescope.training.checkpoint.Checkpointer",
        "Progress": "mescope.training.checkpoint.RunState",
    },
)
