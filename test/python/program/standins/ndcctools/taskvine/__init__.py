"""
Stands in for TaskVine, which is in no package registry: its FuturesExecutor as far as it is documented. Everything has to come from one
thread, futures are done only for who asks them, a task is a Python process of its own, and a library one that stays.
"""

import base64
import concurrent.futures
import inspect
import multiprocessing
import subprocess
import sys
import threading
from typing import Any, Dict

import cloudpickle

TASK = """
import base64, cloudpickle, os, sys
out = os.dup(1)
os.dup2(2, 1)
fn, args = cloudpickle.loads(base64.b64decode(sys.stdin.read()))
os.write(out, base64.b64encode(cloudpickle.dumps(fn(*args))))
"""


def run_in_library(source: str, name: str, payload: bytes) -> bytes:
    space: Dict[str, Any] = {}
    exec(source, space)
    return cloudpickle.dumps(space[name](*cloudpickle.loads(payload)))


class Manager:
    def __init__(self, port: int) -> None:
        self.port = port
        self.thread = threading.get_ident()
        self.tuned: Dict[str, int] = {}

    def check(self) -> None:
        assert threading.get_ident() == self.thread, "TaskVine is not to be used by two threads"

    def tune(self, name: str, value: int) -> None:
        self.tuned[name] = value


class Library:
    def __init__(self, name: str, functions: Any) -> None:
        self.name = name
        self.sources = {function.__name__: inspect.getsource(function) for function in functions}
        self.pool: Any = None

    def set_cores(self, cores: int) -> None:
        self.cores = cores

    def set_function_slots(self, slots: int) -> None:
        self.slots = slots


class Task:
    def __init__(self, run: Any) -> None:
        self.run = run
        self.cores = self.retries = 0

    def set_cores(self, cores: int) -> None:
        self.cores = cores

    def set_retries(self, retries: int) -> None:
        self.retries = retries


class VineFuture:
    def __init__(self, manager: Manager, inner: "concurrent.futures.Future[bytes]") -> None:
        self._manager = manager
        self._inner = inner

    def result(self, timeout: Any = "wait_forever") -> Any:
        self._manager.check()
        return cloudpickle.loads(self._inner.result(None if timeout == "wait_forever" else timeout))


class Factory:
    def __init__(self, options: Dict[str, Any]) -> None:
        print(f"factory {sorted(options.items())}", flush=True)

    def stop(self) -> None:
        print("factory stopped", flush=True)


class FuturesExecutor:
    def __init__(self, port: int = 9123, manager_name: Any = None, factory: bool = True, opts: Any = {}) -> None:
        self.manager = Manager(port)
        self.port = port
        self.factory = Factory(opts) if factory else None
        self._libraries: Dict[str, Library] = {}
        self._workers = concurrent.futures.ThreadPoolExecutor(2)

    def future_task(self, fn: Any, *args: Any) -> Task:
        payload = base64.b64encode(cloudpickle.dumps((fn, args)))

        def run() -> bytes:
            found = subprocess.run([sys.executable, "-c", TASK], input=payload, stdout=subprocess.PIPE, check=True)
            return base64.b64decode(found.stdout)

        return Task(run)

    def create_library_from_functions(self, name: str, *functions: Any, add_env: bool = True) -> Library:
        return Library(name, functions)

    def install_library(self, library: Library) -> None:
        library.pool = concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        self._libraries[library.name] = library

    def future_funcall(self, library_name: str, name: str, *args: Any) -> Task:
        library = self._libraries[library_name]
        payload = cloudpickle.dumps(args)
        return Task(lambda: library.pool.submit(run_in_library, library.sources[name], name, payload).result())

    def submit(self, task: Task) -> VineFuture:
        self.manager.check()
        assert task.cores > 0 and task.retries == 1
        return VineFuture(self.manager, self._workers.submit(task.run))
