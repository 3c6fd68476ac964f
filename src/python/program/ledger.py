"""
What a worker has begun and finished, in a file: it can be read after the worker's death, also by the program, where it runs on the same
machine. The layout is that of src/worker/ledger.ts; a worker has one lane. Behind the limit stand the key of the pack, the process id of
the worker and that of its host, and whether the pack has been answered.
"""

import os
import struct
from typing import List, NamedTuple, Optional, Tuple

LEDGER_BYTES = 128 * 1024
NO_LIMIT = 0xFFFFFFFF
SPARE = 100
"""Bytes that are kept for the next call to begin."""
PREFIX = "ledger-"
BEGUN_PREFIX = "begun-"
BEGUN_KEPT = 512
BEGUN_BYTES = 40

_KEY = struct.Struct("<I40sIII")
_LIMIT = struct.Struct("<I")
_DONE = LEDGER_BYTES + _KEY.size - 4

State = Tuple[int, int, List[str]]
"""How many calls have begun, of which call the first result is, and `kind,µs,payload` of each."""


class Ledger:
    """A ledger, at the side of the host."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self.pid = 0
        os.ftruncate(self.file, LEDGER_BYTES + 64)

    def begin_pack(self, key: str) -> None:
        os.pwrite(self.file, b"\0", 0)
        os.pwrite(self.file, _KEY.pack(NO_LIMIT, key.encode(), self.pid, os.getpid(), 0), LEDGER_BYTES)

    def end_pack(self) -> None:
        """It has been answered: a host that ends now has not lost it."""
        os.pwrite(self.file, b"\1", _DONE)

    def limit(self, position: int) -> None:
        """Calls from there on will not begin, if they have not yet: look at `begun` after it."""
        os.pwrite(self.file, _LIMIT.pack(position), LEDGER_BYTES)

    def read(self) -> State:
        return _read(self.file)

    def begun(self) -> int:
        return self.read()[0]

    def close(self) -> None:
        os.close(self.file)
        try:
            os.unlink(self.path)
        except OSError:
            pass


class OwnLedger(Ledger):
    """One that the host writes itself, for Python functions."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.pid = os.getpid()
        self._used = 0
        # Results that are written when the next call begins.
        self._pending = b""

    def begin_pack(self, key: str) -> None:
        super().begin_pack(key)
        self.sent()

    def begin(self, position: int) -> bool:
        """Whether the call may begin. First it is told, then looked at; the host does it the other way round: one of both sees it."""
        records = b"%sB%d\n" % (self._pending, position)
        self._pending = b""
        if self._used + len(records) >= LEDGER_BYTES:
            self._used = 0
        os.pwrite(self.file, records + b"\0", self._used)
        self._used += len(records)
        return position < int(_LIMIT.unpack(os.pread(self.file, 4, LEDGER_BYTES))[0])

    def commit(self, position: int, result: str) -> bool:
        """Whether there was room for it."""
        record = b"R%d,%s\n" % (position, result.encode("utf-8", "replace"))
        if self._used + len(self._pending) + len(record) + SPARE > LEDGER_BYTES:
            return False
        self._pending += record
        return True

    def sent(self) -> None:
        """What was committed is elsewhere."""
        self._used = 0
        self._pending = b""


def _read(file: int) -> State:
    data = os.pread(file, LEDGER_BYTES, 0)
    end = data.find(b"\0")
    begun, first = 0, -1
    results: List[str] = []
    for record in data[: max(end, 0)].decode("utf-8", "replace").split("\n"):
        if record.startswith("B"):
            begun = int(record[1:]) + 1
        elif record.startswith("R"):
            position, result = record[1:].split(",", 1)
            first = int(position) if first == -1 else first
            results.append(result)
    return begun, max(first, 0), results


class Begun:
    """
    The packs that a host has begun with lately, in a file: a ledger knows but the last one of its worker, and an answer that is given to the back
    end may still be lost with the host.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._count = 0

    def add(self, key: str) -> None:
        place = self._count % BEGUN_KEPT * BEGUN_BYTES
        self._count += 1
        os.pwrite(self._file, key.encode()[:BEGUN_BYTES].ljust(BEGUN_BYTES, b"\0"), place)

    def drop_file(self) -> None:
        """In a forked process."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def close(self) -> None:
        self.drop_file()
        try:
            os.unlink(self._path)
        except OSError:
            pass


def has_begun(folder: str, key: str) -> bool:
    """Whether a host on this machine had begun with a pack, however that went on."""
    sought = key.encode().ljust(BEGUN_BYTES, b"\0")
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if name.startswith(BEGUN_PREFIX):
            with open(os.path.join(folder, name), "rb") as file:
                data = file.read(BEGUN_KEPT * BEGUN_BYTES)
            if any(data.startswith(sought, place) for place in range(0, len(data), BEGUN_BYTES)):
                return True
    return False


class Remains(NamedTuple):
    """What a ledger says of a pack whose host is gone."""

    key: str
    state: State
    worker: int
    host: int


def find(folder: str, key: Optional[str] = None, host: Optional[int] = None) -> List[Remains]:
    """
    What the ledgers of a folder say of a pack, or of all unanswered packs of a host, by its process id. The host is gone, or dies in this moment: what
    has not begun is kept from its workers.
    """
    found = []
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if not name.startswith(PREFIX):
            continue
        try:
            file = os.open(os.path.join(folder, name), os.O_RDWR)
        except OSError:
            continue
        try:
            _, text, worker, its_host, is_done = _KEY.unpack(os.pread(file, _KEY.size, LEDGER_BYTES).ljust(_KEY.size, b"\0"))
            its_key = text.rstrip(b"\0").decode("utf-8", "replace")
            if its_key != "" and (its_key == key or (its_host == host and not is_done)):
                os.pwrite(file, _LIMIT.pack(_read(file)[0]), LEDGER_BYTES)
                found.append(Remains(its_key, _read(file), worker, its_host))
        finally:
            os.close(file)
    return found
