"""Which class drives which back end."""

import importlib
from typing import Any, Dict, Mapping, Tuple

from .backends import Backend, ConcurrentBackend, Listener, Run, Unusable

CLASSES: Dict[str, Tuple[str, str]] = {
    "dask": ("dask_backend", "DaskBackend"),
    "ray": ("ray_backend", "RayBackend"),
    "parsl": ("parsl_backend", "ParslBackend"),
    "globus": ("globus_backend", "GlobusBackend"),
    "taskvine": ("taskvine_backend", "TaskVineBackend"),
}


def make_backend(factory: str, options: Mapping[str, Any], run: Run, listener: Listener, folder: str) -> Backend:
    """:param folder: for what it has to write"""
    if ":" in factory:
        return ConcurrentBackend(factory, options, run, listener)
    if factory not in CLASSES:
        raise Unusable("config", f"factory is {factory!r}: name it as module:callable, or one of {', '.join(CLASSES)}")
    module, name = CLASSES[factory]
    backend: Backend = getattr(importlib.import_module("." + module, __package__), name)(options, run, listener)
    backend.folder = folder
    return backend
