"""How a host follows its workers, with workers that say what a test tells them to."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Any, Callable, Deque, Dict, List, Optional, Union

import pytest
from client import is_alive, python_pack, until
from program import host as host_module
from program import run_folder
from program.answer import Answer, follow, run
from program.calls import PythonWorker
from program.frames import FrameError, Splitter, frame, parts
from program.host import Host
from program.hosted_worker import WorkerGone
from program.protocol import (
    BEGUN,
    GIVEN_BACK,
    HOST,
    LINE,
    NOT_BEGUN,
    PACKED,
    PYTHON_PACK,
    REFUSED,
    RESULTS,
    SIDE_BEGUN,
    SIDE_CANCEL,
    SIDE_EARLY,
    TIMED_OUT,
)
from program.side_channel import process_space


class Clock:
    """Time that passes while somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class FakeLedger:
    def __init__(self) -> None:
        self.state: Any = (1, 0, [])
        self.limits: List[int] = []

    def read(self) -> Any:
        return self.state

    def begun(self) -> int:
        return int(self.state[0])

    def limit(self, position: int) -> None:
        self.limits.append(position)


class FakeWorker:
    """Says its messages in turn; a number stands for so many seconds of silence."""

    can_be_killed = True

    def __init__(self, clock: Clock, *script: Union[float, List[Any]]) -> None:
        self.ledger = FakeLedger()
        self.calls: List[Any] = []
        self._clock = clock
        self._script: Deque[Any] = deque(script)

    def receive(self, timeout: Optional[float]) -> Optional[bytes]:
        if not self._script:
            raise WorkerGone()
        if isinstance(self._script[0], list):
            return frame(self._script.popleft())
        wait = self._script[0] if timeout is None else min(max(timeout, 0), self._script[0])
        self._clock.now += wait
        self._script[0] -= wait
        if self._script[0] <= 1e-9:
            self._script.popleft()
        return None

    def time_up(self, position: int) -> None:
        self.calls.append(("time up", position))

    def kill(self) -> None:
        self.calls.append("kill")


class FakeLink:
    def __init__(self) -> None:
        self.sent: List[Any] = []

    def send(self, message: Any, beside: Any = ()) -> None:
        self.sent.append([message[0], *[parts(raw)[0] for data in beside for raw in Splitter().feed(bytes(data))]])


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("program.answer.time.monotonic", clock.monotonic)
    return clock


def messages(answer: Answer) -> List[Any]:
    return [parts(raw)[0] for raw in Splitter().feed(answer.whole())]


def result(position: int) -> List[Any]:
    return [RESULTS, 0, position, 0, [0, 1, position]]


START = [HOST, "there", "process 7"]


def new_answer(link: Any = None, is_alone: bool = False) -> Answer:
    return Answer("abc-1", "there", "process 7", link, is_alone)


def test_a_quick_pack_is_one_answer(clock: Clock) -> None:
    link, answer = FakeLink(), new_answer()
    answer = new_answer(link)
    worker: Any = FakeWorker(clock, result(0), [PACKED, 0])
    assert follow(worker, answer) == "packed"
    assert messages(answer) == [START, result(0), [PACKED]]
    assert link.sent == [] and worker.ledger.limits == []


def test_results_of_a_pack_that_is_alone_are_sent_at_once_and_again_at_the_end(clock: Clock) -> None:
    link = FakeLink()
    answer = new_answer(link, is_alone=True)
    worker: Any = FakeWorker(clock, result(0), result(1), [PACKED, 0])
    assert follow(worker, answer) == "packed"
    assert link.sent == [[SIDE_EARLY, START, result(0)], [SIDE_EARLY, result(1)]]
    assert messages(answer) == [START, result(0), result(1), [PACKED]]


def test_a_pack_that_is_alone_and_has_no_side_channel_is_one_answer(clock: Clock) -> None:
    answer = new_answer(None, is_alone=True)
    worker: Any = FakeWorker(clock, result(0), [PACKED, 0])
    assert follow(worker, answer) == "packed"
    assert messages(answer) == [START, result(0), [PACKED]]


