"""Times of an event, engine by engine: the median with its interval, names, and the file of the trees."""

import math
from collections.abc import Sequence
from pathlib import Path

from tmva_bench.results import naming, schema, tree_file
from tmva_bench.results.rows import LatencyRow

# Confidence of the intervals of medians.
_CONFIDENCE = 0.68
_NAMES = {
    "products": "matrix products, numpy",
    "header": "C++ header, g++ -O2",
    "header-cling": "C++ header, cling",
    "onnxruntime": "ONNX Runtime",
    "keras-predict": "Keras predict",
    "keras-call": "Keras call",
    "reader": "TMVA::Reader",
    "sofie": "SOFIE, cling",
}


def label(engine: str, backend: str) -> str:
    """The name of an engine in tables and figures."""
    return f"{_NAMES[engine]}, {naming.proper(backend)}" if backend else _NAMES[engine]


def digits(time: float) -> str:
    """A time with three significant digits and no power of ten."""
    return f"{time:.{max(0, 2 - math.floor(math.log10(time)))}f}" if time > 0 else f"{time:g}"


def median(times: Sequence[float]) -> tuple[float, float, float]:
    """The median of times that do not depend on each other, and its interval by order statistics.

    Args:
        times: one a block.
    """
    import numpy
    from scipy import stats  # its import takes a second

    low, high = stats.quantile_test(times, p=0.5).confidence_interval(_CONFIDENCE)
    return float(numpy.median(times)), float(low), float(high)


def write(rows: Sequence[LatencyRow], path: Path) -> None:
    """Writes the trees of :data:`tmva_bench.results.schema.LATENCY_TREES`.

    Args:
        rows: of all engines.
        path: the file; replaced if it exists.

    Raises:
        UserError: no ROOT, or the file cannot be written.
    """
    columns = [row.columns() for row in rows]
    table = {column.name: [tree_file.plain(row[column.name]) for row in columns] for column in schema.LATENCY}
    tree_file.write_tables({"latency": table}, path)
