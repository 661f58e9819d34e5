"""A whole epoch of TMVA's training in one compiled call: on JAX, and on TensorFlow by XLA.

The steps, batches and losses are those of :class:`tmva_bench.engines.keras_training.Batches`, which goes through
``Model.fit``: Keras' layers, loss and optimizer, without its Python between two batches. The order of the events is
handed in; the validation loss is computed in the same call, and the best weights stay on the device until the end.
"""

import collections
import contextlib
from typing import Any, Callable, Counter, Iterator, List, Sequence, Tuple

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
        with _kept_between_runs(backend) as events:
            self._compile(keras, training, phase, shape)
        self.compilation = "kept" if 0 < events[_REQUEST] == events[_HIT] else "fresh"
        self._validation_loss = float("nan")

    def _compile(self, keras: Any, training: Training, phase: int, shape: Shape) -> None:
        plan = training.phases[phase]
        # Its weights are given to start.
        model = keras_network.build(keras, training._replace(initializer="zero"), shape.inputs, phase)
        masked = keras_network.drops_by_masks(training, phase)
        trained = keras_network.trained_by(keras, model, training, shape.inputs, phase)
        trained.optimizer.build(trained.trainable_variables)
        self._model, self._batch = model, plan.batch_size
        self._float = keras.backend.floatx()
        drops = [share > 0 for share in plan.drop] if masked else []
        widths = [shape.inputs, *training.widths]
        self._widths = [width for width, drop in zip(widths, drops) if drop]
        engine = _Jax if keras.backend.backend() == "jax" else _TensorFlow
        zeros = numpy.zeros((shape.events, shape.inputs)), numpy.zeros((shape.events, 1)), numpy.zeros(shape.events)
        few = tuple(array[:1].repeat(shape.validation, axis=0) for array in zeros)
        steps = shape.events // plan.batch_size
        self._engine = engine(model, trained, plan, self._device(zeros), self._batches(few))
        self._engine.compile(*self._chosen(numpy.zeros(steps * plan.batch_size), [None] * len(self._widths)))

    def start(self, weights: Sequence[numpy.ndarray], events: Any, validation: Any) -> None:
        """Brings weights and events to the device.

        Args:
            weights: to begin with, as ``Model.get_weights`` has them.
            events: to train on, :class:`tmva_bench.engines.keras_training.Arrays`.
            validation: likewise, in whole batches.
        """
        self._model.set_weights(weights)
        self._engine.start(self._device(events), self._batches(validation))
        self._validation_loss = self._engine.untrained_loss()

    def epoch(self, order: numpy.ndarray, masks: Sequence[numpy.ndarray]) -> float:
        """Trains one epoch, and looks at the validation loss; the training loss as MethodDL has it.

        Args:
            order: index of each event of the batches, one batch after the other.
            masks: of the inputs of each layer that drops, shape (events, inputs of the layer).
        """
        training_loss, self._validation_loss = self._engine.epoch(*self._chosen(order, masks))
        return training_loss

    def validation_loss(self) -> float:
        """That of the last epoch, or of the weights to begin with."""
        return self._validation_loss

    def keep(self) -> None:
        """Keeps the present weights as the best."""
        self._engine.keep()

    def best(self) -> List[numpy.ndarray]:
        """The weights that were kept, as ``Model.get_weights`` has them."""
        self._engine.restore()
        return list(self._model.get_weights())

    def _device(self, arrays: Sequence[numpy.ndarray]) -> Tuple[numpy.ndarray, ...]:
        return tuple(numpy.asarray(array, self._float) for array in arrays)

    def _batches(self, arrays: Sequence[numpy.ndarray]) -> Tuple[numpy.ndarray, ...]:
        return tuple(array.reshape(-1, self._batch, *array.shape[1:]) for array in self._device(arrays))

    def _chosen(self, order: numpy.ndarray, masks: Sequence[Any]) -> Tuple[numpy.ndarray, Tuple[numpy.ndarray, ...]]:
        """Order and masks by batch; a mask that is None lets all pass."""
        shape = (-1, self._batch)
        whole = [numpy.ones((len(order), width)) if mask is None else mask for mask, width in zip(masks, self._widths)]
        return order.astype(numpy.int32).reshape(shape), tuple(
            numpy.asarray(mask, self._float).reshape(*shape, mask.shape[1]) for mask in whole
        )


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

    def __init__(self, model: Any, trained: Any, plan: Phase, events: Any, validation: Any) -> None:
        import jax

        self._jax, self._model, self._trained, self._plan = jax, model, trained, plan
        self._events, self._validation = jax.device_put(events), jax.device_put(validation)
        self._places = _places(model.trainable_variables, trained.trainable_variables)
        self._gradients = jax.value_and_grad(self._batch_loss, has_aux=True)
        self._begin()

    def _begin(self) -> None:
        copied = self._jax.numpy.copy
        self._state = (
            [copied(variable.value) for variable in self._trained.trainable_variables],
            [copied(variable.value) for variable in self._trained.non_trainable_variables],
            [copied(variable.value) for variable in self._trained.optimizer.variables],
        )
        self._best = [copied(value) for value in self._state[0]]

    def compile(self, order: Any, masks: Any) -> None:
        compiled = self._jax.jit(self._epoch, donate_argnums=0).lower(
            self._state, order, masks, self._events, self._validation
        )
        self._run = compiled.compile()
        self._look = self._jax.jit(self._validation_loss).lower(*self._state[:2], self._validation).compile()

    def start(self, events: Any, validation: Any) -> None:
        self._events, self._validation = self._jax.device_put(events), self._jax.device_put(validation)
        self._begin()

    def untrained_loss(self) -> float:
        return float(self._look(*self._state[:2], self._validation))

    def epoch(self, order: Any, masks: Any) -> Tuple[float, float]:
        self._state, losses = self._run(self._state, order, masks, self._events, self._validation)
        training_loss, loss = self._jax.device_get(losses)
        return float(training_loss), float(loss)

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


class _TensorFlow:
    """A loop over the batches in one graph, compiled by XLA; variables change in it as in ``Model.fit``."""

    def __init__(self, model: Any, trained: Any, plan: Phase, events: Any, validation: Any) -> None:
        import tensorflow

        self._tf, self._model, self._trained, self._plan = tensorflow, model, trained, plan
        # Those of Keras 3 are wrapped.
        self._variables = [one if callable(one.value) else one.value for one in trained.trainable_variables]
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

    def untrained_loss(self) -> float:
        return float(self._look(self._validation))

    def epoch(self, order: Any, masks: Any) -> Tuple[float, float]:
        steps, chosen = self._tf.constant(len(order)), self._tf.constant(order)
        losses = self._run(steps, chosen, self._put(masks), self._events, self._validation)
        return float(losses[0]), float(losses[1])

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
