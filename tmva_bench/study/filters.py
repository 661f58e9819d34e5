"""Which runs a user means: ``name=value`` over what is known of a run."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from tmva_bench.basis import config, parsing
from tmva_bench.errors import UserError

# Fewer characters of a digest say too little.
_SHORTEST = 4


def parse(texts: Iterable[str], known: Iterable[str]) -> dict[str, set[str]]:
    """Filters from what a user wrote, ``name=value`` or ``name=value,value``.

    Args:
        texts: the filters.
        known: the names that a run has.

    Returns:
        The values that fit, by name, in their normal form; those of a name that stands twice, of both.

    Raises:
        UserError: no ``name=value``, an unknown name, an impossible value of a parameter, or another filter after a
            comma.
    """
    names = list(known)
    wanted: dict[str, set[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UserError(f"--only {text}: give name=value with a parameter, method, backend or environment{hint}")
        # A chain of transformations is one value, commas and all.
        values = [value] if name == "transformations" else value.split(",")
        for one in values[1:]:
            if "=" in one and one.partition("=")[0] in names:
                raise UserError(f"--only {text}: a comma divides values of {name}; give --only {one} besides")
        wanted.setdefault(name, set()).update(_normal(name, one) for one in values)
    return wanted


def fits(facts: Mapping[str, Any], filters: Mapping[str, set[str]]) -> bool:
    """Whether a run fits every filter.

    Args:
        facts: what is known of the run, by name.
        filters: see :func:`parse`.
    """
    return all(_fits(name, str(facts[name]), values) for name, values in filters.items())


def _fits(name: str, value: str, wanted: set[str]) -> bool:
    """Whether a value is among those wanted; a digest may be given short, as tables show it."""
    if name.endswith("_digest") or name == "installation":
        return any(value == one or (len(one) >= _SHORTEST and value.startswith(one)) for one in wanted)
    return value in wanted


def _normal(name: str, value: str) -> str:
    return str(parsing.parse_value(name, value)) if name in config.PARAMETERS else value
