"""What an epoch costs by each way to train, beside the bare matrix products: ``make perf``.

One thread on one core, all ways in turn within a round, so that ratios are of one moment; the median of the rounds. The
floor is what numpy needs for the matrix products of a step alone, forwards and backwards, a batch after the other.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy

BACKENDS = ("jax", "tensorflow")
POINTS = [(5, 128), (20, 128), (100, 128), (250, 128), (100, 32), (100, 1024), (100, 4096)]
EVENTS, VARIABLES, LAYERS, ROUNDS = 100_000, 4, 3, 3


def floor(neurons: int, batch: int, steps: int) -> Callable[[], None]:
    """The matrix products of an epoch: three for each layer, two for the first, whose input has no gradient."""
    widths = [VARIABLES, *[neurons] * LAYERS, 1]
    x = [numpy.ones((batch, width), numpy.float32) for width in widths]
    kernels = [numpy.ones(pair, numpy.float32) for pair in zip(widths, widths[1:], strict=False)]

    def run() -> None:
        for _ in range(steps):
            for n, kernel in enumerate(kernels):
                x[n] @ kernel
            for n in reversed(range(len(kernels))):
                x[n].T @ x[n + 1]
                if n:
                    x[n + 1] @ kernels[n].T

    return run


def ways(keras: Any, neurons: int, batch: int) -> dict[str, Callable[[], None]]:
    """One epoch by each way, compiled and warm."""
    from tmva_bench.basis import mapping, parsing
    from tmva_bench.engines import keras_network, keras_training

    point = parsing.point({"neurons": neurons, "layers": LAYERS, "batch_size": batch, "execution": "epoch"})
    training = mapping.training(point)
    random = numpy.random.default_rng(1)
    x = random.normal(size=(EVENTS, VARIABLES)).astype(numpy.float32)
    y = (x[:, :1] + random.normal(size=(EVENTS, 1)) > 0).astype(numpy.float32)
    events = keras_training.Arrays(x, y, numpy.ones(EVENTS, numpy.float32))
    used = EVENTS - training.validation_events(EVENTS)
    steps = used // batch
    fitted, validation = events.take(slice(0, used)), events.take(slice(used, None))
    whole = validation.take(slice(0, len(validation.x) // batch * batch))

    def of_keras(**arguments: Any) -> Callable[[], None]:
        model = keras_network.build(keras, training, VARIABLES)
        model.compile(optimizer=model.optimizer, loss=keras.losses.BinaryCrossentropy(from_logits=True), **arguments)
        return lambda: model.fit(
            fitted.x, fitted.y, batch, sample_weight=fitted.w, validation_data=tuple(whole), verbose=0
        )

    def of_ours(engine: Any) -> Callable[[], None]:
        return lambda: (
            engine.epoch(random.permutation(used)[: steps * batch], []),
            engine.validation_loss(),
            engine.keep(),
        )

    model = keras_network.build(keras, training, VARIABLES)
    compiled = keras_training.compiled_epochs(keras, training, EVENTS, VARIABLES)
    compiled.start(model.get_weights(), fitted, whole)
    return {
        "floor": floor(neurons, batch, steps),
        "Keras fit": of_keras(),
        "steps_per_execution": of_keras(steps_per_execution=steps),
        "execution = batch": of_ours(keras_training.Batches(keras, model, training, 0, fitted, whole)),
        "execution = epoch": of_ours(compiled),
    }


def measure(backend: str) -> None:
    """Seconds an epoch of one backend, as JSON lines."""
    from tmva_bench.engines import keras_training

    keras, _ = keras_training.load(backend)
    for neurons, batch in POINTS:
        run = ways(keras, neurons, batch)
        for epoch in run.values():
            epoch()
        seconds: dict[str, list[float]] = {name: [] for name in run}
        for _ in range(ROUNDS):
            for name, epoch in run.items():
                start = time.perf_counter()
                epoch()
                seconds[name].append(time.perf_counter() - start)
        line = {"backend": backend, "neurons": neurons, "batch": batch}
        medians = {name: statistics.median(values) for name, values in seconds.items()}
        sys.stdout.write(json.dumps({**line, **medians}) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Measures each backend in a process of its own and prints a table."""
    if len(sys.argv) > 1:
        measure(sys.argv[1])
        return
    from tmva_bench.results import forms
    from tmva_bench.running import environments

    core = {min(os.sched_getaffinity(0))}
    lines: list[dict[str, Any]] = []
    for backend in BACKENDS:
        variables = environments.run_variables(threads=1, backend=backend, architecture="cpu")
        done = subprocess.run(
            [sys.executable, __file__, backend],
            env=variables,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            preexec_fn=lambda: os.sched_setaffinity(0, core),
        )
        lines += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    headings = [*lines[0], "floor / epoch", "batch / epoch"]
    rows = []
    for line in lines:
        seconds = [f"{value:.3f}" if isinstance(value, float) else str(value) for value in line.values()]
        epoch = line["execution = epoch"]
        rows.append([*seconds, f"{line['floor'] / epoch:.0%}", f"{line['execution = batch'] / epoch:.2f}"])
    table = forms.Table(headings, rows, "Seconds an epoch: training and validation loss")
    sys.stdout.write(forms.write(forms.Document([table]), "text") + "\n")


if __name__ == "__main__":
    main()
