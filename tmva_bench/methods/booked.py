"""What the methods share that TMVA trains: one booking on the run's events."""

from typing import Any, Tuple

from tmva_bench.basis import mapping
from tmva_bench.engines import tmva_session
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.events import inputs
from tmva_bench.methods import Task


def run_factory(
    root: Any,
    task: Task,
    data: inputs.InputFile,
    watch: Stopwatch,
    method: str,
    options: str,
    *,
    factory_options: str = "",
    regression: Tuple[str, ...] = (),
) -> float:
    """Books a method for a task, trains and tests it, see :func:`tmva_bench.engines.tmva_session.run_factory`.

    Args:
        root: the ``ROOT`` module.
        task: what to do.
        data: its input file.
        watch: times its phases.
        method: name in ``TMVA.Types``.
        options: option string of ``BookMethod``.
        factory_options: option string of ``TMVA.Factory``; by default the point's.
        regression: trees of training events of a regression; none for a classification.

    Returns:
        TMVA's ROC integral, NaN of a regression.

    Raises:
        TrainingFailed: TMVA gave up.
    """
    return tmva_session.run_factory(
        root,
        input_file=task.input_file,
        variables=data.variables,
        factory_options=factory_options or task.point.factory_string,
        split_options=mapping.split_options(task.point),
        method=method,
        method_options=options,
        folder=task.folder,
        threads=task.threads,
        watch=watch,
        regression=regression,
    )
