"""
Runs packs in the workers of a back end: gives each to a free worker, and puts its answer together. What it was sent as is in stub.py.
There is one host for each client in a Python process.
"""

import json
import os
import shutil
import socket
import threading
import time
import traceback
import zlib
from typing import Any, Dict, List, Mapping, Optional, Union

from . import run_folder, side_channel
from .answer import Answer, follow, run
from .calls import PythonWorker, load_functions
from .frames import frame, kind_of
from .hosted_worker import CannotStart, HostedWorker, WrongOption
from .ledger import BEGUN_PREFIX, PREFIX, Begun, Ledger, OwnLedger
from .protocol import (
    AGAIN,
    LOAD,
    NEED,
    NOT_BEGUN,
    PYTHON_PACK,
    REFUSED,
    SIDE_ABORT,
    SIDE_BEGUN,
    SIDE_CANCEL,
    SIDE_CLAIM,
    SIDE_EVENT,
    SIDE_SYNC,
    SIDE_WROTE,
)

Worker = Union[HostedWorker, PythonWorker]

SHORTEST_IDLE = 60.0
"""Seconds after which a worker without work is ended where nobody would tell that the client is gone."""
LOOK = 5.0
"""Seconds after which it is looked again for who is idle, and whether the client is gone."""
RECONNECT = 5.0
ENDED = "The client has ended"
PATIENCE = 5.0
"""Seconds in which a worker disposes of its resources."""
MOST_CANCELLED = 10_000


