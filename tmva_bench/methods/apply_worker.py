"""A trained model applied to other events, as a child: ``python -m tmva_bench.methods.apply_worker FOLDER PARENT``.

The folder holds ``task.json``, see :class:`Task`; the answer is that of :func:`tmva_bench.running.applying.apply`.
"""

import json
import os
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple

import numpy

from tmva_bench.basis.config import Point
from tmva_bench.engines import encoder, exports
from tmva_bench.errors import UserError
from tmva_bench.events import application, inputs, output
from tmva_bench.methods import Trained, read_input, read_test_scores, registry, worker

TREE = "scores"
# Of each class of the run's own test events, those that are scored once more, at most.
_CHECKED = 10000


class Task(NamedTuple):
    """What the child is asked.

    Attributes:
        method: a name in the registry.
        backend: the learning library of the run; of a network, the Keras backend that evaluates.
        point: the run's, by parameter.
        run: the run's folder.
        input_file: the common input file that it was given.
        input_digest: its digest.
        encoded_file: the events as an autoencoder encoded them, which the method was given; "" without one.
        encoded_digest: its digest.
        events: the trees, ``FILES:TREE``.
        friends: trees with more branches of the same events.
        output: the file to write.
        force: whether to write over one that is there.
        here: the folder that paths are from.
    """

    method: str
    backend: str
    point: Dict[str, Any]
    run: str
    input_file: str
    input_digest: str
    encoded_file: str
    encoded_digest: str
    events: List[str]
    friends: List[str]
    output: str
    force: bool
    here: str


def carry_out(folder: Path) -> Dict[str, Any]:
    """Writes the scores.

    Args:
        folder: holds the task.

    Raises:
        UserError: the events or the model cannot be read, or the output not be written.
        Unavailable: the library that evaluates is not there.
    """
    import uproot

    task = Task(**json.loads((folder / "task.json").read_text()))
    os.chdir(task.here)
    data = read_input(task.input_file, task.input_digest)
    trees = application.Trees(data.metadata, task.events, task.friends)
    path = output.check(task.output, [*trees.files, task.input_file])
    scores = _of_run(task, data)
    difference = _from_own(task, data, scores)
    without, passing = 0, dict.fromkeys((name for name, kind in trees.types.items() if kind == "int32"), 0)
    with output.unnamed(path) as raw:
        # uproot closes the file that it is given, and one without a name would be gone.
        with os.fdopen(os.dup(raw.fileno()), "w+b") as copy, uproot.recreate(copy) as file:
            types = {application.SCORE: "float64", **trees.types}
            tree = file.mktree(TREE, types, title=f"scores of {task.method}, event by event")
            for chunk in trees.chunks():
                values = scores(chunk.events)
                without += int(numpy.isnan(values).sum())
                for name in passing:
                    passing[name] += int(chunk.columns[name].sum())
                tree.extend({application.SCORE: values, **chunk.columns})
        output.refuse_existing(path, force=task.force)
        output.name(raw, path)
    return {
        "events": trees.events,
        "without_score": without,
        "passing": passing,
        "difference": difference,
        "notes": trees.notes,
    }


def _from_own(task: Task, data: inputs.InputFile, scores: Callable[[numpy.ndarray], numpy.ndarray]) -> float:
    """The largest difference of scores from those that the run itself gave to its test events."""
    theirs = read_test_scores(Path(task.run))
    signal = len(data.events["TestS"])
    ours = [scores(data.events[tree][:_CHECKED]) for tree in ("TestS", "TestB")]
    parts = [theirs[:signal][:_CHECKED], theirs[signal:][:_CHECKED]]
    return exports.largest_difference(numpy.concatenate(ours), numpy.concatenate(parts))


def _of_run(task: Task, data: inputs.InputFile) -> Callable[[numpy.ndarray], numpy.ndarray]:
    """The score of each event, NaN where a variable is no number."""
    method = registry.of(task.method)
    encode = encoder.read(task.encoded_file).encode if task.encoded_file else None
    read = read_input(task.encoded_file, task.encoded_digest) if task.encoded_file else data
    if method.evaluator is None:
        raise UserError(f"{task.method}: its runs cannot be applied")
    score = method.evaluator(Trained(Point(**task.point), Path(task.run), read, task.backend))

    def scores(events: numpy.ndarray) -> numpy.ndarray:
        values = numpy.full(len(events), numpy.nan)
        finite = numpy.isfinite(events).all(axis=1)
        if finite.any():
            values[finite] = score(encode(events[finite]) if encode else events[finite])
        return values

    return scores


def main() -> None:
    """Writes the scores of the task in the folder named on the command line."""
    worker.answer(carry_out)


if __name__ == "__main__":
    main()
