"""A whole epoch of TMVA's training in one compiled call: on JAX, and on TensorFlow by XLA.

The steps, batches and losses are those of :class:`tmva_bench.engines.keras_training.Batches`, which goes through
``Model.fit``: Keras' layers, loss and optimizer, without its Python between two batches. The order of the events is
handed in; the validation loss is computed in the same call, and the best weights stay on the device until the end.
"""

import collections
import contextlib
from typing import Any, Callable, Counter, Iterator, List, Optional, Sequence, Tuple

import numpy

from tmva_bench.basis.training import Phase, Training
from tmva_bench.engines import keras_network
from tmva_bench.errors import Unavailable

# The backends that it is written for.
BACKENDS = ("jax", "tensorflow")
# JAX's names: a function is to be compiled, and it is in the cache.
_REQUEST = "/jax/compilation_cache/compile_requests_use_cache"
_HIT = "/jax/compilation_cache/cache_hits"


class Shape:
    """How many events there are, in whole batches.

    Attributes:
        inputs: variables.
        events: events trained on.
        validation: validation events that fill whole batches.
    """

    def __init__(self, training: Training, phase: int, events: int, inputs: int) -> None:
        batch = training.phases[phase].batch_size
        validating = training.validation_events(events)
        self.inputs = inputs
        self.events = events - validating
        self.validation = validating // batch * batch


class _Network:
    """The network of one phase as it is compiled, and arrays as compiled calls take them."""

    def __init__(self, keras: Any, training: Training, phase: int, shape: Shape) -> None:
        # Its weights are given to start.
        self.model = keras_network.build(keras, training._replace(initializer="zero"), shape.inputs, phase)
        self.trained = keras_network.trained_by(keras, self.model, training, shape.inputs, phase)
        self.trained.optimizer.build(self.trained.trainable_variables)
        self.plan = training.phases[phase]
        self._float, self._shape = keras.backend.floatx(), shape
        drops = [share > 0 for share in self.plan.drop] if keras_network.drops_by_masks(training, phase) else []
        widths = [shape.inputs, *training.widths]
        self._widths = [width for width, drop in zip(widths, drops) if drop]

    def events(self) -> Tuple[Tuple[numpy.ndarray, ...], Tuple[numpy.ndarray, ...]]:
        """Events to train on and validation events to compile for."""
        shape = self._shape
        zeros = numpy.zeros((shape.events, shape.inputs)), numpy.zeros((shape.events, 1)), numpy.zeros(shape.events)
        few = tuple(array[:1].repeat(shape.validation, axis=0) for array in zeros)
        return self.device(zeros), self.batches(few)

    def choice(self) -> Tuple[numpy.ndarray, Tuple[numpy.ndarray, ...]]:
        """Order and masks to compile for."""
        used = self._shape.events // self.plan.batch_size * self.plan.batch_size
        return self.chosen(numpy.zeros(used), [None] * len(self._widths))

    def device(self, arrays: Sequence[numpy.ndarray]) -> Tuple[numpy.ndarray, ...]:
        return tuple(numpy.asarray(array, self._float) for array in arrays)

    def batches(self, arrays: Sequence[numpy.ndarray]) -> Tuple[numpy.ndarray, ...]:
        return tuple(array.reshape(-1, self.plan.batch_size, *array.shape[1:]) for array in self.device(arrays))

    def chosen(self, order: numpy.ndarray, masks: Sequence[Any]) -> Tuple[numpy.ndarray, Tuple[numpy.ndarray, ...]]:
        """Order and masks by batch; a mask that is None lets all pass."""
        shape = (-1, self.plan.batch_size)
        whole = [numpy.ones((len(order), width)) if mask is None else mask for mask, width in zip(masks, self._widths)]
        return order.astype(numpy.int32).reshape(shape), tuple(
            numpy.asarray(mask, self._float).reshape(*shape, mask.shape[1]) for mask in whole
        )


