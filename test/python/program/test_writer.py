"""What the program says to a client that reads, and to one that does not."""

import os
import threading
from itertools import islice
from typing import Any, Callable, Iterator

from program.frames import Splitter, parts
from program.writer import Writer

LARGE = "x" * 300_000


def in_time(run: Callable[[], Any]) -> None:
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "it waits"


def messages(file: int) -> Iterator[Any]:
    splitter = Splitter()
    while True:
        for raw in splitter.feed(os.read(file, 1 << 16)):
            yield parts(raw)[0]


def test_nobody_waits_for_a_client_that_does_not_read_and_all_reaches_it_in_order_when_it_does() -> None:
    source, target = os.pipe()
    writer = Writer(target)
    sent = [[i, LARGE if i % 3 == 0 else ""] for i in range(30)]
    for message in sent[:15]:
        in_time(lambda message=message: writer.send(message))
    told = messages(source)
    assert list(islice(told, 5)) == sent[:5]
    for message in sent[15:]:
        in_time(lambda message=message: writer.send(message))
    assert list(islice(told, 25)) == sent[5:]


def test_what_is_left_at_the_end_is_written_out() -> None:
    source, target = os.pipe()
    writer = Writer(target)
    sent = [[i, LARGE] for i in range(5)]
    for message in sent:
        writer.send(message)
    flushing = threading.Thread(target=writer.flush, daemon=True)
    flushing.start()
    assert list(islice(messages(source), 5)) == sent
    flushing.join(20)
    assert not flushing.is_alive()
