"""Calls of Python functions: a thread that takes packs and says what a hosted worker would say."""

import asyncio
import contextlib
import importlib
import inspect
import json
import queue
import sys
import threading
import time
import traceback
from typing import Any, Callable, Dict, Iterator, List, Optional, Set, Tuple

from . import values
from .frames import frame, message_of, parts
from .ledger import OwnLedger
from .protocol import BEGUN, FAILURE, LINE, LOAD, LOADED, PACKED, PYTHON_VALUE, RESULTS, SKIPPED

FLUSH_AFTER = 0.02
FLUSH_SIZE = 32_768
LONGEST_LINE = 65_536
DEEPEST_CAUSE = 20

_encode = json.JSONEncoder(separators=(",", ":")).encode
_functions: Dict[str, Callable[..., Any]] = {}
_speaking = threading.local()
"""Of the thread that runs a call: who is told of what it writes."""


class NotFound(Exception):
    """There is no such function."""


OWN: Dict[type, Tuple[str, str]] = {
    NotFound: ("TaskNotFoundError", "TASK_NOT_FOUND"),
    values.Refused: ("SerializationError", "SERIALIZATION"),
}
"""What the client makes of this program's own errors, and their codes."""


def look_up(name: str) -> Callable[..., Any]:
    """The function of a name such as `numpy:linalg.norm`."""
    found = _functions.get(name)
    if found is None:
        module, _, path = name.partition(":")
        try:
            found = importlib.import_module(module)  # type: ignore[assignment]
        except ModuleNotFoundError as error:
            if error.name is None or not (module == error.name or module.startswith(error.name + ".")):
                raise
            raise NotFound(
                f"There is no Python module {module} for {name}, at {sys.executable}: install it there, or put it on PYTHONPATH"
            ) from error
        for part in path.split("."):
            try:
                found = getattr(found, part)
            except AttributeError as error:
                raise NotFound(f"The Python module {module} at {sys.executable} has no {path}") from error
        if not callable(found):
            raise NotFound(f"{name} is no function, but {type(found).__name__}")
        _functions[name] = found
    return found


def failure(error: BaseException) -> str:
    """What a function raised, as src/worker/failure.ts reads it."""
    return json.dumps(_thrown(error, DEEPEST_CAUSE, set()))


def _thrown(error: BaseException, depth: int, seen: Set[int]) -> List[Any]:
    seen.add(id(error))
    kind = type(error).__name__
    own, code = OWN.get(type(error), ("Error", "PYTHON"))
    hidden: Dict[str, Any] = {"code": code}
    cause = error.__cause__
    if cause is not None and depth > 0 and id(cause) not in seen:
        hidden["cause"] = _thrown(cause, depth - 1, seen)
    name = kind if own == "Error" else own
    trace = _trace(error) if own == "Error" else f"{own}: {_text(error)}"
    return [["error", own, name, _text(error), trace, ""], _shown(error), hidden]


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(cannot be read)"


def _trace(error: BaseException) -> str:
    """Without the frames of this program, which say nothing of the function."""
    try:
        tb = error.__traceback__
        while tb is not None and tb.tb_frame.f_globals.get("__name__") == __name__:
            tb = tb.tb_next
        return "".join(traceback.format_exception(type(error), error, tb, chain=False)).rstrip()
    except Exception:
        return _text(error)


def _shown(error: BaseException) -> Dict[str, Any]:
    """Its own properties that JSON has."""
    shown = {}
    for key, value in list(getattr(error, "__dict__", {}).items()):
        if key.startswith("_") or not isinstance(key, str):
            continue
        try:
            shown[key] = json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError, RecursionError):
            continue
    return shown


def load_functions(blob: bytes) -> Tuple[Optional[bytes], bytes]:
    """What became of the Python functions of a request to load, None if there are other tasks to load; and the request for those."""
    _, request, tasks = message_of(blob)[:3]
    others = [task for task in tasks if not task[1].startswith("python:")]
    if len(others) == len(tasks):
        return None, blob
    try:
        for task in tasks:
            if task[1].startswith("python:"):
                look_up(task[2])
    except (Exception, SystemExit) as error:
        return frame(f"[{LOADED},{request},[{failure(error)}]]"), blob
    return (None if others else frame([LOADED, request])), frame([LOAD, request, others])


def task_id(prefix: str, number: int) -> str:
    """As src/task/task-id.ts makes it; empty where the call comes from no engine."""
    digits = ""
    while number > 0:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return f"{prefix}-{digits:0>8}" if prefix else ""


