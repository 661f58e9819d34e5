"""What scripts use: generate an input file, run a benchmark or a study; the command line is a thin layer over it.

What only some functions need is loaded there: the command line loads this module for every study.
"""

import contextlib
import dataclasses
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tmva_bench.basis import config, parsing
from tmva_bench.errors import UserError, unknown
from tmva_bench.events import conversion, inputs, origin, samples, sources
from tmva_bench.events import selection as selections
from tmva_bench.results import naming
from tmva_bench.results.folder import ResultsFolder, make_folder, read_environments
from tmva_bench.results.rows import LatencyRow
from tmva_bench.running import environments, execution
from tmva_bench.study import file as study_file
from tmva_bench.study import plan, requests
from tmva_bench.study import study as studies

_logger = logging.getLogger(__name__)


def generate(path: str | Path, sample: str = "gauss", *, force: bool = False, **parameters: Any) -> dict[str, Any]:
    """Writes the common input file of a sample; one that holds just that is kept as it is.

    Args:
        path: the file to write.
        sample: ``gauss``, ``rings``, ``swissroll`` or ``higgs``.
        force: whether to write over a file that holds something else.
        parameters: what the sample takes, see ``tmva_bench.events.samples``.

    Returns:
        The file's metadata: sample, parameters, seed, variables, digest, best possible ROC area.

    Raises:
        UserError: an unknown sample or parameter, an impossible value, a file that is there and holds something
            else, or one that cannot be written.
    """
    return inputs.write(_sample(sample, parameters), path, force=force)


