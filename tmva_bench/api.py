"""What scripts use: generate an input file, run a benchmark or a study; the command line is a thin layer over it."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tmva_bench.basis import config, parsing
from tmva_bench.errors import UserError, unknown
from tmva_bench.events import inputs, samples
from tmva_bench.results.folder import ResultsFolder, make_folder
from tmva_bench.running import environments, execution
from tmva_bench.study import file as study_file
from tmva_bench.study import plan, requests
from tmva_bench.study import study as studies


def generate(path: str | Path, sample: str = "gauss", **parameters: Any) -> dict[str, Any]:
    """Writes the common input file of a sample.

    Args:
        path: the file to write.
        sample: ``gauss``, ``rings``, ``swissroll`` or ``higgs``.
        parameters: what the sample takes, see ``tmva_bench.events.samples``.

    Returns:
        The file's metadata: sample, parameters, seed, variables, digest, best possible ROC area.

    Raises:
        UserError: an unknown sample or parameter, an impossible value, a file that cannot be written.
    """
    if sample not in samples.SAMPLES:
        raise unknown("sample", sample, list(samples.SAMPLES))
    known = samples.parameters_of(sample)
    for name in parameters:
        if name not in known:
            raise unknown(f"parameter of sample {sample}", name, known)
    return inputs.write(samples.SAMPLES[sample](**parameters), path)


def run(
    input_file: str | Path,
    method: str,
    *,
    backend: str | None = None,
    architecture: str = "cpu",
    point: config.Point | Mapping[str, Any] | None = None,
    threads: int = 1,
    folder: str | Path | None = None,
    limits: requests.Limits | None = None,
    rerun: str | None = None,
    listener: execution.Listener | None = None,
) -> dict[str, Any]:
    """Runs one benchmark in a child process, or takes the record of it that exists.

    Args:
        input_file: the common input file.
        method: ``tmva-dnn``, ``pykeras``, ``keras`` or ``dae``.
        backend: the Keras backend; ``tensorflow`` by default, none for ``tmva-dnn``.
        architecture: ``cpu`` or ``gpu``.
        point: a point, or parameters by name.
        threads: threads given to the run.
        folder: the results folder; by default ``results/`` and the input file's stem.
        limits: time and memory.
        rerun: which finished runs to run again, a key of ``tmva_bench.running.execution.RERUN``.
        listener: is told how it goes.

    Returns:
        The row of the tree ``benchmark``, by column; ``status`` says whether it is a result.

    Raises:
        UserError: something in the request or the input file is wrong.
    """
    results = results_folder(input_file, folder)
    # A Point made by hand has not been checked.
    values = dataclasses.asdict(point) if isinstance(point, config.Point) else dict(point or {})
    chosen = parsing.point(values)
    request = requests.make_request(chosen, method, backend, architecture=architecture, threads=threads)
    data = prepare_input(inputs.read(input_file), chosen, results)
    job = execution.make_job(request, data, environments.describe())
    with results.held():
        results.link_input(results.keep_input(data))
        (record,) = execution.execute([job], results, limits=limits, rerun=rerun, listener=listener)
    row: dict[str, Any] = record["row"]
    return row


def run_study(
    file: str | Path,
    *,
    changes: Iterable[str] = (),
    only: Iterable[str] = (),
    folder: str | Path | None = None,
    side_by_side: int = 1,
    rerun: str | None = None,
    limit: int | None = None,
    listener: execution.Listener | None = None,
) -> list[dict[str, Any]]:
    """Does the runs of a study that have no record yet.

    Args:
        file: the study file, or the name of a shipped study.
        changes: ``parameter=value,value`` over those of the file.
        only: filters ``name=value``; a run must fit all.
        folder: the results folder; by default ``results/`` and the study's name.
        side_by_side: runs at a time, on disjoint cores.
        rerun: which finished runs to run again, a key of ``tmva_bench.running.execution.RERUN``.
        limit: do at most so many runs.
        listener: is told how it goes.

    Returns:
        The rows of the tree ``benchmark`` of the runs that have one now, in the study's order.

    Raises:
        UserError: something in the study is wrong, another process holds the folder, or the disk is full.
    """
    study = study_file.read(file, changes)
    results = study_folder(study, folder)
    with results.held():
        results.write_text(results.study, study_file.text(study))
        jobs = study_jobs(study, results, only)
        _link_input(study, results, only)
        made = execution.execute(
            jobs,
            results,
            limits=study.limits,
            side_by_side=side_by_side,
            rerun=rerun,
            limit=limit,
            listener=listener,
        )
    return [record["row"] for record in made]


def study_jobs(study: studies.Study, folder: ResultsFolder, only: Iterable[str] = ()) -> list[execution.Job]:
    """The runs of a study with their input files, which are written where they are not there yet.

    Args:
        study: the study.
        folder: its results folder.
        only: filters ``name=value``; a run must fit all.

    Raises:
        UserError: a filter, a sample or a point is wrong, or an input file cannot be written.
    """
    planned = plan.plan(study)
    selected = plan.select(planned, only)
    wanted = {run.sample for run in selected}
    whole = {
        sample.name: inputs.read(_study_input(sample, planned, folder))
        for sample in study.samples
        if sample.name in wanted
    }
    _check_names(whole)
    places = {
        place.name: environments.named(place.name, place.python, place.make)
        if place.python
        else environments.describe()
        for place in study.environments.values()
    }
    prepared: dict[tuple[Any, ...], inputs.InputFile] = {}
    jobs = []
    for run in selected:
        point = run.request.point
        events = run.sample, *(getattr(point, name) for name in config.COUNTS)
        if events not in prepared:
            prepared[events] = prepare_input(whole[run.sample], point, folder)
        inputs.check_batches(prepared[events], point)
        jobs.append(execution.make_job(run.request, prepared[events], places[run.environment.name]))
    return jobs


def study_folder(study: studies.Study, folder: str | Path | None = None) -> ResultsFolder:
    """The results folder asked for, or the default one of a study."""
    return ResultsFolder(folder or Path("results") / study.name)


def results_folder(input_file: str | Path, folder: str | Path | None) -> ResultsFolder:
    """The results folder asked for, or the default one of an input file."""
    return ResultsFolder(folder or Path("results") / Path(input_file).stem)


def prepare_input(data: inputs.InputFile, point: config.Point, folder: ResultsFolder) -> inputs.InputFile:
    """The input file, or, where the point asks for fewer events, a file with the first events of each tree.

    Raises:
        UserError: the file holds fewer events than asked for, a batch is larger than the training or
            validation part, or the results folder cannot be written.
    """
    wanted = {name: getattr(point, name) for name in config.COUNTS}
    if all(number in (0, len(data.events[config.COUNTS[name]])) for name, number in wanted.items()):
        inputs.check_batches(data, point)
        return data
    counts = "-".join(map(str, wanted.values()))
    path = folder.inputs / f"{data.metadata['digest'][:12]}-{counts}.root"
    if not path.exists():
        make_folder(path.parent)
        inputs.take(data.path, path, **wanted)
    taken = inputs.read(path)
    inputs.check_batches(taken, point)
    return taken


def _study_input(sample: studies.Sample, planned: list[plan.Planned], folder: ResultsFolder) -> Path:
    """The input file of a study's sample; what is generated is named by its parameters."""
    if "file" in sample.content:
        return Path(sample.content["file"])
    content = plan.generated(sample, planned)
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
    path = folder.inputs / f"{sample.name}-{digest}.root"
    make_folder(path.parent)
    if not path.exists():
        generate(path, sample.name, **{name: value for name, value in content.items() if name != "name"})
    return path


def _check_names(whole: Mapping[str, inputs.InputFile]) -> None:
    names = [data.metadata["sample"] for data in whole.values()]
    for name in names:
        if names.count(name) > 1:
            files = " and ".join(data.path for data in whole.values() if data.metadata["sample"] == name)
            raise UserError(
                f"{files}: the sample of both is called {name!r}, and tables and figures know samples by name; "
                "make two studies"
            )


def _link_input(study: studies.Study, folder: ResultsFolder, only: Iterable[str]) -> None:
    """Makes ``input.root`` a link to the events of the study's first sample, where they are wanted."""
    planned, first = plan.plan(study), study.samples[0]
    if any(run.sample == first.name for run in plan.select(planned, only)):
        folder.link_input(folder.keep_input(inputs.read(_study_input(first, planned, folder))))
