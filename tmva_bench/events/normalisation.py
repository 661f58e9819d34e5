"""Event weights of the training scaled by class, as ``NormMode`` of ``DataLoader.PrepareTrainingAndTestTree`` does it.

After ``DataSetFactory::RenormEvents``: test events keep their weights, transformations that use weights (``D``, ``U``,
``G``) take the scaled ones, and TMVA's ``TrainTree`` holds them.
"""

from typing import List, Sequence

import numpy


def normalise(mode: str, classes: Sequence[numpy.ndarray]) -> List[numpy.ndarray]:
    """The scaled weights of the training events.

    ``equal_num_events`` scales every class to a sum equal to the number of events of the first (signal); the one class
    of a regression, to its own. ``num_events`` scales each class to its own number of events.

    Args:
        mode: one of :data:`tmva_bench.basis.config.NORM_MODES`.
        classes: weights of each class, signal first, with a positive sum; shape (events,) each.

    Returns:
        Float32, as TMVA writes them.
    """
    if mode == "none":
        return [weights.astype(numpy.float32) for weights in classes]
    wanted = [len(classes[0] if mode == "equal_num_events" else weights) for weights in classes]
    return [
        (weights.astype(float) * (number / weights.sum(dtype=float))).astype(numpy.float32)
        for weights, number in zip(classes, wanted)
    ]