def convert(
    path: str | Path,
    signal: Any,
    background: Any = None,
    variables: str | Iterable[str] = (),
    *,
    name: str = "own",
    label: str | None = None,
    friend: Mapping[str, Any] | str | Iterable[str] = (),
    spectators: str | Iterable[str] = (),
    pad: float | None = None,
    cut: str | None = None,
    signal_cut: str | None = None,
    background_cut: str | None = None,
    weight: str | None = None,
    signal_weight: str | None = None,
    background_weight: str | None = None,
    scale: Mapping[str, str] | Iterable[str] = (),
    normalise: bool = False,
    split: float | int | str | None = None,
    fold: str | None = None,
    train_signal: int | None = None,
    train_background: int | None = None,
    test_signal: Any = None,
    test_background: Any = None,
    seed: int = 1,
    force: bool = False,
    listener: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Writes the common input file of events of your own; one that holds just that is kept as it is.

    Events come from trees, ``[NAME=]FILES:TREE`` or several of them, or from arrays: a mapping of names to NumPy
    arrays, a structured array, a DataFrame of pandas, records of awkward, an RDataFrame; or a mapping of processes to
    any of these. ``FILES`` is a file, an address, a glob, a folder or ``@LIST``, a text file with a file a line. A tree
    that is given for both classes is divided by ``label``, or by its branch ``classID``: 0 is signal, 1 background.

    Expressions are those of :mod:`tmva_bench.events.expressions`.

    Args:
        path: the file to write.
        signal: the signal events.
        background: the background events; may be left out with ``label``.
        variables: what to train on, one number an event each: branches, ``name = expression``, slices ``Jet_pt[:3]``
            for several elements, patterns ``Jet*_pt`` and ``*`` of flat branches, ``-pattern`` to leave some out. A
            text may hold several, separated by commas. Names that are no C identifiers are changed.
        name: name of the sample: letters, digits, ``_``, ``-``, ``.`` and ``+``.
        label: what holds for signal, in trees of both classes.
        friend: trees with more branches of the same events, by process or class, ``NAME=FILES:TREE``; a file for each.
        spectators: as ``variables``; carried along, never trained on.
        pad: what stands for an element that is not there; without it such an event is refused.
        cut: what must hold for an event to be taken.
        signal_cut: likewise, for signal besides.
        background_cut: likewise, for background besides.
        weight: the event weights; none means 1 for every event. ``sum(x)`` of a number an event is the sum over all
            events of the process, before cuts.
        signal_weight: likewise, of the signal alone, in place of ``weight``.
        background_weight: likewise, of the background alone.
        scale: by process what its weights are multiplied by, ``NAME=EXPRESSION``.
        normalise: whether the weights of each class are scaled to a mean of 1.
        split: the share of the events that train, their number in each class, or what holds for them; by default half.
        fold: ``i/k``: the i-th of k parts tests, the others train.
        train_signal: training events, signal; by default those that are not test events.
        train_background: training events, background; likewise.
        test_signal: test events, signal: their number, or trees or arrays of their own, as ``signal``.
        test_background: likewise, background.
        seed: shuffles the events before they are split, each process for itself.
        force: whether to write over a file that holds something else.
        listener: is told of events read, and of how many.

    Returns:
        The file's metadata; ``selection`` says what was taken, see :mod:`tmva_bench.events.conversion`.

    Raises:
        UserError: a file, tree, branch or expression that cannot be used, events that no method may be given, more
            events asked for than there are, or a file that cannot be written.
    """
    asked = {key: value for key, value in locals().items() if key not in ("path", "force", "name", "listener")}
    asked["variables"] = variables if isinstance(variables, str) else list(variables)
    with samples.selected(path, name=name, force=force, listener=listener, **asked) as stream:
        return inputs.store_stream(path, stream, force=force)


def _sample(sample: str, parameters: Mapping[str, Any]) -> inputs.Sample:
    if sample not in samples.SAMPLES:
        raise unknown("sample", sample, list(samples.SAMPLES))
    samples.check_types(sample, parameters)
    return samples.SAMPLES[sample](**parameters)


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
        backend: the learning library; by default the method's first, none for ``tmva-dnn``.
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
    data = prepare_input(inputs.read(input_file), request.point, results)
    job = execution.make_job(request, data, environments.describe())
    with results.held():
        results.link_input(results.keep_input(data))
        (record,) = execution.execute([job], results, limits=limits, rerun=rerun, listener=listener)
    return record.row.columns()


def run_study(
    file: str | Path,
    *,
    changes: Iterable[str] = (),
    only: Iterable[str] = (),
    folder: str | Path | None = None,
    side_by_side: int = 1,
    rerun: str | None = None,
    limit: int | None = None,
    shard: str | None = None,
    scheduler: str | None = None,
    system: str | None = None,
    workers: int | None = None,
    listener: execution.Listener | None = None,
) -> list[dict[str, Any]]:
    """Does the runs of a study that have no record yet.

    Args:
        file: the study file, or the name of a shipped study.
        changes: ``parameter=value,value`` over those of the file.
        only: filters ``name=value``; a run must fit all.
        folder: the results folder; by default ``results/`` and the study's name, and the shard, ``-I-of-N``.
        side_by_side: runs at a time, on disjoint cores.
        rerun: which finished runs to run again, a key of ``tmva_bench.running.execution.RERUN``.
        limit: do at most so many runs.
        shard: ``I/N``, do the I-th of N parts; each has a results folder of its own, to be merged.
        scheduler: do them on the workers of a running Dask cluster, at the address of its scheduler.
        system: do them on a Dask cluster of their own: ``local``, ``htcondor`` or ``slurm``. A script that asks for
            ``local`` must be guarded by ``if __name__ == "__main__"``, for the workers load it, too.
        workers: how many workers that one has.
        listener: is told how it goes.

    Returns:
        The rows of the tree ``benchmark`` of the runs that have one now, in the study's order.

    Raises:
        UserError: something in the study is wrong, another process holds the folder, the disk is full, or there is no
            such cluster.
    """
    study = study_file.read(file, changes)
    part = plan.parse_shard(shard) if shard else None
    results = study_folder(study, folder, part)
    if side_by_side != 1 and (scheduler or system):
        raise UserError(f"--jobs {side_by_side}: a cluster does a run a worker; leave --jobs out")
    with contextlib.ExitStack() as stack:
        stack.enter_context(results.held())
        pool = None
        if scheduler or system or workers:
            from tmva_bench.running import cluster

            pool = stack.enter_context(
                cluster.pool(study, results, scheduler=scheduler, system=system, workers=workers)
            )
        results.write_text(results.study, study_file.text(study))
        jobs = study_jobs(study, results, only, shard=part, listener=listener)
        _link_input(study, results, only)
        records = execution.execute(
            jobs,
            results,
            limits=study.limits,
            side_by_side=side_by_side,
            rerun=rerun,
            limit=limit,
            listener=listener,
            pool=pool,
        )
    return [record.row.columns() for record in records]


def export(source: str | Path, form: str, path: str | Path, *, force: bool = False) -> dict[str, Any]:
    """Writes a trained network, with its expressions and transformations, for use without this package.

    Args:
        source: the folder of a finished run, a weight file of TMVA's networks and BDTs, or a model file of Keras.
        form: ``onnx``, ``header``, ``tmva``, ``keras`` or ``rdataframe``.
        path: the file to write.
        force: whether to write over one that is there.

    Returns:
        ``checks``, pairs of what the file was checked against and the largest difference of a score; ``branches``, what
        the file takes, in this order; ``notes``.

    Raises:
        UserError: no such run or file, a format that does not hold it, a file whose scores differ by more than 1e-5, or
            an output that is there or cannot be written.
    """
    from tmva_bench.running import exporting

    return exporting.export(Path(source), form, Path(path), force=force)


def latency(
    source: str | Path,
    path: str | Path | None = None,
    *,
    force: bool = False,
    on_engine: Callable[[str, int, int], None] | None = None,
) -> list[LatencyRow]:
    """Times an event of a trained network in all that evaluates it here, each in a process of its own on one core.

    Args:
        source: the folder of a finished run, a weight file of TMVA's networks and BDTs, or a model file of Keras.
        path: the ROOT file to write, with the trees ``latency`` and ``figures``; None for none.
        force: whether to write over one that is there.
        on_engine: called before each engine with its name, its number from 1, and how many there are.

    Returns:
        A row each engine and number of events a call; of an engine that is not here one, with the reason.

    Raises:
        UserError: no such run or file, one that cannot be exported, or an output that is there or cannot be written.
    """
    from tmva_bench.running import timing

    return timing.measure(Path(source), None if path is None else Path(path), force=force, on_engine=on_engine)


def migrate(sources: Iterable[str | Path], folder: str | Path, *, bookings: Iterable[str] = ()) -> dict[str, Any]:
    """Carries jobs of TMVA over: a study of the same, scripts of Keras, and a report of what is equal and what is not.

    The sources are read as text; nothing of them is run.

    Args:
        sources: macros (``.C``, ``.cxx``, ...), PyROOT scripts (``.py``), weight files (``*.weights.xml``), TMVA.root.
        folder: the folder to write, which is not there yet; of several jobs each gets a folder in it.
        bookings: booking strings, ``TITLE:TYPE:OPTIONS``.

    Returns:
        ``files``, what was written; ``overview``, a table of the verdicts.

    Raises:
        UserError: a source that cannot be read, nothing to carry over, or a folder that is there or cannot be written.
    """
    from tmva_bench.migration import writing
    from tmva_bench.report import explain
    from tmva_bench.running import exporting

    def export_model(weights: Path, model: Path) -> list[str]:
        answer = exporting.export(weights, "keras", model)
        checks = [f"Largest difference of a score: {value:.1e} from {against}." for against, value in answer["checks"]]
        return [f"{model.name} takes {', '.join(answer['branches'])}.", *checks, *answer["notes"]]

    tools = writing.Tools(lambda study: explain.document(explain.of_study(study)), export_model)
    return writing.write([Path(source) for source in sources], Path(folder), tuple(bookings), tools)


def apply(
    run: str | Path,
    events: str | Iterable[str],
    path: str | Path,
    *,
    friend: str | Iterable[str] = (),
    backend: str | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Writes the scores that a finished run gives to other events, by what it trained.

    The variables are computed as those of the run's input file were. The output has a tree ``scores`` with an entry for
    every event, in the order of the trees: ``score``, NaN where a variable is no number; the spectators; and where the
    input file was made with a cut, whether it holds: ``passes``, or ``passes_signal`` and ``passes_background`` where
    these differ. It is fit to be a friend of the trees.

    Args:
        run: the folder of a run, ``results/NAME/runs/ID``.
        events: trees, ``FILES:TREE``, as :func:`convert` takes them; also those of a common input file.
        path: the file to write.
        friend: trees with more branches of the same events, ``FILES:TREE``, as many files as there are.
        backend: the Keras backend that evaluates a network; by default the run's, ``tensorflow`` for TMVA's own.
        force: whether to write over a file that is there.

    Returns:
        ``events``, how many; ``without_score``, how many of them have none; ``passing``, by branch how many pass;
        ``difference``, the largest one from the run's own scores of its test events; ``notes``, what is to be known
        beside; ``run``, the row of the tree ``benchmark`` by column.

    Raises:
        UserError: no finished run, a method whose model cannot be evaluated here, a backend for one that Keras does not
            evaluate, a tree that lacks a branch, or an output that is there or cannot be written.
    """
    from tmva_bench.running import applying

    texts, friends = ([one] if isinstance(one, str) else list(one) for one in (events, friend))
    answer = applying.apply(Path(run), texts, Path(path), friends=friends, backend=backend, force=force)
    keys = ("events", "without_score", "passing", "difference", "notes")
    return {**{key: answer[key] for key in keys}, "run": answer["row"].columns()}


def study_jobs(
    study: studies.Study,
    folder: ResultsFolder,
    only: Iterable[str] = (),
    *,
    look: bool = False,
    shard: plan.Shard | None = None,
    listener: execution.Listener | None = None,
) -> list[execution.Job]:
    """The runs of a study with their input files, which are written where they are not there yet.

    Args:
        study: the study.
        folder: its results folder.
        only: filters ``name=value``; a run must fit all.
        look: only look: nothing is written, and no Python that the study names is started; what an environment holds
            is then what was left about it when the study was last run.
        shard: the part of the study that is wanted; by default all of it.
        listener: is told of events that are read.

    Raises:
        UserError: a filter, a sample or a point is wrong, or an input file cannot be written.
    """
    planned = plan.plan(study)
    selected = plan.select(planned, only)
    if shard:
        selected = plan.of_shard(study, selected, shard)
    wanted = {run.sample for run in selected}
    whole = {
        sample.key: _study_input(sample, planned, folder, look=look, listener=listener)
        for sample in study.samples
        if sample.key in wanted
    }
    _check_names(whole)
    places = _places(study, {run.environment.name for run in selected}, folder, look=look)
    prepared: dict[tuple[Any, ...], inputs.InputFile] = {}
    jobs = []
    for run in selected:
        point = run.request.point
        events = run.sample, *(getattr(point, name) for name in config.COUNTS)
        if events not in prepared:
            prepared[events] = prepare_input(whole[run.sample], point, folder, look=look)
        if inputs.is_made(prepared[events]):
            inputs.check_batches(prepared[events], point)
        jobs.append(execution.make_job(run.request, prepared[events], places[run.environment.name]))
    if study.together:
        _say_alone(study.name, [run.request for run in selected])
    distinct = _distinct(jobs)
    repeated = plan.runs_of(study) - len(planned) + len(jobs) - len(distinct)
    if repeated and not shard:
        _logger.warning("%s: %d runs are equal to others, and are done and counted once", study.name, repeated)
    return distinct


def _say_alone(name: str, planned: Iterable[requests.Request]) -> None:
    """Tells which series are not trained together, and why."""
    reasons = naming.gathered(
        (plan.alone(request), naming.method_name(naming.Series(request.method, request.backend, request.architecture)))
        for request in planned
        if not request.together
    )
    for reason, names in reasons.items():
        _logger.warning("%s: not trained together: %s (%s)", name, ", ".join(names), reason)


def _distinct(jobs: list[execution.Job]) -> list[execution.Job]:
    """Of jobs that ask for the same training on the same events, the first: 0 events mean all that there are."""
    first: dict[Any, execution.Job] = {}
    for job in jobs:
        counts: dict[str, Any] = {name: len(job.data.weights[tree]) for name, tree in config.COUNTS.items()}
        point = dataclasses.replace(job.request.point, **counts)
        request = job.request._replace(point=point, repetition=0)
        first.setdefault((request, job.environment.name, job.data.metadata["digest"]), job)
    return list(first.values())


def _places(
    study: studies.Study, names: set[str], folder: ResultsFolder, *, look: bool
) -> dict[str, environments.Environment]:
    """The environments of a study; those that it names are started only to run it, which is said first."""
    known = read_environments(folder.environments) if look else {}
    places = {}
    for place in study.environments.values():
        if place.name not in names:
            continue
        if not place.python:
            places[place.name] = environments.describe()
        elif look:
            places[place.name] = environments.noted(place.name, place.python, place.make, known.get(place.python, {}))
        else:
            places[place.name] = environments.named(place.name, place.python, place.make)
    if not look and any(place.python for place in study.environments.values()):
        versions = {study.environments[name].python: place.versions for name, place in places.items()}
        folder.write_text(folder.environments, json.dumps(versions, indent=1))
    return places


def study_folder(
    study: studies.Study, folder: str | Path | None = None, shard: plan.Shard | None = None
) -> ResultsFolder:
    """The results folder asked for, or the default one of a study or of a part of it."""
    name = f"{study.name}-{shard.number}-of-{shard.of}" if shard else study.name
    return ResultsFolder(folder or Path("results") / name)


def results_folder(input_file: str | Path, folder: str | Path | None) -> ResultsFolder:
    """The results folder asked for, or the default one of an input file."""
    return ResultsFolder(folder or Path("results") / Path(input_file).stem)


def prepare_input(
    data: inputs.InputFile, point: config.Point, folder: ResultsFolder, *, look: bool = False
) -> inputs.InputFile:
    """The input file, or, where the point asks for fewer events, a file with the first events of each tree.

    Args:
        data: the input file.
        point: gives the numbers of events.
        folder: the results folder, which the new file goes to.
        look: only look: nothing is written.

    Raises:
        UserError: the file holds fewer events than asked for, a batch is larger than the training or
            validation part, or the results folder cannot be written.
    """
    wanted = {name: getattr(point, name) for name in config.COUNTS}
    if not inputs.is_made(data):
        numbers = list(wanted.values())
        return inputs.unmade(
            data.path, data.metadata["sample"], data.variables, data.metadata["digest"], numbers=numbers
        )
    if all(number in (0, len(data.events[config.COUNTS[name]])) for name, number in wanted.items()):
        inputs.check_batches(data, point)
        return data
    counts = "-".join(map(str, wanted.values()))
    path = folder.inputs / f"{data.metadata['digest'][:12]}-{counts}.root"
    if look and not path.exists():
        return inputs.first(data, path, list(wanted.values()))
    if not path.exists():
        make_folder(path.parent)
        inputs.take(data.path, path, **wanted)
    taken = inputs.read(path)
    inputs.check_batches(taken, point)
    return taken


def _study_input(
    sample: studies.Sample,
    planned: list[plan.Planned],
    folder: ResultsFolder,
    *,
    look: bool,
    listener: execution.Listener | None = None,
) -> inputs.InputFile:
    """The input file of a study's sample; what is generated is named by its parameters."""
    if "file" in sample.content:
        return inputs.read(sample.content["file"])
    if sample.is_converted:
        return _converted(sample, folder, look=look, listener=listener or execution.Silent())
    content = plan.generated(sample, planned)
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
    path = folder.inputs / f"{sample.name}-{digest}.root"
    parameters = {name: value for name, value in content.items() if name != "name"}
    if look and not path.exists():
        # The Python that a sample names is not started for looking; the events are the same.
        parameters.pop("python", None)
        return inputs.of_sample(_sample(sample.name, parameters), path)
    make_folder(path.parent)
    if not path.exists():
        generate(path, sample.name, **parameters)
    return inputs.read(path)


def _converted(
    sample: studies.Sample, folder: ResultsFolder, *, look: bool, listener: execution.Listener
) -> inputs.InputFile:
    """The input file of users' own trees, named by what is asked for; made once, and refused when they have changed."""
    asked = {name: value for name, value in sample.content.items() if name != "name"}
    recipe = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    path = folder.inputs / f"{sample.name}-{recipe[:12]}.root"
    if path.exists():
        data = inputs.read(path)
        _check_origin(sample, data, asked)
        return data
    if look:
        with contextlib.closing(sources.Tables()) as tables:
            selection = selections.build(tables, **asked)
        return inputs.unmade(path, sample.name, [variable.name for variable in selection.variables], recipe)
    make_folder(path.parent)
    # Before the events are read: what changes meanwhile is told the next time.
    states = origin.states(selections.files(**asked))
    with samples.selected(path, name=sample.name, listener=listener.reading, **asked) as stream:
        inputs.store_stream(path, stream._replace(metadata={**stream.metadata, origin.KEY: states}))
    return inputs.read(path)


def _check_origin(sample: studies.Sample, data: inputs.InputFile, asked: Mapping[str, Any]) -> None:
    """Refuses an input file that is not what its sources would make of it now; without them it is used as it is."""
    if gone := origin.missing(data.metadata):
        text = "%s: of the files that it was made of %d are not there, %s among them; it is used as it is"
        _logger.warning(text, data.path, len(gone), gone[0])
        return
    if changed := origin.changes(data.metadata, selections.files(**asked)):
        more = f", and {len(changed) - 1} more changes" if len(changed) > 1 else ""
        raise UserError(
            f"sample {sample.name}: {changed[0]} since {data.path} was made{more}; the runs there are of the events as "
            "they were: take another folder with --results, or delete that file to make it anew"
        )


def _check_names(whole: Mapping[tuple[str, int], inputs.InputFile]) -> None:
    # A file that is not made yet does not tell its fold.
    by_name = naming.gathered(
        ((data.metadata["sample"], conversion.fold(data.metadata) or fold), data.path)
        for (_, fold), data in whole.items()
    )
    for (name, _), paths in by_name.items():
        if len(paths) > 1:
            files = " and ".join(paths)
            raise UserError(
                f"{files}: the sample of both is called {name!r}, and tables and figures know samples by name; "
                "convert one of them with another --name, or make two studies"
            )


def _link_input(study: studies.Study, folder: ResultsFolder, only: Iterable[str]) -> None:
    """Makes ``input.root`` a link to the events of the study's first sample, where they are wanted."""
    planned, first = plan.plan(study), study.samples[0]
    if any(run.sample == first.key for run in plan.select(planned, only)):
        folder.link_input(folder.keep_input(_study_input(first, planned, folder, look=False)))
