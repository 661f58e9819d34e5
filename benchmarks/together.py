"""What repetitions trained together cost beside one alone: ``python benchmarks/together.py NUMBER``.

All of it, from the command to the results tree, and an epoch: what a run costs before it trains is had once, the
products of an epoch as often as there are trainings.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import measuring
import numpy

# How many times one run all of them may cost.
MOST = 3.0
# Widths of the hidden layers.
NETS = [[5], [20, 20]]
EVENTS, VARIABLES, BATCH, EPOCHS, ROUNDS = 4000, 4, 100, 20, 5
STUDY = """
repetitions = {repetitions}
together = {together}
[sample]
train_signal = {events}
train_background = {events}
[point]
neurons = {neurons}
layers = {layers}
batch_size = {batch}
max_epochs = {epochs}
[[series]]
method = "keras"
backend = "jax"
execution = "epoch"
"""


def studies(folder: Path, widths: list[int], number: int) -> dict[str, Callable[[], float]]:
    """CPU time of a study of one run, and of one of so many repetitions together; what is compiled is kept."""
    ways = {}
    for name, repetitions in (("one", 1), (f"{number} together", number)):
        values = {"repetitions": repetitions, "together": str(repetitions > 1).lower(), "events": EVENTS // 2}
        point = {"neurons": widths[0], "layers": len(widths), "batch": BATCH, "epochs": EPOCHS}
        file = folder / f"{'-'.join(map(str, widths))}-{repetitions}.toml"
        file.write_text(STUDY.format(**values, **point))

        def run(file: Path = file) -> float:
            with tempfile.TemporaryDirectory(dir=folder) as results:
                return measuring.tool("study", file, "--results", results).cpu

        ways[name] = run
    return ways


def epochs(widths: list[int], number: int) -> dict[str, Callable[[], float]]:
    """CPU time of a few epochs of one training, and of so many."""
    from tmva_bench.basis import mapping, parsing
    from tmva_bench.engines import keras_training, tmva_random

    keras, _ = keras_training.load("jax")
    values = {"neurons": widths[0], "layers": len(widths), "batch_size": BATCH, "execution": "epoch"}
    trainings = [mapping.training(parsing.point({**values, "seed": seed + 1})) for seed in range(number)]
    random = numpy.random.default_rng(1)
    x = random.normal(size=(EVENTS, VARIABLES)).astype(numpy.float32)
    y = (x[:, :1] + random.normal(size=(EVENTS, 1)) > 0).astype(numpy.float32)
    parts = keras_training.parts(trainings[0], 0, keras_training.Arrays(x, y, numpy.ones(EVENTS, numpy.float32)))
    layers = [tmva_random.WeightGenerator(training, VARIABLES).weights for training in trainings]
    starts = [[array for layer in some for array in layer] for some in layers]
    one = keras_training.compiled_epochs(keras, trainings[0], EVENTS, VARIABLES)
    one.start(starts[0], *parts)
    bundle = keras_training.compiled_together(keras, trainings, EVENTS, VARIABLES)
    bundle.start(starts, *parts)
    used = len(parts[0].x) // BATCH * BATCH
    orders = [random.permutation(len(parts[0].x))[:used] for _ in trainings]

    def of_one() -> None:
        for _ in range(EPOCHS):
            one.epoch(orders[0], [])
            one.keep()

    def of_all() -> None:
        for _ in range(EPOCHS):
            bundle.epoch(orders, [[]] * number)
            bundle.keep([True] * number)

    return {"one": lambda: measuring.cpu(of_one), f"{number} together": lambda: measuring.cpu(of_all)}


def main() -> None:
    """Times each net both ways in turn."""
    number = int(sys.argv[1])
    together = f"{number} together"
    with tempfile.TemporaryDirectory() as folder:
        for widths in NETS:
            net = "-".join(map(str, [VARIABLES, *widths, 1]))
            for group, ways, target in (
                (f"runs of {net}", studies(Path(folder), widths, number), {together: MOST}),
                (f"{EPOCHS} epochs of {net}", epochs(widths, number), {}),
            ):
                for way in ways.values():
                    way()
                measuring.say_ratios(group, measuring.rounds(ways, ROUNDS), "one", EVENTS, target)


if __name__ == "__main__":
    main()
