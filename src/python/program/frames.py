"""
Messages on a pipe: a header, the text, and the objects beside it. The header, in 32-bit words (little endian): a mark, 0, the length of
the text, how many objects there are, and for each its length and 0. It is the same as that of src/worker/frames.ts.
"""

import json
import struct
from typing import Any, Iterator, List, Sequence, Tuple, Union

MARK = 0x53504154
HEAD = 16
ENTRY = 8
LARGEST = 0x7FFFFFFF
MOST_OBJECTS = 1_000_000

_HEAD = struct.Struct("<IIII")
_ENTRY = struct.Struct("<II")

Bytes = Union[bytes, bytearray, memoryview]


class FrameError(Exception):
    """What arrived is no frame: nothing on this pipe can be trusted any more."""


def frame(message: Any, beside: Sequence[Bytes] = ()) -> bytes:
    """A whole frame. `message` is text, or what JSON takes."""
    return b"".join(frame_parts(message, beside))


def frame_parts(message: Any, beside: Sequence[Bytes] = ()) -> List[Bytes]:
    """What to write for a message, in order; large objects are not copied."""
    text = (message if isinstance(message, str) else to_json(message)).encode("utf-8", "replace")
    head = _HEAD.pack(MARK, 0, len(text), len(beside))
    if not beside:
        return [head + text]
    sizes = b"".join(_ENTRY.pack(len(each), 0) for each in beside)
    return [head + sizes + text, *beside]


def to_json(message: Any) -> str:
    return json.dumps(message, separators=(",", ":"))


class Splitter:
    """Cuts what arrives into frames. A frame that comes in many pieces is put together once."""

    def __init__(self) -> None:
        self._chunks: List[bytes] = []
        self._have = 0
        # How much there has to be before it is looked at again.
        self._wanted = HEAD

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        self._chunks.append(chunk)
        self._have += len(chunk)
        if self._have < self._wanted:
            return
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        at = 0
        self._wanted = HEAD
        while len(data) - at >= HEAD:
            size = _size(data, at)
            if size > len(data) - at:
                self._wanted = size
                break
            yield data[at : at + size]
            at += size
        rest = data[at:]
        self._chunks = [rest] if rest else []
        self._have = len(rest)


def _size(data: bytes, at: int) -> int:
    """Of the frame that begins there, or how much of it is needed to tell."""
    mark, _, text, count = _HEAD.unpack_from(data, at)
    if mark != MARK or text > LARGEST or count > MOST_OBJECTS:
        raise FrameError(f"There was {data[at : at + HEAD]!r} where a message was due")
    if count == 0:
        return int(HEAD + text)
    entries = int(HEAD + count * ENTRY)
    if len(data) - at < entries:
        return entries
    return entries + int(text) + sum(int(size) for size, _ in _ENTRY.iter_unpack(data[at + HEAD : at + entries]))


def kind_of(raw: Bytes) -> int:
    """What a frame is, without reading it."""
    start = HEAD + struct.unpack_from("<I", raw, 12)[0] * ENTRY
    digits = bytes(raw[start + 1 : start + 4]).split(b",")[0].split(b"]")[0]
    return int(digits)


def text_of(raw: Bytes) -> bytes:
    _, _, text, count = _HEAD.unpack_from(raw)
    start = HEAD + count * ENTRY
    return bytes(raw[start : start + text])


def message_of(raw: Bytes) -> Any:
    return json.loads(text_of(raw))


def parts(raw: bytes) -> Tuple[Any, List[memoryview]]:
    """The message, and views of the objects beside it."""
    _, _, text, count = _HEAD.unpack_from(raw)
    at = HEAD + count * ENTRY + text
    view = memoryview(raw)
    beside = []
    for size, _ in _ENTRY.iter_unpack(view[HEAD : HEAD + count * ENTRY]):
        beside.append(view[at : at + size])
        at += size
    return message_of(raw), beside
