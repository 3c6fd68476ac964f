"""
What a back end's own Python client does with functions that do nothing, on two workers: prints its figures as JSON.

    python own_client.py dask|ray|parsl|process-pool
"""

import json
import logging
import os
import statistics
import sys
import tempfile
import time
from concurrent import futures
from typing import Any, Callable, Dict, Iterable, List, Tuple

WORKERS = 2
WINDOW = 64
WARM_UP_SECONDS = 1.0
CHAIN_SECONDS = 0.7
LONE_CALLS = 50
# The back end has come to rest before the next lone call.
PAUSE = 0.02


def noop(i: int) -> int:
    return i


def following(i: int) -> int:
    return i + 1


class Client:
    """A back end as its own users drive it."""

    # Calls of a bag: about as many as it does in two seconds.
    calls = 0

    def submit(self, function: Callable[[int], int], i: int) -> Any:
        raise NotImplementedError

    def values(self, calls: List[Any]) -> Iterable[int]:
        return [call.result() for call in calls]

    def some(self, calls: List[Any]) -> Tuple[List[Any], List[Any]]:
        """Those that have ended, at least one, and the others."""
        done, rest = futures.wait(calls, return_when=futures.FIRST_COMPLETED)
        return list(done), list(rest)

    def close(self) -> None:
        raise NotImplementedError


class Dask(Client):
    calls = 1_000

    def __init__(self) -> None:
        import distributed

        self._distributed = distributed
        self._cluster = distributed.LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, dashboard_address=None, worker_dashboard_address=None, silence_logs=logging.ERROR
        )
        self._client = distributed.Client(self._cluster)
        self._client.wait_for_workers(WORKERS)

    def submit(self, function: Callable[[int], int], i: int) -> Any:
        return self._client.submit(function, i, pure=False)

    def values(self, calls: List[Any]) -> Iterable[int]:
        values: List[int] = self._client.gather(calls)
        return values

    def some(self, calls: List[Any]) -> Tuple[List[Any], List[Any]]:
        done, rest = self._distributed.wait(calls, return_when="FIRST_COMPLETED")
        return list(done), list(rest)

    def close(self) -> None:
        self._client.close()
        self._cluster.close()


class Ray(Client):
    calls = 3_000

    def __init__(self) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
        import ray

        self._ray = ray
        ray.init(address="local", num_cpus=WORKERS, include_dashboard=False, logging_level=logging.ERROR)
        self._remotes: Dict[Callable[[int], int], Any] = {}

    def submit(self, function: Callable[[int], int], i: int) -> Any:
        if function not in self._remotes:
            self._remotes[function] = self._ray.remote(function)
        return self._remotes[function].remote(i)

    def values(self, calls: List[Any]) -> Iterable[int]:
        values: List[int] = self._ray.get(calls)
        return values

    def some(self, calls: List[Any]) -> Tuple[List[Any], List[Any]]:
        done, rest = self._ray.wait(calls, num_returns=1)
        return done, rest

    def close(self) -> None:
        self._ray.shutdown()


class Parsl(Client):
    calls = 1_500

    def __init__(self) -> None:
        import parsl
        from parsl.executors import HighThroughputExecutor
        from parsl.providers import LocalProvider

        # Parsl finds its own programs there.
        os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", "")
        self._folder = tempfile.TemporaryDirectory(prefix="taps-bench-parsl-")
        executor = HighThroughputExecutor(
            address="127.0.0.1",
            max_workers_per_node=WORKERS,
            cores_per_worker=1e-6,
            encrypted=False,
            provider=LocalProvider(init_blocks=1, min_blocks=1, max_blocks=1),
        )
        config = parsl.Config(
            executors=[executor], run_dir=self._folder.name, strategy="none", initialize_logging=False, usage_tracking=0
        )
        self._kernel = parsl.load(config)
        self._apps = {function: parsl.python_app(function) for function in (noop, following)}

    def submit(self, function: Callable[[int], int], i: int) -> Any:
        return self._apps[function](i)

    def close(self) -> None:
        self._kernel.cleanup()
        self._folder.cleanup()


class ProcessPool(Client):
    calls = 10_000

    def __init__(self) -> None:
        self._pool = futures.ProcessPoolExecutor(WORKERS)

    def submit(self, function: Callable[[int], int], i: int) -> Any:
        return self._pool.submit(function, i)

    def close(self) -> None:
        self._pool.shutdown()


CLIENTS: Dict[str, Callable[[], Client]] = {"dask": Dask, "ray": Ray, "parsl": Parsl, "process-pool": ProcessPool}


def at_once(client: Client, n: int) -> float:
    """Seconds."""
    start = time.perf_counter()
    total = sum(client.values([client.submit(noop, i) for i in range(n)]))
    took = time.perf_counter() - start
    check(total, sum(range(n)))
    return took


def in_window(client: Client, n: int) -> float:
    """Seconds. The next is submitted as one ends."""
    start = time.perf_counter()
    calls = [client.submit(noop, i) for i in range(WINDOW)]
    following_number, total = WINDOW, 0
    while calls:
        done, calls = client.some(calls)
        total += sum(client.values(done))
        for _ in done:
            if following_number < n:
                calls.append(client.submit(noop, following_number))
                following_number += 1
    took = time.perf_counter() - start
    check(total, sum(range(n)))
    return took


def one(client: Client, function: Callable[[int], int], i: int) -> int:
    (value,) = client.values([client.submit(function, i)])
    return value


def chain(client: Client) -> float:
    """Links per second."""
    start, links = time.perf_counter(), 0
    while time.perf_counter() - start < CHAIN_SECONDS:
        check(one(client, following, links), links + 1)
        links += 1
    return links / (time.perf_counter() - start)


def lone_call(client: Client) -> float:
    """Milliseconds."""
    times = []
    for i in range(LONE_CALLS):
        time.sleep(PAUSE)
        start = time.perf_counter()
        value = one(client, noop, i)
        times.append(time.perf_counter() - start)
        check(value, i)
    return statistics.median(times) * 1000


def check(actual: int, expected: int) -> None:
    if actual != expected:
        raise ValueError(f"Computed {actual}, not {expected}")


def warm_up(client: Client) -> None:
    end = time.perf_counter() + WARM_UP_SECONDS
    one(client, noop, 0)
    while time.perf_counter() < end:
        at_once(client, 200)


def measure(client: Client) -> Dict[str, float]:
    warm_up(client)
    return {
        "lone call": lone_call(client),
        "chain": chain(client),
        "64 in flight": client.calls / in_window(client, client.calls),
        "at once": client.calls / at_once(client, client.calls),
    }


def main() -> None:
    client = CLIENTS[sys.argv[1]]()
    try:
        figures = measure(client)
    finally:
        client.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
