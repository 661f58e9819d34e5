"""What makes the result of a finished run doubtful, in words without numbers: equal ones of many runs make one line."""

import math

from tmva_bench.results.rows import History, RunRow

SEPARATOR = "; "
# Of a record that somebody wrote into; no training can tell that.
ALTERED = "the record was changed after it was written, see tmva-bench check-results"
# A training that learns takes more off the loss of the untrained network, which is no better than a guess.
_FALL = 0.01
# Where that is not told: changes of the validation loss, always of the same events, and of the training loss.
_VALIDATION_RANGE, _TRAINING_RANGE = 1e-3, 1e-2
# Negative weights make every weighted curve fall a little somewhere.
_CURVE_FALL = 0.01

HARDLY_MOVED = (
    "the loss hardly moved and next to nothing was learnt (a larger learning_rate or more epochs may help, and "
    "norm_mode = equal_num_events where weights are small)"
)
NEGATIVE_LOSS = (
    "negative weights make the validation loss negative, so it has no lower bound, and the best epoch means little"
)
BELOW_HALF = "the ROC area lies below one half by more than its error, so background scores higher than signal"
OUTSIDE = "negative weights put the ROC area outside 0 to 1, so it is no probability, and no working point is given"
FALLING_CURVE = (
    "negative weights make the ROC curve fall, and what is drawn and read off holds the highest value so far"
)


def of(row: RunRow, history: History, curve_fall: float) -> list[str]:
    """What is doubtful.

    Args:
        row: of the tree ``benchmark``: losses and area.
        history: losses of each epoch.
        curve_fall: see :func:`tmva_bench.events.roc.fall`.
    """
    area = row.roc_auc
    doubts = {
        HARDLY_MOVED: _hardly_moved(row.untrained_loss, row.validation_loss, history),
        NEGATIVE_LOSS: row.validation_loss < 0,
        BELOW_HALF: 0 <= area < 0.5 - row.roc_auc_error,
        OUTSIDE: outside(area),
        FALLING_CURVE: not outside(area) and curve_fall > _CURVE_FALL,
    }
    return [text for text, holds in doubts.items() if holds]


def outside(area: float) -> bool:
    """Whether an area is no probability; NaN is not known to be."""
    return area < 0 or area > 1


def _hardly_moved(untrained: float, best: float, history: History) -> bool:
    if not math.isnan(untrained):
        return untrained - best < _FALL * abs(untrained)
    if len(history) < 2:
        return False
    validation, training = history.validation_loss, history.training_loss
    still = max(validation) - min(validation) <= _VALIDATION_RANGE * abs(validation[0])
    return still and abs(training[0] - training[-1]) <= _TRAINING_RANGE * abs(training[0])
