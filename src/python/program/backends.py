"""What runs packs: one small class for each back end. The packages of back ends are imported when one is started, and only its own."""

import importlib
import multiprocessing
import multiprocessing.connection
import os
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

ENDING = 2.0
"""Seconds that the workers of a broken pool have to end in."""
Run = Callable[..., bytes]
"""What the workers of a back end call: `run(key, blob)`, or with the setup as a third argument."""


END_WITH_PARENT = """
def watch():
    import multiprocessing, os, threading
    parent = multiprocessing.parent_process()
    def wait():
        parent.join()
        os._exit(1)
    if parent is not None:
        threading.Thread(target=wait, name="taps-sdk-parent", daemon=True).start()
watch()
"""
"""For a process of Python's that is started before it has anything of this program."""


class Unusable(Exception):
    """A back end that cannot be started. `kind` is what the client branches on: `missing`, `config` or `backend`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Call:
    """A pack on its way through a back end, which tells once what became of it."""

    def __init__(self, arguments: Tuple[Any, ...]) -> None:
        self.arguments = arguments
        # What the back end keeps of it.
        self.handle: Any = None

    def answered(self, answer: bytes) -> None:
        raise NotImplementedError

    def lost(self, error: BaseException) -> None:
        raise NotImplementedError

    def not_run(self) -> None:
        raise NotImplementedError


class Listener:
    """What a back end tells besides."""

    def slots(self, count: int) -> None:
        raise NotImplementedError

    def failed(self, message: str) -> None:
        """It is gone for good."""
        raise NotImplementedError

    def wrote(self, stream: str, line: str, worker: str) -> None:
        raise NotImplementedError


class Backend:
    """Takes calls from one thread; tells from any."""

    name = ""
    # As it is called in the package registry.
    package = ""
    # Whether its workers may be on other machines.
    is_remote = False
    # Whether its workers stay, so that one that has the setup keeps it.
    keeps_hosts = True
    # Whether it runs calls again, which it cannot be talked out of: then hosts ask before they begin with a pack.
    runs_again = False
    # Whether a worker that has lost this program is to end by itself.
    ends_with_client = False
    # For what it has to write; removed at the end.
    folder = ""

    def __init__(self, options: Mapping[str, Any], run: Run, listener: Listener) -> None:
        self._options = Options(self.name, options)
        self._run = run
        self._listener = listener

    def start(self) -> None:
        """Connects. Raises whatever is wrong."""

    def slots(self) -> int:
        raise NotImplementedError

    def submit(self, call: Call) -> None:
        raise NotImplementedError

    def cancel(self, call: Call) -> bool:
        """Whether it will never run: then it tells so itself."""
        return False

    def close(self) -> None:
        """Ends what this program has started."""

    def version(self) -> str:
        return version_of(self.package)

    def address(self) -> Optional[str]:
        return None

    def logs(self) -> Optional[str]:
        """The folder in which it writes its own logs, if it does."""
        return None


class Options:
    """Options that a user has set; what is left unset keeps its default."""

    def __init__(self, owner: str, options: Mapping[str, Any]) -> None:
        self._owner = owner
        self._options = {key: value for key, value in options.items() if value is not None}

    def get(self, name: str, default: Any = None) -> Any:
        return self._options.pop(name, default)

    def rest(self) -> Dict[str, Any]:
        """Those that nobody has asked for."""
        rest, self._options = self._options, {}
        return rest

    def refuse_rest(self) -> None:
        unknown = sorted(self._options)
        if unknown:
            raise Unusable("config", f"{self._owner} has no option {', '.join(unknown)}")


def need(module: str, package: str) -> Any:
    """A module of a package that may be missing."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise Unusable(
            "missing",
            f"There is no {package} for Python {sys.version.split()[0]} at {sys.executable}: "
            f"install it with\n{sys.executable} -m pip install {package}",
        ) from error


