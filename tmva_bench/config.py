"""The names that scripts know from before the rooms; for one release, use :mod:`tmva_bench` itself."""

from tmva_bench.basis.config import Point
from tmva_bench.basis.parsing import point

__all__ = ["Point", "point"]
