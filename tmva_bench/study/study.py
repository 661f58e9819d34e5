"""A study: base point, axes, series, environments, repetitions -> runs. TOML in, runs out; nothing is run here."""

from pathlib import Path
from typing import Any, NamedTuple

from tmva_bench.events import selection
from tmva_bench.study.requests import Limits

# Stands for the Python that runs the study.
HERE = "here"


class Place(NamedTuple):
    """An environment as a study names it.

    Attributes:
        name: its name in the study.
        python: the Python executable, "" for the one that runs the study.
        make: the command that makes it.
    """

    name: str
    python: str
    make: str


class Series(NamedTuple):
    """One line in a figure.

    Attributes:
        method: a name in :mod:`tmva_bench.methods.registry`.
        backend: the Keras backend, None for the method's own.
        architecture: ``cpu`` or ``gpu``.
        environment: name of the environment.
        parameters: common parameters of its own, over the study's point.
    """

    method: str
    backend: str | None
    architecture: str
    environment: str
    parameters: dict[str, Any]


class Sample(NamedTuple):
    """Events of a study.

    Attributes:
        content: ``{"name": ..., parameters}`` of what is generated, ``{"file": path}``, or, with ``signal`` among them,
            ``name`` and the arguments of :func:`tmva_bench.api.convert`.
        axes: values by parameter, beside those of the study or in their place.
    """

    content: dict[str, Any]
    axes: dict[str, list[Any]]

    @property
    def name(self) -> str:
        """Its name, or its file's."""
        return str(self.content.get("name") or Path(self.content["file"]).stem)

    @property
    def fold(self) -> int:
        """The fold that tests, from 1; 0 where it is not split in folds."""
        return selection.parts_of(self.content["fold"])[0] if "fold" in self.content else 0

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from the other samples of a study."""
        return self.name, self.fold

    @property
    def is_converted(self) -> bool:
        """Whether its input file is made of users' own trees."""
        return "signal" in self.content


class Cluster(NamedTuple):
    """What a job of a batch system may take, and how it begins.

    Attributes:
        jobs: parts that the study is done in.
        memory: of a job [MiB].
        time: of a job [s], 0 for the queue's own.
        setup: lines of shell that a job begins with.
        htcondor: lines of HTCondor's submit file beside.
        slurm: options of Slurm's sbatch beside.
    """

    jobs: int = 10
    memory: int = 2000
    time: int = 0
    setup: tuple[str, ...] = ()
    htcondor: tuple[str, ...] = ()
    slurm: tuple[str, ...] = ()


class Study(NamedTuple):
    """What a study file says.

    Attributes:
        name: results go to ``results/`` and this name.
        samples: the events; every series runs on each of them.
        preset: named set of parameters under the point, or None.
        point: base point, by parameter.
        only: the parameters of one side alone, by side.
        axes: values by parameter, in the order of the file.
        zipped: groups of axes that move together; the others make a grid.
        series: the lines of the figures.
        environments: by name.
        repetitions: how often each run is done, each time with another seed.
        together: whether the repetitions of a point are trained in one child where they can be.
        limits: time and memory of a run.
        threads: threads of a run.
        cluster: what a job of a batch system may take.
    """

    name: str
    samples: list[Sample]
    preset: str | None
    point: dict[str, Any]
    only: dict[str, dict[str, Any]]
    axes: dict[str, list[Any]]
    zipped: list[list[str]]
    series: list[Series]
    environments: dict[str, Place]
    repetitions: int
    together: bool
    limits: Limits
    threads: int
    cluster: Cluster
