"""What an epoch costs by each way to train, beside the bare matrix products: ``python benchmarks/epochs.py BACKEND``.

The floor is what numpy needs for the matrix products of a step alone, forwards and backwards, a batch after the other.
"""

import sys
from collections.abc import Callable
from typing import Any

import measuring
import numpy

# What share of the floor's rate compiled epochs are to reach.
SHARE = {"jax": 0.7, "tensorflow": 0.3}
FLOOR, PLAIN, EPOCH = "floor", "Keras fit", "execution = epoch"
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
        FLOOR: floor(neurons, batch, steps),
        PLAIN: of_keras(),
        "steps_per_execution": of_keras(steps_per_execution=steps),
        "execution = batch": of_ours(keras_training.Batches(keras, model, training, 0, fitted, whole)),
        EPOCH: of_ours(compiled),
    }


def main() -> None:
    """Times an epoch by all ways in turn, with one backend."""
    from tmva_bench.engines import keras_training

    backend = sys.argv[1]
    keras, _ = keras_training.load(backend)
    for neurons, batch in POINTS:
        run = ways(keras, neurons, batch)
        for epoch in run.values():
            epoch()
        taken = measuring.rounds(
            {name: lambda epoch=epoch: measuring.real(epoch) for name, epoch in run.items()}, ROUNDS
        )
        group = f"an epoch, {backend}, batches of {batch}"
        measuring.say_ratios(group, taken, FLOOR, neurons, {EPOCH: 1 / SHARE[backend]}, unit="s")
        ratios = [ours / plain for ours, plain in zip(taken[EPOCH], taken[PLAIN], strict=True)]
        measuring.say(group, f"{EPOCH} / {PLAIN}", neurons, ratios, unit="ratio", target=1.0)


if __name__ == "__main__":
    main()
