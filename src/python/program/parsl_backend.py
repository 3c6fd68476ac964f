"""
Parsl: a HighThroughputExecutor on this machine, or what a configuration of the user's describes. Packs go to Parsl's executors
directly: there is nothing for its own graph of tasks to do, which takes longer than the packs.

Options: `workers`, `runDir` (a temporary folder unless it is given), `config` (a Python file that defines `config`, or `module:name`: a
`parsl.Config` or a function that gives one), `executor` (the label of one of its executors; the first one unless it is given), `htex` (more
options of the HighThroughputExecutor).
"""

import importlib
import logging
import os
import runpy
import sys
import threading
from concurrent.futures import Future
from typing import Any, Dict, Mapping, Optional

from .backends import FuturesBackend, Listener, Run, Unusable, cpu_count, need

POLL = 0.5


class ParslBackend(FuturesBackend):
    name = "ParslExecutor"
    package = "parsl"

    def __init__(self, options: Mapping[str, Any], run: Run, listener: Listener) -> None:
        super().__init__(options, run, listener)
        self._config_path: Optional[str] = self._options.get("config")
        self.is_remote = self._config_path is not None
        self._kernel: Any = None
        self._executor: Any = None
        self._slots = 0
        self._is_closed = threading.Event()
        self._lock = threading.Lock()
        self._is_told = False

    def start(self) -> None:
        get = self._options.get
        workers, run_dir, label, htex = get("workers"), get("runDir"), get("executor"), get("htex", {})
        self._options.refuse_rest()
        parsl = need("parsl", "parsl")
        logging.getLogger("parsl").setLevel(logging.ERROR)
        if self._config_path is None:
            config = self._local(parsl, workers or cpu_count(), run_dir or os.path.join(self.folder, "parsl"), htex)
        else:
            config = _config_of(self._config_path, parsl)
            if run_dir is not None:
                config.run_dir = run_dir
        self._kernel = parsl.DataFlowKernel(config)
        self._executor = self._find(config, label)
        self._slots = self._count(workers)
        threading.Thread(target=self._watch, name="taps-sdk-parsl", daemon=True).start()

    def _watch(self) -> None:
        while not self._is_closed.wait(POLL):
            if self._is_gone():
                return

    def _is_gone(self) -> bool:
        """Tells it, too: Parsl waits for ever for an interchange that has ended."""
        executor = self._executor
        interchange = getattr(executor, "interchange_proc", None)
        if getattr(executor, "bad_state_is_set", False):
            why = str(getattr(executor, "executor_exception", None) or "it is of no use any more")
        elif interchange is not None and interchange.poll() is not None:
            why = f"its interchange (process {interchange.pid}) has ended"
        else:
            return False
        with self._lock:
            is_told, self._is_told = self._is_told, True
        if not is_told and not self._is_closed.is_set():
            self._listener.failed(f"Parsl's executor {executor.label} is gone: {why}")
        return True

    def _local(self, parsl: Any, workers: int, run_dir: str, htex: Mapping[str, Any]) -> Any:
        executors, providers = need("parsl.executors", "parsl"), need("parsl.providers", "parsl")
        keywords: Dict[str, Any] = {
            "label": "taps-sdk",
            "address": "127.0.0.1",
            "max_workers_per_node": workers,
            # As many as were asked for, whatever the machine has.
            "cores_per_worker": 1e-6,
            "encrypted": False,
            # It is also how often Parsl looks whether its workers live: 30 s are long for calls that wait.
            "heartbeat_period": 2,
            # A node that is gone is given packs for as long: Parsl's own are two minutes.
            "heartbeat_threshold": 10,
            # One node that is gone is replaced; three of them in a row mean that it is of no use.
            "block_error_handler": need("parsl.jobs.error_handlers", "parsl").windowed_error_handler,
            "provider": providers.LocalProvider(init_blocks=1, min_blocks=1, max_blocks=1),
        }
        executor = executors.HighThroughputExecutor(**{**keywords, **htex})
        return parsl.Config(
            executors=[executor],
            run_dir=run_dir,
            retries=0,
            # A node that is gone is replaced.
            strategy="simple",
            # The first node is started at the second look: Parsl's own period is 5 s.
            strategy_period=0.2,
            initialize_logging=False,
            usage_tracking=0,
        )

    def _find(self, config: Any, label: Optional[str]) -> Any:
        labels = [executor.label for executor in config.executors]
        if label is not None and label not in labels:
            raise Unusable("config", f"executor: {self._config_path} has no executor {label}: it has {', '.join(labels)}")
        return self._kernel.executors[label or labels[0]]

    def _count(self, workers: Optional[int]) -> int:
        """How many packs it runs at once, as far as that is known before there are nodes."""
        executor = self._executor
        known = workers or getattr(executor, "max_workers_per_node", None) or getattr(executor, "max_threads", None)
        per_node = int(known) if isinstance(known, (int, float)) and 0 < known < float("inf") else cpu_count()
        provider = getattr(executor, "provider", None)
        blocks = getattr(provider, "max_blocks", 1) or 1
        nodes = getattr(provider, "nodes_per_block", 1) or 1
        return per_node * int(blocks) * int(nodes)

    def slots(self) -> int:
        return self._slots

    def _submit(self, *arguments: Any) -> "Future[bytes]":
        try:
            future: "Future[bytes]" = self._executor.submit(self._run, {}, *arguments)
        except Exception:
            self._is_gone()
            raise
        return future

    def cancel(self, call: Any) -> bool:
        """It is with the interchange at once."""
        return False

    def close(self) -> None:
        self._is_closed.set()
        if self._kernel is not None:
            self._kernel.cleanup()

    def logs(self) -> Optional[str]:
        """Unless they are gone with the program."""
        run_dir = "" if self._kernel is None else os.path.abspath(self._kernel.run_dir)
        return None if run_dir == "" or run_dir.startswith(os.path.join(self.folder, "")) else run_dir


def _config_of(path: str, parsl: Any) -> Any:
    config = _named(path) if ":" in path and not path.endswith(".py") else _in_file(path)
    if callable(config) and not isinstance(config, parsl.Config):
        config = config()
    if not isinstance(config, parsl.Config):
        raise Unusable("config", f"config: {path} gives {type(config).__name__} where a parsl.Config was due")
    return config


def _in_file(path: str) -> Any:
    if not os.path.isfile(path):
        raise Unusable("config", f"config: there is no file {os.path.abspath(path)}")
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    names = runpy.run_path(path)
    if "config" not in names:
        raise Unusable("config", f"config: {path} defines no `config`")
    return names["config"]


def _named(path: str) -> Any:
    module, _, name = path.partition(":")
    # As `python -m` would find it.
    sys.path.insert(0, os.getcwd())
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise Unusable("config", f"config: {path}: {error}") from error
