"""The program on the client's machine: reads what the client says, drives a back end, and says what became of each pack."""

import hashlib
import json
import os
import secrets
import shutil
import socket
import sys
import threading
import time
import traceback
import zlib
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from . import ledger, protocol, run_folder
from .backends import Backend, Call, Listener, Unusable
from .frames import Bytes, Splitter, message_of, parts
from .protocol import AGAIN, NEED, NOT_BEGUN
from .side_channel import Link, Listener as LinkListener, process_space
from .supervisor import supervise
from .writer import Writer

CHUNK = 1 << 20
SWITCH_INTERVAL = 0.00005
CLOSING = 12.0
"""Seconds that a back end has to end in."""
HURRIED = 3.0
"""Those that it has where packs are given up: who runs them may never end."""
GOODBYE = 2.0
"""Seconds that hosts have to end their workers in."""
LOST = "was lost by the back end"
# The sources of a host, which travel.
HOST_FILES = (
    "__init__.py answer.py calls.py frames.py host.py hosted_worker.py ledger.py loader.py protocol.py run_folder.py side_channel.py"
    " values.py"
).split()


class Pack(Call):
    """A pack of the client on its way."""

    def __init__(self, bridge: "Bridge", number: int, key: str, blob: bytes, is_alone: bool = False) -> None:
        super().__init__((key, blob))
        self.number = number
        self.is_alone = is_alone
        self.key = key
        self.bridge = bridge
        self.is_cancelled = False
        # Whether a host has begun with it, where hosts ask.
        self.is_claimed = False
        self.aborts: List[Tuple[int, bytes]] = []

    def answered(self, answer: bytes) -> None:
        self.bridge.answered(self, answer)

    def lost(self, error: BaseException) -> None:
        self.bridge.lost(self, error)

    def not_run(self) -> None:
        self.bridge.end(self, [protocol.NOT_RUN, self.number])


class Warmup:
    """Asks several workers to load modules; tells once that all have done so, or that one could not."""

    def __init__(self, bridge: "Bridge", number: int, count: int) -> None:
        self._bridge = bridge
        self._number = number
        self._left = count
        self._lock = threading.Lock()

    def ended(self, is_failure: bool, error: Any, *answer: bytes) -> None:
        with self._lock:
            was_told = self._left <= 0
            self._left = 0 if is_failure else self._left - 1
            if not was_told and self._left == 0:
                self._bridge.say([protocol.WARMED, self._number, error], answer)


class WarmupPack(Pack):
    """What one worker is asked."""

    def __init__(self, bridge: "Bridge", warmup: Warmup, key: str, blob: bytes) -> None:
        super().__init__(bridge, 0, key, blob)
        self._warmup = warmup

    def answered(self, answer: bytes) -> None:
        if answer == NEED:
            return self.bridge.submit(self, needs_setup=True)
        self.bridge.is_known = True
        self.bridge.tell_lines("", answer)
        last = [message_of(raw) for raw in Splitter().feed(answer)][-1]
        self._warmup.ended(last[0] != protocol.LOADED or len(last) > 2, None, answer)

    def lost(self, error: BaseException) -> None:
        self._warmup.ended(True, {"message": describe(error), "traceback": trace_of(error)})

    def not_run(self) -> None:
        self._warmup.ended(True, {"message": "It was cancelled", "traceback": ""})


