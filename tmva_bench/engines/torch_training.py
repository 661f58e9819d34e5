"""TMVA's training in plain PyTorch: the network of MethodDL, its loss, its optimizers and its dropout, without Keras.

Weights, gradient and what an optimizer remembers are one vector each, of which the layers have views: a step of the
optimizer is a few operations, however many layers there are. PyTorch's own optimizers are none of TMVA's: their epsilon
stands elsewhere (Adam, RMSprop, Adagrad).
"""

import functools
import itertools
import operator
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

import numpy

from tmva_bench.basis import mapping
from tmva_bench.basis.training import Phase, Training
from tmva_bench.engines import classifier, keras_network, keras_training, tmva_random
from tmva_bench.engines.keras_network import Weights
from tmva_bench.engines.keras_training import Arrays, Feed, Fit

# Events are evaluated in large batches: the network is small and a sample is not.
_EVALUATION_BATCH = 10000
# PyTorch's functions by the names of the common parameters, from its module on.
ACTIVATIONS = {
    "relu": "relu",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "softsign": "nn.functional.softsign",
    "symmrelu": "abs",
}
LOSSES = {
    "cross_entropy": "nn.functional.binary_cross_entropy_with_logits",
    "sum_of_squares": "nn.functional.mse_loss",
}
_Step = Callable[[Any, Any], None]


