"""The method ``torch``: TMVA's network, events, batches and stopping rule in plain PyTorch, without Keras."""

from pathlib import Path
from typing import Callable, Dict, List

import numpy

from tmva_bench.basis import mapping
from tmva_bench.basis.config import COUNTS, Point
from tmva_bench.engines import (
    keras_network,
    keras_stand_in,
    keras_training,
    root_loader,
    scoring,
    tmva_files,
    tmva_random,
    tmva_weight_file,
    torch_training,
)
from tmva_bench.engines.scoring import Dense, Scoring
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import TrainingFailed
from tmva_bench.events import inputs, transforms
from tmva_bench.methods import Method, Outcome, Task, Trained, Tried, direct, read_input

# Weights and biases of the layers, by number: no pickle, which could run code when it is read.
MODEL_FILE = "model.npz"
# The trained network for TMVA::Reader.
WEIGHT_FILE = "torch_DL.weights.xml"


def run(task: Task, watch: Stopwatch) -> Outcome:
    """Trains and tests; see :class:`tmva_bench.methods.Outcome`.

    Raises:
        Unavailable: PyTorch, or the GPU asked for, is not there.
        TrainingFailed: the training gave nothing that may be called a result.
    """
    import ROOT

    torch = torch_training.load()
    used = keras_training.device("torch", torch, task.architecture)
    torch.manual_seed(task.point.seed)
    training = mapping.training(task.point)
    with watch.phase("prepare"):
        data = read_input(task.input_file, task.input_digest)
        events = keras_training.training_vector(data, task.point.split_seed, task.point.norm_mode)
        loader = root_loader.of(training, events, task.folder, watch)
    keras_training.check_transformations(data, task.point)
    if loader:
        with watch.phase("compile"):
            loader.compile()
    with watch.phase("train"):
        chain = transforms.Chain(task.point.chain, events.x, events.w)
        random = tmva_random.WeightGenerator(training, len(data.variables))
        network = torch_training.Network(torch, training, random.weights, {"cpu": "cpu", "gpu": "cuda"}[used])
        feed = loader.feed(chain) if loader else None
        with watch.phase("fit"):
            result = torch_training.fit(network, events._replace(x=chain(events.x)), random, feed=feed)
        if result.best_epoch == 0:
            raise TrainingFailed(keras_training.nothing_better(result, events.w))
        scores = {tree: network.score(chain(data.events[tree])) for tree in ("TrainS", "TrainB")}
    with watch.phase("test"):
        scores.update({tree: network.score(chain(data.events[tree])) for tree in ("TestS", "TestB")})
    version, weights = str(ROOT.gROOT.GetVersion()), network.weights()
    numpy.savez(str(Path(task.folder, MODEL_FILE)), *(array for pair in weights for array in pair))
    if set(task.point.chain) <= set(tmva_weight_file.WRITTEN):
        tmva_weight_file.write(
            Path(task.folder, WEIGHT_FILE),
            task.point,
            data.variables,
            events.x,
            events.w,
            events.y[:, 0] == 1,
            weights,
            version,
        )
    return Outcome(
        scores=scores,
        history=result.history,
        best_epoch=result.best_epoch,
        validation_loss=result.validation_loss,
        parameters=len(network.values),
        roc_integral=float("nan"),
        real_time_fit=watch.seconds["real_time_fit"],
        device=used,
        versions={"root": version, "keras": "", "backend": torch.__version__},
        membership=inputs.membership(
            events.x,
            training.validation_events(len(events.x)),
            numpy.concatenate([data.events["TestS"], data.events["TestB"]]),
        ),
        untrained_loss=result.untrained_loss,
        initial_weights_spread=keras_network.spread([kernel for kernel, _ in random.weights]),
    )


