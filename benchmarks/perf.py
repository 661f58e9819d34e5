"""``make perf``: every benchmark in processes of its own, one table, and the tree ``perf`` of ``results/perf.root``.

``python benchmarks/perf.py NAME...`` takes some of them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from tmva_bench.compare import performance
from tmva_bench.results import forms
from tmva_bench.running import environments

HERE = Path(__file__).parent
OUT = Path("results", performance.FILE)
# By name: script, argument, Keras backend.
BENCHMARKS = {
    "epochs-jax": ("epochs.py", "jax", "jax"),
    "epochs-tensorflow": ("epochs.py", "tensorflow", "tensorflow"),
    "together": ("together.py", "10", "jax"),
    **{name: ("costs.py", name, "") for name in ("roc", "files", "run", "models", "folders")},
}


def main() -> int:
    """Measures on one core, but for what needs two."""
    chosen = sys.argv[1:] or list(BENCHMARKS)
    if unknown := set(chosen) - set(BENCHMARKS):
        sys.exit(f"unknown benchmark {', '.join(sorted(unknown))} (known: {', '.join(BENCHMARKS)})")
    measurements: list[performance.Measurement] = []
    failed = False
    for name in chosen:
        script, argument, backend = BENCHMARKS[name]
        variables = environments.run_variables(threads=1, backend=backend, architecture="cpu")
        cores = sorted(os.sched_getaffinity(0))
        core = {cores[0]} if name != "run" else set(cores)
        done = subprocess.run(
            [sys.executable, HERE / script, argument],
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda core=core: os.sched_setaffinity(0, core),
        )
        failed = failed or bool(done.returncode)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
        measurements += [performance.Measurement(*line) for line in lines]
        if measurements:
            OUT.parent.mkdir(exist_ok=True)
            performance.write(measurements, OUT)
    sys.stdout.write(forms.write(performance.document(measurements), "text") + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
