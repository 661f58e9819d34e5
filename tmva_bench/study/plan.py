"""The plan of a study: points, series, samples and repetitions -> the runs to do, in their order."""

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tmva_bench.basis import config, parsing
from tmva_bench.errors import UserError, short
from tmva_bench.methods.registry import METHODS
from tmva_bench.study import filters, requests
from tmva_bench.study.requests import Request
from tmva_bench.study.study import Place, Sample, Series, Study


class Planned(NamedTuple):
    """One run of a study.

    Attributes:
        request: what to run.
        environment: where.
        sample: name and fold of its sample, see :attr:`tmva_bench.study.study.Sample.key`.
    """

    request: Request
    environment: Place
    sample: tuple[str, int]


def generated(sample: Sample, planned: list[Planned]) -> dict[str, Any]:
    """What is generated of a sample: as the study says, and as many events as points ask for where it does not say.

    Args:
        sample: the sample.
        planned: all runs of the study.

    Returns:
        ``name`` and the sample's parameters.
    """
    points = [run.request.point for run in planned if run.sample == sample.key]
    asked = {name: max((getattr(point, name) for point in points), default=0) for name in config.COUNTS}
    return {**{name: number for name, number in asked.items() if number}, **sample.content}


def points(study: Study, sample: Sample) -> list[dict[str, Any]]:
    """The values of the axes at every point of a sample's scan, in order; one empty entry where nothing is scanned."""
    axes = {**study.axes, **sample.axes}
    groups = [group for group in study.zipped if set(group) <= set(axes)]
    grouped = {name for group in groups for name in group}
    groups += [[name] for name in axes if name not in grouped]
    groups.sort(key=lambda group: list(axes).index(group[0]))
    steps = [
        [dict(zip(group, values, strict=True)) for values in zip(*(axes[n] for n in group), strict=True)]
        for group in groups
    ]
    return [{name: value for step in chosen for name, value in step.items()} for chosen in itertools.product(*steps)]


def plan(study: Study) -> list[Planned]:
    """Every run of a study, in the order in which they are done.

    Repetition 1 of everything comes before repetition 2 of anything, and the series alternate within, so that a
    drift of the machine hits all alike.

    The series that train an autoencoder have no runs at points without one.

    Runs that ask for the same training, by another repetition or series, are planned once. A method that does not have
    a scanned parameter has one run for all its values.

    Raises:
        UserError: a series at a point of the scan has values that do not belong together.
    """
    by_request: dict[tuple[Any, ...], Planned] = {}
    for run in _every(study):
        by_request.setdefault((run.request._replace(repetition=0), run.environment.name, run.sample), run)
    return list(by_request.values())


def runs_of(study: Study) -> int:
    """Number of the runs that a study asks for, those that are equal to others too."""
    return study.repetitions * len(_once(study))


def largest(study: Study) -> int:
    """The same from the lengths of the axes alone, without making any point; an upper limit."""
    total = 0
    for sample in study.samples:
        axes = {**study.axes, **sample.axes}
        groups = [group for group in study.zipped if set(group) <= set(axes)]
        grouped = {name for group in groups for name in group[1:]}
        total += math.prod(len(values) for name, values in axes.items() if name not in grouped)
    return total * len(study.series) * study.repetitions


def _every(study: Study) -> list[Planned]:
    once = _once(study)
    return [
        planned_run(study, sample, series, values, repetition)
        for repetition in range(1, study.repetitions + 1)
        for sample, series, values in once
    ]


def _once(study: Study) -> list[tuple[Sample, Series, dict[str, Any]]]:
    """Every series at every point of the scan of each sample, as far as its method has what is scanned."""
    once: dict[tuple[Any, ...], tuple[Sample, Series, dict[str, Any]]] = {}
    for sample_number, sample in enumerate(study.samples):
        for values in points(study, sample):
            for number, series in enumerate(study.series):
                if has_run(study, series, values):
                    method = METHODS.get(series.method)
                    known = requests.known_to(method, values) if method else values
                    once.setdefault((sample_number, number, *known.items()), (sample, series, known))
    return list(once.values())