class Host:
    """The workers of one client in this process."""

    def __init__(self, client: str, setup: Mapping[str, Any]) -> None:
        self._client = client
        self.name = socket.gethostname()
        self._setup = setup
        self._lock = threading.Lock()
        self._free: Dict[bool, List[Worker]] = {True: [], False: []}
        self._all: List[Worker] = []
        self._running: Dict[str, Worker] = {}
        self._cancelled: Dict[str, None] = {}
        self._questions = side_channel.Questions()
        self._count = 0
        self._is_ended = False
        self._folder, self._folder_lock = self._find_folder()
        self._begun = Begun(os.path.join(self._folder, f"{BEGUN_PREFIX}{self.name[:40]}-{os.getpid()}"))
        self._link: Optional[side_channel.Link] = None
        self._next_try = float("inf")
        self._connect()
        if self._is_left_alone:
            self.end()
        if self._idle_timeout() is not None:
            threading.Thread(target=self._end_idle, name="taps-sdk-idle", daemon=True).start()

    def _find_folder(self) -> "tuple[str, Optional[int]]":
        """That of the program, or one of its own, with its lock."""
        folder = self._setup["runFolder"]
        if self._setup["hostname"] == self.name and os.access(folder, os.W_OK):
            return folder, None
        run_folder.sweep()
        return run_folder.make()

    def _connect(self) -> None:
        link = side_channel.connect(self._setup)
        self._next_try = time.monotonic() + RECONNECT
        if link is None:
            return
        with self._lock:
            self._link = link
            running = list(self._running)
        threading.Thread(target=self._listen, args=(link,), name="taps-sdk-link", daemon=True).start()
        for key in running:
            # What was said to it meanwhile is said again.
            link.send([SIDE_BEGUN, key])

    @property
    def _is_left_alone(self) -> bool:
        """Whether the client is gone, and there is no connection that would tell."""
        return self._link is None and side_channel.is_gone(self._setup)

    def _listen(self, link: side_channel.Link) -> None:
        try:
            says_bye = link.read(self._on_message)
        except Exception:
            # A host that hears nothing would run for ever.
            traceback.print_exc()
            says_bye = False
        if says_bye:
            self._end_gently()
        self.end()
        link.close()
        with _lock:
            _hosts.pop(self._client, None)
        # A Python function cannot be stopped otherwise.
        is_busy = not says_bye or len(self._running) > 0
        if self._setup["endsWithClient"] and is_busy and os.getpid() != self._setup["pid"]:
            os._exit(1)

    def _on_message(self, message: Any, beside: List[memoryview]) -> None:
        if message[0] == SIDE_CANCEL:
            return self._cancel(message[1])
        if message[0] != SIDE_ABORT:
            return self._questions.replied(message)
        self._abort(message[1], message[2], bytes(beside[0]))

    def _abort(self, key: str, position: int, data: bytes) -> None:
        # With the lock: once it has got another pack, the position is one of that.
        with self._lock:
            worker = self._running.get(key)
            if isinstance(worker, PythonWorker):
                worker.abort(position)
        if isinstance(worker, HostedWorker):
            # It may be busy, and take nothing for long: others have to be heard meanwhile.
            wanted = (data, lambda: self._running.get(key) is worker)
            threading.Thread(target=worker.abort, args=wanted, name="taps-sdk-abort", daemon=True).start()

    def _cancel(self, key: str) -> None:
        with self._lock:
            self._cancelled[key] = None
            if len(self._cancelled) > MOST_CANCELLED:
                del self._cancelled[next(iter(self._cancelled))]

    @property
    def link(self) -> Optional[side_channel.Link]:
        if self._link is None and time.monotonic() > self._next_try:
            self._next_try = float("inf")
            threading.Thread(target=self._connect, name="taps-sdk-connect", daemon=True).start()
        return self._link

    def pack(self, key: str, blob: bytes, is_alone: bool = False) -> bytes:
        """The answer to a pack, or to a request to load modules."""
        if key in self._cancelled:
            return NOT_BEGUN
        if self._setup["runsAgain"] and not self._may_begin(key):
            return AGAIN
        kind = kind_of(blob)
        is_python = kind == PYTHON_PACK
        if kind == LOAD:
            loaded, blob = load_functions(blob)
            if loaded is not None:
                return loaded
        try:
            worker = self._take(is_python)
            if not self._begin(key, worker):
                return NOT_BEGUN
        except CannotStart as error:
            return frame([REFUSED, f"{error} (on {self.name})", "config" if isinstance(error, WrongOption) else "crash"])
        answer = Answer(key, self.name, worker.name, self.link, is_alone)
        try:
            worker.ledger.begin_pack(key)
            end = run(worker, blob, answer)
            worker.ledger.end_pack()
        except Exception as error:
            self._drop(worker)
            # The program has no class of this package, and could not read it.
            raise RuntimeError(f"{type(error).__name__}: {error}") from None
        finally:
            with self._lock:
                self._running.pop(key, None)
        if end == "crashed":
            self._discard(worker, answer)
        elif end == "timed out":
            threading.Thread(target=self._nurse, args=(worker, answer), name="taps-sdk-nurse", daemon=True).start()
        else:
            self._give(worker)
        if answer.has_told_lines:
            self._questions.ask(self._link, [SIDE_SYNC, key])
        return answer.whole()

    def _begin(self, key: str, worker: Worker) -> bool:
        """False if it was cancelled while it waited for its worker."""
        with self._lock:
            is_ended = self._is_ended
            is_wanted = key not in self._cancelled
            if is_wanted and not is_ended:
                self._running[key] = worker
                self._begun.add(key)
        if is_ended:
            # It was neither free nor running when the others were ended.
            self._retire(worker)
            raise CannotStart(ENDED)
        if not is_wanted:
            self._give(worker)
        return is_wanted

    def _may_begin(self, key: str) -> bool:
        """Whether nobody has begun with the pack before, as far as that is known."""
        reply = self._questions.ask(self._link, [SIDE_CLAIM, key])
        return reply is None or bool(reply[2])

    def _take(self, is_python: bool) -> Worker:
        free = self._free[is_python]
        while True:
            with self._lock:
                worker = free.pop() if free else None
            if worker is None:
                return self._start(is_python)
            if worker.is_alive:
                return worker
            self._discard(worker)

    def _start(self, is_python: bool) -> Worker:
        with self._lock:
            if self._is_ended:
                raise CannotStart(ENDED)
            self._count += 1
            path = os.path.join(self._folder, f"{PREFIX}{self.name[:40]}-{os.getpid()}-{self._count}")
        worker = PythonWorker(OwnLedger(path), f"process {os.getpid()}") if is_python else self._new_node(path)
        if not self._keep(worker):
            worker.kill()
            self._retire(worker)
            raise CannotStart(ENDED)
        if isinstance(worker, HostedWorker):
            self._make_ready(worker)
        return worker

    def _keep(self, worker: Worker) -> bool:
        """False where the client has ended meanwhile: whoever ended the other workers did not know of this one."""
        with self._lock:
            self._all.append(worker)
            return not self._is_ended

    def _new_node(self, path: str) -> HostedWorker:
        node = self._setup["node"] or shutil.which("node", path=self._setup["env"].get("PATH"))
        if node is None:
            raise WrongOption("The PATH has no node: name it, by the option node")
        folder = self._setup["folder"]
        if folder is not None and not os.path.isdir(folder):
            raise WrongOption(f"There is no folder {folder}, which the option folder names for {self._setup['root']} of the client")
        return HostedWorker(node, self._setup, Ledger(path), self._tell)

    def _make_ready(self, worker: HostedWorker) -> None:
        """Whoever ends the workers knows of it already: it may never become ready."""
        try:
            worker.start(self._setup["hostInit"])
        except CannotStart:
            with self._lock:
                self._all.remove(worker)
            if self._is_ended:
                raise CannotStart(ENDED) from None
            raise
        self._event("workerStarted", worker.name)

    def _give(self, worker: Worker) -> None:
        worker.idle_since = time.monotonic()
        with self._lock:
            is_ended = self._is_ended
            if not is_ended:
                self._free[isinstance(worker, PythonWorker)].append(worker)
        if is_ended:
            self._retire(worker)

    def _discard(self, worker: Worker, answer: Optional[Answer] = None, patience: float = 1) -> None:
        with self._lock:
            if worker in self._all:
                self._all.remove(worker)
        state = worker.ledger.read()
        how, output = worker.ended(patience)
        if answer is not None:
            answer.crashed(how, state, output)
        if isinstance(worker, HostedWorker):
            self._event("workerExited", worker.name, how)

    def _retire(self, worker: Worker) -> None:
        """One that is idle."""
        worker.end()
        self._discard(worker, None, PATIENCE)

    def _drop(self, worker: Worker) -> None:
        """One of which nobody knows what it does."""
        worker.kill()
        if isinstance(worker, HostedWorker):
            self._discard(worker)
        else:
            # A function may still run, and write to its ledger.
            worker.end()

    def _nurse(self, worker: Worker, answer: Answer) -> None:
        """Waits for a body whose time is up."""
        if follow(worker, answer.rest(), answer.kill_after if worker.can_be_killed else None) == "crashed":
            self._discard(worker)
        else:
            self._give(worker)

    def _idle_timeout(self) -> Optional[float]:
        timeout = self._setup["idleTimeout"]
        if timeout is not None:
            return float(timeout) / 1000
        return SHORTEST_IDLE if self._link is None else None

    def _end_idle(self) -> None:
        timeout = self._idle_timeout()
        while timeout is not None and not self._is_ended:
            time.sleep(min(timeout / 4, LOOK))
            # Also tries again to connect: a pack may run that is to hear of aborts.
            if self.link is None and self._is_left_alone:
                return self.end()
            before = time.monotonic() - timeout
            for worker in self._take_idle(before):
                self._retire(worker)

    def _take_idle(self, before: float) -> List[Worker]:
        idle = []
        with self._lock:
            for free in self._free.values():
                idle += [worker for worker in free if worker.idle_since <= before]
                free[:] = [worker for worker in free if worker.idle_since > before]
        return idle

    def _end_gently(self) -> None:
        with self._lock:
            self._is_ended = True
            for worker in self._running.values():
                worker.kill()
        idle = self._take_idle(float("inf"))
        for worker in idle:
            worker.end()
        for worker in idle:
            self._discard(worker, None, PATIENCE)

    def end(self) -> None:
        """The client is gone."""
        with self._lock:
            self._is_ended = True
            workers = list(self._all)
        for worker in workers:
            worker.kill()
        for worker in self._take_idle(float("inf")):
            self._retire(worker)
        with self._lock:
            self._begun.close()
            lock, self._folder_lock = self._folder_lock, None
        if lock is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(lock)

    def drop_files(self) -> None:
        self._begun.drop_file()
        for worker in self._all:
            worker.drop_files()

    def _tell(self, stream: str, line: str, worker: str) -> None:
        if self._link is not None:
            self._link.send([SIDE_WROTE, stream, line, worker])

    def _event(self, name: str, worker: str, how: str = "") -> None:
        if self._link is not None:
            self._link.send([SIDE_EVENT, name, worker, how])


_hosts: Dict[str, Host] = {}
_lock = threading.Lock()


def pack(key: str, blob: bytes, setup: Optional[bytes] = None, is_alone: bool = False) -> bytes:
    """The answer to a pack, whose key begins with that of its client; or that there is no setup of this client yet."""
    client = key.split("-")[0]
    host = _hosts.get(client)
    if host is None:
        if setup is None:
            return NEED
        with _lock:
            host = _hosts.get(client)
            if host is None:
                host = _hosts[client] = Host(client, json.loads(zlib.decompress(setup))["setup"])
    return host.pack(key, blob, is_alone)


def _forget_all() -> None:
    """In a forked process: what it inherited belongs to its parent."""
    global _lock
    _lock = threading.Lock()
    for host in _hosts.values():
        host.drop_files()
    _hosts.clear()


os.register_at_fork(after_in_child=_forget_all)