class PythonWorker:
    """Runs packs of Python functions in a thread: that can be left alone when the time of a call is up, but never stopped."""

    can_be_killed = False
    is_alive = True

    def __init__(self, ledger: OwnLedger, name: str) -> None:
        self.ledger = ledger
        self.name = name
        self.pid = ledger.pid
        self.idle_since = 0.0
        self._inbox: "queue.SimpleQueue[Optional[bytes]]" = queue.SimpleQueue()
        self._outbox: "queue.SimpleQueue[bytes]" = queue.SimpleQueue()
        self._skipped: Set[int] = set()
        threading.Thread(target=self._run, name="taps-sdk-calls", daemon=True).start()

    def send(self, data: bytes) -> None:
        self._inbox.put(data)

    def receive(self, timeout: Optional[float]) -> Optional[bytes]:
        try:
            return self._outbox.get(True, None if timeout is None else max(timeout, 0))
        except queue.Empty:
            return None

    def abort(self, position: int) -> None:
        """A function that runs cannot be stopped."""
        self._skipped.add(position)

    def time_up(self, position: int) -> None:
        pass

    def kill(self) -> None:
        pass

    def end(self) -> None:
        self._inbox.put(None)

    def ended(self, patience: float = 1) -> "tuple[str, str]":
        self.ledger.close()
        return "was ended", ""

    def drop_files(self) -> None:
        pass

    def _run(self) -> None:
        for raw in iter(self._inbox.get, None):
            try:
                _PackOfCalls(raw, self.ledger, self._outbox.put, self._skipped).run()
            except Exception:
                # A ledger that cannot be written, for one. The client misses the answers; the next pack is run.
                traceback.print_exc()
            finally:
                self._skipped.clear()
                self._outbox.put(frame([PACKED, 0]))


class _PackOfCalls:
    def __init__(self, raw: bytes, ledger: OwnLedger, say: Callable[[bytes], None], skipped: Set[int]) -> None:
        message, self._beside = parts(raw)
        _, _, self._calls, tasks = message[:4]
        self._tasks = {task[0]: task for task in tasks}
        self._ledger = ledger
        self._say = say
        self._skipped = skipped
        self._results: List[str] = []
        self._size = 0
        self._first = 0
        self._writer = values.Writer()
        self._base = self._flushed = time.perf_counter()

    def run(self) -> None:
        # Others may have put another stream there.
        redirect_output()
        calls = self._calls
        for position in range(len(calls) // 4):
            no, seq, _, args = calls[4 * position : 4 * position + 4]
            if not self._ledger.begin(position) or position in self._skipped:
                self._add(position, SKIPPED, "0")
                continue
            _, _, name, _, prefix, _, timeout, kill_after, *_ = self._tasks[no]
            if timeout:
                self.flush()
                self._say(frame([BEGUN, 0, position, timeout, kill_after]))
            with speaking(self._say, name, task_id(prefix, seq)):
                self._call(position, name, args)
        self.flush()

    def _call(self, position: int, name: str, args: Any) -> None:
        try:
            value = look_up(name)(*values.decode(args, self._beside))
            if inspect.iscoroutine(value):
                value = asyncio.run(value)
            payload = _encode(self._writer.write(value))
        # Also SystemExit: to end the process is not what a function may do to others.
        except BaseException as error:
            self._add(position, FAILURE, failure(error))
        else:
            self._add(position, PYTHON_VALUE, payload)

    def _add(self, position: int, kind: int, payload: str) -> None:
        now = time.perf_counter()
        if not self._results:
            self._first = position
        result = f"{kind},{round((now - self._base) * 1e6)},{payload}"
        self._results.append(result)
        self._size += len(result)
        is_kept = not self._writer.beside and self._ledger.commit(position, result)
        if not is_kept or self._size > FLUSH_SIZE or now - self._flushed > FLUSH_AFTER:
            self.flush()

    def flush(self) -> None:
        now = time.perf_counter()
        if self._results:
            base = (time.time() - (now - self._base)) * 1000
            self._say(frame(f"[{RESULTS},0,{self._first},{base},[{','.join(self._results)}]]", self._writer.beside))
            self._ledger.sent()
            self._results = []
            self._size = 0
            self._writer = values.Writer()
        self._base = self._flushed = now


@contextlib.contextmanager
def speaking(say: Callable[[bytes], None], task: str, task_id: str) -> Iterator[None]:
    """What this thread prints meanwhile are lines of the task."""
    rests: Dict[str, str] = {}

    def write(stream: str, text: str) -> None:
        *lines, rest = (rests.get(stream, "") + text).split("\n")
        while len(rest) > LONGEST_LINE:
            lines.append(rest[:LONGEST_LINE])
            rest = rest[LONGEST_LINE:]
        rests[stream] = rest
        for line in lines:
            say(frame([LINE, stream, line, task, task_id]))

    _speaking.write = write
    try:
        yield
    finally:
        _speaking.write = None
        for stream, rest in rests.items():
            if rest:
                say(frame([LINE, stream, rest, task, task_id]))


class _Output:
    """Stands for a standard stream: what threads that run calls write goes to those who are told, the rest where it went."""

    def __init__(self, name: str, stream: Any) -> None:
        self._name = name
        self._stream = stream

    def write(self, text: str) -> int:
        write = getattr(_speaking, "write", None)
        if write is None:
            return int(self._stream.write(text) or 0)
        write(self._name, str(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


_redirecting = threading.Lock()


def redirect_output() -> None:
    """Has no effect where that is done already."""
    with _redirecting:
        for name in ("stdout", "stderr"):
            if not isinstance(getattr(sys, name), _Output):
                setattr(sys, name, _Output(name, getattr(sys, name)))
