"""
A connection from each host to the program: what cannot wait for the end of a pack, and how a host learns that the client is gone. Over a
Unix socket in the run folder where both are on one machine, else over TCP. Both sides prove first that they know the token.
"""

import hmac
import os
import queue
import secrets
import socket
import struct
import threading
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from .frames import Bytes, Splitter, frame_parts, parts
from .protocol import SIDE_BYE, SIDE_HELLO

NONCE = 16
PROOF = 32
TIMEOUT = 2.0
SEND_TIMEOUT = 10
PAUSE = 0.1
"""Seconds after which a connection is accepted where that was not possible."""
CHUNK = 1 << 18

OnMessage = Callable[[Any, List[memoryview]], None]


class Link:
    """One end of the connection."""

    def __init__(self, connection: socket.socket, peer: str) -> None:
        self.peer = peer
        self.pid = 0
        self._connection = connection
        self._lock = threading.Lock()
        # Nobody says so when a machine vanishes, or a process is stopped: what it does not take in time is lost with the connection.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_TIMEOUT, 0))
        if connection.family != socket.AF_UNIX:
            for option, seconds in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
                if hasattr(socket, option):
                    connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)

    def send(self, message: Any, beside: Sequence[Bytes] = ()) -> None:
        """What is said to one that is gone is lost."""
        with self._lock:
            try:
                self._connection.sendall(b"".join(frame_parts(message, beside)))
            except OSError:
                self.close()

    def read(self, on_message: OnMessage) -> bool:
        """Until the other side is gone. Whether it said so before."""
        splitter = Splitter()
        while True:
            try:
                chunk = self._connection.recv(CHUNK)
            except OSError:
                chunk = b""
            if not chunk:
                return False
            for raw in splitter.feed(chunk):
                message, beside = parts(raw)
                if message[0] == SIDE_BYE:
                    return True
                on_message(message, beside)

    def close(self) -> None:
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Questions:
    """What a host asks the program about packs. A message is `[kind, key]`, the reply begins with the same."""

    def __init__(self) -> None:
        self._replies: "Dict[Tuple[int, str], queue.SimpleQueue[List[Any]]]" = {}

    def ask(self, link: Optional[Link], question: List[Any]) -> Optional[List[Any]]:
        """The reply; None where there is none in time."""
        if link is None:
            return None
        replies: "queue.SimpleQueue[List[Any]]" = queue.SimpleQueue()
        # A reply that comes too late may meet another question about the same pack.
        kind, key = question
        self._replies[kind, key] = replies
        link.send(question)
        try:
            return replies.get(timeout=TIMEOUT)
        except queue.Empty:
            return None
        finally:
            self._replies.pop((kind, key), None)

    def replied(self, reply: List[Any]) -> None:
        replies = self._replies.get((reply[0], reply[1]))
        if replies is not None:
            replies.put(reply)


def _proof(token: bytes, *what: bytes) -> bytes:
    return hmac.new(token, b"|".join(what), "sha256").digest()


def _read(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        chunk = connection.recv(length - len(data))
        if not chunk:
            raise ConnectionError("The other side of the side channel is gone")
        data += chunk
    return data


def process_space() -> str:
    """The same text for processes of one machine whose numbers mean the same to each other."""
    try:
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        # There are no others.
        return socket.gethostname()


def is_gone(setup: Mapping[str, Any]) -> bool:
    """Whether the program has ended, as far as that can be told from here."""
    if setup["processSpace"] != process_space():
        return False
    try:
        os.kill(setup["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def connect(setup: Mapping[str, Any]) -> Optional[Link]:
    """The end of a host; None where the program cannot be reached."""
    is_near = setup["hostname"] == socket.gethostname() and os.path.exists(setup["socket"])
    if not is_near and setup["tcp"] is None:
        return None
    try:
        if is_near:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(TIMEOUT)
            connection.connect(setup["socket"])
        else:
            connection = socket.create_connection(tuple(setup["tcp"]), TIMEOUT)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _prove(connection, bytes.fromhex(setup["token"]))
    except OSError:
        return None
    connection.settimeout(None)
    link = Link(connection, setup["hostname"])
    link.send([SIDE_HELLO, socket.gethostname(), os.getpid()])
    return link


def _prove(connection: socket.socket, token: bytes) -> None:
    theirs = _read(connection, NONCE)
    ours = secrets.token_bytes(NONCE)
    connection.sendall(ours + _proof(token, b"host", theirs, ours))
    if not hmac.compare_digest(_read(connection, PROOF), _proof(token, b"program", ours, theirs)):
        connection.close()
        raise ConnectionError("The program does not know the token")


def _check(connection: socket.socket, token: bytes) -> bool:
    ours = secrets.token_bytes(NONCE)
    connection.sendall(ours)
    theirs = _read(connection, NONCE)
    if not hmac.compare_digest(_read(connection, PROOF), _proof(token, b"host", ours, theirs)):
        return False
    connection.sendall(_proof(token, b"program", theirs, ours))
    return True


class Listener:
    """The end of the program. Each connection has a thread of its own."""

    def __init__(self, path: str, token: bytes, serve: Callable[[Link], None]) -> None:
        self._token = token
        self._serve = serve
        self._listening: List[socket.socket] = []
        near = socket.socket(socket.AF_UNIX)
        near.bind(path)
        self._accept(near)

    def open_tcp(self) -> int:
        """For hosts on other machines. Gives the port."""
        far = socket.socket()
        far.bind(("", 0))
        self._accept(far)
        return int(far.getsockname()[1])

    def _accept(self, listening: socket.socket) -> None:
        listening.listen(128)
        self._listening.append(listening)
        threading.Thread(target=self._accept_all, args=(listening,), name="taps-sdk-accept", daemon=True).start()

    def _accept_all(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                if listening.fileno() < 0:
                    return
                # Too many open files, say: others will be closed.
                time.sleep(PAUSE)
                continue
            try:
                threading.Thread(target=self._greet, args=(connection,), name="taps-sdk-link", daemon=True).start()
            except RuntimeError:
                # Too many threads. The host tries again.
                connection.close()

    def _greet(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(TIMEOUT)
            if not _check(connection, self._token):
                return
            connection.settimeout(None)
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._serve(Link(connection, ""))
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    def close(self) -> None:
        for listening in self._listening:
            listening.close()
