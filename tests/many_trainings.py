"""Trains one small network many times over in a process of its own: ``python many_trainings.py FOLDER``.

``FOLDER/plan.json`` holds the point, the input files and how many trainings each gets. Their scores of the test events
go to ``FOLDER/N.npz``, one file an input file: ``TestS`` and ``TestB``, shape (trainings, events). The network is
compiled once; every training starts from TMVA's initial weights of its own seed, with the batches of that seed.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tmva_bench.basis import parsing
from tmva_bench.engines import keras_training


def start(folder: Path, point: dict[str, Any], input_files: list[Path], trainings: int) -> None:
    """Trains in a child on one core; its output goes to ``FOLDER/log.txt``.

    Args:
        folder: a folder for the child.
        point: the common parameters, without the seed.
        input_files: common input files with equal numbers of events.
        trainings: on each of them.
    """
    plan = {"point": point, "input_files": list(map(str, input_files)), "trainings": trainings}
    (folder / "plan.json").write_text(json.dumps(plan))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    with (folder / "log.txt").open("w") as log:
        subprocess.run(
            [sys.executable, __file__, str(folder)],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **threads, "KERAS_BACKEND": "jax", "CUDA_VISIBLE_DEVICES": "-1"},
            check=True,
        )


def main() -> None:
    folder = Path(sys.argv[1])
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import ROOT

    ROOT.gROOT.GetVersion()
    import numpy

    from tmva_bench.basis import mapping
    from tmva_bench.engines import keras_network, tmva_random
    from tmva_bench.events import inputs, transforms

    keras, _ = keras_training.load("jax")
    plan = json.loads((folder / "plan.json").read_text())
    model, seed = None, 0
    for number, path in enumerate(plan["input_files"]):
        data = inputs.read(path)
        events = keras_training.training_vector(data, 100, "none")
        scores: dict[str, list[Any]] = {"TestS": [], "TestB": []}
        for _ in range(plan["trainings"]):
            seed += 1
            point = parsing.point({**plan["point"], "seed": seed})
            training = mapping.training(point)
            chain = transforms.Chain(point.chain, events.x, events.w)
            # SGD without momentum keeps nothing from one training to the next.
            model = model or keras_network.build(keras, training, len(data.variables))
            random = tmva_random.WeightGenerator(training, len(data.variables))
            keras_network.set_weights(model, random.weights)
            keras_training.fit(keras, model, training, events._replace(x=chain(events.x)), random)
            for tree, some in scores.items():
                some.append(keras_training.score(model, chain(data.events[tree])))
        numpy.savez(folder / f"{number}.npz", **{tree: numpy.array(some) for tree, some in scores.items()})
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
