"""The name that scripts know from before the rooms; for one release, use :mod:`tmva_bench.study.requests`."""

from tmva_bench.study.requests import Limits

__all__ = ["Limits"]
