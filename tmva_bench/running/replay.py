"""Repeats trainings of TMVA's DNN in Keras, and evaluates the weights that TMVA kept: each in a child process."""

import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import tabulate

from tmva_bench.basis import config
from tmva_bench.errors import UserError, unknown
from tmva_bench.methods import replay_worker
from tmva_bench.running import child, environments

# A recorded run of a real TMVA, for machines that have none.
SHIPPED = Path(__file__).parents[1] / "recorded"


def run_replay(
    action: str,
    folder: Path,
    *,
    backend: str = "tensorflow",
    input_file: Path | None = None,
    title: str = "",
    execution: str = "batch",
    python: str = sys.executable,
) -> dict[str, Any]:
    """Repeats a training of TMVA's DNN, or evaluates its weights, in a child process.

    Args:
        action: ``replay`` or ``verify``.
        folder: see :func:`tmva_bench.methods.replay_worker.find`.
        backend: the Keras backend.
        input_file: the common input file, for a folder without TMVA's output file.
        title: title of the method, where the folder has several of TMVA's deep networks.
        execution: what one compiled call of a replay trains, ``batch`` or ``epoch``.
        python: a Python executable with ROOT and Keras.

    Returns:
        For ``replay``: ``epochs``, each with ``epoch``, ``tmva`` and ``keras`` (training and validation loss), and
        ``score_difference``, None where TMVA's scores are not known. For ``verify``: ``score_difference``, ``scores``
        (how many), ``reason`` (why they are none). A difference is NaN where a score is. For both ``notes``: what is
        to be known of the run beside.

    Raises:
        UserError: it cannot be done, with the reason.
    """
    if backend not in config.BACKENDS:
        raise unknown("backend", backend, list(config.BACKENDS))
    if execution not in config.EXECUTIONS:
        raise unknown("execution", execution, list(config.EXECUTIONS))
    input_path = str(input_file.resolve()) if input_file else ""
    task = replay_worker.Task(action, str(folder.resolve()), backend, input_path, title, execution)
    variables = environments.child_variables(python, threads=1, backend=backend, architecture="cpu")
    with tempfile.TemporaryDirectory() as work:
        ending = child.run_child(
            "tmva_bench.methods.replay_worker",
            task._asdict(),
            Path(work),
            python=python,
            variables={**variables, "JAX_ENABLE_X64": "1"},
        )
    if ending.status != "ok":
        reason = ending.reason
        # A reason that names a file has its whole path.
        raise UserError(reason if reason.startswith("/") else f"{folder}: {reason}")
    return ending.outcome


def agrees(answer: dict[str, Any], tolerance: float) -> bool:
    """Whether a training was repeated: see :func:`difference`."""
    return not difference(answer, tolerance)


def difference(answer: dict[str, Any], tolerance: float) -> str:
    """In what a repeated training differs from TMVA's, "" where in nothing.

    Every epoch must have been trained on both sides, with losses no further apart than ``tolerance``, and so must the
    scores of the test events where TMVA's are known. What is not a number differs.

    Args:
        answer: the answer to ``replay``.
        tolerance: largest difference of a loss or a score.
    """
    # Written so that a NaN does not agree.
    if not answer["epochs"]:
        return "no epoch to compare"
    if not all(epoch["tmva"] and epoch["keras"] for epoch in answer["epochs"]):
        return "the losses differ: an epoch was trained on one side only"
    if not all(_largest(epoch) <= tolerance for epoch in answer["epochs"]):
        return f"the losses differ by more than {tolerance:g}"
    if answer["score_difference"] is not None and not answer["score_difference"] <= tolerance:
        return f"the scores differ by more than {tolerance:g}"
    return ""


def score_difference(answer: dict[str, Any], tolerance: float) -> str:
    """In what the weights that TMVA kept differ from its scores, "" where in nothing.

    Args:
        answer: the answer to ``verify``.
        tolerance: largest difference of a score.
    """
    if answer["reason"]:
        return str(answer["reason"])
    return "" if answer["score_difference"] <= tolerance else f"the scores differ by more than {tolerance:g}"


def table(answer: dict[str, Any]) -> str:
    """The losses of both sides as text, epoch by epoch, and the largest difference of the scores.

    Args:
        answer: the answer to ``replay``.
    """
    headings = ["epoch", "training TMVA", "training Keras", "validation TMVA", "validation Keras", "difference"]
    rows = []
    for epoch in answer["epochs"]:
        pairs = zip(epoch["tmva"] or (None, None), epoch["keras"] or (None, None), strict=True)
        losses = ["-" if loss is None else f"{loss:.6g}" for pair in pairs for loss in pair]
        both = epoch["tmva"] and epoch["keras"]
        rows.append([epoch["epoch"], *losses, f"{_largest(epoch):.1e}" if both else "-"])
    text = tabulate.tabulate(rows, headings, tablefmt="simple", disable_numparse=True, stralign="right")
    if answer["score_difference"] is None:
        return f"{text}\n\nTMVA's scores of the test events are not known here"
    return f"{text}\n\nScores of the test events: largest difference {answer['score_difference']:.1e}"


def _largest(epoch: dict[str, Any]) -> float:
    """The larger difference of the two losses; NaN where one is not a number."""
    differences = [abs(tmva - keras) for tmva, keras in zip(epoch["tmva"], epoch["keras"], strict=True)]
    return math.nan if any(map(math.isnan, differences)) else max(differences)
