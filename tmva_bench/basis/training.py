"""What is trained, and how: the network and the phases of its training, as both sides express them."""

import math
import statistics
from typing import List, NamedTuple, Tuple


class Phase(NamedTuple):
    """One phase of MethodDL's ``TrainingStrategy``.

    Attributes:
        optimizer: one of :data:`tmva_bench.basis.config.OPTIMIZERS`.
        learning_rate: learning rate.
        momentum: momentum of SGD.
        batch_size: events per batch.
        convergence_steps: stop after more than so many epochs without a better validation loss.
        test_repetitions: the validation loss is looked at in every so many epochs.
        max_epochs: largest number of epochs.
        regularization: ``none``, ``l1`` or ``l2``.
        weight_decay: factor of the regularization term.
        drop: drop probability of each layer's input, first hidden layer first; layers beyond have none.
    """

    optimizer: str
    learning_rate: float
    momentum: float
    batch_size: int
    convergence_steps: int
    test_repetitions: int
    max_epochs: int
    regularization: str
    weight_decay: float
    drop: Tuple[float, ...]


class Training(NamedTuple):
    """A network and its training.

    Attributes:
        widths: units of every layer, the output too.
        activations: activation of every layer, one of :data:`tmva_bench.basis.config.ACTIVATIONS`; under cross
            entropy the last one gives the logit.
        loss: ``cross_entropy`` or ``sum_of_squares``.
        initializer: one of :data:`tmva_bench.basis.config.INITIALIZERS`.
        seed: seed of initial weights, batches and dropout.
        validation: ``ValidationSize`` of MethodDL, a percentage ``20%``, a share ``0.2`` or a number of events.
        chain: variable transformations, in the order in which they apply; ``_Signal`` and the like as TMVA has it.
        phases: of the training, one after the other.
        start: whose initial weights and batches are taken, ``tmva`` or ``keras``.
        dropout_rule: whose dropout is applied, ``tmva`` or ``keras``.
        execution: what one compiled call trains, a ``batch`` or an ``epoch``.
        feeding: what makes the batches, ``array`` for arrays in TMVA's order or ``root`` for ROOT's data loader.
    """

    widths: Tuple[int, ...]
    activations: Tuple[str, ...]
    loss: str
    initializer: str
    seed: int
    validation: str
    chain: Tuple[str, ...]
    phases: Tuple[Phase, ...]
    start: str = "tmva"
    dropout_rule: str = "keras"
    execution: str = "batch"
    feeding: str = "array"

    def validation_events(self, events: int) -> int:
        """Number of validation events, the last of the training vector (``MethodDL::GetNumValidationSamples``).

        Args:
            events: training events of both classes.
        """
        if self.validation.endswith("%"):
            return int(events * (float(self.validation[:-1]) / 100.0))
        size = float(self.validation)
        return int(events * size) if size < 1 else int(size)


class Epoch(NamedTuple):
    """One line of the training history; times in seconds, NaN where not known."""

    epoch: int
    training_loss: float
    validation_loss: float
    real_time: float
    cpu_time: float = math.nan


def epochs_time(history: List[Epoch]) -> float:
    """Real time of all epochs [s], the first one as long as the median of the others: what it compiled is left out.

    Args:
        history: of the training.

    Returns:
        NaN for a single epoch, or for epochs that were not timed.
    """
    others = [epoch.real_time for epoch in history[1:]]
    return sum(others) + statistics.median(others) if others else math.nan
