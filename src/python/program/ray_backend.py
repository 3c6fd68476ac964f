"""
Ray: a cluster of this machine that starts and ends with the program, or the one at an address, which stays.

Options: `address` (`local`, the default; `auto`, or an address), `numCpus` (of a local one).
"""

import logging
import os
import socket
import threading
from concurrent.futures import Future
from typing import Any, Callable, Dict, Mapping, Optional

from .backends import FuturesBackend, Listener, Run, Unusable, cpu_count, need

POLL = 2.0
PATIENCE = 10.0


class RayBackend(FuturesBackend):
    name = "RayExecutor"
    package = "ray"

    def __init__(self, options: Mapping[str, Any], run: Run, listener: Listener) -> None:
        super().__init__(options, run, listener)
        self._address: str = self._options.get("address", "local")
        self.is_remote = self._address != "local"
        self._ray: Any = None
        self._remote: Any = None
        self._slots = 0
        self._is_closed = threading.Event()

    def start(self) -> None:
        cpus = self._options.get("numCpus")
        self._options.refuse_rest()
        if cpus is not None and self.is_remote:
            raise Unusable("config", f"numCpus is of a local cluster, not of the one at {self._address}")
        self._look_for_it()
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        # Ray warns with each worker that it starts otherwise.
        os.environ.setdefault("PYTHONWARNINGS", "ignore")
        ray = self._ray = need("ray", "ray")
        keywords: Dict[str, Any] = {} if self.is_remote else {"num_cpus": cpus or cpu_count(), "include_dashboard": False}
        try:
            ray.init(
                address=self._address, log_to_driver=True, logging_level=logging.ERROR, configure_logging=True, **keywords
            )
        except ConnectionError as error:
            raise Unusable("backend", f"There is no Ray cluster at {self._address}: {error}") from error
        self._remote = ray.remote(max_retries=0, num_cpus=1)(plain_function(self._run))
        self._slots = self._count()
        threading.Thread(target=self._watch, name="taps-sdk-ray", daemon=True).start()

    def _look_for_it(self) -> None:
        """Ray waits for a minute for who does not answer, and then ends the process."""
        host, _, port = self._address.rpartition("://")[2].rpartition(":")
        if not port.isdigit():
            return
        try:
            socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
        except OSError as error:
            raise Unusable("backend", f"There is no Ray cluster at {self._address}: {error}") from error

    def _count(self) -> int:
        return int(self._ray.cluster_resources().get("CPU", 0))

    def _watch(self) -> None:
        while not self._is_closed.wait(POLL):
            try:
                count = self._count()
            except Exception as error:
                if not self._is_closed.is_set():
                    self._listener.failed(f"The Ray cluster at {self.address()} is gone: {error}")
                return
            if count != self._slots:
                self._slots = count
                self._listener.slots(count)

    def slots(self) -> int:
        return self._slots

    def _submit(self, *arguments: Any) -> "Future[bytes]":
        future: "Future[bytes]" = self._remote.remote(*arguments).future()
        return future

    def cancel(self, call: Any) -> bool:
        """Ray would interrupt a call that runs."""
        return False

    def close(self) -> None:
        self._is_closed.set()
        if self._ray is not None:
            self._ray.shutdown()

    def address(self) -> Optional[str]:
        if self._ray is None or not self._ray.is_initialized():
            return self._address
        return str(self._ray.get_runtime_context().gcs_address)

    def logs(self) -> Optional[str]:
        node = getattr(getattr(self._ray, "_private", None), "worker", None)
        node = getattr(getattr(node, "_global_node", None), "get_logs_dir_path", None)
        return None if node is None else str(node())


def plain_function(run: Run) -> Callable[..., bytes]:
    """Ray takes functions only, and one that is in no module travels whole."""
    space: Dict[str, Any] = {"__name__": "__main__", "run": run}
    exec("def taps_sdk_pack(*arguments):\n    return run(*arguments)\n", space)
    made: Callable[..., bytes] = space["taps_sdk_pack"]
    return made
