"""Modules from texts: the sources of this program come through a pipe, and go on to workers that have no files of it."""

import importlib
import importlib.abc
import importlib.machinery
import linecache
import sys
from types import CodeType, ModuleType
from typing import Any, Mapping, Optional, Sequence


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds and loads the modules of one package."""

    def __init__(self, package: str, sources: Mapping[str, str]) -> None:
        self._package = package
        self._sources = sources

    def _file(self, name: str) -> Optional[str]:
        if name == self._package:
            return "__init__.py"
        prefix = self._package + "."
        file = name[len(prefix) :] + ".py" if name.startswith(prefix) else ""
        return file if file in self._sources else None

    def find_spec(
        self, name: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if self._file(name) is None:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=name == self._package)

    def get_source(self, name: str) -> str:
        return self._sources.get(self._file(name) or "", "")

    def is_package(self, name: str) -> bool:
        return name == self._package

    def get_code(self, name: str) -> CodeType:
        source = self.get_source(name)
        file = "taps-sdk/" + (self._file(name) or "")
        # For the lines of tracebacks.
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        return compile(source, file, "exec")


def load(package: str, sources: Mapping[str, str], module: str) -> Any:
    """A module of a package that is in no file. The package stays, for whoever loads it again."""
    name = package + "." + module
    if package not in sys.modules:
        sys.meta_path.append(_Finder(package, sources))
    return importlib.import_module(name)
