"""The methods that there are: a new one is its module, and its line here."""

import importlib
from typing import Dict, List

from tmva_bench.errors import unknown
from tmva_bench.methods import Method

# In the order of tables and legends.
_MODULES = (
    "tmva_dnn",
    "pykeras",
    "keras_direct",
    "torch_direct",
    "dae",
    "tmva_bdt",
    "boosting",
    "linear",
)

METHODS: Dict[str, Method] = {
    method.name: method for method in (importlib.import_module(f"{__package__}.{module}").METHOD for module in _MODULES)
}


def of(name: str) -> Method:
    """The method of that name.

    Raises:
        UserError: there is none, as in results that another version of the package made.
    """
    if name not in METHODS:
        raise unknown("method", name, METHODS)
    return METHODS[name]


def sides() -> List[str]:
    """The sides of a comparison that methods stand on."""
    return list(dict.fromkeys(method.side for method in METHODS.values() if method.side))


def of_side(side: str) -> List[str]:
    """The names of the methods that stand on a side."""
    return [name for name, method in METHODS.items() if method.side == side]


def with_parameter(parameter: str) -> List[str]:
    """The names of the methods that have a parameter."""
    return [name for name, method in METHODS.items() if parameter not in method.lacks]
