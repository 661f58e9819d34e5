"""Replays recorded runs in one process, for the tests: ``python replay_recordings.py BACKEND INPUT OUT NAME...``.

One process for all, as it costs seconds to load a backend.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy

from tmva_bench.engines import keras_training

RECORDINGS = Path(__file__).parent / "data" / "recordings"


def stored_scores(keras: Any, folder: Path, input_file: str) -> float:
    """Largest difference of TMVA's scores in ``scores.json`` from those of the weights in its weight file."""
    from tmva_bench.engines import keras_network, tmva_files, tmva_options
    from tmva_bench.events import inputs, transforms

    (weight_file,) = folder.rglob("*.weights.xml")
    booked = tmva_options.read(weight_file)
    events = keras_training.training_vector(inputs.read(input_file), 100, "none")
    axes = tmva_files.principal_axes(str(weight_file))
    # The suffix of a class is lost when TMVA reads the method back for testing.
    names = [name.split("_")[0] for name in booked.training.chain]
    if names != list(booked.training.chain):
        axes = tmva_files.principal_axes(str(weight_file), of_all_classes=True)
    chain = transforms.Chain(names, events.x, events.w, axes=axes)
    model = keras_network.build(keras, booked.training, len(booked.variables))
    network = tmva_files.read_network(str(weight_file))
    keras_network.set_weights(model, [(layer.weights.T, layer.biases) for layer in network])
    rows = json.loads((folder / "scores.json").read_text())
    x = numpy.array([rows[name] for name in booked.variables], dtype=numpy.float32).T
    return float(numpy.abs(keras_training.score(model, chain(x)) - numpy.array(rows["Method"])).max())


def main() -> None:
    backend, input_file, out, *names = sys.argv[1:]
    import ROOT

    ROOT.gROOT.GetVersion()
    from tmva_bench.methods import replay_worker

    keras, _ = keras_training.load(backend)
    keras.backend.set_floatx("float64")
    found = {}
    for name in names:
        left = replay_worker.find(RECORDINGS / name)
        answer = replay_worker.replay(keras, left, input_file)
        found[name] = {**answer, "stored": stored_scores(keras, RECORDINGS / name, input_file)}
    Path(out).write_text(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