def test_a_worker_that_says_nothing_new_gives_back_what_has_not_begun(clock: Clock) -> None:
    link = FakeLink()
    answer = new_answer(link)
    worker: Any = FakeWorker(clock, result(0), 0.1, result(1), [PACKED, 0])
    worker.ledger.state = (2, 1, ["0,5,1"])
    assert follow(worker, answer) == "packed"
    assert worker.ledger.limits == [2]
    assert link.sent[:2] == [[SIDE_BEGUN], [SIDE_EARLY, START, result(0), [GIVEN_BACK, 2, 1, ["0,5,1"]]]]
    assert messages(answer) == [START, result(0), result(1), [PACKED]]


def test_a_worker_that_begins_calls_is_not_late(clock: Clock) -> None:
    worker: Any = FakeWorker(clock, 0.004, result(0), 0.004, result(1), 0.004, [PACKED, 0])
    assert follow(worker, new_answer(FakeLink())) == "packed"
    assert worker.ledger.limits == []


def test_a_worker_that_has_not_begun_keeps_all_calls(clock: Clock) -> None:
    worker: Any = FakeWorker(clock, 0.5, result(0), [PACKED, 0])
    worker.ledger.state = (0, 0, [])
    assert follow(worker, new_answer(FakeLink())) == "packed"
    assert worker.ledger.limits == []


def test_without_a_side_channel_all_is_told_at_the_end(clock: Clock) -> None:
    answer = new_answer()
    line = [LINE, "stdout", "text", "task", "id"]
    worker: Any = FakeWorker(clock, line, result(0), 0.1, [PACKED, 0])
    follow(worker, answer)
    assert worker.ledger.limits == [1]
    assert messages(answer) == [START, line, result(0), [PACKED]]


def test_large_results_are_told_at_the_end_only_and_early_lines_once(clock: Clock) -> None:
    link = FakeLink()
    answer = new_answer(link)
    line = [LINE, "stdout", "text", "task", "id"]
    large = [RESULTS, 0, 0, 0, [0, 1, "x" * 100_000]]
    worker: Any = FakeWorker(clock, line, large, 0.1, [PACKED, 0])
    follow(worker, answer)
    assert link.sent[1] == [SIDE_EARLY, START, line, [GIVEN_BACK, 1, 0, []]]
    assert messages(answer) == [START, large, [PACKED]]


def test_a_time_that_is_up_ends_the_answer_and_tells_the_worker(clock: Clock) -> None:
    answer = new_answer()
    worker: Any = FakeWorker(clock, [BEGUN, 0, 0, 30, 100], 10.0)
    assert follow(worker, answer) == "timed out"
    assert clock.now == pytest.approx(1000.03)
    assert messages(answer)[-1] == [TIMED_OUT, 0, [1, 0, []]]
    assert worker.calls == [("time up", 0)] and worker.ledger.limits[-1] == 1
    assert answer.kill_after == 0.1


def test_a_call_that_ended_in_time_has_no_limit_any_more(clock: Clock) -> None:
    worker: Any = FakeWorker(clock, [BEGUN, 0, 0, 30, 100], 0.01, result(0), 10.0, [PACKED, 0])
    assert follow(worker, new_answer()) == "packed"
    assert worker.calls == []


def test_a_call_that_has_ended_untold_as_its_time_is_up_has_not_timed_out(clock: Clock) -> None:
    worker: Any = FakeWorker(clock, [BEGUN, 0, 0, 30, 100], 10.0, result(0), [PACKED, 0])
    worker.ledger.state = (2, 0, ["0,5,1"])
    assert follow(worker, new_answer()) == "packed"
    assert worker.calls == []


def test_a_body_that_stops_after_its_time_leaves_a_worker_for_others(clock: Clock) -> None:
    worker: Any = FakeWorker(clock, 0.05, [RESULTS, 0, 0, 0, [2, 1, []]], [PACKED, 0])
    assert follow(worker, new_answer().rest(), 0.1) == "packed"
    assert worker.calls == []


def test_a_body_that_goes_on_is_killed(clock: Clock) -> None:
    worker: Any = FakeWorker(clock, 0.5)
    assert follow(worker, new_answer().rest(), 0.1) == "crashed"
    assert worker.calls == ["kill"]


