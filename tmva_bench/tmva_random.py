"""TMVA's random choices, reproduced with ROOT's own generators: event order, batches, initial weights, dropout.

ROOT without TMVA has ``TRandom3`` and cling, so the few lines that TMVA runs can be run as they are: the
order of the training vector (``DataSetFactory``), the shuffling before each epoch (``TTensorDataLoader``) and
the initial weights (``TCpu::Initialize*``).
"""

from typing import Any, List, Tuple

import numpy

from tmva_bench.config import Point
from tmva_bench.errors import Unavailable

# TMVA shuffles by std::shuffle with its RandomGenerator around a TRandom3.
_CODE = """
#ifndef TMVA_BENCH_RANDOM
#define TMVA_BENCH_RANDOM
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>
#include "TRandom3.h"
namespace tmva_bench {
struct Generator {
   using result_type = unsigned int;
   explicit Generator(unsigned int seed) : random(seed) {}
   static constexpr result_type min() { return 0; }
   static constexpr result_type max() { return kMaxUInt; }
   result_type operator()() { return random.Integer(kMaxUInt); }
   TRandom3 random;
};
class Shuffler {
public:
   Shuffler(long events, unsigned int seed) : fIndices(events), fGenerator(seed) {
      for (long i = 0; i < events; ++i) fIndices[i] = i;
   }
   void Next(long address) {
      std::shuffle(fIndices.begin(), fIndices.end(), fGenerator);
      std::copy(fIndices.begin(), fIndices.end(), reinterpret_cast<std::int64_t *>(address));
   }
   void Restart() { for (std::size_t i = 0; i < fIndices.size(); ++i) fIndices[i] = i; }
   void Resize(long events) { fIndices.resize(events); Restart(); }
private:
   std::vector<std::int64_t> fIndices;
   Generator fGenerator;
};
// kind: G normal, U flat, X normal redrawn beyond two sigma; input by input, the order of TMVA's matrix columns.
void Draw(TRandom3 &random, char kind, double width, long n, long address) {
   auto values = reinterpret_cast<float *>(address);
   for (long i = 0; i < n; ++i) {
      double value = (kind == 'U') ? random.Uniform(-width, width) : random.Gaus(0.0, width);
      while (kind == 'X' && std::abs(value) > 2 * width) value = random.Gaus(0.0, width);
      values[i] = value;
   }
}
}
#endif
"""


def _library() -> Any:
    import ROOT

    # The guard in the code makes a second declaration an empty one.
    if not ROOT.gInterpreter.Declare(_CODE):
        raise Unavailable("this ROOT cannot compile C++ here", "install the C++ standard headers (Debian g++)")
    return ROOT


class Shuffler:
    """The indices 0 to ``events`` - 1, shuffled again and again as TMVA does with a ``TRandom3`` of ``seed``."""

    def __init__(self, events: int, seed: int) -> None:
        self._shuffler = _library().tmva_bench.Shuffler(events, seed)
        self._events = events

    def next(self) -> numpy.ndarray:
        """The next order: the one before, shuffled; int64, shape (events,)."""
        order = numpy.empty(self._events, numpy.int64)
        self._shuffler.Next(order.ctypes.data)
        return order

    def restart(self, events: int) -> None:
        """Puts the indices back into their natural order; the generator goes on."""
        self._shuffler.Resize(events)
        self._events = events


def event_orders(
    train_signal: int, train_background: int, test_signal: int, test_background: int, split_seed: int
) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """TMVA's order of training and test vector under ``SplitMode=Random:MixMode=Random``, all events used.

    All signal in file order followed by all background, shuffled; the test vector is the next shuffle of the
    same generator (``DataSetFactory::MixEvents``).

    Returns:
        For the training and the test vector: at each place the index into signal followed by background.
    """
    shuffler = Shuffler(train_signal + train_background, split_seed)
    training = shuffler.next()
    shuffler.restart(test_signal + test_background)
    return training, shuffler.next()


def epoch_order(events: int, point: Point) -> Shuffler:
    """The order of the training events, epoch by epoch (MethodDL's first training phase).

    Args:
        events: training events without the validation part.
        point: the benchmark point; its seed is MethodDL's ``RandomSeed``.
    """
    return Shuffler(events, point.seed + 1)


def initial_weights(point: Point, inputs: int) -> List[Tuple[numpy.ndarray, numpy.ndarray]]:
    """The very weights and biases that MethodDL starts from with ``RandomSeed`` = the point's seed.

    Args:
        point: the benchmark point.
        inputs: number of input variables.

    Returns:
        For each layer the weights, float32, shape (inputs, outputs) as Keras has them, and the biases, zero.
    """
    root = _library()
    random = root.TRandom3(point.seed)
    widths = [inputs] + [point.neurons] * point.layers + [1]
    weights = []
    for n_in, n_out in zip(widths[:-1], widths[1:]):
        kernel = numpy.zeros((n_in, n_out), numpy.float32)
        if point.initializer == "identity":
            numpy.fill_diagonal(kernel, 1)
        elif point.initializer != "zero":
            kind, width = {
                "gauss": ("G", (2.0 / n_in) ** 0.5),
                "uniform": ("U", (2.0 / n_in) ** 0.5),
                "xavier": ("X", (6.0 / (n_in + n_out)) ** 0.5),
                "xavier_uniform": ("U", (6.0 / (n_in + n_out)) ** 0.5),
            }[point.initializer]
            root.tmva_bench.Draw(random, kind, width, n_in * n_out, kernel.ctypes.data)
        weights.append((kernel, numpy.zeros(n_out, numpy.float32)))
    return weights