def load() -> Any:
    """PyTorch.

    Raises:
        Unavailable: it is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise classifier.missing("PyTorch", "torch", error) from None
    return torch


class Network:
    """A network with its weights on a device.

    Args:
        torch: PyTorch's module.
        training: the network.
        weights: weights (inputs x outputs) and biases of each layer.
        device: ``cpu`` or ``cuda``.
        precision: ``float32`` or ``float64``.

    Attributes:
        values: all weights and biases, a vector.
        gradient: of the loss, likewise; :meth:`output` and PyTorch's ``backward`` add to it.
        kernels: 1 for a weight, 0 for a bias, likewise.
    """

    def __init__(
        self, torch: Any, training: Training, weights: Weights, device: str = "cpu", precision: str = "float32"
    ) -> None:
        self.torch, self.training, self.device = torch, training, device
        self.precision = getattr(torch, precision)
        self.values = self.put(numpy.concatenate([array.ravel() for pair in weights for array in pair]))
        self.gradient = torch.zeros_like(self.values)
        self.kernels = self.put(numpy.concatenate([_of_kernel(array) for pair in weights for array in pair]))
        self._loss = operator.attrgetter(LOSSES[training.loss])(torch)
        self._activate = [_activation(torch, name) for name in training.activations]
        parts = zip(self._views(self.values, weights), self._views(self.gradient, weights))
        leaves = [_leaf(part, gradient) for part, gradient in parts]
        self._layers = list(zip(leaves[::2], leaves[1::2]))

    def put(self, array: numpy.ndarray) -> Any:
        """An array on the device of the network, in its precision."""
        return self.torch.as_tensor(array, dtype=self.precision, device=self.device).clone()

    def weights(self) -> Weights:
        """Weights (inputs x outputs) and biases of each layer."""
        return [tuple(part.detach().cpu().numpy().copy() for part in layer) for layer in self._layers]

    def output(self, x: Any, drop: Sequence[Callable[[Any], Any]] = ()) -> Any:
        """The output of the last layer: under cross entropy the logit; shape (events, 1).

        Args:
            x: transformed events on the device.
            drop: what drops the inputs of each layer, first layer first; layers beyond keep all.
        """
        values = x
        layers = zip(self._layers, self._activate, itertools.chain(drop, itertools.repeat(_keep)))
        for (kernel, bias), activate, dropped in layers:
            values = activate(self.torch.addmm(bias, dropped(values), kernel))
        return values

    def loss(self, output: Any, y: Any, w: Any) -> Any:
        """The loss of a batch, the weighted sum over its number of events."""
        return (self._loss(output, y, reduction="none") * w).mean()

    def score(self, x: numpy.ndarray) -> numpy.ndarray:
        """The classifier output of MethodDL: the sigmoid of the network's output; float64, shape (events,).

        Args:
            x: transformed events, shape (events, variables).
        """
        from scipy.special import expit

        with self.torch.no_grad():
            parts = [self.output(part)[:, 0] for part in self.put(x).split(_EVALUATION_BATCH)]
            output = self.torch.cat(parts).double().cpu().numpy() if parts else numpy.zeros(0)
        return numpy.asarray(expit(output))

    def _views(self, vector: Any, weights: Weights) -> List[Any]:
        shapes = [array.shape for pair in weights for array in pair]
        parts = vector.split([int(numpy.prod(shape)) for shape in shapes])
        return [part.view(shape) for part, shape in zip(parts, shapes)]


class _Batches:
    """One phase of a training, batch after batch."""

    def __init__(
        self, network: Network, phase: int, events: Arrays, validation: Arrays, feed: Optional[Feed] = None
    ) -> None:
        training = network.training
        self._network, self._plan, self._feed = network, training.phases[phase], feed
        self._masked = keras_network.drops_by_masks(training, phase)
        self._events, self._validation = self._put(events), self._put(validation)
        self._step = _OPTIMIZERS[self._plan.optimizer](self._plan, network.torch.zeros_like(network.values))
        self.keep()

    def _put(self, events: Arrays) -> List[Any]:
        return [self._network.put(array) for array in events._replace(w=events.w[:, None])]

    def epoch(self, order: Optional[numpy.ndarray], masks: Sequence[numpy.ndarray]) -> float:
        """Trains one epoch; the training loss as MethodDL has it."""
        network, batch = self._network, self._plan.batch_size
        dropped = [network.put(mask).split(batch) for mask in masks]
        total = network.torch.zeros((), dtype=network.precision, device=network.device)
        for number, (x, y, w) in enumerate(self._batches(order)):
            network.gradient.zero_()
            drop = self._drop([mask[number] for mask in dropped])
            loss = network.loss(network.output(x, drop), y, w)
            loss.backward()
            total += loss.detach()
            self._add_regularization()
            self._step(network.values, network.gradient)
        return float(total) / (number + 1) + self._term()

    def _batches(self, order: Optional[numpy.ndarray]) -> Iterator[Sequence[Any]]:
        """Variables, targets and weights of each batch of an epoch."""
        if self._feed:
            yield from map(self._put, self._feed())
        else:
            index = self._network.torch.as_tensor(order, device=self._network.device)
            yield from zip(*(array[index].split(self._plan.batch_size) for array in self._events))

    def validation_loss(self) -> float:
        """Of the present weights; MethodDL's holds the regularization term twice."""
        network = self._network
        total = 0.0
        with network.torch.no_grad():
            for x, y, w in zip(*(array.split(_EVALUATION_BATCH) for array in self._validation)):
                total += float(network.loss(network.output(x), y, w)) * len(x)
        return total / len(self._validation[0]) + 2 * self._term()

    def keep(self) -> None:
        """Keeps the present weights as the best."""
        self._best = self._network.values.clone()

    def restore(self) -> None:
        """Gives the network the weights that were kept."""
        self._network.values.copy_(self._best)

    def _drop(self, masks: List[Any]) -> List[Callable[[Any], Any]]:
        """What drops the inputs of each layer, by the rule of the training."""
        if self._masked:
            left = iter(masks)
            return [_by_mask(next(left)) if share else _keep for share in self._plan.drop]
        dropout = self._network.torch.nn.functional.dropout
        return [functools.partial(dropout, p=share) if share else _keep for share in self._plan.drop]

    def _add_regularization(self) -> None:
        network, decay = self._network, self._plan.weight_decay
        if self._plan.regularization == "l1":
            network.gradient.addcmul_(network.values.sign(), network.kernels, value=decay)
        elif self._plan.regularization == "l2":
            network.gradient.addcmul_(network.values, network.kernels, value=2 * decay)

    def _term(self) -> float:
        """The L1 or L2 term of the loss; biases are left alone."""
        power = {"none": 0, "l1": 1, "l2": 2}[self._plan.regularization]
        if not power:
            return 0.0
        values = self._network.values.double().abs() ** power * self._network.kernels
        return self._plan.weight_decay * float(values.sum())


def fit(
    network: Network,
    events: Arrays,
    random: tmva_random.WeightGenerator,
    phase: int = 0,
    feed: Optional[Feed] = None,
) -> Fit:
    """Trains one phase as MethodDL does, see :func:`tmva_bench.engines.keras_training.repeat`.

    Args:
        network: with its first weights; it ends with the best ones.
        events: transformed training events in TMVA's order.
        random: the generator that drew the initial weights; it draws the masks of dropout by TMVA's rule.
        phase: index of the phase.
        feed: for ``feeding = "root"``: gives the batches of an epoch, transformed.
    """
    fitted, validation = keras_training.parts(network.training, phase, events)
    engine = _Batches(network, phase, fitted, validation, feed)
    result = keras_training.repeat(engine, network.training, phase, len(fitted.x), random)
    engine.restore()
    return result