class FakeNode:
    """Stands for a Node worker of a host."""

    name = "process 7"
    can_be_killed = is_alive = True

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls: List[str] = []
        self.ledger: Any = self
        self.idle_since = 0.0

    def begin_pack(self, key: str) -> None:
        pass

    def send(self, data: bytes) -> None:
        raise self.error

    def kill(self) -> None:
        self.calls.append("kill")

    def end(self) -> None:
        self.calls.append("end")


def test_a_worker_that_dies_while_a_pack_is_written_to_it_has_crashed() -> None:
    worker: Any = FakeNode(WorkerGone())
    assert run(worker, b"", new_answer()) == "crashed"


def test_what_nobody_expects_of_a_worker_is_told_in_words_that_the_program_knows_and_ends_it(program: Any, tmp_path: Path) -> None:
    class Unknown(Exception):
        pass

    host = Host("abc", setup_of(program, tmp_path))
    worker: Any = FakeNode(Unknown("no space"))
    host._free[False].append(worker)
    with pytest.raises(RuntimeError, match="Unknown: no space"):
        host.pack("abc-1", frame("[30]"))
    assert worker.calls == ["kill", "end"]
    assert host._free[False] == [] and host._running == {}


@pytest.fixture(name="program")
def _program() -> Any:
    """Stands for the program, which cannot be reached."""
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def setup_of(program: "subprocess.Popen[bytes]", folder: Path) -> Dict[str, Any]:
    return {
        "runFolder": str(folder),
        "hostname": process_space().split()[0],
        "processSpace": process_space(),
        "pid": program.pid,
        "socket": str(folder / "side"),
        "tcp": None,
        "idleTimeout": None,
        "runsAgain": False,
    }


