"""Event samples as plain arrays: toys whose likelihood ratio is known, ROOT's HIGGS events, users' own trees."""

from __future__ import annotations

import contextlib
import functools
import inspect
import math
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy
import psutil

from tmva_bench.basis import config, process
from tmva_bench.errors import UserError, short, unknown
from tmva_bench.events import conversion, inputs, output, reading, sources
from tmva_bench.events import selection as selections
from tmva_bench.events.inputs import Sample

WEIGHTS = ("unit", "random")
# Mean radius of the background of `rings`, in widths of a ring.
_RING_RADIUS = 3.0
# Radius of `swissroll` at the inner end of the sheet, and growth to the outer one.
_ROLL_START, _ROLL_GROWTH = 0.5, 1.0
_ROLL_VARIABLES = (3, 10)
_HIGGS_FOLDERS = ("machine_learning/data", "tmva/data")
_HIGGS_FILE = "Higgs_data.root"
# What a parameter must be, by its annotation.
_TYPES: dict[str, tuple[str, Any]] = {
    "int": ("a whole number", int),
    "float": ("a number", (int, float)),
    "str": ("a text", str),
}
_MOST_SEED = 2**63 - 1
# What a generated event takes while it is made, for each variable: float64 several times over [bytes].
_BYTES = 64
# A sample's name, which becomes part of file names: no longer than 60.
# Names of users' own samples.
NAME = r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,59}"
NAME_HELP = "letters, digits, _ - . + make a sample's name, at most 60"


def gauss(
    *,
    variables: int = 4,
    correlation: float = 0.4,
    separation: float = 1.0,
    weights: str = "unit",
    train_signal: int = 20000,
    train_background: int = 20000,
    test_signal: int = 50000,
    test_background: int = 50000,
    seed: int = 1,
) -> Sample:
    """Correlated, overlapping Gaussians with different covariances: neither a cut nor a plane is the best separation.

    All widths are 1. In signal every two variables have the same correlation r; in background that of
    variables i and j is (-r)^abs(i - j). The means lie symmetric to 0; those of variable i out of d differ by
    i/d of ``separation``.

    Args:
        variables: number of variables, at least 1.
        correlation: r, between -1/(d - 1) and 1, both excluded.
        separation: distance of the means of the last variable, in widths, at least 0.
        weights: ``unit``, all event weights 1, or ``random``, flat in 0.5 to 1.5 and independent of the variables.
        train_signal: training events, signal.
        train_background: training events, background.
        test_signal: test events, signal.
        test_background: test events, background.
        seed: makes the same bits each time; fewer events of the same seed are the first of more.

    Raises:
        UserError: a value outside its limits.
    """
    _check_whole("variables", variables, 1)
    lowest = -1.0 / max(variables - 1, 1)
    if not lowest < correlation < 1:
        raise UserError(
            f"correlation = {correlation:g}: must be above {lowest:g} and below 1 for {variables} variables, "
            "or the covariance is not positive definite"
        )
    _check_separation(separation)
    shift = [separation / 2 * (i + 1) / variables for i in range(variables)]
    # Roots of the eigenvalues of the signal's correlation matrix: across the diagonal and along it.
    across = math.sqrt(1 - correlation)
    along = math.sqrt(1 + (variables - 1) * correlation)
    link, rest = -correlation, math.sqrt(1 - correlation**2)

    def draw(generator: numpy.random.Generator, events: int, is_signal: bool) -> list[numpy.ndarray]:
        free = list(generator.standard_normal((events, variables)).T)
        if is_signal:
            common = (along - across) / variables * _sum(free)
            return [across * z + common + mean for z, mean in zip(free, shift)]
        chain = free[:1]
        for z in free[1:]:
            chain.append(link * chain[-1] + rest * z)
        return [x - mean for x, mean in zip(chain, shift)]

    def log_ratio(columns: list[numpy.ndarray]) -> numpy.ndarray:
        signal = [x - mean for x, mean in zip(columns, shift)]
        background = [x + mean for x, mean in zip(columns, shift)]
        signal_square = (_sum([y * y for y in signal]) - correlation * _sum(signal) ** 2 / along**2) / across**2
        steps = [(y - link * before) / rest for before, y in zip(background[:-1], background[1:])]
        background_square = _sum([y * y for y in background[:1] + steps])
        log_volume = (variables - 1) * math.log(across / rest) + math.log(along)
        ratio: numpy.ndarray = (background_square - signal_square) / 2 - log_volume
        return ratio

    parameters = {"variables": variables, "correlation": correlation, "separation": separation, "weights": weights}
    events = _numbers(train_signal, train_background, test_signal, test_background)
    return _toy("gauss", parameters, events, seed, draw, log_ratio)


