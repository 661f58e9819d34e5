"""TMVA's DNN, TMVA PyKeras and Keras itself on the same data and network.

``from tmva_bench import Point, generate, run`` is all that a script needs.
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["Point", "apply", "convert", "generate", "point", "run", "run_study"]

_HOME = {
    **{"Point": "basis.config", "point": "basis.parsing"},
    **dict.fromkeys(("apply", "convert", "generate", "run", "run_study"), "api"),
}


def __getattr__(name: str) -> Any:
    # Loaded on demand: the child of an older environment imports this package, too.
    if name not in _HOME:
        raise AttributeError(f"module 'tmva_bench' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"tmva_bench.{_HOME[name]}"), name)
