"""
Stands in for the service of Globus Compute and an endpoint, which need an account; the SDK is the real one: its Executor, its batches and its
serializer. What it would send to the service goes to other interpreters as text, and their results come back as text.
"""

import multiprocessing
import uuid
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, Dict, List

WORKERS = 2


def run(function: str, payload: str) -> str:
    """What the worker of an endpoint does with a task."""
    from globus_compute_sdk.serialize import ComputeSerializer

    serializer = ComputeSerializer()
    args, kwargs = (serializer.deserialize(each) for each in serializer.unpack_buffers(payload))
    return serializer.serialize(serializer.deserialize(function)(*args, **kwargs))


class Service:
    """As much of the SDK's Client as its Executor uses."""

    def __init__(self) -> None:
        from globus_compute_sdk.serialize import ComputeSerializer

        self.fx_serializer = ComputeSerializer()
        self._functions: Dict[str, str] = {}
        self.results: "Dict[str, Future[str]]" = {}
        self._workers = ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn"))

    def register_function(self, function: Any, **_: Any) -> str:
        assert function.__name__
        number = str(uuid.uuid4())
        self._functions[number] = self.fx_serializer.serialize(function)
        return number

    def create_batch(self, **options: Any) -> Any:
        from globus_compute_sdk import Client

        return Client.create_batch(self, **options)  # type: ignore[arg-type]

    def batch_run(self, endpoint: Any, batch: Any) -> Dict[str, Any]:
        data = batch.prepare()
        started: Dict[str, List[str]] = {}
        for function, payloads in data["tasks"].items():
            for payload in payloads:
                task = str(uuid.uuid4())
                started.setdefault(function, []).append(task)
                self.results[task] = self._workers.submit(run, self._functions[function], payload)
        group = data.get("task_group_id", str(uuid.uuid4()))
        return {"tasks": started, "task_group_id": group, "request_id": str(uuid.uuid4()), "endpoint_id": str(endpoint)}


class Watcher:
    """As much of the SDK's watcher as its Executor uses: there is no queue of results to be asked."""

    class ShuttingDownError(Exception):
        pass

    def __init__(self, task_group_id: Any, client: Service, port: Any = None) -> None:
        self._client = client

    def start(self) -> None:
        pass

    def is_alive(self) -> bool:
        return True

    def get_open_futures(self, _: Any = None) -> Dict[str, Any]:
        return {}

    def shutdown(self, *_: Any, **__: Any) -> None:
        pass

    def watch_for_task_results(self, _: Any, futures: List[Any]) -> int:
        for future in futures:
            self._client.results.pop(future.task_id).add_done_callback(lambda done, future=future: self._settle(future, done))
        return len(futures)

    def _settle(self, future: Any, done: "Future[str]") -> None:
        error = done.exception()
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(self._client.fx_serializer.deserialize(done.result()))


def install() -> None:
    from globus_compute_sdk.sdk import executor

    executor.Client = Service
    executor._ResultWatcher = Watcher
