"""What the methods have in common that do the training of TMVA's DNN without TMVA: where it is the same."""

from typing import FrozenSet

from tmva_bench.basis import mapping
from tmva_bench.basis.config import Point

# The parameters that are not equal where the batches are others than TMVA's.
OF_BATCHES = frozenset(["batch_size", "seed"])


def paired(point: Point, architecture: str) -> bool:
    """Whether a run has batches and masks of TMVA's DNN, see :class:`tmva_bench.methods.Method`.

    Args:
        point: its point.
        architecture: ``cpu`` or ``gpu``; the numbers are drawn on the CPU for both.
    """
    return point.feeding == "array" and (point.dropout == 0 or point.dropout_rule == "tmva")


def unequal(point: Point) -> FrozenSet[str]:
    """The parameters of a point in which a run does something else than TMVA's DNN."""
    drops = point.dropout_rule == "keras" and any(mapping.drop_probabilities(point))
    return (OF_BATCHES if point.feeding == "root" else frozenset()) | ({"dropout"} if drops else frozenset())
