"""TMVA's random choices, reproduced with ROOT's own generators: event order, batches, initial weights, dropout.

ROOT without TMVA has ``TRandom3`` and cling, so the few lines that TMVA runs can be run as they are: the
order of the training vector (``DataSetFactory``), the shuffling before each epoch (``TTensorDataLoader``) and
the initial weights (``TCpu::Initialize*``).
"""

from typing import Any, Dict, Tuple

import numpy

from tmva_bench.basis.training import Training
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
// One training step after another: for each layer that drops, 0 or 1/keep for each event and input of the layer, event
// by event as NumPy has them; the generator's next number seeds a TRandom that runs through the events first.
void DropMasks(TRandom3 &random, long steps, long batch, const std::vector<double> &drop,
               const std::vector<long> &widths, const std::vector<long> &addresses)
{
   for (long step = 0; step < steps; ++step)
      for (std::size_t layer = 0; layer < drop.size(); ++layer) {
         if (drop[layer] == 0) continue;
         const double keep = 1 - drop[layer];
         auto mask = reinterpret_cast<float *>(addresses[layer]) + step * batch * widths[layer];
         TRandom uniform(random.Integer(kMaxUInt));
         for (long input = 0; input < widths[layer]; ++input)
            for (long event = 0; event < batch; ++event)
               mask[event * widths[layer] + input] = uniform.Uniform() > keep ? 0 : 1 / keep;
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


def epoch_order(events: int, seed: int, phase: int = 1) -> Shuffler:
    """The order of the training events, epoch by epoch.

    Args:
        events: training events without the validation part.
        seed: MethodDL's ``RandomSeed``.
        phase: number of the training phase, from 1.
    """
    return Shuffler(events, seed + phase)


class WeightGenerator:
    """MethodDL's generator of initial weights, which goes on to draw the masks of dropout.

    Attributes:
        weights: for each layer the weights that MethodDL starts from with ``RandomSeed``, float32, shape (inputs,
            outputs) as Keras has them, and the biases, zero.
    """

    def __init__(self, training: Training, inputs: int) -> None:
        """Draws the initial weights.

        Args:
            training: the network.
            inputs: number of input variables.
        """
        self._root = _library()
        self._random = self._root.TRandom3(training.seed)
        self._inputs = (inputs, *training.widths[:-1])
        self.weights = [
            (self._kernel(training.initializer, *shape), numpy.zeros(shape[1], numpy.float32))
            for shape in zip(self._inputs, training.widths)
        ]

    def masks(self, steps: int, batch: int, drop: Tuple[float, ...]) -> Dict[int, numpy.ndarray]:
        """The masks of the next training steps (``TCpu::DropoutForward``).

        Args:
            steps: number of training steps.
            batch: events per batch.
            drop: drop probability of each layer's input.

        Returns:
            By layer that drops: 0 or 1 / keep probability, float32, shape (steps x batch, inputs of the layer).
        """
        widths = self._inputs[: len(drop)]
        drawn = {n: numpy.empty((steps * batch, widths[n]), numpy.float32) for n, share in enumerate(drop) if share}
        vector = self._root.std.vector
        addresses = [drawn[n].ctypes.data if n in drawn else 0 for n in range(len(drop))]
        self._root.tmva_bench.DropMasks(
            self._random, steps, batch, vector["double"](drop), vector["long"](widths), vector["long"](addresses)
        )
        return drawn

    def _kernel(self, initializer: str, n_in: int, n_out: int) -> numpy.ndarray:
        kernel = numpy.zeros((n_in, n_out), numpy.float32)
        if initializer == "identity":
            numpy.fill_diagonal(kernel, 1)
        elif initializer != "zero":
            kind, width = {
                "gauss": ("G", (2.0 / n_in) ** 0.5),
                "uniform": ("U", (2.0 / n_in) ** 0.5),
                "xavier": ("X", (6.0 / (n_in + n_out)) ** 0.5),
                "xavier_uniform": ("U", (6.0 / (n_in + n_out)) ** 0.5),
            }[initializer]
            self._root.tmva_bench.Draw(self._random, kind, width, n_in * n_out, kernel.ctypes.data)
        return kernel
