"""
TaskVine: a manager in this program, and workers that a factory of its own starts, or that others start and connect to its port.

Options: `coresPerTask`, `coresPerWorker`, `debug`, `factory`, `port`, `serverless`, `workers`.

Its futures tell nobody that they are done, and nothing of it may be used by two threads: one thread submits and asks all of them in turn.
"""

import queue
import threading
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, Callable, Dict, List, Mapping, Optional

from .backends import Backend, Call, Listener, Run, Unusable, need

LIBRARY = "taps-sdk"
SHORTEST_PAUSE = 0.001
LONGEST_PAUSE = 0.05


class TaskVineBackend(Backend):
    name = "TaskVineExecutor"
    package = "ndcctools"
    is_remote = True
    runs_again = True

    def __init__(self, options: Mapping[str, Any], run: Run, listener: Listener) -> None:
        super().__init__(options, run, listener)
        get = self._options.get
        self._cores_per_task: int = get("coresPerTask", 1)
        self._cores: Optional[int] = get("coresPerWorker")
        self._debug: bool = get("debug", False)
        self._factory: bool = get("factory", True)
        self._port: int = get("port", 9123)
        self._serverless: bool = get("serverless", False)
        self._workers: int = get("workers", 1)
        # A task that is no call of a library has a process of its own.
        self.keeps_hosts = self._serverless
        self._inbox: "queue.SimpleQueue[Optional[Call]]" = queue.SimpleQueue()
        self._executor: Any = None
        self._thread: Optional[threading.Thread] = None

    def start(self) -> None:
        self._options.refuse_rest()
        try:
            taskvine = need("ndcctools.taskvine", self.package)
        except Unusable as error:
            message = str(error).partition("\n")[0]
            raise Unusable("missing", f"{message}\nconda install -c conda-forge ndcctools (it is not in PyPI)") from error
        started: "queue.SimpleQueue[Optional[BaseException]]" = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, args=(taskvine, started.put), name="taps-sdk-taskvine", daemon=True)
        self._thread.start()
        wrong = started.get()
        if wrong is not None:
            raise wrong

    def _open(self, taskvine: Any) -> None:
        options: Dict[str, Any] = {"min-workers": self._workers, "max-workers": self._workers}
        if self._cores is not None:
            options["cores"] = self._cores
        self._executor = taskvine.FuturesExecutor(
            port=self._port, manager_name=f"{LIBRARY}-{self._port}", factory=self._factory, opts=options
        )
        if self._debug:
            self._executor.manager.tune("watch-library-logfiles", 1)
        if self._serverless:
            library = self._executor.create_library_from_functions(LIBRARY, taps_sdk_pack, add_env=False)
            library.set_cores(self._cores or self._cores_per_task)
            library.set_function_slots(self.slots() // self._workers)
            self._executor.install_library(library)

    def _work(self, taskvine: Any, started: Callable[[Optional[BaseException]], None]) -> None:
        try:
            self._open(taskvine)
        except BaseException as error:
            return started(error)
        started(None)
        waiting: List[Call] = []
        pause = SHORTEST_PAUSE
        while True:
            try:
                call = self._inbox.get(timeout=pause) if waiting else self._inbox.get()
            except queue.Empty:
                call = None
            else:
                if call is None:
                    return
                if self._begin(call):
                    waiting.append(call)
                    pause = SHORTEST_PAUSE
                if not self._inbox.empty():
                    continue
            still = [each for each in waiting if not self._settle(each)]
            pause = min(pause * 1.5, LONGEST_PAUSE) if len(still) == len(waiting) else SHORTEST_PAUSE
            waiting = still

    def _begin(self, call: Call) -> bool:
        """Whether it is on its way."""
        executor = self._executor
        try:
            if self._serverless:
                task = executor.future_funcall(LIBRARY, "taps_sdk_pack", self._run, *call.arguments)
            else:
                task = executor.future_task(self._run, *call.arguments)
            task.set_cores(self._cores_per_task)
            # TaskVine would run what was lost with a worker again for ever.
            task.set_retries(1)
            call.handle = executor.submit(task)
        except Exception as error:
            call.lost(error)
            return False
        return True

    def _settle(self, call: Call) -> bool:
        """Whether it has ended."""
        try:
            answer = call.handle.result(timeout=0)
        except (FutureTimeout, TimeoutError):
            return False
        except Exception as error:
            call.lost(error)
            return True
        if isinstance(answer, bytes):
            call.answered(answer)
        else:
            call.lost(RuntimeError(f"TaskVine gave {answer!r}"))
        return True

    def submit(self, call: Call) -> None:
        self._inbox.put(call)

    def slots(self) -> int:
        return self._workers * max(1, (self._cores or self._cores_per_task) // self._cores_per_task)

    def close(self) -> None:
        self._inbox.put(None)
        if self._thread is not None:
            self._thread.join(2)
        factory = getattr(self._executor, "factory", None)
        if factory is not None:
            factory.stop()

    def address(self) -> Optional[str]:
        return None if self._executor is None else f"port {getattr(self._executor, 'port', self._port)}"


def taps_sdk_pack(run, *arguments):  # type: ignore[no-untyped-def]
    """What a library has: TaskVine takes functions by their source."""
    return run(*arguments)

