"""Training tasks: one file for each family of models, with all that it does its own way.

A recipe's model decides the task: the first that has it in ``models`` and learns from the
recipe's kind of samples, or plain classification.  ``[task] name`` asks for another.

Every file of this folder registers its tasks and is imported here; none is listed.
"""

import importlib
import pkgutil

from mescope.training.tasks.base import (
    TASKS,
    LoopTask,
    TrainingTask,
    name_of,
    task_for,
    task_of,
)
from mescope.training.tasks.classification import Classification

__all__ = [
    "TASKS",
    "Classification",
    "LoopTask",
    "TrainingTask",
    "name_of",
    "task_for",
    "task_of",
]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