class Epochs:
    """One phase of a training, an epoch a call.

    Args:
        keras: the Keras module.
        training: the network and its training.
        phase: index of the phase.
        shape: of the events; all is compiled for it at once.

    Attributes:
        compilation: ``kept`` where all that was compiled came from JAX's cache of an earlier run, else ``fresh``.

    Raises:
        Unavailable: a backend that it is not written for.
    """

    def __init__(self, keras: Any, training: Training, phase: int, shape: Shape) -> None:
        backend = keras.backend.backend()
        if backend not in BACKENDS:
            # A loop of our own over Keras' layers costs on PyTorch what Model.fit does: docs/methods/keras.md.
            plain = ", or plain PyTorch, method torch" if backend == "torch" else ""
            raise Unavailable(
                f"execution = epoch is compiled on {' and '.join(BACKENDS)}, not on {backend}",
                f"take execution = batch{plain}",
            )
        with _kept_between_runs(backend) as counts:
            self._network = _Network(keras, training, phase, shape)
            self._engine = (_Jax if backend == "jax" else _TensorFlow)(self._network, *self._network.events())
            self._engine.compile(*self._network.choice())
        self.compilation = _compilation(counts)
        self._validation_loss = float("nan")

    def start(self, weights: Sequence[numpy.ndarray], events: Any, validation: Any) -> None:
        """Brings weights and events to the device.

        Args:
            weights: to begin with, as ``Model.get_weights`` has them.
            events: to train on, :class:`tmva_bench.engines.keras_training.Arrays`.
            validation: likewise, in whole batches.
        """
        self._network.model.set_weights(weights)
        self._engine.start(self._network.device(events), self._network.batches(validation))
        self._validation_loss = float(self._engine.untrained_loss())

    def epoch(self, order: numpy.ndarray, masks: Sequence[numpy.ndarray]) -> float:
        """Trains one epoch, and looks at the validation loss; the training loss as MethodDL has it.

        Args:
            order: index of each event of the batches, one batch after the other.
            masks: of the inputs of each layer that drops, shape (events, inputs of the layer).
        """
        training_loss, validation_loss = self._engine.epoch(*self._network.chosen(order, masks))
        self._validation_loss = float(validation_loss)
        return float(training_loss)

    def validation_loss(self) -> float:
        """That of the last epoch, or of the weights to begin with."""
        return self._validation_loss

    def keep(self) -> None:
        """Keeps the present weights as the best."""
        self._engine.keep()

    def best(self) -> List[numpy.ndarray]:
        """The weights that were kept, as ``Model.get_weights`` has them."""
        self._engine.restore()
        return list(self._network.model.get_weights())


