"""Requests for runs, and what a run may take: checked, before anything starts."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from tmva_bench.basis import config
from tmva_bench.basis.config import ARCHITECTURES, Point
from tmva_bench.errors import UserError, unknown
from tmva_bench.methods import Method, registry


class Request(NamedTuple):
    """One run that is asked for.

    Attributes:
        point: the benchmark point.
        method: a name in :mod:`tmva_bench.methods.registry`.
        backend: ``tmva``, or the learning library.
        architecture: ``cpu`` or ``gpu``.
        threads: threads given to the run.
        repetition: from 1.
        together: whether it is trained in one child with the other repetitions of its point.
    """

    point: Point
    method: str
    backend: str
    architecture: str = "cpu"
    threads: int = 1
    repetition: int = 1
    together: bool = False


def make_request(
    point: Point, method: str, backend: str | None, *, architecture: str = "cpu", threads: int = 1
) -> Request:
    """A checked request for one run.

    Raises:
        UserError: unknown method, backend or architecture, or ones that do not belong together.
    """
    taken = registry.of(method)
    if architecture not in ARCHITECTURES:
        raise unknown("architecture", architecture, list(ARCHITECTURES))
    if not isinstance(threads, int) or threads < 1:
        raise UserError(f"threads = {threads}: must be a whole number, at least 1")
    backend = backend or taken.backends[0]
    if backend not in taken.backends:
        raise _no_backend(taken, backend)
    point = taken.complete(point, backend)
    for name in taken.lacks:
        value = getattr(point, name)
        if value not in (getattr(Point(), name), config.absent(name)):
            others = " or ".join(registry.with_parameter(name))
            raise UserError(f"{name} = {value}: {method} has no such parameter; leave it out, or take method {others}")
    nothing: dict[str, Any] = {name: config.absent(name) for name in taken.absent}
    point = dataclasses.replace(point, **nothing)
    return Request(point, method, backend, architecture, threads)


def known_to(method: Method, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of values of parameters that are meant for all methods, those that one of them has."""
    return {name: value for name, value in values.items() if name not in method.absent}


def _no_backend(method: Method, backend: str) -> UserError:
    if method.backends == ("tmva",):
        return UserError(f"backend = {backend}: {method.name} has none, it is TMVA's own; leave the backend out")
    return unknown("backend", backend, method.backends)


class Limits(NamedTuple):
    """Limits of one child.

    Attributes:
        seconds: real time, infinite for none.
        memory: resident memory of the child and all that it starts [MiB]; by default 90 % of what is free.
    """

    seconds: float = math.inf
    memory: float = math.inf


def limits(seconds: float | None, memory: float | None) -> Limits:
    """Limits as a user gives them; None for no limit.

    Raises:
        UserError: a limit that is not above 0.
    """
    for name, value in (("time limit", seconds), ("memory limit", memory)):
        if value is not None and not value > 0:
            raise UserError(f"{name} = {value:g}: must be above 0")
    return Limits(seconds or math.inf, memory or math.inf)