class Bridge(Listener):
    def __init__(self, sources: Mapping[str, str], folder: str, source: int, writer: Writer) -> None:
        self._sources = {name: sources[name] for name in HOST_FILES}
        self._stub = sources["stub.py"]
        self._input = source
        self._writer = writer
        self._packs: Dict[int, Pack] = {}
        self._keys: Dict[str, Pack] = {}
        self._links: Dict[Link, str] = {}
        self._links_lock = threading.Lock()
        self._client = secrets.token_hex(6)
        self._token = secrets.token_bytes(32)
        # For what is shared with hosts on this machine: it is removed when all of them have ended.
        self._folder = folder
        self._setup = b""
        self._backend: Optional[Backend] = None
        self._is_ended = False
        # Whether a worker has had the setup: until then each pack brings it along.
        self.is_known = False
        self._handlers: Dict[int, Callable[..., None]] = {
            protocol.START: self._start,
            protocol.SEND: self._send,
            protocol.CANCEL: self._cancel,
            protocol.ABORT_CALL: self._abort,
            protocol.WARMUP: self._warmup,
            protocol.END: self._end_asked,
        }

    def run(self) -> None:
        """Until the client says that it is the end, or is gone."""
        splitter = Splitter()
        try:
            while not self._is_ended:
                chunk = os.read(self._input, CHUNK)
                if not chunk:
                    break
                for raw in splitter.feed(chunk):
                    (kind, *arguments), beside = parts(raw)
                    self._handlers[kind](*arguments, *beside)
        finally:
            self._close()

    def say(self, message: Any, beside: Tuple[Bytes, ...] = ()) -> None:
        self._writer.send(message, beside)

    # --- What the client says

    def _start(self, options: Mapping[str, Any]) -> None:
        try:
            self._start_backend(options)
        except Unusable as error:
            self._fatal(error.kind, str(error), trace_of(error))
        except BaseException as error:
            self._fatal("backend", f"{options.get('factory')} could not be started: {describe(error)}", trace_of(error))

    def _start_backend(self, options: Mapping[str, Any]) -> None:
        from .factories import make_backend

        path = os.path.join(self._folder, "side")
        listener = LinkListener(path, self._token, self._serve)
        run = travelling(self._stub, self._sources)
        backend = self._backend = make_backend(options["factory"], options["options"], run, self, self._folder)
        tcp = [socket.getfqdn(), listener.open_tcp()] if backend.is_remote else None
        setup = {
            **{"node": None, "execArgv": [], "folder": None, "root": "", "env": {}, "idleTimeout": None},
            **options["host"],
            "hostInit": options["hostInit"],
            "workerSource": options["workerSource"],
            "runFolder": self._folder,
            "socket": path,
            "tcp": tcp,
            "token": self._token.hex(),
            "hostname": socket.gethostname(),
            "pid": os.getpid(),
            "processSpace": process_space(),
            "endsWithClient": backend.ends_with_client,
            "runsAgain": backend.runs_again,
        }
        self._setup = zlib.compress(json.dumps({"sources": self._sources, "setup": setup}).encode(), 6)
        backend.start()
        self.say(
            [
                protocol.READY,
                {
                    "slots": backend.slots(),
                    "python": sys.version.split()[0],
                    "executable": sys.executable,
                    "backend": backend.name,
                    "version": backend.version(),
                    "hostname": socket.gethostname(),
                    "pid": os.getpid(),
                    "address": backend.address(),
                    "logs": backend.logs(),
                },
            ]
        )

    def _send(self, number: int, is_alone: bool, blob: memoryview) -> None:
        pack = Pack(self, number, f"{self._client}-{number}", bytes(blob), is_alone)
        self._packs[number] = self._keys[pack.key] = pack
        self.submit(pack, needs_setup=False)

    def submit(self, pack: Pack, needs_setup: bool) -> None:
        key, blob = pack.arguments[:2]
        if pack.is_cancelled or self._is_ended:
            return pack.not_run()
        assert self._backend is not None
        is_known = self.is_known and not needs_setup and self._backend.keeps_hosts
        setup = None if is_known else self._setup
        # No more of them than there have to be: some back ends take their time for each.
        pack.arguments = (key, blob, setup, True) if pack.is_alone else (key, blob, setup) if setup else (key, blob)
        self._backend.submit(pack)

    def _cancel(self, number: int) -> None:
        pack = self._packs.get(number)
        if pack is None or self._backend is None:
            return
        pack.is_cancelled = True
        if not self._backend.cancel(pack):
            self._tell_hosts([protocol.SIDE_CANCEL, pack.key])

    def _abort(self, number: int, position: int, raw: memoryview) -> None:
        pack = self._packs.get(number)
        if pack is None:
            return
        data = bytes(raw)
        pack.aborts.append((position, data))
        self._tell_hosts([protocol.SIDE_ABORT, pack.key, position], (data,))

    def _warmup(self, number: int, count: int, blob: memoryview) -> None:
        # Where no worker has come yet, the first one is asked.
        count = max(count, 1)
        warmup = Warmup(self, number, count)
        for i in range(count):
            pack = WarmupPack(self, warmup, f"{self._client}-w{number}.{i}", bytes(blob))
            self.submit(pack, needs_setup=False)

    def _end_asked(self, options: Mapping[str, Any]) -> None:
        if options.get("cancel"):
            for pack in list(self._packs.values()):
                self._cancel(pack.number)
        self._is_ended = True

    # --- What became of packs

    def answered(self, pack: Pack, answer: bytes) -> None:
        if answer == NEED:
            return self.submit(pack, needs_setup=True)
        if answer == NOT_BEGUN:
            return pack.not_run()
        if answer == AGAIN:
            return self.lost(pack, RuntimeError("The back end wanted to run it again, after the death of a worker"))
        self.is_known = True
        self.end(pack, [protocol.ANSWER, pack.number], answer)

    def lost(self, pack: Pack, error: BaseException) -> None:
        how = f"{LOST}: {describe(error)}"
        remains = ledger.find(self._folder, key=pack.key)
        if remains:
            return self._lost_with(pack, remains[0], how, trace_of(error))
        # Where all workers are on this machine, none has begun with it; but if one had ended it, and the answer is lost.
        is_unknown = self._backend is None or self._backend.is_remote or ledger.has_begun(self._folder, pack.key)
        self.end(pack, [protocol.LOST, pack.number, how, None, None if is_unknown else [0, 0, []], trace_of(error), None])

    def _lost_with(self, pack: Pack, remains: ledger.Remains, how: str, trace: str) -> None:
        worker = f"process {remains.worker}"
        self.end(pack, [protocol.LOST, pack.number, how, socket.gethostname(), remains.state, trace, worker])

    def _host_gone(self, pid: int) -> None:
        """A host on this machine has ended: the back end may take its time to find out."""
        if self._backend is None or not self._backend.keeps_hosts:
            return
        for remains in ledger.find(self._folder, host=pid):
            pack = self._keys.get(remains.key)
            if pack is not None:
                self._lost_with(pack, remains, f"was lost with the Python process {pid}, which has ended", "")

    def end(self, pack: Pack, message: Any, *beside: bytes) -> None:
        """Tells what became of a pack, once."""
        if self._packs.pop(pack.number, None) is None:
            return
        self._keys.pop(pack.key, None)
        self.say(message, beside)

    # --- What a back end and its hosts say

    def slots(self, count: int) -> None:
        self.say([protocol.SLOTS, count])

    def failed(self, message: str) -> None:
        self._fatal("backend", message, "")

    def wrote(self, stream: str, line: str, worker: str) -> None:
        self.say([protocol.WROTE, stream, line, socket.gethostname(), worker])

    def _fatal(self, kind: str, message: str, trace: str) -> None:
        self.say([protocol.FATAL_ERROR, kind, message, trace])

    def _serve(self, link: Link) -> None:
        with self._links_lock:
            self._links[link] = ""
        if self._is_ended:
            # Who told the others that it is the end did not know of this one.
            link.send([protocol.SIDE_BYE])
        try:
            link.read(lambda message, beside: self._on_side(link, message, beside))
        finally:
            with self._links_lock:
                del self._links[link]
            if link.peer == socket.gethostname() and not self._is_ended:
                self._host_gone(link.pid)

    def _on_side(self, link: Link, message: Any, beside: List[memoryview]) -> None:
        kind, *arguments = message
        if kind == protocol.SIDE_HELLO:
            link.peer, link.pid = str(arguments[0]), int(arguments[1])
            for each in list(self._packs.values()):
                if each.is_cancelled:
                    link.send([protocol.SIDE_CANCEL, each.key])
        elif kind == protocol.SIDE_BEGUN:
            pack = self._keys.get(arguments[0])
            for position, data in list(pack.aborts) if pack is not None else ():
                link.send([protocol.SIDE_ABORT, arguments[0], position], (data,))
        elif kind == protocol.SIDE_SYNC:
            link.send(message)
        elif kind == protocol.SIDE_CLAIM:
            link.send([protocol.SIDE_CLAIM, arguments[0], self._claim(arguments[0])])
        elif kind == protocol.SIDE_EARLY:
            pack = self._keys.get(arguments[0])
            if pack is not None:
                self.say([protocol.EARLY, pack.number], (beside[0],))
            else:
                self.tell_lines(link.peer, beside[0])
        elif kind == protocol.SIDE_WROTE:
            stream, line, worker = arguments
            self.say([protocol.WROTE, stream, line, link.peer, worker])
        elif kind == protocol.SIDE_EVENT:
            name, worker, how = arguments
            self.say([protocol.EVENT, name, link.peer, worker, how])

    def tell_lines(self, host: str, answer: Bytes) -> None:
        """The lines in what belongs to no call of the client: of a body whose time was up, or of a module that is loaded ahead."""
        worker = ""
        for message in map(message_of, Splitter().feed(bytes(answer))):
            if message[0] == protocol.HOST:
                host, worker = message[1:]
            elif message[0] == protocol.LINE:
                self.say([protocol.WROTE, *message[1:3], host, worker])

    def _claim(self, key: str) -> bool:
        """Whether a pack may begin: it is wanted, and has begun nowhere. Warm-ups may always."""
        pack = self._keys.get(key)
        if pack is None or pack.is_claimed:
            return "-w" in key
        pack.is_claimed = True
        return True

    def _tell_hosts(self, message: Any, beside: Tuple[Bytes, ...] = ()) -> None:
        with self._links_lock:
            links = list(self._links)
        for link in links:
            link.send(message, beside)

    # --- The end

    def _close(self) -> None:
        self._is_ended = True
        self._tell_hosts([protocol.SIDE_BYE])
        deadline = time.monotonic() + GOODBYE
        while self._links and time.monotonic() < deadline:
            time.sleep(0.002)
        closing = threading.Thread(target=self._close_backend, name="taps-sdk-close", daemon=True)
        closing.start()
        # What does not end is killed with its tree.
        closing.join(HURRIED if self._packs else CLOSING)
        self._writer.flush()

    def _close_backend(self) -> None:
        if self._backend is not None:
            self._backend.close()


def travelling(stub: str, sources: Mapping[str, str]) -> Callable[..., bytes]:
    """What stands for the function that runs packs in the workers, see stub.py."""
    package = "taps_sdk_" + hashlib.sha256(json.dumps([stub, sources]).encode()).hexdigest()[:16]
    expression = "(__import__('sys').modules.get(name) or exec(stub) or __import__('sys').modules[name]).pack"
    names = {"expression": expression, "name": package + "_stub", "package": package, "stub": stub}
    found: Callable[..., bytes] = eval(expression, dict(names))
    return found


def describe(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def trace_of(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def main(sources: Mapping[str, str]) -> None:
    """Speaks on the standard input and output, which nothing else can disturb then."""
    folder, _ = run_folder.make()
    supervise(lambda: _run(sources, folder), lambda: shutil.rmtree(folder, ignore_errors=True))


def _run(sources: Mapping[str, str], folder: str) -> None:
    source, target = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    sys.setswitchinterval(SWITCH_INTERVAL)
    threading.Thread(target=run_folder.sweep, name="taps-sdk-sweep", daemon=True).start()
    # Some back ends start programs that were installed beside Python.
    os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", os.defpath)
    Bridge(sources, folder, source, Writer(target)).run()


