"""
Ray: a cluster of this machine that starts and ends with the program, or the one at an address, which stays.

Options: `address` (`local`, the default; `auto`, or an address), `numCpus` (of a local one).
"""

import logging
import os
import socket
import threading
import time
from concurrent.futures import Future
from typing import Any, Callable, Dict, Mapping, Optional

from .backends import FuturesBackend, Listener, Run, Unusable, cpu_count, need

POLL = 2.0
PATIENCE = 10.0
VITAL = ("gcs_server", "raylet")


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
        # It asks as many times, once a second, whoever has answered already.
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "5")
        # Ray warns with each worker that it starts otherwise.
        os.environ.setdefault("PYTHONWARNINGS", "ignore")
        ray = self._ray = need("ray", "ray")
        keywords: Dict[str, Any] = {} if self.is_remote else {"num_cpus": cpus or cpu_count(), "include_dashboard": False}
        try:
            ray.init(
                address=self._address, log_to_driver=True, logging_level=logging.ERROR, configure_logging=True, **keywords
            )
        except ConnectionError as error:
            raise Unusable("backend", f"There is no Ray cluster at {self._address}: {error}{_advice(self._address)}") from error
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
        given = self._address.rpartition("://")[2]
        # Behind a Ray Client nobody but the proxy can be reached.
        gcs = given if ":" in given else str(self.address())
        silent_since: Optional[float] = None
        while not self._is_closed.wait(POLL):
            # Ray itself waits for a minute for a head that is gone, and then ends the process.
            dead = self._dead()
            silent_since = None if _answers(gcs, POLL) else silent_since or time.monotonic()
            is_gone = silent_since is not None and time.monotonic() - silent_since > PATIENCE
            if dead is not None or is_gone:
                return self._gone(gcs, f"its {dead} has ended" if dead else "nobody answers there")
            if silent_since is not None:
                continue
            try:
                count = self._count()
            except Exception as error:
                return self._gone(gcs, str(error))
            if count != self._slots:
                self._slots = count
                self._listener.slots(count)

    def _gone(self, gcs: str, why: str) -> None:
        if not self._is_closed.is_set():
            self._listener.failed(f"The Ray cluster at {gcs} is gone: {why}")

    def _dead(self) -> Optional[str]:
        """A process of a cluster of its own that has ended, and without which there is none."""
        if self.is_remote:
            return None
        try:
            dead = [str(kind) for kind, _ in self._ray._private.worker._global_node.dead_processes()]
        except Exception:
            # Its inside is other than expected: Ray itself tells, later.
            return None
        return next((kind for kind in dead if kind in VITAL), None)

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


def _answers(address: str, timeout: float) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout).close()
    except (OSError, ValueError):
        return False
    return True


def _advice(address: str) -> str:
    """Ray sends the token that it keeps for this user to an address that was given only where that was asked for."""
    if address == "auto" or os.environ.get("RAY_AUTH_MODE") is not None:
        return ""
    return ". If it asks for a token, as Ray's own clusters do, allow that it is sent there: env: { RAY_AUTH_MODE: 'token' }"


def plain_function(run: Run) -> Callable[..., bytes]:
    """Ray takes functions only, and one that is in no module travels whole."""
    space: Dict[str, Any] = {"__name__": "__main__", "run": run}
    exec("def taps_sdk_pack(*arguments):\n    return run(*arguments)\n", space)
    made: Callable[..., bytes] = space["taps_sdk_pack"]
    return made
