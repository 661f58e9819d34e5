"""Encodes input files: an autoencoder is trained in a child process, or a stored one is taken."""

import contextlib
import hashlib
import json
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tmva_bench.basis import autoencoder, config
from tmva_bench.basis.training import Epoch
from tmva_bench.engines import encoder
from tmva_bench.errors import UserError, unknown
from tmva_bench.events import inputs
from tmva_bench.events import output as outputs
from tmva_bench.methods import encode_worker
from tmva_bench.results.folder import ResultsFolder, make_folder
from tmva_bench.running import child, environments
from tmva_bench.study import requests

# Runs side by side may want the same encoded file: one makes it.
_making = threading.Lock()


class NotEncoded(UserError):
    """An autoencoder that gave nothing.

    Attributes:
        status: that of its child, see :class:`tmva_bench.running.child.Ending`.
    """

    def __init__(self, input_file: str | Path, ending: child.Ending) -> None:
        super().__init__(f"{input_file}: not encoded: {ending.reason}")
        self.status = ending.status


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
    norm_mode: str = config.Point().norm_mode,
    limits: requests.Limits | None = None,
    stop: threading.Event | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    folder: Path | None = None,
    python: str = sys.executable,
    force: bool = False,
) -> dict[str, Any]:
    """Trains an autoencoder on the training events of a file and writes the encoded events.

    Args:
        input_file: the common input file.
        output: the file to write, see :func:`tmva_bench.engines.encoder.write_encoded`.
        k: number of encoded variables.
        options: of the autoencoder, see :func:`tmva_bench.basis.autoencoder.specification`.
        transformations: what stands before it.
        event_class: the events it is trained on; it encodes every event.
        backend: the Keras backend.
        threads: threads of the training.
        cpus: cores to run on; none for all.
        split_seed: seed of the order of the training events, whose last validate.
        norm_mode: what the weights of the training events are scaled by, as TMVA does it in a regression.
        limits: time and memory.
        stop: ends the training when it is set.
        on_epoch: called with each epoch of the training.
        folder: where the child leaves its log; by default nowhere.
        python: a Python executable with ROOT and Keras.
        force: whether to write over a file that holds something else; one made by the same recipe is kept.

    Returns:
        The metadata that the file holds.

    Raises:
        UserError: something in the request or the input file is wrong.
        NotEncoded: nothing was learnt, or a limit was reached, with the reason.
        KeyboardInterrupt: the training was ended.
    """
    if backend not in config.BACKENDS:
        raise unknown("backend", backend, list(config.BACKENDS))
    if threads < 1:
        raise UserError(f"threads = {threads}: must be at least 1")
    environments.check_threads(threads)
    wanted = autoencoder.specification(k, options or {}, transformations=transformations, event_class=event_class)
    outputs.check(output, [input_file])
    data = inputs.read(input_file)
    encoder.prepare(wanted, data)  # refuses here what it can, before anything starts
    if encoder.made_of(output, data, wanted, backend, norm_mode):
        return inputs.read(output).metadata
    outputs.refuse_existing(output, force=force)
    with contextlib.ExitStack() as temporary:
        if folder is None:
            folder = Path(temporary.enter_context(tempfile.TemporaryDirectory()))
        encoded = folder.resolve() / encode_worker.OUTPUT
        task = encode_worker.Task(
            str(Path(input_file).resolve()),
            str(encoded),
            wanted.encoded,
            autoencoder.options_of(wanted),
            transformations,
            event_class,
            backend,
            split_seed,
            norm_mode,
            data.metadata["digest"],
        )
        ending = child.run_child(
            "tmva_bench.methods.encode_worker",
            task._asdict(),
            folder,
            python=python,
            variables=environments.child_variables(python, threads=threads, backend=backend, architecture="cpu"),
            cpus=cpus,
            limits=limits,
            stop=stop,
            on_epoch=on_epoch,
        )
        if ending.status != "ok":
            raise NotEncoded(input_file, ending)
        outputs.put(encoded, output)
    return inputs.read(output).metadata


def encode_with(
    stored: str | Path, input_file: str | Path, output: str | Path, *, force: bool = False
) -> dict[str, Any]:
    """Encodes a file with the autoencoder that an encoded file holds.

    Args:
        stored: a file of ``tmva-bench encode``.
        input_file: the common input file; its variables must be those of the encoder.
        output: the file to write.
        force: whether to write over a file that holds something else.

    Returns:
        The metadata that the file holds.

    Raises:
        UserError: other variables, or a file that cannot be read or written.
    """
    return encoder.write_encoded(encoder.read(stored), inputs.read(input_file), output, sources=[stored], force=force)


def for_run(
    data: inputs.InputFile,
    point: config.Point,
    results: ResultsFolder,
    folder: Path,
    *,
    limits: requests.Limits | None = None,
    cpus: Iterable[int] = (),
    stop: threading.Event | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> inputs.InputFile:
    """The events that a method is given whose transformations have an autoencoder: encoded ones, made once.

    The file lies under ``inputs/`` in the results folder, named by all that can change it; the autoencoder is trained
    by this Python, on one thread.

    Args:
        data: the common input file.
        point: the benchmark point; its seeds are those of the autoencoder, too.
        results: the results folder.
        folder: where the child leaves its log.
        limits: time and memory of the training.
        cpus: cores of the run, of which the first is taken; none for all.
        stop: ends the training when it is set.
        on_epoch: called with each epoch of the training.

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
        "norm_mode": point.norm_mode,
        "input": data.metadata["digest"],
        "versions": environments.describe().versions,
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
    sample = re.sub(r"\W+", "_", data.metadata["sample"], flags=re.ASCII)[:60]
    path = results.inputs / f"encoded-{sample}-{wanted.encoded}-{wanted.event_class}-{digest}.root"
    with _making:
        if not path.exists():
            make_folder(path.parent)
            make_folder(folder)
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
                norm_mode=point.norm_mode,
                limits=limits,
                stop=stop,
                on_epoch=on_epoch,
                folder=folder,
            )
    return inputs.read(path)
