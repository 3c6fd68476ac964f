"""
Globus Compute: an endpoint, which stays, reached through the cloud service that knows it. It never runs a task again by itself.

Options: `endpoint` (its id), `batchSize`.
"""

import sys
from concurrent.futures import Future
from typing import Any, Mapping, Optional

from .backends import FuturesBackend, Listener, Run, Unusable, need

SLOTS = 128
"""Packs on their way at the same time, unless a batch is larger: the service does not tell how many workers an endpoint has."""


class GlobusBackend(FuturesBackend):
    name = "GlobusComputeExecutor"
    package = "globus-compute-sdk"
    is_remote = True

    def __init__(self, options: Mapping[str, Any], run: Run, listener: Listener) -> None:
        super().__init__(options, run, listener)
        self._endpoint: Optional[str] = self._options.get("endpoint")
        self._batch_size: int = self._options.get("batchSize", 128)
        self._executor: Any = None

    def start(self) -> None:
        self._options.refuse_rest()
        if self._endpoint is None:
            raise Unusable("config", "GlobusComputeExecutor needs endpoint: the id of the endpoint")
        sdk = need("globus_compute_sdk", self.package)
        try:
            self._executor = sdk.Executor(endpoint_id=self._endpoint, batch_size=self._batch_size)
        except (Exception, SystemExit) as error:
            raise Unusable(
                "config",
                f"Globus Compute cannot be used with the endpoint {self._endpoint}: {error or type(error).__name__}. If nobody has "
                "logged in here, set GLOBUS_COMPUTE_CLIENT_ID and GLOBUS_COMPUTE_CLIENT_SECRET, or log in in a terminal: "
                f"{sys.executable} -c 'import globus_compute_sdk; globus_compute_sdk.Client()'",
            ) from error

    def slots(self) -> int:
        return max(SLOTS, self._batch_size)

    def _submit(self, *arguments: Any) -> "Future[bytes]":
        future: "Future[bytes]" = self._executor.submit(self._run, *arguments)
        return future

    def cancel(self, call: Any) -> bool:
        """Nobody tells whether it has begun there."""
        return False

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def address(self) -> Optional[str]:
        return self._endpoint
