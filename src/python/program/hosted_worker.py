"""A warm Node process that runs the calls of packs, one pack at a time."""

import os
import re
import select
import signal
import subprocess
import threading
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Mapping, Optional, Tuple

from .frames import FrameError, Splitter, frame, kind_of, message_of
from .ledger import Ledger
from .protocol import FATAL, TIME_UP, WORKER_END, WORKER_READY

CHUNK = 1 << 18
TAIL = 2000
"""Characters of its output that tell of a crash."""

OLDEST = (22, 12, 0)
CHECK = '"use strict";{const[a,b]=process.versions.node.split(".");if(a<22||(a==22&&b<12))process.exit(1)}'
"""Ends a Node that is too old, if it can read the program at all; see `version_of`."""

Tell = Callable[[str, str, str], None]
"""Is told of a line that was written beside the tasks: stream, line, worker."""


class WorkerGone(Exception):
    """The worker has ended, or said what makes no sense."""


class CannotStart(Exception):
    """No worker could be started."""


class WrongOption(CannotStart):
    """None ever can be, with these options."""


class HostedWorker:
    """The caller has it for itself; only `abort` and `kill` may be called by others meanwhile."""

    can_be_killed = True

    def __init__(self, node: str, setup: Mapping[str, Any], ledger: Ledger, tell: Tell) -> None:
        self.ledger = ledger
        self._node = node
        self.idle_since = 0.0
        self._tell = tell
        self._pending: Deque[bytes] = deque()
        self._splitter = Splitter()
        self._tail = ""
        self._fault = ""
        self._lock = threading.Lock()
        from_host, self._to_worker = os.pipe()
        self._from_worker, to_host = os.pipe()
        lifeline, self._lifeline = os.pipe()
        self._files = [self._to_worker, self._from_worker, self._lifeline]
        theirs = [from_host, to_host, lifeline]
        try:
            self._process = self._spawn(node, setup, [*theirs, ledger.file])
        except OSError as error:
            self._close_files()
            ledger.close()
            raise WrongOption(f"Node cannot be started as {node!r}, which the option node names: {error}") from error
        finally:
            for file in theirs:
                os.close(file)
        os.set_blocking(self._to_worker, False)
        self._readable = select.poll()
        self._readable.register(self._from_worker, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(self._to_worker, select.POLLOUT)
        self.pid = ledger.pid = self._process.pid
        self.name = f"process {self.pid}"
        self._lines = threading.Thread(target=self._read_lines, name="taps-sdk-lines", daemon=True)
        self._lines.start()

    @staticmethod
    def _spawn(node: str, setup: Mapping[str, Any], files: List[int]) -> "subprocess.Popen[bytes]":
        # Node cannot start in a folder that was removed.
        folder = setup["folder"]
        env = {**os.environ, **setup["env"], "TAPS_SDK_IS_LOCAL": "hosted " + " ".join(map(str, files))}
        return subprocess.Popen(
            [node, *setup["execArgv"], "-e", CHECK + setup["workerSource"]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=files,
            env=env,
            cwd=folder,
        )

    def start(self, init: str) -> None:
        """Waits until it takes packs."""
        try:
            self.send(frame(init))
            while True:
                raw = self.receive(None)
                if raw is None or kind_of(raw) == WORKER_READY:
                    return
                if kind_of(raw) == FATAL:
                    self._tail += "\n" + _message_in(raw)
        except WorkerGone:
            how, output = self.ended()
            version = version_of(self._node)
            if version is not None and version < OLDEST:
                found, needed = (".".join(map(str, each)) for each in (version, OLDEST))
                raise WrongOption(f"Node {found} at {self._node} is too old: tasks need Node {needed} or newer, which the option node can name") from None
            raise CannotStart(f"The Node worker {how} before it was ready: {output.strip() or 'it said nothing'}") from None

    def send(self, data: bytes) -> None:
        """Writes a whole frame. What the worker says meanwhile is kept, or both would wait for each other."""
        with self._lock:
            self._write(data, self._read_ahead)

    def abort(self, data: bytes, is_wanted: Callable[[], bool]) -> None:
        """May be called by those who have not got the worker, and so cannot read from it. Waits as long as it takes no frame."""
        with self._lock:
            # Who has the worker gives it the next pack with the lock: once it has got that, the position is one of that.
            if self._files and is_wanted():
                self._write(data, lambda: None)

    def _write(self, data: bytes, meanwhile: Callable[[], None]) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._to_worker, rest) :]
            except BlockingIOError:
                self._writable.poll(1000)
                # Its own children may hold the pipe open.
                if not self.is_alive:
                    return
                meanwhile()
            except OSError:
                # Its end is met where it is read.
                return

    def _read_ahead(self) -> None:
        if self._readable.poll(0):
            self._take()

    def receive(self, timeout: Optional[float]) -> Optional[bytes]:
        """The next message; None if there is none within so many seconds."""
        while not self._pending:
            if not self._readable.poll(None if timeout is None else max(timeout, 0) * 1000):
                return None
            self._take()
        return self._pending.popleft()

    def _take(self) -> None:
        chunk = os.read(self._from_worker, CHUNK)
        if not chunk:
            raise WorkerGone()
        try:
            self._pending.extend(self._splitter.feed(chunk))
        except FrameError as error:
            self._fault = str(error)
            raise WorkerGone() from error

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def time_up(self, position: int) -> None:
        self.send(frame([TIME_UP, 0, position]))

    def kill(self) -> None:
        self._process.kill()

    def ended(self, patience: float = 1) -> "tuple[str, str]":
        """How it ended, in words that follow "the worker", and what it wrote last. Kills it if it has not quite ended."""
        try:
            code = self._process.wait(0 if self._fault else patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        # Its own children may hold the pipe open.
        self._lines.join(0.5)
        with self._lock:
            self._close_files()
        self.ledger.close()
        how = f"was killed by {_signal_name(-code)}" if code < 0 else f"exited with code {code}"
        return (f"said what makes no sense ({self._fault})" if self._fault else how), self._tail[-TAIL:]

    def end(self) -> None:
        """Has it dispose of its resources and exit; see `ended`."""
        try:
            self.send(frame([WORKER_END]))
        except WorkerGone:
            pass

    def drop_files(self) -> None:
        """In a forked process: its copies would keep the worker alive."""
        self._close_files()

    def _close_files(self) -> None:
        while self._files:
            os.close(self._files.pop())

    def _read_lines(self) -> None:
        assert self._process.stdout is not None and self._process.stderr is not None
        streams = {self._process.stdout.fileno(): "stdout", self._process.stderr.fileno(): "stderr"}
        rests = {file: b"" for file in streams}
        readable = select.poll()
        for file in streams:
            readable.register(file, select.POLLIN)
        while streams:
            for file, _ in readable.poll():
                chunk = os.read(file, 65536)
                if chunk and streams[file] == "stderr":
                    self._tail = (self._tail + chunk.decode("utf-8", "replace"))[-2 * TAIL :]
                *lines, rests[file] = (rests[file] + chunk).split(b"\n")
                if not chunk or len(rests[file]) > 65536:
                    lines.append(rests[file])
                    rests[file] = b""
                for line in lines:
                    if line or chunk:
                        self._tell(streams[file], line.decode("utf-8", "replace"), self.name)
                if not chunk:
                    del streams[file]
                    readable.unregister(file)
        self._process.stdout.close()
        self._process.stderr.close()


def version_of(node: str) -> Optional[Tuple[int, ...]]:
    """None if it does not tell."""
    try:
        output = subprocess.run([node, "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=5, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(rb"v(\d+)\.(\d+)\.(\d+)", output)
    return None if found is None else tuple(map(int, found.groups()))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _message_in(raw: bytes) -> str:
    """What a FATAL message says, as far as it can be read here."""
    try:
        return str(message_of(raw)[1][0][0][3])
    except (IndexError, KeyError, TypeError, ValueError):
        return ""
