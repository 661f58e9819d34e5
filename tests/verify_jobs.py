"""Answers many questions on TMVA's runs in one process, for the tests: ``python verify_jobs.py FOLDER``.

``FOLDER/plan.json`` holds ``[action, run, title]`` by name; ``FOLDER/answers.json`` gets the answer, or ``error`` with
the kind and the text of what was raised, and the ``seconds`` that it took. One process: a backend loads in seconds.
"""

import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path


def answers(folder: Path, plan: dict[str, tuple[str, Path, str]], timeout: float = 600) -> dict[str, dict]:
    """Asks in a child.

    Args:
        folder: a folder for the child.
        plan: ``replay`` or ``verify``, the run, and the title, by name.
        timeout: for all [s].
    """
    folder.mkdir(exist_ok=True)
    (folder / "plan.json").write_text(
        json.dumps({name: [a, str(run), title] for name, (a, run, title) in plan.items()})
    )
    with (folder / "log.txt").open("w") as log:
        subprocess.run(
            [sys.executable, __file__, str(folder.resolve())],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1", "CUDA_VISIBLE_DEVICES": "-1"},
            check=True,
            timeout=timeout,
        )
    return json.loads((folder / "answers.json").read_text())


def _answer(keras, action, run, title):
    from tmva_bench.errors import TrainingFailed, UserError
    from tmva_bench.methods import replay_worker

    try:
        left = replay_worker.find(Path(run), title)
        if action == "verify":
            return replay_worker.verify(keras, left)
        return replay_worker.replay(replay_worker.by_keras(keras), left, "")
    except (UserError, TrainingFailed) as error:
        return {"error": [type(error).__name__, str(error)]}
    except BaseException as error:
        return {"error": [type(error).__name__, traceback.format_exc()]}


def main() -> None:
    import ROOT

    ROOT.gROOT.GetVersion()
    from tmva_bench.engines import keras_training

    folder = Path(sys.argv[1])
    keras, _ = keras_training.load("jax")
    keras.backend.set_floatx("float64")
    answer = {}
    for name, (action, run, title) in json.loads((folder / "plan.json").read_text()).items():
        start = time.monotonic()
        answer[name] = {**_answer(keras, action, run, title), "seconds": time.monotonic() - start}
    (folder / "answers.json").write_text(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
