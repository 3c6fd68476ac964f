"""A client of the program, for tests: what src/python does, in a few lines."""

import json
import os
import queue
import re
import socket
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

HERE = Path(__file__).parent
PROGRAM = Path(__file__).parents[3] / "src" / "python" / "program"
sys.path.insert(0, str(PROGRAM.parent))

from program import protocol  # noqa: E402
from program.frames import Splitter, frame, parts  # noqa: E402

MAIN = (PROGRAM.parents[1] / "worker" / "main.ts").as_uri()
HOST_INIT = json.dumps(
    {"lanes": 1, "isThread": False, "library": "", "initializerArgs": [], "packets": [], "hosted": {"modules": None, "root": None}}
)
TASKS = (HERE / "tasks.ts").as_uri()
# Tasks are told apart by their order in the module.
NAMES = re.findall(r"export const (\w+) = task", (HERE / "tasks.ts").read_text("utf-8"))
WAIT = 60.0


def sources() -> Dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in PROGRAM.glob("*.py")}


def node() -> str:
    own = PROGRAM.parents[2] / "node_modules" / ".bin" / "node"
    return str(own) if own.exists() else "node"


class Client:
    """Starts the program, and waits for what it says."""

    def __init__(self, factory: str, options: Any = None, host: Any = None, program_env: Any = None) -> None:
        bootstrap = (PROGRAM / "bootstrap.py").read_text("utf-8")
        env = {**os.environ, "PYTHONPATH": str(HERE), **(program_env or {})}
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", bootstrap], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=env
        )
        self.messages: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
        self.others: List[Any] = []
        self.ids = 0
        threading.Thread(target=self._read, daemon=True).start()
        self.write([39, sources()])
        start = {
            "factory": factory,
            "options": options or {},
            "host": {"node": node(), "execArgv": [], "folder": None, "env": {}, "idleTimeout": None, **(host or {})},
            "hostInit": HOST_INIT,
            "workerSource": f"import({json.dumps(MAIN)})",
        }
        self.write([protocol.START, start])

    def _read(self) -> None:
        splitter = Splitter()
        assert self.process.stdout is not None
        for chunk in iter(lambda: self.process.stdout.read(1 << 16), b""):  # type: ignore[union-attr]
            for raw in splitter.feed(chunk):
                self.messages.put(parts(raw))
        self.messages.put(([None], []))

    def write(self, message: Any, *beside: bytes) -> None:
        assert self.process.stdin is not None
        data = frame(message, beside)
        while data:
            data = data[self.process.stdin.write(data) or 0 :]

    def wait_for(self, *kinds: Optional[int], timeout: float = WAIT) -> Any:
        """The next message of one of these kinds; what comes before it is kept in `others`."""
        while True:
            message, beside = self.messages.get(timeout=timeout)
            if message[0] in kinds:
                return message, beside
            if message[0] is None:
                raise AssertionError(f"The program has ended; it had said {self.others}")
            self.others.append((message, beside))

    def ready(self) -> Any:
        message, _ = self.wait_for(protocol.READY, protocol.FATAL_ERROR)
        assert message[0] == protocol.READY, message
        return message[1]

    def send(self, pack: bytes, is_alone: bool = False) -> int:
        self.ids += 1
        self.write([protocol.SEND, self.ids, is_alone], pack)
        return self.ids

    def answer(self, number: Optional[int] = None) -> List[Any]:
        """The messages of an answer, as `(message, beside)`."""
        message, beside = self.wait_for(protocol.ANSWER, protocol.LOST, protocol.NOT_RUN, protocol.FATAL_ERROR)
        assert message[0] == protocol.ANSWER, message
        assert number is None or message[1] == number
        return [parts(raw) for raw in Splitter().feed(bytes(beside[0]))]

    def run(self, pack: bytes) -> List[Any]:
        return self.answer(self.send(pack))

    def run_until_answered(self, pack: bytes) -> List[Any]:
        """
        Sends again what a pool that dies takes along: a death is told at once, before the pool itself knows of it. It may have begun in
        another process of that pool, which has the same fate.
        """
        while True:
            number = self.send(pack)
            message, beside = self.wait_for(protocol.ANSWER, protocol.LOST)
            if message[0] == protocol.ANSWER:
                assert message[1] == number
                return [parts(raw) for raw in Splitter().feed(bytes(beside[0]))]
            assert message[4] in ([0, 0, []], [1, 0, []]), message

    def end(self, **options: Any) -> int:
        if self.process.poll() is None:
            self.write([protocol.END, options])
        return self.process.wait(WAIT)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        assert self.process.stdin is not None
        if self.process.poll() is None:
            try:
                self.end(cancel=True)
            except (OSError, subprocess.TimeoutExpired):
                self.process.terminate()
        self.process.stdin.close()
        self.process.wait(WAIT)


def node_pack(name: str, *calls: List[Any], timeout: float = 0, kill_after: Optional[float] = 1000) -> bytes:
    """Calls of a task of tasks.ts."""
    no = _number(name, timeout)
    flat = [part for i, args in enumerate(calls) for part in (no, i + 1, 1, args)]
    tasks = [[no, TASKS, name, NAMES.index(name), "test", {}, timeout, kill_after, None]]
    return frame([protocol.PACK, "client", flat, tasks, []])


def _number(name: str, timeout: float) -> int:
    """Workers remember tasks by their numbers."""
    return zlib.crc32(f"{name} {timeout}".encode()) % 10_000


def python_pack(name: str, *calls: Any, timeout: float = 0, beside: Any = ()) -> bytes:
    """Calls of a Python function."""
    if ":" not in name:
        name = f"functions:{name}"
    no = _number(name, timeout)
    flat = [part for i, args in enumerate(calls) for part in (no, i + 1, 1, args)]
    tasks = [[no, "python:" + name.split(":")[0], name, 0, "test", {}, timeout, None, None]]
    return frame([protocol.PYTHON_PACK, "client", flat, tasks], beside)


def load(*names: str) -> bytes:
    """A request to load the modules of tasks."""
    tasks: List[Any] = [[_number(name, 0), TASKS, name, NAMES.index(name) if name in NAMES else 0, "", {}, 0, None, None] for name in names]
    return frame([protocol.LOAD, 1, tasks])


def results(answer: List[Any]) -> List[Any]:
    """`[kind, payload]` of each call, in their order."""
    found: List[Any] = []
    for message, _ in answer:
        if message[0] == protocol.RESULTS:
            flat = message[4]
            found += [[flat[i], flat[i + 2]] for i in range(0, len(flat), 3)]
    return found


def last(answer: List[Any]) -> Any:
    return answer[-1][0]


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def host_name() -> str:
    return socket.gethostname()


def until(is_so: Callable[[], Any]) -> Any:
    """Waits for what another process does."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        value = is_so()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError("It did not happen")