class Bundle:
    """One phase of several trainings that differ in their seeds alone, an epoch of all of them a call; on JAX.

    What one training has, each of them has along a first axis more, of which ``jax.vmap`` makes one call of all.

    Args:
        keras: the Keras module.
        trainings: the network and its training, with a seed of its own each.
        phase: index of the phase.
        shape: of the events, which all share; all is compiled for it at once.

    Attributes:
        compilation: as of :class:`Epochs`.

    Raises:
        Unavailable: another backend than JAX.
    """

    def __init__(self, keras: Any, trainings: Sequence[Training], phase: int, shape: Shape) -> None:
        backend = keras.backend.backend()
        if backend != "jax":
            raise Unavailable(f"trainings are compiled together on jax, not on {backend}", "leave together out")
        with _kept_between_runs(backend) as counts:
            networks = [_Network(keras, training, phase, shape) for training in trainings]
            self._network = networks[0]
            # Of Keras' own dropout, the generators: each training has its own seed.
            others = [[variable.value for variable in one.trained.non_trainable_variables] for one in networks]
            self._engine = _JaxBundle(self._network, *self._network.events(), others)
            self._engine.compile(*self._chosen([self._network.choice()] * len(trainings)))
        self.compilation = _compilation(counts)
        self._validation_losses = numpy.full(len(trainings), numpy.nan)

    def start(self, weights: Sequence[Sequence[numpy.ndarray]], events: Any, validation: Any) -> None:
        """Brings weights and events to the device, see :meth:`Epochs.start`.

        Args:
            weights: of each training, to begin with.
            events: to train on.
            validation: likewise, in whole batches.
        """
        self._engine.weights = list(map(self._trainable, weights))
        self._engine.start(self._network.device(events), self._network.batches(validation))
        self._validation_losses = self._engine.untrained_loss()

    def epoch(self, orders: Sequence[numpy.ndarray], masks: Sequence[Sequence[numpy.ndarray]]) -> numpy.ndarray:
        """Trains one epoch of all; the training loss of each, shape (trainings,).

        Args:
            orders: of each training, see :meth:`Epochs.epoch`.
            masks: likewise.
        """
        pairs = [self._network.chosen(*pair) for pair in zip(orders, masks)]
        training_losses, self._validation_losses = self._engine.epoch(*self._chosen(pairs))
        return numpy.asarray(training_losses)

    def validation_losses(self) -> numpy.ndarray:
        """Those of the last epoch, or of the weights to begin with, shape (trainings,)."""
        return self._validation_losses

    def keep(self, better: Sequence[bool]) -> None:
        """Keeps the present weights of some trainings as their best.

        Args:
            better: whether those of each training are.
        """
        self._engine.keep_of(numpy.array(better))

    def best(self, training: int) -> List[numpy.ndarray]:
        """The weights that were kept of a training, as ``Model.get_weights`` has them.

        Args:
            training: its index.
        """
        self._engine.restore_of(training)
        return list(self._network.model.get_weights())

    def _trainable(self, weights: Sequence[numpy.ndarray]) -> List[Any]:
        self._network.model.set_weights(weights)
        return [numpy.array(variable.value) for variable in self._network.trained.trainable_variables]

    @staticmethod
    def _chosen(pairs: Sequence[Tuple[numpy.ndarray, Tuple[numpy.ndarray, ...]]]) -> Tuple[Any, Any]:
        """Orders and masks of all trainings along a first axis."""
        orders, masks = zip(*pairs)
        return numpy.stack(orders), tuple(map(numpy.stack, zip(*masks)))


def _compilation(counts: Counter[str]) -> str:
    return "kept" if 0 < counts[_REQUEST] == counts[_HIT] else "fresh"


@contextlib.contextmanager
def _kept_between_runs(backend: str) -> Iterator[Counter[str]]:
    """Has JAX keep what is compiled in the block in the folder that its variables name, and take it from there.

    For the block alone: what JAX compiles later lies in the clock of the training, which must not depend on a cache.

    Yields:
        How often each event of ``jax.monitoring`` came; none on another backend.
    """
    counts: Counter[str] = collections.Counter()
    if backend != "jax":
        yield counts
        return
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    config: Any = jax.config

    def count(event: str, **_: Any) -> None:
        counts[event] += 1

    def switch(on: bool) -> None:
        config.update("jax_enable_compilation_cache", on)
        compilation_cache.reset_cache()  # it has looked once whether it is on

    before = config.jax_enable_compilation_cache
    jax.monitoring.register_event_listener(count)
    switch(True)
    try:
        yield counts
    finally:
        switch(before)
        jax.monitoring.unregister_event_listener(count)


def _regularization(
    kernels: Sequence[Any], plan: Phase, absolute: Callable[[Any], Any], total: Callable[[Any], Any]
) -> Any:
    """The term that Keras adds to the loss of a batch: biases, which are vectors, are left alone."""
    power = {"none": 0, "l1": 1, "l2": 2}[plan.regularization]
    if not power:
        return 0.0
    return plan.weight_decay * sum(total(absolute(kernel) ** power) for kernel in kernels if len(kernel.shape) == 2)


