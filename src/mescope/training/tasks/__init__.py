"""Training tasks: one file for each family of models, with all that it does its own way.

A recipe's model decides the task: the first that has it in ``models`` and learns from the
recipe's kind of samples, or plain classification.  ``[task] name`` asks for another.
"""

from mescope.training.tasks import ammsm, classical, classification, faces, me_tst, merba
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
    "ammsm",
    "classical",
    "classification",
    "faces",
    "me_tst",
    "merba",
    "name_of",
    "task_for",
    "task_of",
]
