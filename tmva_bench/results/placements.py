"""The placements of the test events, kept beside a run's scores: areas of thousands of runs are compared by them."""

from pathlib import Path

import numpy

from tmva_bench.events import roc

FILE = "placements.f64"
# Of eight bytes each, the first the least.
_NUMBERS = "<f8"


def write(folder: Path, placed: roc.Placements) -> None:
    """Writes the placements of a run into its folder: those of the signal, then those of the background events.

    Args:
        folder: of a run under way.
        placed: see :func:`tmva_bench.events.roc.placements`, of the run's test events.

    Raises:
        OSError: they cannot be written.
    """
    (folder / FILE).write_bytes(numpy.concatenate(placed).astype(_NUMBERS).tobytes())


def read(path: Path, signal: int, background: int) -> roc.Placements | None:
    """The placements of a run; None where it has none of so many events, as those of earlier versions.

    Args:
        path: the file.
        signal: number of signal test events.
        background: number of background test events.
    """
    try:
        if not path.is_file() or path.stat().st_size != 8 * (signal + background):
            return None
        placed = numpy.frombuffer(path.read_bytes(), _NUMBERS)
    except (OSError, ValueError):  # gone meanwhile, or not to be read
        return None
    return roc.Placements(placed[:signal], placed[signal:])
