"""The real ``ROOT`` module with the double in the place of TMVA."""

import types
from typing import Any

from double import tmva

_CLASSES = ("TMVA::Factory", "TMVA::DataLoader", "TMVA::PyMethodBase", "TMVA::MethodPyKeras")


class DoubledRoot(types.ModuleType):
    """``ROOT`` with ``TMVA``: the facade itself refuses to be given that attribute."""

    def __init__(self, real: Any, version: str = "") -> None:
        super().__init__("ROOT")
        # ROOT sets itself up at the first look, and must then find its own classes.
        real.gROOT.GetVersion()
        self.__dict__.update(
            __path__=real.__path__, __spec__=real.__spec__, __file__=real.__file__, _real=real, TMVA=_Namespace()
        )
        self.__dict__["TClass"] = _TClass(real)
        self.__dict__["gROOT"] = _GROOT(real, version)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_real"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__dict__["_real"], name, value)


class _Namespace:
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return (
            getattr(tmva, name)
            if name in ("DataLoader", "Factory", "PyMethodBase", "Tools", "Types")
            else (tmva.unexpected(name))
        )


class _TClass:
    def __init__(self, real: Any) -> None:
        self._real = real

    def GetClass(self, name: str, load: bool = True, silent: bool = False) -> Any:
        return True if name in _CLASSES else self._real.TClass.GetClass(name, load, silent)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real.TClass, name)


class _GROOT:
    def __init__(self, real: Any, version: str) -> None:
        self._real = real
        self._version = version

    def GetVersion(self) -> str:
        return self._version or str(self._real.gROOT.GetVersion())

    def GetConfigFeatures(self) -> str:
        return f"{self._real.gROOT.GetConfigFeatures()} tmva tmva-cpu tmva-pymva"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real.gROOT, name)
