"""Events and rows for tests of the classifiers that are no networks."""

import numpy

from tmva_bench.basis import config
from tmva_bench.engines.keras_training import Arrays
from tmva_bench.methods import registry


def arrays(events, seed=1, negative=0.0):
    """Events of two classes in three variables, not to be told apart by a plane, with weights.

    Args:
        events: of both classes.
        seed: of all that is drawn.
        negative: share of the weights that are below zero.
    """
    random = numpy.random.default_rng(seed)
    x = random.normal(size=(events, 3)).astype(numpy.float32)
    y = x[:, 0] + x[:, 1] * x[:, 2] + random.normal(size=events) > 0
    w = random.uniform(0.5, 1.5, events) * numpy.where(random.uniform(size=events) < negative, -1, 1)
    return Arrays(x, y.astype(numpy.float32)[:, None], w.astype(numpy.float32))


def absent(method):
    """What stands in the columns that a method does not have."""
    return {name: config.absent(name) for name in registry.of(method).absent}