class _Jax:
    """By way of Keras' stateless calls: a function of all that changes, ``lax.scan`` over the batches."""

    def __init__(self, network: _Network, events: Any, validation: Any) -> None:
        import jax

        self._jax, self._model, self._trained, self._plan = jax, network.model, network.trained, network.plan
        self._events, self._validation = jax.device_put(events), jax.device_put(validation)
        self._places = _places(self._model.trainable_variables, self._trained.trainable_variables)
        self._gradients = jax.value_and_grad(self._batch_loss, has_aux=True)
        self._begin()

    def _begin(self) -> None:
        copied = self._jax.numpy.copy
        self._state = (
            [copied(variable.value) for variable in self._trained.trainable_variables],
            [copied(variable.value) for variable in self._trained.non_trainable_variables],
            [copied(variable.value) for variable in self._trained.optimizer.variables],
        )
        self.keep()

    def _mapped(self, function: Any, axes: Sequence[Optional[int]]) -> Any:
        """The function as it is compiled; 0 stands for an argument that each training has of its own."""
        return function

    def compile(self, order: Any, masks: Any) -> None:
        compiled = self._jax.jit(self._mapped(self._epoch, (0, 0, 0, None, None)), donate_argnums=0).lower(
            self._state, order, masks, self._events, self._validation
        )
        self._run = compiled.compile()
        looking = self._jax.jit(self._mapped(self._validation_loss, (0, 0, None)))
        self._look = looking.lower(*self._state[:2], self._validation).compile()

    def start(self, events: Any, validation: Any) -> None:
        self._events, self._validation = self._jax.device_put(events), self._jax.device_put(validation)
        self._begin()

    def untrained_loss(self) -> Any:
        return self._jax.device_get(self._look(*self._state[:2], self._validation))

    def epoch(self, order: Any, masks: Any) -> Any:
        self._state, losses = self._run(self._state, order, masks, self._events, self._validation)
        return self._jax.device_get(losses)

    def keep(self) -> None:
        self._best = [self._jax.numpy.copy(value) for value in self._state[0]]

    def restore(self) -> None:
        for variable, value in zip(self._trained.trainable_variables, self._best):
            variable.assign(value)

    def _epoch(self, state: Any, order: Any, masks: Any, events: Any, validation: Any) -> Any:
        def step(state: Any, batch: Any) -> Any:
            (weights, others, optimizer), (chosen, dropped) = state, batch
            taken = [array[chosen] for array in events]
            (_, (others, loss)), gradients = self._gradients(weights, others, dropped, *taken)
            weights, optimizer = self._trained.optimizer.stateless_apply(optimizer, gradients, weights)
            return (weights, others, optimizer), loss

        state, losses = self._jax.lax.scan(step, state, (order, masks))
        training_loss = losses.mean() + self._term(state[0])
        return state, (training_loss, self._validation_loss(state[0], state[1], validation))

    def _batch_loss(self, weights: Any, others: Any, masks: Any, x: Any, y: Any, w: Any) -> Any:
        inputs = [x, *masks] if masks else x
        output, others = self._trained.stateless_call(weights, others, inputs, training=True)
        loss = self._trained.loss(y, output, sample_weight=w)
        return loss + self._term(weights), (others, loss)

    def _validation_loss(self, weights: Any, others: Any, validation: Any) -> Any:
        ordered = [weights[place] for place in self._places]

        def batch_loss(batch: Any) -> Any:
            output, _ = self._model.stateless_call(ordered, others, batch[0], training=False)
            return self._trained.loss(batch[1], output, sample_weight=batch[2])

        # MethodDL's validation loss holds the regularization term twice.
        return self._jax.lax.map(batch_loss, validation).mean() + 2 * self._term(weights)

    def _term(self, weights: Any) -> Any:
        return _regularization(weights, self._plan, self._jax.numpy.abs, self._jax.numpy.sum)


class _JaxBundle(_Jax):
    """The same of several trainings at once; the events alone are shared.

    Attributes:
        weights: of each training, to begin with.
    """

    def __init__(self, network: _Network, events: Any, validation: Any, others: Sequence[Sequence[Any]]) -> None:
        self._others = others
        self.weights = [[variable.value for variable in network.trained.trainable_variables]] * len(others)
        super().__init__(network, events, validation)

    def _begin(self) -> None:
        optimizer = [[variable.value for variable in self._trained.optimizer.variables]] * len(self._others)
        every = [list(map(numpy.stack, zip(*lists))) for lists in (self.weights, self._others, optimizer)]
        self._state = tuple(self._jax.device_put(every))
        self.keep()

    def _mapped(self, function: Any, axes: Sequence[Optional[int]]) -> Any:
        return self._jax.vmap(function, axes)

    def compile(self, order: Any, masks: Any) -> None:
        super().compile(order, masks)
        self._choose = self._jax.jit(self._better).lower(numpy.ones(len(order), bool), self._state[0], self._best)
        self._choose = self._choose.compile()

    def keep_of(self, better: numpy.ndarray) -> None:
        self._best = self._choose(better, self._state[0], self._best)

    def restore_of(self, training: int) -> None:
        for variable, values in zip(self._trained.trainable_variables, self._best):
            variable.assign(values[training])

    def _better(self, better: Any, weights: Any, best: Any) -> Any:
        where = self._jax.vmap(self._jax.numpy.where)
        return [where(better, new, old) for new, old in zip(weights, best)]


