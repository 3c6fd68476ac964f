"""
Dask: a cluster of this machine that starts and ends with the program, or the scheduler at an address, which stays.

Options: `scheduler` (an address), `workers`, `useThreads`, `daemonWorkers`, `waitForWorkers`, `waitForWorkersTimeout` (seconds),
`sendInterval` (ms; null leaves Dask's own).
"""

import asyncio
import itertools
import logging
import threading
from typing import Any, Mapping, Optional

from .backends import Backend, Call, Listener, Run, Unusable, cpu_count, need

POLL = 1.0


class DaskBackend(Backend):
    name = "DaskExecutor"
    package = "distributed"
    # Also what has ended, if its worker dies before the answer is fetched; and with a scheduler of others, what a worker has begun that died.
    runs_again = True

    def __init__(self, options: Mapping[str, Any], run: Run, listener: Listener) -> None:
        super().__init__(options, run, listener)
        self._scheduler: Optional[str] = self._options.get("scheduler")
        self.is_remote = self._scheduler is not None
        self._cluster: Any = None
        self._client: Any = None
        self._numbers = itertools.count()
        self._is_closed = threading.Event()
        self._lock = threading.Lock()
        self._is_told = False
        self._slots = 0

    def start(self) -> None:
        get = self._options.get
        workers, use_threads, daemons = get("workers"), get("useThreads", False), get("daemonWorkers", True)
        wait_for, timeout, interval = get("waitForWorkers"), get("waitForWorkersTimeout"), get("sendInterval")
        self._options.refuse_rest()
        distributed = need("distributed", "distributed")
        dask = need("dask", "dask")
        # No worker's death makes it run a call again behind the user's back.
        dask.config.set({"distributed.scheduler.allowed-failures": 0, "distributed.worker.daemon": daemons})
        if self._scheduler is None:
            self._cluster = self._start_cluster(distributed, workers or cpu_count(), use_threads)
        self._connect(distributed)
        if wait_for is None and self._cluster is not None:
            wait_for = len(self._cluster.workers)
        self._wait(wait_for, timeout)
        if interval is not None:
            self._set_intervals(interval / 1000)
        self._slots = self._count()
        threading.Thread(target=self._watch, name="taps-sdk-dask", daemon=True).start()

    def _start_cluster(self, distributed: Any, workers: int, use_threads: bool) -> Any:
        return distributed.LocalCluster(
            n_workers=1 if use_threads else workers,
            threads_per_worker=workers if use_threads else 1,
            processes=not use_threads,
            dashboard_address=None,
            worker_dashboard_address=None,
            silence_logs=logging.ERROR,
        )

    def _connect(self, distributed: Any) -> None:
        try:
            self._client = distributed.Client(self._cluster or self._scheduler, set_as_default=False)
        except (OSError, asyncio.TimeoutError) as error:
            raise Unusable("backend", f"There is no Dask scheduler at {self._scheduler}: {error}") from error

    def _wait(self, count: Optional[int], timeout: Optional[float]) -> None:
        if count is None:
            return
        try:
            self._client.wait_for_workers(count, timeout=timeout)
        except Exception as error:
            there = len(self._client.scheduler_info().get("workers", {}))
            raise Unusable("backend", f"waitForWorkers: {there} of {count} Dask workers came: {error}") from error

    def _set_intervals(self, seconds: float) -> None:
        """Dask has no option for it; where its inside is other than expected, it keeps its own."""
        _set(lambda: setattr(self._client.scheduler_comm, "interval", seconds))
        if self._cluster is None:
            return
        scheduler = self._cluster.scheduler
        for comms in ("client_comms", "stream_comms"):
            for comm in list(getattr(scheduler, comms, {}).values()):
                _set(lambda comm=comm: setattr(comm, "interval", seconds))
        _set(lambda: self._client.run(_set_worker_interval(seconds)))

    def slots(self) -> int:
        return self._slots

    def _count(self) -> int:
        return sum(self._client.nthreads().values())

    def _watch(self) -> None:
        while not self._is_closed.wait(POLL):
            try:
                if self._is_cut():
                    raise ConnectionError("the connection is closed")
                count = self._count()
            except Exception as error:
                return self._gone(str(error))
            if count != self._slots:
                self._slots = count
                self._listener.slots(count)

    def _is_cut(self) -> bool:
        return self._client.status in ("connecting", "closed")

    def _gone(self, why: str) -> None:
        """Once."""
        with self._lock:
            is_told, self._is_told = self._is_told, True
        if not is_told and not self._is_closed.is_set():
            self._listener.failed(f"The Dask scheduler at {self.address()} is gone: {why}")

    def _lose(self, call: Call, error: BaseException) -> None:
        call.lost(error)
        if self._is_cut():
            self._gone("the connection is closed")

    def submit(self, call: Call) -> None:
        try:
            future = self._client.submit(
                self._run, *call.arguments, key=f"taps-sdk-{call.arguments[0]}-{next(self._numbers)}", pure=False, retries=0
            )
        except Exception as error:
            return self._lose(call, error)
        self._client.loop.add_callback(self._follow, call, future)

    async def _follow(self, call: Call, future: Any) -> None:
        try:
            answer = await future._result()
        except (Exception, asyncio.CancelledError) as error:
            self._lose(call, error)
        else:
            call.answered(answer)
        finally:
            future.release()

    def close(self) -> None:
        self._is_closed.set()
        if self._client is not None:
            self._client.close(timeout=2)
        if self._cluster is not None:
            self._cluster.close(timeout=5)

    def address(self) -> Optional[str]:
        if self._scheduler is None and self._client is not None and self._client.scheduler is not None:
            return str(self._client.scheduler.address)
        return self._scheduler


def _set(change: Any) -> None:
    try:
        change()
    except Exception:
        pass


def _set_worker_interval(seconds: float) -> Any:
    """A function that workers can be sent: it has no module of ours."""
    space: Any = {"__name__": "__main__"}
    exec("def change(dask_worker):\n    dask_worker.batched_stream.interval = seconds\n", space)
    space["seconds"] = seconds
    return space["change"]


