"""On ``PYTHONPATH``, gives a child process the double: ``import ROOT`` then brings ROOT with the doubled TMVA.

``TMVA_DOUBLE_ROOT_VERSION`` makes it claim another version of ROOT.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name != "ROOT":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec and spec.loader:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(importlib.abc.Loader):
    def __init__(self, real: Any) -> None:
        self._real = real

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._real.exec_module(module)
        from double.root import DoubledRoot

        sys.modules["ROOT"] = DoubledRoot(sys.modules["ROOT"], os.environ.get("TMVA_DOUBLE_ROOT_VERSION", ""))


sys.path.append(str(Path(__file__).parents[2]))
sys.meta_path.insert(0, _Finder())
