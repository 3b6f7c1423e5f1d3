"""A recogniser of one's own in one file: a network, its loss, and its field in recipes.

mescope --plugin own_recogniser.py train recipe.toml --dataset NAME --root FOLDER
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from mescope.models import MODELS
from mescope.training.tables import TaskTable
from mescope.training.tasks import TASKS, Classification


@MODELS.register("my-net")
class MyNet(nn.Module):
    """Logits of the classes from maps (b, 3, h, w); nothing of it knows mescope."""

    def __init__(self, classes, width=8):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, width, 5, stride=4), nn.ReLU())
        self.head = nn.Linear(width, classes)
        self.scale = torch.full((1,), 0.5)  # no parameter and no buffer: in no file

    def forward(self, maps):
        return self.head(self.features(maps).mean((2, 3)) * self.scale)


@dataclass(frozen=True, kw_only=True)
class MyTable(TaskTable):
    """``[task]`` of recipes: what the loss has to choose."""

    smoothing: float = 0.1


@TASKS.register("my-task")
class MyTask(Classification):
    """Cross-entropy with smoothed labels."""

    models = ("my-net",)
    task_table = MyTable

    def loss(self, output, batch):
        """Return the loss of a batch: inputs and labels."""
        return F.cross_entropy(output, batch[1], label_smoothing=self.recipe.task.smoothing)
