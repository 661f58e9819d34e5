"""Repeats trainings of TMVA's DNN in Keras, and evaluates the weights that TMVA kept: each in a child process."""

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


def run(
    action: str,
    folder: Path,
    *,
    backend: str = "tensorflow",
    input_file: Path | None = None,
    python: str = sys.executable,
) -> dict[str, Any]:
    """Repeats a training of TMVA's DNN, or evaluates its weights, in a child process.

    Args:
        action: ``replay`` or ``verify``.
        folder: see :func:`tmva_bench.methods.replay_worker.find`.
        backend: the Keras backend.
        input_file: the common input file, for a folder without TMVA's output file.
        python: a Python executable with ROOT and Keras.

    Returns:
        For ``replay``: ``epochs``, each with ``epoch``, ``tmva`` and ``keras`` (training and validation loss), and
        ``score_difference``, None where TMVA's scores are not known. For ``verify``: ``score_difference``,
        ``scores`` (how many).

    Raises:
        UserError: it cannot be done, with the reason.
    """
    if backend not in config.BACKENDS:
        raise unknown("backend", backend, list(config.BACKENDS))
    given = str(input_file.resolve()) if input_file else ""
    task = replay_worker.Task(action, str(folder.resolve()), backend, given)
    variables = environments.child_variables(python, threads=1, backend=backend, architecture="cpu")
    with tempfile.TemporaryDirectory() as work:
        ending = child.run(
            "tmva_bench.methods.replay_worker",
            task._asdict(),
            Path(work),
            python=python,
            variables={**variables, "JAX_ENABLE_X64": "1"},
        )
    if ending.status != "ok":
        reason = ending.reason
        raise UserError(reason if reason.startswith(task.folder) else f"{folder}: {reason}")
    return ending.outcome


def agrees(found: dict[str, Any], tolerance: float) -> bool:
    """Whether every epoch was trained on both sides, with losses no further apart than ``tolerance``."""
    # Written so that a NaN does not agree.
    return all(
        epoch["tmva"] and epoch["keras"] and all(difference <= tolerance for difference in _differences(epoch))
        for epoch in found["epochs"]
    )


def table(found: dict[str, Any]) -> str:
    """The losses of both sides as text, epoch by epoch, and the largest difference of the scores.

    Args:
        found: the answer to ``replay``.
    """
    headings = ["epoch", "training TMVA", "training Keras", "validation TMVA", "validation Keras", "difference"]
    rows = []
    for epoch in found["epochs"]:
        pairs = zip(epoch["tmva"] or (None, None), epoch["keras"] or (None, None), strict=True)
        losses = ["-" if loss is None else f"{loss:.6g}" for pair in pairs for loss in pair]
        both = epoch["tmva"] and epoch["keras"]
        rows.append([epoch["epoch"], *losses, f"{max(_differences(epoch)):.1e}" if both else "-"])
    text = tabulate.tabulate(rows, headings, tablefmt="simple", disable_numparse=True, stralign="right")
    if found["score_difference"] is None:
        return f"{text}\n\nTMVA's scores of the test events are not known here"
    return f"{text}\n\nScores of the test events: largest difference {found['score_difference']:.1e}"


def _differences(epoch: dict[str, Any]) -> list[float]:
    return [abs(tmva - keras) for tmva, keras in zip(epoch["tmva"], epoch["keras"], strict=True)]
