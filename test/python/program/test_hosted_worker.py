"""What a host says to a Node worker, with a program that stands for Node."""

import sys
import threading
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest
from program.frames import frame, parts
from program.host import Host
from program.hosted_worker import HostedWorker, WorkerGone
from program.ledger import Ledger
from program.protocol import PACKED, SIDE_ABORT

NODE = """#!{python}
import os, sys, time
sys.path.insert(0, {path!r})
from program.frames import Splitter, frame, message_of
_, source, target, *_ = os.environ["TAPS_SDK_IS_LOCAL"].split()
while not os.path.exists({go_on!r}):
    time.sleep(0.002)
splitter = Splitter()
found = []
while not found:
    found = list(splitter.feed(os.read(int(source), 65536)))
os.write(int(target), frame([{packed}, message_of(found[0])[0]]))
"""
LARGE = b"x" * 1_000_000


@pytest.fixture(name="worker")
def _worker(tmp_path: Path) -> Iterator[HostedWorker]:
    """Reads nothing until there is the file; then one frame, whose kind it tells."""
    node = tmp_path / "node"
    path = str(Path(__file__).parents[3] / "src" / "python")
    node.write_text(NODE.format(python=sys.executable, path=path, go_on=str(tmp_path / "go on"), packed=PACKED))
    node.chmod(0o700)
    setup = {"folder": None, "env": {}, "execArgv": [], "workerSource": ""}
    worker = HostedWorker(str(node), setup, Ledger(str(tmp_path / "ledger")), lambda *_: None)
    yield worker
    worker.kill()
    worker.ended()


def started(run: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def ends(thread: threading.Thread) -> bool:
    thread.join(20)
    return not thread.is_alive()


def test_an_abort_for_a_worker_that_takes_nothing_keeps_the_host_from_nothing_and_arrives_when_it_does(
    worker: HostedWorker, tmp_path: Path
) -> None:
    host: Any = object.__new__(Host)
    host._lock = threading.Lock()
    host._running = {"abc-1": worker}
    received: List[Any] = []
    follows = started(lambda: received.append(worker.receive(60)))
    assert ends(started(lambda: host._on_message([SIDE_ABORT, "abc-1", 0], [memoryview(frame([1], [LARGE]))])))
    assert host._lock.acquire(timeout=20)
    (tmp_path / "go on").touch()
    assert ends(follows) and parts(received[0])[0] == [PACKED, 1]


def test_an_abort_that_a_worker_never_takes_ends_with_it(worker: HostedWorker) -> None:
    aborts = started(lambda: worker.abort(LARGE, lambda: True))
    worker.kill()
    assert ends(aborts)
    with pytest.raises(WorkerGone):
        worker.receive(None)


def test_an_abort_that_comes_after_its_pack_is_not_told(worker: HostedWorker, tmp_path: Path) -> None:
    worker.abort(frame([1]), lambda: False)
    worker.send(frame([2]))
    (tmp_path / "go on").touch()
    raw = worker.receive(None)
    assert raw is not None and parts(raw)[0] == [PACKED, 2]
