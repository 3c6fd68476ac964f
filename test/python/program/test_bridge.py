"""What the program makes of what hosts say, with hosts and a back end that do nothing."""

from pathlib import Path
from typing import Any, Callable, List

import pytest
from client import sources
from program import protocol
from program.bridge import Bridge
from program.frames import frame


class FakeWriter:
    def __init__(self) -> None:
        self.said: List[Any] = []

    def send(self, message: Any, beside: Any = ()) -> None:
        self.said.append(message)


class FakeBackend:
    keeps_hosts = True

    def submit(self, call: Any) -> None:
        pass

    def cancel(self, call: Any) -> bool:
        return False


class FakeHost:
    """A link to a host that says its messages, and ends."""

    peer = ""
    pid = 0

    def __init__(self, *says: Any) -> None:
        self.heard: List[Any] = []
        self._says = says

    def send(self, message: Any, beside: Any = ()) -> None:
        self.heard.append(message)

    def read(self, on_message: Callable[[Any, List[memoryview]], None]) -> bool:
        for message, *beside in self._says:
            on_message(message, [memoryview(each) for each in beside])
        return False


HELLO = ([protocol.SIDE_HELLO, "there", 7],)


@pytest.fixture(name="writer")
def _writer() -> FakeWriter:
    return FakeWriter()


@pytest.fixture(name="bridge")
def _bridge(tmp_path: Path, writer: Any) -> Any:
    bridge: Any = Bridge(sources(), str(tmp_path), -1, writer)
    bridge._backend = FakeBackend()
    return bridge


def test_a_host_that_comes_while_the_program_ends_is_told_so(bridge: Any) -> None:
    early, late = FakeHost(HELLO), FakeHost(HELLO)
    bridge._serve(early)
    bridge._end_asked({})
    bridge._serve(late)
    assert early.heard == [] and late.heard == [[protocol.SIDE_BYE]]


def test_a_host_that_comes_after_packs_were_cancelled_is_told_which(bridge: Any) -> None:
    for number in (1, 2):
        bridge._send(number, False, memoryview(b"a pack"))
    bridge._cancel(2)
    host = FakeHost(HELLO)
    bridge._serve(host)
    assert host.heard == [[protocol.SIDE_CANCEL, bridge._packs[2].key]]


def test_lines_of_what_is_no_call_any_more_are_lines_beside_the_calls(bridge: Any, writer: FakeWriter) -> None:
    line = frame([protocol.LINE, "stdout", "still there", "task", "test-1"])
    late = ([protocol.SIDE_EARLY, "abc-1"], frame([protocol.RESULTS, 0, 0, 0, []]) + line)
    warm = ([protocol.SIDE_EARLY, "abc-w1.0"], frame([protocol.HOST, "there", "process 9"]) + line)
    bridge._serve(FakeHost(HELLO, late, warm))
    assert writer.said == [
        [protocol.WROTE, "stdout", "still there", "there", ""],
        [protocol.WROTE, "stdout", "still there", "there", "process 9"],
    ]


def test_lines_in_the_answer_to_a_warm_up_are_told(bridge: Any, writer: FakeWriter) -> None:
    asked: List[Any] = []
    bridge._backend.submit = asked.append
    bridge._warmup(1, 1, memoryview(b"a request"))
    messages = [[protocol.HOST, "there", "process 9"], [protocol.LINE, "stderr", "loading", "", ""], [protocol.LOADED, 1]]
    asked[0].answered(b"".join(map(frame, messages)))
    assert writer.said == [[protocol.WROTE, "stderr", "loading", "there", "process 9"], [protocol.WARMED, 1, None]]
