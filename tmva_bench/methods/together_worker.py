"""What the child of a bundle runs: ``python -m tmva_bench.methods.together_worker FOLDER PARENT``.

The tasks in ``task.json`` differ in their seeds alone, and each has a folder of its own, where it leaves what the one
task of :mod:`tmva_bench.methods.worker` does. ``outcome.json`` has an outcome for each.
"""

import json
from pathlib import Path
from typing import Any, Dict, Union

from tmva_bench.errors import TrainingFailed
from tmva_bench.methods import Outcome, Task, worker

# What the child's file has the tasks under, and what it leaves their outcomes under.
TASKS, OUTCOMES = "together", "outcomes"


def carry_out(folder: Path) -> Dict[str, Any]:
    """Trains and tests the tasks in ``folder`` together.

    Returns:
        The outcome of each with its status, and the times of the training of all.

    Raises:
        Unavailable: the method cannot run here.
        TrainingFailed: the input file was replaced.
        UserError: the input cannot be used.
    """
    from tmva_bench.engines.stopwatch import Stopwatch
    from tmva_bench.methods import registry

    tasks = [worker.task_of(values) for values in json.loads((folder / "task.json").read_text())[TASKS]]
    run_together = registry.METHODS[tasks[0].method].run_together
    assert run_together is not None
    watch = Stopwatch()
    outcomes = run_together(tasks, watch)
    times = {f"{clock}_time_bundle": watch.seconds[f"{clock}_time_train"] for clock in ("cpu", "real")}
    return {OUTCOMES: [_ended(task, outcome) for task, outcome in zip(tasks, outcomes)], **times}


def _ended(task: Task, outcome: Union[Outcome, TrainingFailed]) -> Dict[str, Any]:
    try:
        if isinstance(outcome, TrainingFailed):
            raise outcome
        return {"status": "ok", "reason": "", **worker.measured(outcome, Path(task.folder))}
    except TrainingFailed as error:
        return {"status": "failed", "reason": str(error)}


def main() -> None:
    """Runs the tasks in the folder named on the command line."""
    worker.answer(carry_out)


if __name__ == "__main__":
    main()
