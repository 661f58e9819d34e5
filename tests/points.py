"""Benchmark points for the tests: those of the recorded runs, and any."""

import math
from typing import Any

from hypothesis import strategies as st

from tmva_bench.basis import config, parsing

_NET = {"neurons": 20, "max_epochs": 4}
_WIDE = {"neurons": 200, "layers": 2, "transformations": "N", "learning_rate": 1e-4, "max_epochs": 1}
_LINEAR = {"layers": 0, "max_epochs": 1}

# The recorded runs of MethodDL that one point each can express.
RECORDED: dict[str, dict[str, Any]] = {
    "dnn-seed-preset": {**_NET, "max_epochs": 5},
    "dnn-two-seeds": {**_NET, "max_epochs": 5, "seed": 2},
    "dnn-momentum": {**_NET, "momentum": 0.9, "learning_rate": 0.05},
    "dnn-momentum-l2": {
        **_NET,
        "momentum": 0.9,
        "learning_rate": 0.05,
        "batch_size": 64,
        "max_epochs": 3,
        "regularization": "l2",
        "weight_decay": 0.001,
    },
    "dnn-adam": {**_NET, "optimizer": "adam", "learning_rate": 0.003},
    "dnn-rmsprop": {**_NET, "optimizer": "rmsprop", "learning_rate": 0.003},
    "dnn-adagrad": {**_NET, "optimizer": "adagrad"},
    "dnn-adadelta": {**_NET, "optimizer": "adadelta"},
    "dnn-l1": {**_NET, "regularization": "l1", "weight_decay": 0.001},
    "dnn-l2": {**_NET, "regularization": "l2", "weight_decay": 0.001},
    "dnn-early-stop": {"neurons": 20, "learning_rate": 0.5, "convergence_steps": 3},
    "dnn-sum-of-squares": {
        "neurons": 10,
        "layers": 1,
        "loss": "sum_of_squares",
        "transformations": "N",
        "max_epochs": 3,
    },
    "dnn-init-gauss": {**_WIDE, "initializer": "gauss"},
    "dnn-init-uniform": {**_WIDE, "initializer": "uniform"},
    "dnn-init-xavier": {**_WIDE, "initializer": "xavier"},
    "dnn-init-xavieruniform": {**_WIDE, "initializer": "xavier_uniform"},
    "quiet-nothing-improves": {"neurons": 20, "learning_rate": 50, "convergence_steps": 2, "max_epochs": 10},
    "quiet-partial-batches": {
        "neurons": 10,
        "layers": 1,
        "transformations": "N",
        "batch_size": 300,
        "max_epochs": 2,
    },
    "unequal-classes": {**_NET, "max_epochs": 3},
    "norm-equal-unequal-classes": {**_NET, "max_epochs": 3, "norm_mode": "equal_num_events"},
    "transform-U-P": {**_LINEAR, "transformations": "U,P"},
}


def recorded(name: str) -> config.Point:
    """The point of a recorded run."""
    return parsing.point({"norm_mode": "none", **RECORDED[name]})


def values(name: str) -> st.SearchStrategy[int | float | str]:
    """Any value of one common parameter, in its own type."""
    parameter = config.PARAMETERS[name]
    if name == "transformations":
        return st.lists(st.sampled_from(config.TRANSFORMATIONS), min_size=1, max_size=4).map(",".join)
    if name == "factory_string":
        return st.sampled_from(["!V:Color:AnalysisType=Classification", "V:Silent"])
    if parameter.type is str:
        return st.sampled_from(parameter.codes)
    if parameter.type is int:
        return st.integers(int(parameter.low), int(min(parameter.high, 2**31 - 1)))
    return st.floats(
        parameter.low,
        None if parameter.high == math.inf else parameter.high,
        exclude_min=parameter.open_low,
        exclude_max=parameter.open_high,
        allow_infinity=False,
        allow_nan=False,
    )


@st.composite
def points(draw: st.DrawFn, **fixed: Any) -> config.Point:
    """Any point of values that belong together, some of them given."""
    free = {name: values(name) for name in config.PARAMETERS}
    free["layers"] = st.integers(0, 5)
    free["neurons"] = st.integers(1, 300)
    free["loss"] = st.sampled_from(["cross_entropy", "sum_of_squares"])
    chosen = {**{name: draw(strategy) for name, strategy in free.items()}, **fixed}
    if "last_activation" not in fixed:
        outputs = ["sigmoid"] if chosen["loss"] == "cross_entropy" else ["sigmoid", "linear"]
        chosen["last_activation"] = draw(st.sampled_from(outputs))
    if chosen["optimizer"] != "sgd":
        chosen["momentum"] = 0.0
    if chosen["dropout"] and chosen["dropout_rule"] == "tmva":
        chosen["start"] = "tmva"
    if chosen["execution"] == "epoch":
        chosen["start"] = "tmva"
    if chosen["feeding"] == "root":
        chosen.update(start="tmva", execution="batch")
    if chosen["regularization"] == "none":
        chosen["weight_decay"] = 0.0
    return parsing.point(chosen)