def rings(
    *,
    variables: int = 2,
    separation: float = 1.8,
    weights: str = "unit",
    train_signal: int = 20000,
    train_background: int = 20000,
    test_signal: int = 50000,
    test_background: int = 50000,
    seed: int = 1,
) -> Sample:
    """Two rings (shells, in more than two variables) about the same centre: no plane separates them at all.

    The radius is the absolute value of a Gaussian of width 1 about 3 for background, about 3 plus
    ``separation`` for signal; all directions are equally likely.

    Args:
        variables: number of variables, at least 2.
        separation: distance of the mean radii, in widths of a ring, at least 0.
        weights: ``unit``, all event weights 1, or ``random``, flat in 0.5 to 1.5 and independent of the variables.
        train_signal: training events, signal.
        train_background: training events, background.
        test_signal: test events, signal.
        test_background: test events, background.
        seed: makes the same bits each time; fewer events of the same seed are the first of more.

    Raises:
        UserError: a value outside its limits.
    """
    _check_whole("variables", variables, 2)
    _check_separation(separation)

    def draw(generator: numpy.random.Generator, events: int, is_signal: bool) -> list[numpy.ndarray]:
        normal = generator.standard_normal((events, variables + 1)).T
        radius = abs(_RING_RADIUS + (separation if is_signal else 0.0) + normal[0])
        return list(normal[1:] * (radius / _length(list(normal[1:]))))

    def log_density(radius: numpy.ndarray, mean: float) -> numpy.ndarray:
        # The factors that depend on the radius alone cancel in the ratio.
        density: numpy.ndarray = numpy.logaddexp(-((radius - mean) ** 2) / 2, -((radius + mean) ** 2) / 2)
        return density

    def log_ratio(columns: list[numpy.ndarray]) -> numpy.ndarray:
        radius = _length(columns)
        ratio: numpy.ndarray = log_density(radius, _RING_RADIUS + separation) - log_density(radius, _RING_RADIUS)
        return ratio

    parameters = {"variables": variables, "separation": separation, "weights": weights}
    events = _numbers(train_signal, train_background, test_signal, test_background)
    return _toy("rings", parameters, events, seed, draw, log_ratio)


