"""Encodes input files: an autoencoder is trained in a child process, or a stored one is taken."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tmva_bench import autoencoder, config, encode_worker, encoder, environments, inputs
from tmva_bench.errors import UserError, unknown


def encode(
    input_file: str | Path,
    output: str | Path,
    k: int,
    *,
    options: Mapping[str, str] | None = None,
    transformations: str = "N",
    event_class: str = "AllClasses",
    backend: str = "tensorflow",
    threads: int = 1,
    cpus: Iterable[int] = (),
    split_seed: int = config.Point().split_seed,
    python: str = sys.executable,
) -> dict[str, Any]:
    """Trains an autoencoder on the training events of a file and writes the encoded events.

    Args:
        input_file: the common input file.
        output: the file to write, see :func:`tmva_bench.encoder.write_encoded`.
        k: number of encoded variables.
        options: of the autoencoder, see :func:`tmva_bench.autoencoder.specification`.
        transformations: what stands before it.
        event_class: the events it is trained on; it encodes every event.
        backend: the Keras backend.
        threads: threads of the training.
        cpus: cores to run on; none for all.
        split_seed: seed of the order of the training events, whose last validate.
        python: a Python executable with ROOT and Keras.

    Returns:
        The metadata that the file holds.

    Raises:
        UserError: something in the request or the input file is wrong, or nothing was learnt, with the reason.
    """
    if backend not in config.BACKENDS:
        raise unknown("backend", backend, list(config.BACKENDS))
    wanted = autoencoder.specification(k, options or {}, transformations=transformations, event_class=event_class)
    encoder.prepare(wanted, inputs.read(input_file))  # refuses here what it can, before anything starts
    task = encode_worker.Task(
        str(Path(input_file).resolve()),
        str(Path(output).resolve()),
        wanted.encoded,
        autoencoder.options_of(wanted),
        transformations,
        event_class,
        backend,
        split_seed,
        list(cpus),
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "task.json").write_text(json.dumps(task._asdict()))
        answer = subprocess.run(
            [python, "-m", "tmva_bench.encode_worker", folder, str(os.getpid())],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env={
                **environments.run_variables(threads=threads, backend=backend, architecture="cpu"),
                "PATH": environments.search_path(python),
            },
        )
    if answer.returncode:
        lines = answer.stdout.strip().splitlines() or [f"exit code {answer.returncode}"]
        raise UserError(f"{input_file}: not encoded: {lines[-1]}")
    return inputs.read(output).metadata


def encode_with(stored: str | Path, input_file: str | Path, output: str | Path) -> dict[str, Any]:
    """Encodes a file with the autoencoder that an encoded file holds.

    Args:
        stored: a file of ``tmva-bench encode``.
        input_file: the common input file; its variables must be those of the encoder.
        output: the file to write.

    Returns:
        The metadata that the file holds.

    Raises:
        UserError: other variables, or a file that cannot be read or written.
    """
    return encoder.write_encoded(encoder.read(stored), inputs.read(input_file), output)