def version_of(package: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def cpu_count() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class FuturesBackend(Backend):
    """Whatever gives a `concurrent.futures.Future` for a submission."""

    def _submit(self, *arguments: Any) -> "Future[bytes]":
        raise NotImplementedError

    def submit(self, call: Call) -> None:
        try:
            future = self._submit(*call.arguments)
        except Exception as error:
            return call.lost(error)
        call.handle = future
        future.add_done_callback(lambda done: self._settle(call, done))

    def cancel(self, call: Call) -> bool:
        return call.handle is not None and bool(call.handle.cancel())

    def _settle(self, call: Call, future: "Future[bytes]") -> None:
        if future.cancelled():
            return call.not_run()
        error = future.exception()
        if error is not None:
            call.lost(error)
        else:
            call.answered(future.result())


class ConcurrentBackend(FuturesBackend):
    """
    Any executor of the interface of concurrent.futures: `module:callable`, which is called with the options as keywords. For
    `concurrent.futures:ProcessPoolExecutor` the option `mp_context` is the name of a start method, `forkserver` unless it is given.
    The option `slots` says how many packs it runs at the same time, where it does not tell itself.
    """

    ends_with_client = True

    def __init__(self, factory: str, options: Mapping[str, Any], run: Run, listener: Listener) -> None:
        self.name = factory
        super().__init__(options, run, listener)
        self._slots = self._options.get("slots")
        self._keywords = self._options.rest()
        self._lock = threading.Lock()
        self._executor: Optional[Executor] = None
        # The last one whose worker has died.
        self._broken: Optional[Executor] = None

    def start(self) -> None:
        self._make = self._find()
        if self.name == "concurrent.futures:ProcessPoolExecutor":
            methods = multiprocessing.get_all_start_methods()
            method = self._keywords.get("mp_context", "forkserver" if "forkserver" in methods else None)
            if method is not None and method not in methods:
                raise Unusable("config", f"mp_context is {method!r}: this system has {', '.join(methods)}")
            self._keywords["mp_context"] = multiprocessing.get_context(method)
            # A worker that never had a pack would wait for one for ever, if this program is killed.
            self._keywords.setdefault("initializer", exec)
            self._keywords.setdefault("initargs", (END_WITH_PARENT, {}))
        self._executor = self._new_executor()

    def _find(self) -> Callable[..., Executor]:
        module, _, path = self.name.partition(":")
        found = need(module, module.split(".")[0])
        for name in path.split("."):
            try:
                found = getattr(found, name)
            except AttributeError:
                raise Unusable("config", f"factory: the Python module {module} has no {path}") from None
        if not callable(found):
            raise Unusable("config", f"factory: {self.name} cannot be called")
        return found  # type: ignore[no-any-return]

    def _new_executor(self) -> Executor:
        try:
            executor = self._make(**self._keywords)
        except (TypeError, ValueError) as error:
            raise Unusable("config", f"factory: {self.name} does not take these options: {error}") from error
        if not callable(getattr(executor, "submit", None)):
            raise Unusable("config", f"factory: {self.name} gave {type(executor).__name__}, which has no submit")
        return executor

    def _submit(self, *arguments: Any) -> "Future[bytes]":
        executor = self._executor
        assert executor is not None
        try:
            return executor.submit(self._run, *arguments)
        except BrokenExecutor:
            return self._renew(executor).submit(self._run, *arguments)

    def _renew(self, broken: Executor) -> Executor:
        """A pool whose worker died takes nothing any more."""
        with self._lock:
            if self._executor is broken:
                broken.shutdown(wait=False)
                self._executor = self._new_executor()
            assert self._executor is not None
            return self._executor

    def _settle(self, call: Call, future: "Future[bytes]") -> None:
        if future.cancelled() or not isinstance(future.exception(), BrokenExecutor):
            return super()._settle(call, future)
        if getattr(self._executor, "_broken", False):
            self._broken = self._executor
        threading.Thread(target=self._lose, args=(call, future), name="taps-sdk-broken", daemon=True).start()

    def _lose(self, call: Call, future: "Future[bytes]") -> None:
        """A pool that is broken ends the other workers: until then they may still begin what is said to be lost."""
        processes = getattr(self._broken, "_processes", None) or {}
        sentinels = [process.sentinel for process in list(processes.values())]
        deadline = time.monotonic() + ENDING
        while sentinels and time.monotonic() < deadline:
            ended = multiprocessing.connection.wait(sentinels, deadline - time.monotonic())
            sentinels = [each for each in sentinels if each not in ended]
        super()._settle(call, future)

    def slots(self) -> int:
        known = self._slots or getattr(self._executor, "_max_workers", None)
        return known if isinstance(known, int) and known > 0 else cpu_count()

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True)

    def version(self) -> str:
        package = self.name.partition(":")[0].split(".")[0]
        return sys.version.split()[0] if package == "concurrent" else version_of(package)