def _evaluator(trained: Trained) -> Callable[[numpy.ndarray], numpy.ndarray]:
    """The transformations prepared on the training events once more, and the stored weights in Keras."""
    keras, _ = keras_training.load(trained.backend)
    data, training = trained.data, mapping.training(trained.point)
    chain = keras_training.chain(data, trained.point)
    model = keras_network.build(keras, training, len(data.variables))
    model.set_weights(_weights(trained))
    return lambda x: keras_training.score(model, chain(x))


def _scoring(trained: Trained) -> Scoring:
    data, numbers = trained.data, _weights(trained)
    layers = [
        Dense(kernel.astype(float), biases.astype(float), activation)
        for kernel, biases, activation in zip(numbers[::2], numbers[1::2], mapping.training(trained.point).activations)
    ]
    chain = keras_training.chain(data, trained.point).steps
    return scoring.of_layers(data.variables, chain, layers, str(trained.folder))


def _weights(trained: Trained) -> List[numpy.ndarray]:
    """Kernel and biases of each layer in turn."""
    with numpy.load(str(trained.file(MODEL_FILE)), allow_pickle=False) as stored:
        return [stored[f"arr_{number}"] for number in range(len(stored.files))]


def _cells(point: Point) -> Dict[str, str]:
    training = mapping.training(point)
    phase = training.phases[0]
    optimizer = mapping.optimizer(phase)
    constants = {
        name: value for name, value in optimizer.arguments.items() if name not in ("learning_rate", "momentum")
    }
    rule = "masks of" if point.dropout_rule == "tmva" else "dropout of"
    return {
        "neurons": f"addmm of width {point.neurons}" if point.layers else "",
        "layers": ", ".join(f"addmm({width})" for width in training.widths),
        "activation": _function(point.activation) if point.layers else "",
        "last_activation": _function(training.activations[-1]),
        "initializer": f"numbers of TMVA's {mapping.TMVA_INITIALIZERS[point.initializer]}",
        "loss": f"torch.{torch_training.LOSSES[point.loss]}",
        "optimizer": f"{keras_stand_in.call_of(mapping.Object(optimizer.name, constants))} by TMVA's formula",
        "learning_rate": keras_stand_in.text_of(phase.learning_rate),
        "momentum": keras_stand_in.text_of(phase.momentum) if point.optimizer == "sgd" else "",
        "dropout": f"{rule} {'+'.join(map(keras_stand_in.text_of, phase.drop))}" if phase.drop else "no dropout",
        "regularization": mapping.TMVA_REGULARIZATIONS[point.regularization],
        "weight_decay": keras_stand_in.text_of(phase.weight_decay) if phase.regularization != "none" else "",
        "seed": f"manual_seed({point.seed})",
        "batch_size": f"split({phase.batch_size})",
        "convergence_steps": f"more than {phase.convergence_steps} epochs",
        "max_epochs": f"{phase.max_epochs} epochs",
        "validation_fraction": f"the last {training.validation}",
        "transformations": f"Chain({list(training.chain)})",
        "norm_mode": f"training_vector(norm_mode={point.norm_mode!r})",
        "dropout_rule": f"dropout_rule={training.dropout_rule!r}",
        "feeding": f"feeding={training.feeding!r}",
        "split_seed": f"training_vector(split_seed={point.split_seed})",
        **{name: f"tree {tree}" for name, tree in COUNTS.items()},
    }


def _function(activation: str) -> str:
    name = torch_training.ACTIVATIONS.get(activation)
    return f"torch.{name}" if name else {"linear": "none", "gauss": "torch.exp(-x * x)"}[activation]


METHOD = Method(
    name="torch",
    title="Plain PyTorch",
    side="keras",
    backends=("torch",),
    run=run,
    read_epochs=tmva_files.epoch_table,
    lacks=("start", "execution"),
    paired=direct.paired,
    compiles=False,
    cells=_cells,
    unequal=direct.unequal,
    evaluator=_evaluator,
    scoring=_scoring,
    tried=(Tried("torch"),),
)
