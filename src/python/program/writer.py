"""What the program says to its client."""

import os
import threading
from collections import deque
from typing import Any, Deque, List, Tuple

from .frames import Bytes, frame_parts


class Writer:
    """
    Writes frames to the client. Whoever has something to say writes it, or leaves it to who is writing: no thread waits. Only one of its own
    waits for a client that does not read, which may be for long: hosts that are not heard meanwhile would take it for the client's end.
    """

    def __init__(self, file: int) -> None:
        self._file = file
        self._waiting: Deque[List[Bytes]] = deque()
        # What did not fit any more.
        self._rest = memoryview(b"")
        self._lock = threading.Lock()
        self._full = threading.Semaphore(0)
        os.set_blocking(file, False)
        threading.Thread(target=self._wait_and_write, name="taps-sdk-writer", daemon=True).start()

    def send(self, message: Any, beside: Tuple[Bytes, ...] = ()) -> None:
        self._waiting.append(frame_parts(message, beside))
        self._write()

    def _write(self) -> None:
        while self._waiting and self._lock.acquire(False):
            try:
                self._write_all()
            except BlockingIOError:
                # The lock goes along: the thread releases it.
                return self._full.release()
            except BaseException:
                self._lock.release()
                raise
            self._lock.release()

    def _write_all(self) -> None:
        while self._rest or self._waiting:
            data: List[Bytes] = []
            while not self._rest and self._waiting and len(data) < 64:
                data += self._waiting.popleft()
            self._rest = self._rest or memoryview(b"".join(data))
            while self._rest:
                self._rest = self._rest[os.write(self._file, self._rest) :]

    def _wait_and_write(self) -> None:
        while self._full.acquire():
            try:
                self._go_on()
            except OSError:
                # The client is gone, which is met where it is read.
                pass

    def _go_on(self) -> None:
        try:
            self._write_all_waiting()
        finally:
            self._lock.release()
        # What came while the lock was not free yet.
        self._write()

    def _write_all_waiting(self) -> None:
        os.set_blocking(self._file, True)
        try:
            self._write_all()
        finally:
            os.set_blocking(self._file, False)

    def flush(self) -> None:
        with self._lock:
            self._write_all_waiting()