def swissroll(
    *,
    variables: int = 3,
    separation: float = 2.0,
    weights: str = "unit",
    train_signal: int = 20000,
    train_background: int = 20000,
    test_signal: int = 50000,
    test_background: int = 50000,
    seed: int = 1,
) -> Sample:
    """A sheet rolled up by one and a half turns: events of dimension 2 in 3 to 10 variables, which no plane holds.

    A place on the sheet is u along it and v across it, both in 0 to 1. Background is flat on the sheet, the density of
    signal there proportional to (u v)^``separation``. With the angle t = 3 pi (u + 1/2) the variables are

    * 1 and 3: (u + 1/2) cos t and (u + 1/2) sin t; 2: b, with a = 2u - 1 and b = 2v - 1;
    * 4 to 10: products of Legendre polynomials, ab, P2(a), P2(b), P2(a) b, a P2(b), P3(a), P3(b): without correlation
      on a flat sheet.

    Nothing is smeared, so every event tells its u and v, and the likelihood ratio is that of the densities on the
    sheet.

    Args:
        variables: number of variables, 3 to 10.
        separation: power of the density of signal, at least 0.
        weights: ``unit``, all event weights 1, or ``random``, flat in 0.5 to 1.5 and independent of the variables.
        train_signal: training events, signal.
        train_background: training events, background.
        test_signal: test events, signal.
        test_background: test events, background.
        seed: makes the same events each time; fewer events of the same seed are the first of more.

    Raises:
        UserError: a value outside its limits.
    """
    low, high = _ROLL_VARIABLES
    _check_whole("variables", variables, low)
    if variables > high:
        raise UserError(f"variables = {variables}: must be a whole number of at most {high}")
    _check_separation(separation)

    def draw(generator: numpy.random.Generator, events: int, is_signal: bool) -> list[numpy.ndarray]:
        sheet = generator.uniform(size=(events, 2)).T
        along, across = sheet ** (1 / (1 + separation)) if is_signal else sheet
        radius = _ROLL_START + _ROLL_GROWTH * along
        angle = 3 * math.pi * radius
        a, b = 2 * along - 1, 2 * across - 1
        squares, cubes = [[(3 * x * x - 1) / 2 for x in (a, b)], [(5 * x * x - 3) * x / 2 for x in (a, b)]]
        roll = [radius * numpy.cos(angle), b, radius * numpy.sin(angle)]
        return [*roll, a * b, *squares, squares[0] * b, a * squares[1], *cubes][:variables]

    def log_ratio(columns: list[numpy.ndarray]) -> numpy.ndarray:
        along = (_length([columns[0], columns[2]]) - _ROLL_START) / _ROLL_GROWTH
        across = (columns[1] + 1) / 2
        # The stored events are rounded, and may lie just outside the sheet.
        least = numpy.finfo(numpy.float32).tiny
        logs = _sum([numpy.log(numpy.clip(x, least, 1)) for x in (along, across)])
        ratio: numpy.ndarray = 2 * math.log(1 + separation) + separation * logs
        return ratio

    parameters = {"variables": variables, "separation": separation, "weights": weights}
    events = _numbers(train_signal, train_background, test_signal, test_background)
    return _toy("swissroll", parameters, events, seed, draw, log_ratio)


def higgs(
    *,
    train_signal: int = 5000,
    train_background: int = 5000,
    test_signal: int = 5000,
    test_background: int = 5000,
    seed: int = 1,
    python: str = sys.executable,
) -> Sample:
    """The HIGGS events that ROOT ships with its tutorials: 28 variables, 10000 events a class.

    Args:
        train_signal: training events, signal.
        train_background: training events, background.
        test_signal: test events, signal.
        test_background: test events, background.
        seed: shuffles the events before they are split.
        python: the Python of an installation with ROOT.

    Raises:
        UserError: no ROOT, no tutorial data, or more events asked for than there are.
    """
    path = _higgs_path(python)
    with reading.opened(path) as file:
        variables = [name for name in file["sig_tree"].keys() if name != "Type"]  # noqa: SIM118
    sample = own(
        signal=f"{path}:sig_tree",
        background=f"{path}:bkg_tree",
        variables=variables,
        train_signal=train_signal,
        train_background=train_background,
        test_signal=test_signal,
        test_background=test_background,
        seed=seed,
    )
    events = _numbers(train_signal, train_background, test_signal, test_background)
    return sample._replace(name="higgs", parameters={"file": _HIGGS_FILE, **events}, selection=None)


def own(*, name: str = "own", listener: conversion.Listener | None = None, **asked: Any) -> Sample:
    """Events of the user's own, as :func:`tmva_bench.api.convert` takes them, in memory.

    Args:
        name: name of the sample: letters, digits, ``_``, ``-``, ``.`` and ``+``.
        listener: is told of events read, and of how many.
        asked: the other arguments of :func:`tmva_bench.api.convert`.

    Raises:
        UserError: see :func:`tmva_bench.api.convert`.
    """
    scratch = Path(tempfile.gettempdir(), f"{uuid.uuid4().hex}.root")
    with selected(scratch, name=name, listener=listener, **asked) as stream:
        trees: dict[str, dict[str, numpy.ndarray]] = {}
        spectators: dict[str, dict[str, numpy.ndarray]] = {}
        for tree in inputs.TREES:
            blocks = list(stream.blocks(tree))
            if not blocks:
                raise UserError(f"tree {tree} has no events; every tree needs some")
            events = numpy.concatenate([block.events for block in blocks])
            trees[tree] = dict(zip(stream.variables, events.T))
            trees[tree][inputs.WEIGHT] = numpy.concatenate([block.weights for block in blocks])
            spectators[tree] = {
                one: numpy.concatenate([block.spectators[one] for block in blocks]) for one in stream.spectators
            }
    held = stream.metadata
    return Sample(
        name,
        stream.variables,
        held["original_names"],
        trees,
        held["parameters"],
        held["seed"],
        None,
        stream.sources,
        spectators if stream.spectators else None,
        held["selection"],
    )


