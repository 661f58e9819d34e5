"""The standard benchmark: one point through every method, backend and optimizer."""

from pathlib import Path

from tmva_bench import config, runner
from tmva_bench.api import make_request

EVENTS = {"train_signal": 20000, "train_background": 20000, "test_signal": 50000, "test_background": 50000}
MAX_EPOCHS = 10
SERIES = (
    ("tmva-dnn", None, "cpu"),
    ("tmva-dnn", None, "gpu"),
    ("pykeras", "tensorflow", "cpu"),
    ("keras", "tensorflow", "cpu"),
    ("keras", "jax", "cpu"),
    ("keras", "torch", "cpu"),
)
OPTIMIZERS = ("sgd", "adam")


def requests(threads: int) -> list[runner.Request]:
    """The runs of the standard benchmark: the slides' network, at most :data:`MAX_EPOCHS` epochs.

    Args:
        threads: threads given to each run.
    """
    return [
        make_request(
            config.point({"optimizer": optimizer, "max_epochs": MAX_EPOCHS}),
            method,
            backend,
            architecture=architecture,
            threads=threads,
        )
        for method, backend, architecture in SERIES
        for optimizer in OPTIMIZERS
    ]


def input_file(folder: Path) -> Path:
    """Where the benchmark's common input file lies."""
    return folder / "input.root"
