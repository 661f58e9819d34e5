"""Encodes input files: an autoencoder is trained in a child process, or a stored one is taken."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tmva_bench import autoencoder, config, encode_worker, encoder, environments, inputs, records
from tmva_bench.errors import UserError, unknown

_POLL = 0.2
# Runs side by side may want the same encoded file: one makes it.
_making = threading.Lock()


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
    stop: threading.Event | None = None,
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
        stop: ends the training when it is set.
        python: a Python executable with ROOT and Keras.

    Returns:
        The metadata that the file holds.

    Raises:
        UserError: something in the request or the input file is wrong, or nothing was learnt, with the reason.
        KeyboardInterrupt: the training was ended.
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
        with (Path(folder) / "log.txt").open("w+") as log:
            child = subprocess.Popen(
                [python, "-m", "tmva_bench.encode_worker", folder, str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=environments.child_variables(python, threads=threads, backend=backend, architecture="cpu"),
                start_new_session=True,
            )
            try:
                _wait(child, stop)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            log.seek(0)
            lines = log.read().strip().splitlines() or [f"exit code {child.returncode}"]
    if child.returncode:
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


def for_run(
    data: inputs.InputFile,
    point: config.Point,
    folder: Path,
    *,
    cpus: Iterable[int] = (),
    stop: threading.Event | None = None,
) -> inputs.InputFile:
    """The events that a method is given whose transformations have an autoencoder: encoded ones, made once.

    The file lies under ``inputs/`` in the results folder, named by all that can change it; the autoencoder is trained
    by this Python, on one thread.

    Args:
        data: the common input file.
        point: the benchmark point; its seeds are those of the autoencoder, too.
        folder: the results folder.
        cpus: cores of the run, of which the first is taken; none for all.
        stop: ends the training when it is set.

    Raises:
        UserError: the autoencoder cannot be trained, with the reason.
        KeyboardInterrupt: the training was ended.
    """
    wanted, backend = autoencoder.of_chain(point.encoding, point.seed)
    before = ",".join(wanted.chain) or "I"
    identity = {
        "options": autoencoder.options_of(wanted),
        "k": wanted.encoded,
        "transformations": before,
        "class": wanted.event_class,
        "backend": backend,
        "split_seed": point.split_seed,
        "input": data.metadata["digest"],
        "versions": environments.describe().versions,
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
    path = folder / "inputs" / f"{data.metadata['digest'][:12]}-encoded-{digest}.root"
    with _making:
        if not path.exists():
            records.make_folder(path.parent)
            encode(
                data.path,
                path,
                wanted.encoded,
                options=autoencoder.options_of(wanted),
                transformations=before,
                event_class=wanted.event_class,
                backend=backend,
                cpus=list(cpus)[:1],
                split_seed=point.split_seed,
                stop=stop,
            )
    return inputs.read(path)


def _wait(child: "subprocess.Popen[bytes]", stop: threading.Event | None) -> None:
    while True:
        if stop is not None and stop.is_set():
            raise KeyboardInterrupt
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_POLL)
            return
