"""A scoring function exported, as a child: ``python -m tmva_bench.methods.export_worker FOLDER PARENT``.

The folder holds ``task.json``, see :class:`Task`; the answer is that of :func:`tmva_bench.running.exporting.export`.
"""

import json
import os
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy

from tmva_bench.basis.config import Point
from tmva_bench.engines import encoder, exports, keras_file, keras_training, scoring, tmva_files, tmva_weights
from tmva_bench.engines.scoring import Scoring
from tmva_bench.errors import TrainingFailed, UserError
from tmva_bench.events import output, reading
from tmva_bench.methods import Trained, read_input, read_test_scores, registry, replay_worker, worker

# The methods of TMVA whose weight files are.
_EXPORTED = (*tmva_weights.NETWORKS, "BDT")
# Of an MLP of TMVA.
_APPROXIMATED = 1e-3
_TEST = {"TestS": "ReconstructionS", "TestB": "ReconstructionB"}
_DRAWN = 2000
# Where nothing tells of a branch's range.
_RANGE = (-3.0, 3.0)


class Task(NamedTuple):
    """What the child is asked.

    Attributes:
        source: a run's folder, a weight file or a model file.
        form: one of :data:`tmva_bench.engines.exports.FORMATS`.
        output: the file to write.
        force: whether to write over one that is there.
        here: the folder that paths are from.
        method: of a run, a name in the registry; else "".
        point: of a run, by parameter.
        input_file: of a run, the common input file that it was given.
        input_digest: its digest.
        backend: the Keras backend.
    """

    source: str
    form: str
    output: str
    force: bool
    here: str
    method: str
    point: Dict[str, Any]
    input_file: str
    input_digest: str
    backend: str


class Source(NamedTuple):
    """What is exported, and what it is checked against.

    Attributes:
        scored: the scoring function.
        ranges: smallest and largest value of each variable.
        events: values of the variables, float32, shape (events, variables).
        scores: their scores by what was trained; None where they are not known.
        against: what the export is checked against, in words.
    """

    scored: Scoring
    ranges: List[Tuple[float, float]]
    events: numpy.ndarray
    scores: Optional[numpy.ndarray]
    against: str


def carry_out(folder: Path) -> Dict[str, Any]:
    """Writes the file, checks it, and brings it to its place.

    Args:
        folder: holds the task.

    Raises:
        UserError: what is asked cannot be exported so, or the file gives other scores.
        Unavailable: the Keras asked for is not there.
    """
    task = Task(**json.loads((folder / "task.json").read_text()))
    os.chdir(task.here)
    path = output.check(task.output, [task.source] if Path(task.source).is_file() else [])
    if task.form == "keras":
        keras_training.load(task.backend)
    source = read(task)
    whole = source.scored if task.form in exports.WITH_EXPRESSIONS else source.scored.of_variables()
    asked = exports.Written(
        folder / f"export{exports.suffix(task.form, path)}", source.scored, source.ranges, path.stem
    )
    asked = asked._replace(scored=source.scored if task.form == "tmva" else whole)
    notes = [*source.scored.notes, *exports.write(task.form, asked)]
    checks = _check(task.form, asked._replace(scored=whole), source, folder)
    for against, difference in checks:
        if not difference <= exports.TOLERANCE:
            raise UserError(
                f"{task.source}: as {task.form} its scores differ by {difference:.1e} from {against}, more than "
                f"{exports.TOLERANCE:g}; nothing is written"
            )
    output.refuse_existing(path, force=task.force)
    output.put(asked.path, path)
    return {"checks": checks, "notes": notes, "branches": whole.branches}


def _check(form: str, asked: exports.Written, source: Source, folder: Path) -> List[Tuple[str, float]]:
    """The largest differences, each with what it is from.

    Where the file computes expressions, it is checked by branches that are drawn, and the same without them by the
    events whose scores are known, of which there are the variables alone.
    """
    ours = source.scored.of_variables()
    theirs = ours.evaluate(source.events) if source.scores is None else source.scores
    if not asked.scored.computes:
        return [(source.against, exports.largest_difference(exports.scores(form, asked)(source.events), theirs))]
    plain = asked._replace(path=folder / f"variables{asked.path.suffix}", scored=ours, stem=f"{asked.stem}_variables")
    exports.write(form, plain)
    first = exports.largest_difference(exports.scores(form, plain)(source.events), theirs)
    known = {
        one.root.value: pair for one, pair in zip(asked.scored.variables, source.ranges) if one.root.kind == "name"
    }
    branches = scoring.drawn(asked.scored, [known.get(name, _RANGE) for name in asked.scored.branches], _DRAWN)
    second = exports.largest_difference(exports.scores(form, asked)(branches), asked.scored.evaluate(branches))
    return [(source.against, first), (f"the expressions in double precision, of {_DRAWN} drawn events", second)]


