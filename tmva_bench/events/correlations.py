"""Linear correlations of input variables."""

import numpy


def correlations(events: numpy.ndarray, weights: numpy.ndarray) -> numpy.ndarray:
    """Weighted linear correlation coefficients of variables.

    Args:
        events: shape ``(n, variables)``.
        weights: shape ``(n,)``; they may be negative, as TMVA has them, their sum is positive.

    Returns:
        Shape ``(variables, variables)``; NaN with a variable that is constant, or whose variance the negative weights
        leave without a root.
    """
    share = weights.astype(float) / weights.sum(dtype=float)
    apart = events.astype(float) - share @ events.astype(float)
    covariance = (apart * share[:, None]).T @ apart
    variance = numpy.diag(covariance)
    spread = numpy.sqrt(numpy.where(variance > 0, variance, numpy.nan))
    result: numpy.ndarray = covariance / numpy.outer(spread, spread)
    return result