@contextlib.contextmanager
def selected(
    path: str | Path,
    *,
    name: str = "own",
    force: bool = False,
    listener: conversion.Listener | None = None,
    **asked: Any,
) -> Iterator[inputs.Stream]:
    """Events of the user's own, as they come.

    Args:
        path: the output, whose folder has room for what is taken, twice.
        name: name of the sample.
        force: whether the output may hold something else.
        listener: is told of events read, and of how many.
        asked: the other arguments of :func:`tmva_bench.api.convert`.

    Raises:
        UserError: see :func:`tmva_bench.api.convert`.
    """
    _check_whole("seed", asked.get("seed", 1), 0)
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        raise UserError(f"name = {short(name)}: {NAME_HELP}")
    if not asked.get("variables"):
        raise UserError("variables: none given; name the branches to train on")
    with contextlib.closing(sources.Tables()) as tables:
        selection = _build(tables, asked)
        output.check(path, conversion.files(selection))
        if not force:
            conversion.refuse_other(selection, path, name)
        metadata = {"sample": name, "parameters": _asked(asked)}
        with conversion.stream(selection, tables, path, metadata, listener) as stream:
            yield stream


def _build(tables: sources.Tables, asked: Mapping[str, Any]) -> selections.Selection:
    """What is asked for, with names that every method takes."""
    selection = selections.build(tables, **asked)
    if len(selection.variables) > inputs.MOST_VARIABLES:
        raise UserError(
            f"variables: {len(selection.variables)} are given, at most {inputs.MOST_VARIABLES} can be taken"
        )
    where = conversion.named(selection)
    inputs.check_names(where, [variable.name for variable in selection.variables])
    inputs.check_names(where, [variable.name for variable in selection.spectators])
    return selection


