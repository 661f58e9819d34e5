"""Trains autoencoders in a process of its own, for the tests: ``python autoencoders.py BACKEND FOLDER``.

``FOLDER/plan.json`` holds specifications and input files by name; the trained encoders go to ``FOLDER/NAME.json``, how
the training went to ``FOLDER/fits.json``. One process for all, as it costs seconds to load a backend.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tmva_bench.basis import autoencoder
from tmva_bench.engines import encoder, keras_training
from tmva_bench.events import inputs
from tmva_bench.running import environments


def start(backend: str, folder: Path, plan: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Trains in a child; gives for each name ``losses``, ``best_epoch`` and the ``encoder``.

    Args:
        backend: the Keras backend.
        folder: a folder for the child; its output goes to ``log.txt`` there.
        plan: by name ``input``, ``k``, ``options``, and ``transformations`` and ``event_class`` where they differ.
    """
    (folder / "plan.json").write_text(json.dumps(plan))
    with (folder / "log.txt").open("w") as log:
        subprocess.run(
            [sys.executable, __file__, backend, str(folder)],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environments.run_variables(threads=1, backend=backend, architecture="cpu"),
            check=True,
        )
    fits = json.loads((folder / "fits.json").read_text())
    return {
        name: {**fit, "encoder": encoder.loads((folder / f"{name}.json").read_text(), name)}
        for name, fit in fits.items()
    }


def main() -> None:
    backend, folder = sys.argv[1], Path(sys.argv[2])
    import ROOT

    ROOT.gROOT.GetVersion()
    from tmva_bench.methods import encode_worker

    keras, _ = keras_training.load(backend)
    fits = {}
    for name, asked in json.loads((folder / "plan.json").read_text()).items():
        specification = autoencoder.specification(
            asked["k"],
            asked["options"],
            transformations=asked.get("transformations", "N"),
            event_class=asked.get("event_class", "AllClasses"),
        )
        prepared, fitted = encode_worker.train(keras, specification, inputs.read(asked["input"]), 100, "none")
        (folder / f"{name}.json").write_text(encoder.dumps(prepared))
        fits[name] = {
            "losses": [[epoch.training_loss, epoch.validation_loss] for epoch in fitted.fit.history],
            "best_epoch": fitted.fit.best_epoch,
            "untrained_loss": fitted.fit.untrained_loss,
            "parameters": fitted.parameters,
        }
    (folder / "fits.json").write_text(json.dumps(fits))


if __name__ == "__main__":
    main()
