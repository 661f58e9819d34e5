"""Requests for runs, and what a run may take: checked, before anything starts."""

import dataclasses
import math
from typing import NamedTuple

from tmva_bench.basis import autoencoder
from tmva_bench.basis.config import ARCHITECTURES, BACKENDS, METHODS, Point
from tmva_bench.errors import UserError, unknown


class Request(NamedTuple):
    """One run that is asked for.

    Attributes:
        point: the benchmark point.
        method: ``tmva-dnn``, ``pykeras``, ``keras`` or ``dae``.
        backend: ``tmva`` for ``tmva-dnn`` and ``dae`` in TMVA, else the Keras backend.
        architecture: ``cpu`` or ``gpu``.
        threads: threads given to the run.
        repetition: from 1.
    """

    point: Point
    method: str
    backend: str
    architecture: str = "cpu"
    threads: int = 1
    repetition: int = 1


def make_request(
    point: Point, method: str, backend: str | None, *, architecture: str = "cpu", threads: int = 1
) -> Request:
    """A checked request for one run.

    Raises:
        UserError: unknown method, backend or architecture, or ones that do not belong together.
    """
    if method not in METHODS:
        raise unknown("method", method, list(METHODS))
    if architecture not in ARCHITECTURES:
        raise unknown("architecture", architecture, list(ARCHITECTURES))
    if not isinstance(threads, int) or threads < 1:
        raise UserError(f"threads = {threads}: must be a whole number, at least 1")
    if method == "dae":
        point = _of_autoencoder(point)
    if method == "dae" and backend == "tmva":
        _check_tmva_can(point)
    elif method == "tmva-dnn":
        if backend not in (None, "tmva"):
            raise UserError(f"backend = {backend}: tmva-dnn has none, it is TMVA's own; leave the backend out")
        backend = "tmva"
    else:
        backend = backend or "tensorflow"
        if backend not in BACKENDS:
            raise unknown("backend", backend, list(BACKENDS))
    if method != "keras":
        for name in ("start", "dropout_rule"):
            value = getattr(point, name)
            if value != getattr(Point(), name):
                raise UserError(f"{name} = {value}: {method} has no such parameter; leave it out, or take method keras")
    return Request(point, method, backend, architecture, threads)


def _of_autoencoder(point: Point) -> Point:
    """The point with the parameters that its autoencoder is trained with, which dae has nothing beside."""
    if not point.encoding or point.chain:
        raise UserError(
            f"transformations = {point.transformations}: dae trains the autoencoder at their end; end them with one, "
            "e.g. N,A(k=3)_Background"
        )
    wanted, _ = autoencoder.of_chain(point.encoding, point.seed)
    names = ("optimizer", "learning_rate", "momentum", "batch_size", "convergence_steps", "max_epochs")
    own = {name: getattr(wanted.phase, name) for name in names}
    return dataclasses.replace(
        point,
        **own,
        initializer=wanted.initializer,
        loss="sum_of_squares",
        dropout=0.0,
        regularization="none",
        weight_decay=0.0,
    )


def _check_tmva_can(point: Point) -> None:
    """Refuses an autoencoder that TMVA's DNN, booked as a regression, cannot train."""
    wanted, _ = autoencoder.of_chain(point.encoding, point.seed)
    lacks = {"Tied": wanted.tied, "Pretraining": wanted.pretraining, "Corruption": wanted.corruption > 0}
    for name, asked in lacks.items():
        if asked:
            raise UserError(f"{name}: backend tmva cannot do this; leave it out, or take a Keras backend")
    if not set(wanted.chain) <= {"N"}:
        raise UserError(
            f"transformations = {point.transformations}: in a regression TMVA mixes inputs and targets under D and P; "
            "put N alone before the autoencoder, or take a Keras backend"
        )


class Limits(NamedTuple):
    """Limits of one child.

    Attributes:
        seconds: real time, infinite for none.
        memory: resident memory [MiB]; by default 90 % of what is free.
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