def test_a_host_that_is_made_after_the_end_of_its_client_runs_nothing(program: Any, tmp_path: Path) -> None:
    program.kill()
    program.wait()
    host = Host("abc", setup_of(program, tmp_path))
    kind, why, _ = parts(host.pack("abc-1", frame("[14]")))[0]
    assert kind == REFUSED and why.startswith("The client has ended")
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_cannot_reach_its_client_ends_its_workers_when_that_is_gone(
    program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Endless:
        def __init__(self) -> None:
            self.is_killed = threading.Event()

        def kill(self) -> None:
            self.is_killed.set()

    monkeypatch.setattr(host_module, "LOOK", 0.01)
    host = Host("abc", setup_of(program, tmp_path))
    worker: Any = Endless()
    host._all.append(worker)
    assert not worker.is_killed.wait(0.1)
    program.kill()
    program.wait()
    assert worker.is_killed.wait(10)


def test_a_node_that_never_becomes_ready_is_ended_with_the_client(program: Any, tmp_path: Path) -> None:
    node, begun = tmp_path / "node", tmp_path / "begun"
    node.write_text(f"#!/bin/sh\ntest $1 = --version && exit\necho $$ > {begun}.new && mv {begun}.new {begun}\nexec sleep 300\n")
    node.chmod(0o700)
    more = {"node": str(node), "env": {}, "folder": None, "execArgv": [], "workerSource": "", "hostInit": "[]"}
    host = Host("abc", {**setup_of(program, tmp_path), **more})
    answers: List[bytes] = []
    packing = threading.Thread(target=lambda: answers.append(host.pack("abc-1", frame("[30]"))), daemon=True)
    packing.start()
    until(begun.exists)
    try:
        host.end()
        packing.join(20)
        assert not packing.is_alive()
    finally:
        if is_alive(int(begun.read_text())):
            os.kill(int(begun.read_text()), signal.SIGKILL)
    kind, why, _ = parts(answers[0])[0]
    assert kind == REFUSED and why.startswith("The client has ended")
    assert host._all == []


@pytest.mark.parametrize("is_free", [True, False])
def test_a_pack_that_has_a_worker_as_the_client_ends_does_not_begin(
    is_free: bool, program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host("abc", setup_of(program, tmp_path))
    call = python_pack("touch_and_wait", [str(tmp_path / "begun"), __file__])
    if is_free:
        host.pack("abc-1", python_pack("operator:neg", [1]))
    after(monkeypatch, host, "_take", host.end)
    kind, why, _ = parts(host.pack("abc-2", call))[0]
    assert kind == REFUSED and why.startswith("The client has ended")
    assert not (tmp_path / "begun").exists()


def test_a_pack_that_is_cancelled_while_it_waits_for_a_worker_does_not_begin(
    program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host("abc", setup_of(program, tmp_path))
    after(monkeypatch, host, "_take", lambda: host._on_message([SIDE_CANCEL, "abc-1"], []))
    assert host.pack("abc-1", python_pack("touch_and_wait", [str(tmp_path / "begun"), __file__])) == NOT_BEGUN
    assert not (tmp_path / "begun").exists()
    assert len(host._free[True]) == 1


def after(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, then: Callable[[], Any]) -> None:
    """Has something happen as soon as a method has returned."""
    method = getattr(owner, name)

    def replaced(*arguments: Any) -> Any:
        result = method(*arguments)
        then()
        return result

    monkeypatch.setattr(owner, name, replaced)


def test_a_host_connects_while_it_runs_a_pack_and_tells_that_it_has_begun(
    program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class LateLink:
        def __init__(self) -> None:
            self.sent: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
            self.is_closed = threading.Event()

        def send(self, message: Any, _: Any = ()) -> None:
            self.sent.put(message)

        def read(self, _: Any) -> bool:
            return self.is_closed.wait()

        def close(self) -> None:
            pass

    late = LateLink()
    begun, go_on = tmp_path / "begun", tmp_path / "go on"
    monkeypatch.setattr(host_module, "LOOK", 0.01)
    monkeypatch.setattr(host_module, "RECONNECT", 0.0)
    monkeypatch.setattr(host_module.side_channel, "connect", lambda _: late if begun.exists() else None)
    host = Host("abc", {**setup_of(program, tmp_path), "endsWithClient": False})
    call = python_pack("touch_and_wait", [str(begun), str(go_on)])
    packing = threading.Thread(target=host.pack, args=("abc-1", call), daemon=True)
    packing.start()
    assert late.sent.get(timeout=20) == [SIDE_BEGUN, "abc-1"]
    go_on.touch()
    packing.join(20)
    assert not packing.is_alive()
    late.is_closed.set()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks for open files in /proc")
def test_a_host_that_has_ended_leaves_no_threads_and_no_open_files(program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_module, "LOOK", 0.01)
    monkeypatch.setattr(run_folder.tempfile, "tempdir", str(tmp_path))
    threads, files = set(threading.enumerate()), os.listdir("/proc/self/fd")
    host = Host("abc", {**setup_of(program, tmp_path), "hostname": "elsewhere", "idleTimeout": 10_000})
    host.pack("abc-1", python_pack("operator:neg", [1]))
    begun, go_on = tmp_path / "begun", tmp_path / "go on"
    call = python_pack("touch_and_wait", [str(begun), str(go_on)])
    packing = threading.Thread(target=host.pack, args=("abc-2", call), daemon=True)
    packing.start()
    until(begun.exists)
    # One that runs, and one that is idle.
    host.pack("abc-3", python_pack("operator:neg", [1]))
    host.end()
    go_on.touch()
    packing.join(20)
    for thread in set(threading.enumerate()) - threads:
        thread.join(20)
        assert not thread.is_alive(), thread.name
    assert sorted(os.listdir("/proc/self/fd")) == sorted(files)


def test_a_host_that_cannot_make_sense_of_what_it_hears_ends(program: Any, tmp_path: Path, capsys: Any) -> None:
    class Broken:
        def read(self, _: Any) -> bool:
            raise FrameError("what is that")

        def close(self) -> None:
            pass

    host = Host("abc", {**setup_of(program, tmp_path), "endsWithClient": False})
    link: Any = Broken()
    host._listen(link)
    assert host._is_ended
    assert "what is that" in capsys.readouterr().err


def test_a_worker_that_starts_while_the_client_ends_is_ended_too(
    program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host("abc", setup_of(program, tmp_path))
    start = PythonWorker.__init__
    started: List[PythonWorker] = []

    def start_late(worker: PythonWorker, *arguments: Any) -> None:
        start(worker, *arguments)
        started.append(worker)
        host.end()

    monkeypatch.setattr(PythonWorker, "__init__", start_late)
    kind, why, _ = parts(host.pack("abc-1", frame([PYTHON_PACK])))[0]
    assert kind == REFUSED and why.startswith("The client has ended")
    assert len(started) == 1 and host._all == []