def read(task: Task) -> Source:
    """What the task's source is.

    Raises:
        UserError: it cannot be exported.
    """
    if task.method:
        return _of_run(task)
    path = Path(task.source)
    if path.suffix == ".xml":
        return _of_weights(path)
    steps, link = scoring.one_output(keras_file.read(path), task.source)
    first = steps[0]
    size = len(first.kernel if isinstance(first, scoring.Dense) else first[0])
    names = [f"variable{number + 1}" for number in range(size)]
    return _drawn(scoring.of_inputs(names, names, steps, link, task.source), [_RANGE] * size)


def _drawn(scored: Scoring, ranges: List[Tuple[float, float]]) -> Source:
    events = scoring.drawn(scored.of_variables(), ranges, _DRAWN)
    return Source(scored, ranges, events, None, f"its evaluation in double precision, of {_DRAWN} drawn events")


def _of_run(task: Task) -> Source:
    data, folder = read_input(task.input_file, task.input_digest), Path(task.source)
    of_method = registry.of(task.method).scoring
    if of_method is None:
        raise UserError(f"{task.source}: a run of {task.method}, which cannot be exported")
    scored = of_method(Trained(Point(**task.point), folder, data))
    names, events = data.variables, {tree: data.events[tree] for tree in _TEST}
    if "encoded" in data.metadata:
        before = encoder.read(data.path)
        names = before.variables
        scored = scored._replace(steps=[*scoring.of_encoder(before), *scored.steps], file=None)
        events = {tree: _original(data.path, back, names) for tree, back in _TEST.items()}
    texts = _texts(data.metadata, names)
    described = scoring.of_inputs(names, texts, scored.steps, scored.output, task.source)
    scored = described._replace(file=scored.file)
    theirs = read_test_scores(folder)
    joined = numpy.concatenate([events[tree] for tree in _TEST])
    against = f"the stored scores of the run's {len(joined)} test events"
    return Source(scored, _ranges(joined), joined, theirs, against)


def _ranges(events: numpy.ndarray) -> List[Tuple[float, float]]:
    return list(zip(events.min(axis=0).tolist(), events.max(axis=0).tolist()))


def _original(path: str, tree: str, names: List[str]) -> numpy.ndarray:
    with reading.opened(path) as file:
        columns = [reading.column(file[tree], f"{name}_input") for name in names]
    return numpy.stack(columns, axis=1).astype(numpy.float32)


def _texts(metadata: Dict[str, Any], names: List[str]) -> List[str]:
    """The expressions that variables were converted by; themselves where they were not."""
    chosen = metadata.get("selection")
    if not isinstance(chosen, dict) or "decoded" in metadata or chosen.get("pad") is not None:
        return names
    known = {one.get("name"): one.get("expression") for one in chosen.get("variables", []) if isinstance(one, dict)}
    return [str(known.get(name, name)) for name in names]


def _of_weights(path: Path) -> Source:
    file = tmva_weights.parse(path)
    if file.method not in _EXPORTED:
        raise UserError(f"{path}: a weight file of {file.method}; those of TMVA's networks and BDTs can be exported")
    scored = scoring.of_weight_file(file)
    ranges = []
    for entry in file.root.findall("Variables/Variable"):
        low, high = (_number(entry.attrib.get(name, "")) for name in ("Min", "Max"))
        ranges.append((low, high) if low < high else _RANGE)
    booked = tmva_weights.chain(file.options.get("VarTransform", ""))
    try:
        left = replay_worker.find(path, methods=_EXPORTED)
        if left.output is None or any("_" in name.partition("(")[0] for name in booked):
            return _drawn(scored, ranges)
        branches = replay_worker.branches(left, file.variables, "TestTree")
        sample = tmva_files.read_sample(str(left.output), "TestTree", branches, file.title, left.loader)
    except (UserError, TrainingFailed):
        return _drawn(scored, ranges)
    against = f"TMVA's scores of {len(sample.scores)} test events in {left.output.name}"
    if file.method == "MLP":
        return _drawn(scored._replace(notes=(*scored.notes, _of_mlp(scored, sample, against))), ranges)
    return Source(scored, ranges, sample.variables, sample.scores, against)


def _of_mlp(scored: Scoring, sample: Any, against: str) -> str:
    """How near the scores are to those of MethodMLP, whose tanh and sigmoid are approximations in most versions."""
    difference = exports.largest_difference(scored.of_variables().evaluate(sample.variables), sample.scores)
    if not difference <= _APPROXIMATED:
        raise UserError(
            f"{scored.source}: its scores differ by {difference:.1e} from {against}, more than {_APPROXIMATED:g}; "
            "nothing is written"
        )
    return f"differs by up to {difference:.1e} from {against}: MethodMLP approximates tanh and sigmoid"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def main() -> None:
    """Does the task in the folder named on the command line."""
    worker.answer(carry_out)


if __name__ == "__main__":
    main()
