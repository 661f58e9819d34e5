"""Rows of the tree ``benchmark``, made up."""

import math

from tmva_bench.basis import config
from tmva_bench.results import schema


def row(**values):
    """A row of the benchmark tree: a finished run of the default point unless told otherwise."""
    empty = {str: "", int: 0, float: math.nan}
    made = {column.name: empty[column.type] for column in schema.BENCHMARK}
    made.update(vars(config.Point()))
    made.update(status="ok", method="keras", backend="jax", architecture="cpu", sample="gauss")
    made.update(values)
    return made