def _of_kernel(array: numpy.ndarray) -> numpy.ndarray:
    """1 for each weight of a layer, 0 for each of its biases, which are a vector."""
    return numpy.full(array.size, float(array.ndim == 2))


def _leaf(part: Any, gradient: Any) -> Any:
    """A part of the weights whose gradient goes into a part of the whole gradient."""
    leaf = part.detach().requires_grad_()
    leaf.grad = gradient
    return leaf


def _keep(values: Any) -> Any:
    return values


def _by_mask(mask: Any) -> Callable[[Any], Any]:
    """Drops as MethodDL does on the CPU: its backward pass leaves the mask out (``DropoutBackward`` is empty)."""
    return lambda values: values + (values * mask - values).detach()


def _activation(torch: Any, name: str) -> Callable[[Any], Any]:
    if name in ACTIVATIONS:
        function: Callable[[Any], Any] = operator.attrgetter(ACTIVATIONS[name])(torch)
        return function
    return {"linear": _keep, "gauss": lambda values: torch.exp(-values * values)}[name]


# The steps of TMVA's optimizers (TSGD, TAdam, TRMSProp, TAdagrad, TAdadelta), with the constants of the mapping. Each
# takes its phase and zeros to remember in, and gives what changes weights by a gradient.


def _constants(plan: Phase) -> Dict[str, float]:
    return mapping.optimizer(plan).arguments


def _sgd(plan: Phase, zeros: Any) -> _Step:
    def plain(values: Any, gradient: Any) -> None:
        values.sub_(gradient, alpha=plan.learning_rate)

    def with_momentum(values: Any, gradient: Any) -> None:
        velocity.mul_(plan.momentum).sub_(gradient, alpha=plan.learning_rate)
        values.add_(velocity)

    velocity = zeros
    return with_momentum if plan.momentum else plain


def _adam(plan: Phase, zeros: Any) -> _Step:
    constants = _constants(plan)
    first_share, second_share = constants["beta_1"], constants["beta_2"]
    first, second, steps = zeros, zeros.clone(), itertools.count(1)

    def step(values: Any, gradient: Any) -> None:
        number = next(steps)
        first.mul_(first_share).add_(gradient, alpha=1 - first_share)
        second.mul_(second_share).addcmul_(gradient, gradient, value=1 - second_share)
        rate = plan.learning_rate * (1 - second_share**number) ** 0.5 / (1 - first_share**number)
        values.addcdiv_(first, second.sqrt().add_(constants["epsilon"]), value=-rate)

    return step


def _rmsprop(plan: Phase, zeros: Any) -> _Step:
    constants, squares = _constants(plan), zeros

    def step(values: Any, gradient: Any) -> None:
        squares.mul_(constants["rho"]).addcmul_(gradient, gradient, value=1 - constants["rho"])
        values.addcdiv_(gradient, (squares + constants["epsilon"]).sqrt_(), value=-plan.learning_rate)

    return step


def _adagrad(plan: Phase, zeros: Any) -> _Step:
    constants, squares = _constants(plan), zeros

    def step(values: Any, gradient: Any) -> None:
        squares.addcmul_(gradient, gradient)
        values.addcdiv_(gradient, (squares + constants["epsilon"]).sqrt_(), value=-plan.learning_rate)

    return step


def _adadelta(plan: Phase, zeros: Any) -> _Step:
    constants, squares, moved = _constants(plan), zeros, zeros.clone()
    share, epsilon = constants["rho"], constants["epsilon"]

    def step(values: Any, gradient: Any) -> None:
        squares.mul_(share).addcmul_(gradient, gradient, value=1 - share)
        move = (moved + epsilon).sqrt_().mul_(gradient).div_((squares + epsilon).sqrt_())
        moved.mul_(share).addcmul_(move, move, value=1 - share)
        values.sub_(move, alpha=plan.learning_rate)

    return step


_OPTIMIZERS: Dict[str, Callable[[Phase, Any], _Step]] = {
    "sgd": _sgd,
    "adam": _adam,
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
    "adadelta": _adadelta,
}
