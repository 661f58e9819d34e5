"""The placements of the test events, kept beside a run's scores: areas of thousands of runs are compared by them."""

from pathlib import Path

import numpy

from tmva_bench.errors import UserError
from tmva_bench.events import roc

FILE = "placements.npy"
_CURE = "remove the file: they are made anew of the scores"


def write(folder: Path, placed: roc.Placements) -> None:
    """Writes the placements of a run into its folder: those of the signal, then those of the background events.

    Args:
        folder: of a run under way.
        placed: see :func:`tmva_bench.events.roc.placements`, of the run's test events.

    Raises:
        OSError: they cannot be written.
    """
    numpy.save(folder / FILE, numpy.concatenate(placed), allow_pickle=False)


def read(path: Path, signal: int, background: int) -> roc.Placements | None:
    """The placements of a run; None where it has none, as those of earlier versions.

    Args:
        path: the file.
        signal: number of signal test events.
        background: number of background test events.

    Raises:
        UserError: it holds something else.
    """
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            placed = numpy.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise UserError(f"{path}: no readable placements ({error}); {_CURE}") from None
    if placed.dtype != numpy.float64 or placed.shape != (signal + background,) or not numpy.isfinite(placed).all():
        raise UserError(f"{path}: not the placements of {signal} signal and {background} background events; {_CURE}")
    return roc.Placements(placed[:signal], placed[signal:])