def select(planned: list[Planned], texts: Iterable[str]) -> list[Planned]:
    """The runs that fit every filter ``name=value``: a parameter, ``method``, ``backend``, ``environment`` and so on.

    Raises:
        UserError: see :func:`tmva_bench.study.filters.parse`.
    """
    if not planned:
        return []
    wanted = filters.parse(texts, _facts(planned[0]))
    return [run for run in planned if filters.fits(_facts(run), wanted)]


class Shard(NamedTuple):
    """One of several parts of a study that are done apart from each other.

    Attributes:
        number: from 1.
        of: how many there are.
    """

    number: int
    of: int


def parse_shard(text: str) -> Shard:
    """A shard from ``I/N``.

    Raises:
        UserError: it is none.
    """
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text.strip())
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise UserError(f"--shard {short(text)}: give I/N, the I-th of N parts, as 3/10")
    return Shard(int(match[1]), int(match[2]))


def of_shard(study: Study, planned: list[Planned], shard: Shard) -> list[Planned]:
    """The runs of one part: all series at a point and repetition are in the same one, for times to be of one machine.

    Repetitions that are trained together are in one part, too.

    Args:
        study: the study.
        planned: its runs, or some of them.
        shard: which part.
    """
    places = _places(study, planned)
    numbers = {place: number for number, place in enumerate(dict.fromkeys(places))}
    return [run for run, place in zip(planned, places, strict=True) if numbers[place] % shard.of == shard.number - 1]


def parts(study: Study) -> int:
    """Into how many parts a study can be divided, see :func:`of_shard`."""
    return len(set(_places(study, plan(study))))


def _places(study: Study, planned: list[Planned]) -> list[tuple[Any, ...]]:
    axes = {**study.axes, **{name: values for sample in study.samples for name, values in sample.axes.items()}}
    return [
        (
            1 if run.request.together else run.request.repetition,
            run.sample,
            *(getattr(run.request.point, name) for name in axes),
        )
        for run in planned
    ]


def _facts(run: Planned) -> dict[str, Any]:
    request = run.request
    return {
        "method": request.method,
        "backend": request.backend,
        "architecture": request.architecture,
        "environment": run.environment.name,
        "sample": run.sample[0],
        "fold": run.sample[1],
        "repetition": request.repetition,
        **{name: getattr(request.point, name) for name in config.PARAMETERS},
    }


def has_run(study: Study, series: Series, values: Mapping[str, Any]) -> bool:
    """Whether a series has a run at a point: that of an autoencoder has none without one in the chain."""
    chain = {**study.point, **series.parameters, **values}.get("transformations", "")
    method = METHODS.get(series.method)
    return not (method and method.autoencoder) or bool(config.Point(transformations=str(chain)).encoding)


def planned_run(study: Study, sample: Sample, series: Series, values: Mapping[str, Any], repetition: int) -> Planned:
    """One run: a series on a sample, at a point of the scan, with a seed of its own in each repetition.

    Raises:
        UserError: values that do not belong together.
    """
    # An unknown method is refused with the request.
    method = METHODS.get(series.method)
    only = study.only.get(method.side, {}) if method else {}
    only = {name: value for name, value in only.items() if method and name not in method.lacks}
    # What is meant for networks does not touch a method that has no such thing; what its own series says is checked.
    for_all, here = (requests.known_to(method, one) if method else one for one in (study.point, values))
    values_of_run = {**for_all, **only, **series.parameters, **here}
    point = parsing.point(values_of_run, preset=study.preset)
    # Another repetition is another start of the same training.
    point = parsing.point({**values_of_run, "seed": point.seed + repetition - 1}, preset=study.preset)
    request = requests.make_request(
        point, series.method, series.backend, architecture=series.architecture, threads=study.threads
    )
    request = request._replace(repetition=repetition, together=study.together and not alone(request))
    return Planned(request, study.environments[series.environment], sample.key)


def alone(request: Request) -> str:
    """Why a run cannot be trained together with other repetitions of its point, "" where it can."""
    return METHODS[request.method].alone(request.point, request.backend)
