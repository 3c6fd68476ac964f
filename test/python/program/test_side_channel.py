"""The connections between hosts and the program."""

import errno
import queue
import threading
from typing import Any

import pytest
from program import side_channel
from program.protocol import SIDE_CLAIM, SIDE_SYNC
from program.side_channel import Listener, Questions


def test_a_late_reply_to_another_question_about_the_pack_is_none() -> None:
    questions = Questions()

    class Slow:
        def send(self, _: Any) -> None:
            questions.replied([SIDE_SYNC, "abc-1"])
            questions.replied([SIDE_CLAIM, "abc-1", True])

    link: Any = Slow()
    assert questions.ask(link, [SIDE_CLAIM, "abc-1"]) == [SIDE_CLAIM, "abc-1", True]


class FailingSocket:
    """Stands for one that listens, and cannot accept at first."""

    def __init__(self) -> None:
        self.steps: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
        self.is_closed = False

    def accept(self) -> Any:
        step = self.steps.get(timeout=20)
        if isinstance(step, OSError):
            raise step
        return step, ""

    def fileno(self) -> int:
        return -1 if self.is_closed else 7

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture(name="listener")
def _listener() -> Any:
    listener: Any = object.__new__(Listener)
    listener.greeted = queue.SimpleQueue()
    listener._greet = listener.greeted.put
    return listener


def test_connections_are_accepted_again_after_that_was_impossible_until_the_end(listener: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_channel, "PAUSE", 0)
    listening: Any = FailingSocket()
    accepting = threading.Thread(target=listener._accept_all, args=(listening,), daemon=True)
    accepting.start()
    listening.steps.put(OSError(errno.EMFILE, "Too many open files"))
    listening.steps.put("a connection")
    assert listener.greeted.get(timeout=20) == "a connection"
    listening.close()
    listening.steps.put(OSError(errno.EBADF, "Bad file descriptor"))
    accepting.join(20)
    assert not accepting.is_alive()


def test_a_connection_that_gets_no_thread_is_closed_and_others_are_still_accepted(listener: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    refused, listening = FailingSocket(), FailingSocket()
    for step in (refused, OSError(errno.EBADF, "Bad file descriptor")):
        listening.steps.put(step)
    start = threading.Thread.start

    def no_more(_: threading.Thread) -> None:
        monkeypatch.setattr(threading.Thread, "start", start)
        listening.close()
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_more)
    listener._accept_all(listening)
    assert refused.is_closed and listener.greeted.empty()