class _TensorFlow:
    """A loop over the batches in one graph, compiled by XLA; variables change in it as in ``Model.fit``."""

    def __init__(self, network: _Network, events: Any, validation: Any) -> None:
        import tensorflow

        self._tf, self._model, self._trained, self._plan = tensorflow, network.model, network.trained, network.plan
        # Those of Keras 3 are wrapped.
        self._variables = [one if callable(one.value) else one.value for one in self._trained.trainable_variables]
        self._best = [tensorflow.Variable(variable) for variable in self._variables]
        self._events, self._validation = self._put(events), self._put(validation)
        self._run = tensorflow.function(self._epoch, jit_compile=True)
        self._look = tensorflow.function(self._validation_loss, jit_compile=True)

    def _put(self, arrays: Any) -> Any:
        return tuple(self._tf.constant(array) for array in arrays)

    def compile(self, order: Any, masks: Any) -> None:
        # No step is taken, and nothing changes.
        self._run(self._tf.constant(0), self._tf.constant(order), self._put(masks), self._events, self._validation)
        self._look(self._validation)

    def start(self, events: Any, validation: Any) -> None:
        self._events, self._validation = self._put(events), self._put(validation)
        self.keep()

    def untrained_loss(self) -> Any:
        return self._look(self._validation)

    def epoch(self, order: Any, masks: Any) -> Any:
        steps, chosen = self._tf.constant(len(order)), self._tf.constant(order)
        return self._run(steps, chosen, self._put(masks), self._events, self._validation)

    def keep(self) -> None:
        for kept, variable in zip(self._best, self._variables):
            kept.assign(variable)

    def restore(self) -> None:
        for kept, variable in zip(self._best, self._variables):
            variable.assign(kept)

    def _epoch(self, steps: Any, order: Any, masks: Any, events: Any, validation: Any) -> Any:
        tf = self._tf

        def step(number: Any, total: Any) -> Any:
            chosen = order[number]
            x, y, w = (tf.gather(array, chosen) for array in events)
            inputs = [x, *(mask[number] for mask in masks)] if masks else x
            with tf.GradientTape() as tape:
                loss = self._trained.loss(y, self._trained(inputs, training=True), sample_weight=w)
                whole = loss + self._term()
            gradients = tape.gradient(whole, self._variables)
            self._trained.optimizer.apply_gradients(zip(gradients, self._trained.trainable_variables))
            return number + 1, total + loss

        start = tf.constant(0), tf.zeros((), events[0].dtype)
        _, total = tf.while_loop(lambda number, _: number < steps, step, start)
        training_loss = total / tf.cast(steps, total.dtype) + self._term()
        return training_loss, self._validation_loss(validation)

    def _validation_loss(self, validation: Any) -> Any:
        tf = self._tf

        def add(number: Any, total: Any) -> Any:
            x, y, w = (array[number] for array in validation)
            return number + 1, total + self._trained.loss(y, self._model(x, training=False), sample_weight=w)

        batches = validation[0].shape[0]
        start = tf.constant(0), tf.zeros((), validation[0].dtype)
        _, total = tf.while_loop(lambda number, _: number < batches, add, start)
        # MethodDL's validation loss holds the regularization term twice.
        return total / batches + 2 * self._term()

    def _term(self) -> Any:
        return _regularization(self._variables, self._plan, self._tf.abs, self._tf.reduce_sum)


def _places(wanted: Sequence[Any], variables: Sequence[Any]) -> List[int]:
    """Where each of the wanted variables stands among the others."""
    return [next(n for n, other in enumerate(variables) if other is variable) for variable in wanted]
