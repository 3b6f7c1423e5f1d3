"""Models without a network: descriptors and a linear support vector machine.

Scaling is learned inside ``fit``, so from training people only.  The machine is scikit-learn's
``SVC``: each pair of classes against each other, classes weighed by how rare they are.  All but
one are linear; :mod:`mescope.training.rbf_machine` is the bar that other models are held to.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from mescope.errors import WeightsError
from mescope.models.bi_woof import bi_woof
from mescope.models.lbp_top import lbp_top
from mescope.ranges import Within, check_value, declared
from mescope.training.rbf_machine import RbfMachine

Cost = Annotated[float, Within(1e-9, 1e9)]
Blocks = Annotated[int, Within(1, 64)]
Bins = Annotated[int, Within(1, 256)]
Side = Annotated[int, Within(1, 1024)]
Views = Annotated[int, Within(1, 8)]


def _flat(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    return inputs.reshape(len(inputs), -1)


def _machine(describe: Callable[..., Any], C: float, **options: Any) -> Any:
    return make_pipeline(
        FunctionTransformer(describe, kw_args=options),
        StandardScaler(),
        SVC(kernel="linear", C=C, class_weight="balanced"),
    )


def svm_flow(C: Cost = 0.001) -> Any:
    """Return a machine on the values of the maps themselves."""
    return _machine(_flat, C)


def svm_flow_rbf(C: Cost = 1.0, side: Side = 14, views: Views = 1) -> Any:
    """Return a machine with a Gaussian kernel on canonical maps, mirror images added."""
    return RbfMachine(C, side, views)


def lbp_top_svm(C: Cost = 0.001, blocks: Blocks = 5) -> Any:
    """Return a machine on :func:`mescope.models.lbp_top.lbp_top` of grey clips."""
    return _machine(lbp_top, C, blocks=blocks)


def bi_woof_svm(C: Cost = 0.001, blocks: Blocks = 5, bins: Bins = 8) -> Any:
    """Return a machine on :func:`mescope.models.bi_woof.bi_woof` of flow."""
    return _machine(bi_woof, C, blocks=blocks, bins=bins)


CLASSICAL: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "svm-flow": svm_flow,
        "svm-flow-rbf": svm_flow_rbf,
        "lbp-top-svm": lbp_top_svm,
        "bi-woof-svm": bi_woof_svm,
    }
)
"""Builders by name; what they return has ``fit(inputs, labels)`` and ``predict(inputs)``."""


def build(name: str, **options: Any) -> Any:
    """Return the classical model ``name``.

    Raises:
        WeightsError: no such model, or an option it does not have.
    """
    from mescope.models import MODELS

    if name not in CLASSICAL:
        known = [*MODELS, *CLASSICAL]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise WeightsError(f"there is no model {name!r}; choose from {', '.join(known)}{hint}")
    hints = declared(CLASSICAL[name])
    try:
        for option, value in options.items():
            check_value(option, hints.get(option, Any), value)
        return CLASSICAL[name](**options)
    except ValueError as error:
        raise WeightsError(f"{name} cannot be built so: {error}") from None
    except TypeError as error:
        raise WeightsError(f"{name} cannot be built so: {error}") from None