def _asked(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as they stand in the metadata: without those that stand there otherwise, arrays by their type."""
    first = {name: asked.get(name) for name in ("signal", "background", "weight")}
    # 0 and 0.0 are two texts.
    asked = {name: float(value) if name == "pad" and value is not None else value for name, value in asked.items()}
    others = {name: value for name, value in asked.items() if name not in first and name not in _STANDING}
    told = {name: value for name, value in others.items() if not _is_default(value)}
    return {name: _told(value) for name, value in {**first, **told}.items()}


def _is_default(value: Any) -> bool:
    return value is None or value is False or (isinstance(value, (str, list, tuple, dict)) and not value)


# These stand in the metadata under their own names, and the numbers of events are those taken.
_STANDING = ("variables", "seed", *config.COUNTS)


def _told(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [_told(one) for one in value]
    if isinstance(value, Mapping):
        return {str(name): _told(one) for name, one in value.items()}
    return type(value).__name__


SAMPLES: dict[str, Callable[..., Sample]] = {
    "gauss": gauss,
    "rings": rings,
    "swissroll": swissroll,
    "higgs": higgs,
}


def parameters_of(sample: str) -> list[str]:
    """Names of the parameters that a sample takes."""
    return list(inspect.signature(SAMPLES[sample]).parameters)


def check_types(sample: str, parameters: Mapping[str, Any]) -> None:
    """Refuses parameters that a sample does not take, and values of another type.

    Args:
        sample: one of :data:`SAMPLES`.
        parameters: values by name.

    Raises:
        UserError: with the parameter and what it must be.
    """
    known = inspect.signature(SAMPLES[sample]).parameters
    for name, value in parameters.items():
        if name not in known:
            raise unknown(f"parameter of sample {sample}", name, list(known))
        wanted, types = _TYPES[known[name].annotation]
        if isinstance(value, bool) or not isinstance(value, types):
            raise UserError(f"{name} = {short(value)}: must be {wanted}")
        if not isinstance(value, str) and abs(value) > _MOST_SEED:
            raise UserError(f"{name} = {short(value)}: must be {wanted} of at most {_MOST_SEED}")


def _toy(
    name: str,
    parameters: dict[str, Any],
    events: dict[str, int],
    seed: int,
    draw: Callable[[numpy.random.Generator, int, bool], list[numpy.ndarray]],
    log_ratio: Callable[[list[numpy.ndarray]], numpy.ndarray],
) -> Sample:
    """Fills the four trees, each from random streams of its own, and the ratio of the events as stored."""
    _check_whole("seed", seed, 0)
    _check_memory(events, parameters["variables"])
    if parameters["weights"] not in WEIGHTS:
        raise unknown("weights", parameters["weights"], list(WEIGHTS))
    variables = [f"var{i + 1}" for i in range(parameters["variables"])]
    trees = {}
    for index, (tree, number) in enumerate(zip(inputs.TREES, events.values())):
        columns = draw(_generator(seed, index), number, tree.endswith("S"))
        trees[tree] = {var: x.astype(numpy.float32) for var, x in zip(variables, columns)}
        weights = numpy.ones(number)
        if parameters["weights"] == "random":
            weights = _generator(seed, len(inputs.TREES) + index).uniform(0.5, 1.5, number)
        trees[tree][inputs.WEIGHT] = weights.astype(numpy.float32)
    ratio = {tree: log_ratio([trees[tree][var].astype(float) for var in variables]) for tree in ("TestS", "TestB")}
    return Sample(name, variables, {var: var for var in variables}, trees, {**parameters, **events}, seed, ratio)


def _generator(seed: int, stream: int) -> numpy.random.Generator:
    return numpy.random.Generator(numpy.random.PCG64([seed, stream]))


def _length(columns: list[numpy.ndarray]) -> numpy.ndarray:
    length: numpy.ndarray = numpy.sqrt(_sum([x * x for x in columns]))
    return length


def _sum(columns: list[numpy.ndarray]) -> numpy.ndarray:
    """Event by event, added from left to right: BLAS and numpy's own sum may take another order, and so other bits."""
    total: numpy.ndarray = functools.reduce(numpy.add, columns)
    return total


def _numbers(train_signal: int, train_background: int, test_signal: int, test_background: int) -> dict[str, int]:
    """The numbers of events by parameter, in the order of the trees."""
    numbers = {
        "train_signal": train_signal,
        "train_background": train_background,
        "test_signal": test_signal,
        "test_background": test_background,
    }
    for name, number in numbers.items():
        _check_whole(name, number, 1)
    return numbers


def _check_memory(events: dict[str, int], variables: int) -> None:
    """Refuses more events than the memory that is free can hold while they are made."""
    most = int(psutil.virtual_memory().available / (_BYTES * (variables + 2)))
    total = sum(events.values())
    if total > most:
        raise UserError(
            f"{' + '.join(events)} = {total}: events of {variables} variables for which the memory does not do; at "
            f"most {most} fit in what is free now"
        )


def _check_whole(name: str, value: int, low: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise UserError(f"{name} = {short(value)}: must be a whole number of at least {low}")
    high = {"variables": inputs.MOST_VARIABLES, "seed": _MOST_SEED}.get(name, _MOST_SEED)
    if value > high:
        raise UserError(f"{name} = {short(value)}: must be a whole number of at most {high}")


def _check_separation(value: float) -> None:
    if not 0 <= value < math.inf:
        raise UserError(f"separation = {value:g}: must be at least 0 and finite")


def _higgs_path(python: str) -> Path:
    cure = "give the Python of an environment that has ROOT, or take the sample gauss, rings or swissroll"
    command = [process.executable(python), "-c", "import ROOT; print(ROOT.gROOT.GetTutorialDir())"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, **process.isolated())
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"sample higgs: {short(python)} cannot be started ({reason}); {cure}") from error
    except subprocess.SubprocessError as error:
        raise UserError(f"sample higgs comes with ROOT, and {python} cannot import it; {cure}") from error
    tutorials = Path(answer.stdout.strip().split("\n")[-1])
    for folder in _HIGGS_FOLDERS:
        if (tutorials / folder / _HIGGS_FILE).is_file():
            return tutorials / folder / _HIGGS_FILE
    raise UserError(f"sample higgs: no {_HIGGS_FOLDERS[0]}/{_HIGGS_FILE} under {tutorials}; {cure}")
