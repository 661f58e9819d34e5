"""The time of an event in one engine, as a child: ``python -m tmva_bench.methods.latency_worker FOLDER PARENT``.

The folder holds ``task.json``, see :class:`Task`.
"""

import json
import os
from pathlib import Path
from typing import Any, Dict, List, NamedTuple

from tmva_bench.engines import latency
from tmva_bench.errors import UserError
from tmva_bench.methods import export_worker, worker

# Events that all engines are timed with, at most.
_MOST = 10000


class Task(NamedTuple):
    """What the child is asked.

    Attributes:
        source: the network, as :class:`tmva_bench.methods.export_worker.Task` has it.
        engine: one that :func:`tmva_bench.engines.latency.build` knows.
        backend: the Keras backend.
        batches: how many events a call; what there are not so many of is left out. 0 stands for all.
    """

    source: Dict[str, Any]
    engine: str
    backend: str
    batches: List[int]


def carry_out(folder: Path) -> Dict[str, Any]:
    """Builds the engine, checks its scores and times it.

    Args:
        folder: holds the task; its parent is shared by the engines of one network.

    Returns:
        ``events``, how many there are; ``network``; ``version``; ``timed``, for each number of events a call that
        number, the times of an event in each block [us] and the largest difference of a score, None without scores.

    Raises:
        UserError: the network cannot be exported, or the engine gives other scores.
        Unavailable: the engine is not here, or does not hold the network.
        TrainingFailed: it is here and does not take it.
    """
    task = Task(**json.loads((folder / "task.json").read_text()))
    os.chdir(task.source["here"])
    source = export_worker.read(export_worker.Task(**task.source))
    events = source.events[:_MOST]
    if not len(events):
        raise UserError(f"{task.source['source']}: no test event to time; give another run")
    scored = source.scored.of_variables()
    batches = sorted({size or len(events) for size in task.batches if size <= len(events)})
    asked = latency.Asked(source.scored, source.ranges, folder, task.backend, batches)
    engine = latency.build(task.engine, asked)
    timed = latency.measure(engine, events, scored.evaluate(events), batches)
    return {
        "events": len(events),
        "network": latency.network(source.scored),
        "version": engine.version,
        "timed": [[size, one.times, one.difference if engine.scores else None] for size, one in timed.items()],
    }


def main() -> None:
    """Does the task in the folder named on the command line."""
    worker.answer(carry_out)


if __name__ == "__main__":
    main()
