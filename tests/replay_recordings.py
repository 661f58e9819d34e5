"""Replays recorded runs in one process, for the tests: ``replay_recordings.py BACKEND EXECUTION INPUT OUT NAME...``.

One process for all, as it costs seconds to load a backend. Where EXECUTION is ``plain``, it is by plain PyTorch.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy

from tmva_bench.engines import keras_training, torch_training
from tmva_bench.methods import replay_worker

RECORDINGS = Path(__file__).parent / "data" / "recordings"


def stored_scores(keras: Any, folder: Path) -> float:
    """Largest difference of TMVA's scores in ``scores.json`` from those of the numbers in its weight file."""
    from tmva_bench.engines import keras_network, tmva_options, tmva_weights
    from tmva_bench.events import transforms

    (weight_file,) = folder.rglob("*.weights.xml")
    file = tmva_weights.parse(weight_file)
    layers = tmva_weights.network(file)
    steps = [step for _, step in tmva_weights.transformations(file)]
    model = keras_network.build(keras, tmva_options.evaluated(layers), len(file.variables))
    keras_network.set_weights(model, [(layer.weights.T, layer.biases) for layer in layers])
    rows = json.loads((folder / "scores.json").read_text())
    x = numpy.array([rows[variable.internal] for variable in file.variables], dtype=numpy.float32).T
    return float(
        numpy.abs(keras_training.score(model, transforms.transformed(steps, x)) - numpy.array(rows["Method"])).max()
    )


def by_torch(torch: Any) -> replay_worker.Trainer:
    """Trains in plain PyTorch, in double precision."""

    def train(training: Any, phase: int, weights: Any, events: Any, random: Any) -> replay_worker.Trained:
        network = torch_training.Network(torch, training, weights, precision="float64")
        history = torch_training.fit(network, events, random, phase).history
        return replay_worker.Trained(history, network.weights(), network.score)

    return train


def main() -> None:
    backend, execution, input_file, out, *names = sys.argv[1:]
    import ROOT

    ROOT.gROOT.GetVersion()
    keras, _ = keras_training.load(backend)
    keras.backend.set_floatx("float64")
    plain = execution == "plain"
    train = by_torch(torch_training.load()) if plain else replay_worker.by_keras(keras)
    answers_by_name = {}
    for name in names:
        left = replay_worker.find(RECORDINGS / name)
        answer = replay_worker.replay(train, left, input_file, "batch" if plain else execution)
        answers_by_name[name] = {**answer, "stored": stored_scores(keras, RECORDINGS / name)}
    Path(out).write_text(json.dumps(answers_by_name))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
