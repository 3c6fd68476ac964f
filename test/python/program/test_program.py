"""The whole program, with executors of the standard library."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterator, List

import pytest
from client import Client, host_name, is_alive, last, load, node_pack, python_pack, results, until
from program import protocol
from program.frames import Splitter, frame, parts
from program.protocol import CRASHED, GIVEN_BACK, HOST, LINE, PACKED, REFUSED, RESULTS, SKIPPED, TIMED_OUT

POOL = "concurrent.futures:ProcessPoolExecutor"
THREADS = "concurrent.futures:ThreadPoolExecutor"


def pool(**more: Any) -> Client:
    client = Client(POOL, {"max_workers": 2}, **more)
    client.ready()
    return client


def threads(**more: Any) -> Client:
    client = Client(THREADS, {"max_workers": 2}, **more)
    client.ready()
    return client


@pytest.fixture(name="short_path")
def _short_path() -> Iterator[Path]:
    """The path of a socket has to be short."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def early(client: Client, number: int, kind: int = HOST) -> List[Any]:
    """The messages of early parts of an answer, until there is one of a kind."""
    found: List[Any] = []
    while all(message[0] != kind for message in found):
        message, beside = client.wait_for(protocol.EARLY)
        if message[1] == number:
            found += [parts(raw)[0] for raw in Splitter().feed(bytes(beside[0]))]
    return found


def test_it_says_what_it_drives_and_where() -> None:
    with Client(POOL, {"max_workers": 3}) as client:
        ready = client.ready()
        assert ready["slots"] == 3
        assert ready["executable"] == sys.executable
        assert ready["hostname"] == host_name()


def test_calls_of_tasks_run_in_a_node_worker_and_of_functions_in_python() -> None:
    with Client(POOL, {"max_workers": 1}) as client:
        client.ready()
        # Its module is imported, which takes long.
        client.run(node_pack("add", [0, 0]))
        answer = client.run(node_pack("add", [1, 2], [3, 4]))
        assert answer[0][0][:2] == [HOST, host_name()]
        assert results(answer) == [[0, 3], [0, 7]]
        assert last(answer) == [PACKED]
        assert results(client.run(python_pack("statistics:mean", [[1, 2, 6]]))) == [[8, 3]]


def test_workers_stay_warm() -> None:
    with Client(POOL, {"max_workers": 1}) as client:
        client.ready()
        assert len({results(client.run(node_pack("processId", [])))[0][1] for _ in range(5)}) == 1


def test_threads_have_a_worker_each_and_python_calls_too(tmp_path: Path) -> None:
    with threads() as client:
        paths = [str(tmp_path / name) for name in "abcd"]
        first = client.send(python_pack("touch_and_wait", [paths[0], paths[1]]))
        second = client.send(python_pack("touch_and_wait", [paths[1], paths[2]]))
        client.answer(first)
        Path(paths[2]).touch()
        client.answer(second)


def test_bytes_travel_to_python_and_back() -> None:
    data = os.urandom(3_000_000)
    with pool() as client:
        answer = client.run(python_pack("identity", [{"$py": ["bytes", 0]}], beside=[data]))
        assert [bytes(each) for _, beside in answer for each in beside] == [data]


def test_a_pack_that_is_larger_than_the_pipes_arrives() -> None:
    text = "x" * 5_000_000
    with pool() as client:
        answer = client.run(node_pack("echo", [text]))
        assert results(answer) == [[3, 0]]
        assert text.encode() in bytes(answer[1][1][0])


def test_many_packs_at_once_are_all_answered() -> None:
    with pool() as client:
        numbers = {client.send(node_pack("add", [i, 1])): i + 1 for i in range(300)}
        for _ in range(300):
            message, beside = client.wait_for(protocol.ANSWER)
            answer = [parts(raw) for raw in Splitter().feed(bytes(beside[0]))]
            assert results(answer) == [[0, numbers.pop(message[1])]]
        assert numbers == {}


def test_what_has_not_begun_is_given_back_when_a_call_takes_long(tmp_path: Path) -> None:
    path = tmp_path / "go on"
    with pool() as client:
        client.run(node_pack("waitForFile", [__file__]))
        number = client.send(node_pack("waitForFile", [__file__], [str(path)], [str(path)], [str(path)]))
        messages = early(client, number, GIVEN_BACK)
        assert [message[0] for message in messages] == [HOST, RESULTS, GIVEN_BACK]
        assert messages[2][1] == 2
        path.touch()
        answer = client.answer(number)
        assert results(answer) == [[0, __file__], [0, str(path)], [SKIPPED, 0], [SKIPPED, 0]]


def test_python_calls_that_have_not_begun_are_given_back_too(tmp_path: Path) -> None:
    begun, go_on = str(tmp_path / "begun"), tmp_path / "go on"
    with pool() as client:
        number = client.send(python_pack("touch_and_wait", [begun, __file__], [begun, str(go_on)], [begun, begun]))
        messages = early(client, number, GIVEN_BACK)
        given_back = next(message for message in messages if message[0] == GIVEN_BACK)
        assert given_back[1] == 2 and given_back[2] == 0
        kind, _, value = json.loads(f"[{given_back[3][0]}]")
        assert kind == 8 and value == "went on"
        go_on.touch()
        assert [kind for kind, _ in results(client.answer(number))] == [8, 8, SKIPPED]


def test_lines_that_were_told_early_are_not_told_again(tmp_path: Path) -> None:
    path = tmp_path / "go on"
    with pool() as client:
        number = client.send(node_pack("waitForFile", [str(path)]))
        early(client, number)
        path.touch()
        client.answer(number)
        assert [message[0] for message, _ in client.run(node_pack("print", ["a", "b"]))] == [HOST, LINE, LINE, RESULTS, PACKED]


def test_lines_of_a_call_arrive_before_its_answer() -> None:
    with pool() as client:
        for i in range(20):
            number = client.send(python_pack("say_late", [f"line {i}"]))
            answer = client.answer(number)
            early_parts = [beside[0] for message, beside in client.others if message[0] == protocol.EARLY]
            told = [message for message, _ in answer] + [parts(raw)[0] for part in early_parts for raw in Splitter().feed(bytes(part))]
            client.others.clear()
            assert [message[2] for message in told if message[0] == LINE] == [f"line {i}"]


def test_packs_that_are_alone_are_answered_whether_or_not_their_worker_is_new() -> None:
    with pool() as client:
        for i in range(3):
            assert results(client.answer(client.send(node_pack("add", [i, 2]), is_alone=True))) == [[0, i + 2]]


def test_a_call_is_aborted_while_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "begun"
    with pool() as client:
        number = client.send(node_pack("waitForAbort", [str(path)]))
        until(path.exists)
        abort(client, number)
        ((kind, payload),) = results(client.answer(number))
        assert kind == 2 and payload[0][1] == "CancelledError"


def test_an_abort_that_comes_before_its_pack_has_begun_reaches_it(tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    with Client(POOL, {"max_workers": 1}) as client:
        client.ready()
        first = client.send(node_pack("waitForFile", [str(go_on)]))
        second = client.send(node_pack("waitForAbort", [str(tmp_path / "begun")]))
        abort(client, second)
        go_on.touch()
        client.answer(first)
        assert results(client.answer(second))[0][0] == 2


def test_a_pack_that_waits_is_cancelled_and_one_that_runs_is_not(tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    with Client(POOL, {"max_workers": 1}) as client:
        client.ready()
        numbers = [client.send(python_pack("touch_and_wait", [str(tmp_path / f"begun {i}"), str(go_on)])) for i in range(4)]
        until((tmp_path / "begun 0").exists)
        client.write([protocol.CANCEL, numbers[0]])
        client.write([protocol.CANCEL, numbers[3]])
        assert client.wait_for(protocol.NOT_RUN)[0] == [protocol.NOT_RUN, numbers[3]]
        go_on.touch()
        assert [client.answer(number) is not None for number in numbers[:3]] == [True] * 3
        assert not (tmp_path / "begun 3").exists()


def abort(client: Client, number: int) -> None:
    """Stops the first call of a pack."""
    reason = [["error", "Error", "Error", "enough", "", ""], {}, {}]
    client.write([protocol.ABORT_CALL, number, 0], frame([protocol.ABORT, 0, 0, [reason]]))


def test_a_pack_that_the_executor_holds_already_does_not_begin_once_it_is_cancelled(tmp_path: Path) -> None:
    begun = [tmp_path / "begun 0", tmp_path / "begun 1"]
    with Client(POOL, {"max_workers": 1}) as client:
        client.ready()
        first, second = [client.send(node_pack("waitForAbort", [str(path)])) for path in begun]
        until(begun[0].exists)
        client.write([protocol.CANCEL, second])
        # The host hears of it after that.
        abort(client, first)
        client.answer(first)
        assert client.wait_for(protocol.NOT_RUN)[0] == [protocol.NOT_RUN, second]
        assert not begun[1].exists()


def test_a_body_that_overruns_its_time_is_told_to_stop(tmp_path: Path) -> None:
    path = tmp_path / "begun"
    with pool() as client:
        answer = client.run(node_pack("waitForAbort", [str(path)], [str(path)], timeout=20))
        assert last(answer)[:2] == [TIMED_OUT, 0]
        assert last(answer)[2][0] == 1
        until(lambda: path.read_text() == "stopped")


def test_a_body_that_does_not_stop_is_killed_with_its_worker() -> None:
    with Client(POOL, {"max_workers": 1}) as client:
        client.ready()
        answer = client.run(node_pack("spin", [], timeout=20, kill_after=30))
        assert last(answer)[:2] == [TIMED_OUT, 0]
        worker = int(answer[0][0][2].split()[1])
        until(lambda: not is_alive(worker))
        assert results(client.run(node_pack("add", [1, 2]))) == [[0, 3]]


def test_a_function_that_overruns_its_time_goes_on_alone(tmp_path: Path) -> None:
    begun, go_on = tmp_path / "begun", tmp_path / "go on"
    with Client(POOL, {"max_workers": 1}) as client:
        client.ready()
        answer = client.run(python_pack("touch_and_wait", [str(begun), str(go_on)], timeout=20))
        assert last(answer)[:2] == [TIMED_OUT, 0]
        assert results(client.run(python_pack("operator:neg", [1]))) == [[8, -1]]
        go_on.touch()


def test_a_worker_that_dies_names_the_call_and_is_replaced() -> None:
    with pool() as client:
        answer = client.run(node_pack("die", [], []))
        kind, how, state, output = last(answer)
        assert (kind, how) == (CRASHED, "was killed by SIGKILL")
        assert state == [1, 0, []]
        assert results(client.run(node_pack("add", [1, 2]))) == [[0, 3]]


def test_what_node_itself_writes_before_it_dies_is_told() -> None:
    with pool(host={"execArgv": ["--max-old-space-size=20", "-e", "0", "--stack-size=x"]}) as client:
        message = last(client.run(node_pack("add", [1, 2])))
        assert message[0] == REFUSED and "exited with code" in message[1]


def test_a_node_that_is_not_there_is_named() -> None:
    with pool(host={"node": "/no/such/node"}) as client:
        kind, message, code = last(client.run(node_pack("add", [1, 2])))
        assert (kind, code) == (REFUSED, "config")
        assert "/no/such/node" in message


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pool(host={"folder": str(tmp_path / "gone")}) as client:
        assert str(tmp_path / "gone") in last(client.run(node_pack("add", [1, 2])))[1]


def test_a_python_process_that_ends_names_the_call_and_the_pool_is_renewed(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    with pool() as client:
        number = client.send(python_pack("exit_process", [str(runs)], [str(runs)]))
        message, _ = client.wait_for(protocol.LOST)
        assert message[1] == number and message[3] == host_name()
        assert message[4] == [1, 0, []]
        assert results(client.run_until_answered(python_pack("operator:neg", [1]))) == [[8, -1]]
        assert runs.read_text() == "x"


def test_what_had_ended_before_a_process_ended_is_known(tmp_path: Path) -> None:
    with Client(POOL, {"max_workers": 1}) as client:
        client.ready()
        flat = [1, 1, 1, ["a"], 2, 2, 1, [str(tmp_path / "runs")]]
        tasks = [[1, "python:functions", "functions:identity", 0, "", {}, 0, None, None]]
        tasks += [[2, "python:functions", "functions:exit_process", 0, "", {}, 0, None, None]]
        client.send(frame([protocol.PYTHON_PACK, "client", flat, tasks]))
        begun, first, results_of = client.wait_for(protocol.LOST)[0][4]
        assert (begun, first) == (2, 0)
        assert results_of[0].startswith("8,") and results_of[0].endswith(',"a"')


def test_a_killed_process_of_the_pool_loses_its_pack_only_once_and_its_node_worker_ends(tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    with Client(POOL, {"max_workers": 1}) as client:
        client.ready()
        python = results(client.run(python_pack("process_id", [])))[0][1]
        number = client.send(node_pack("waitForFile", [str(go_on)], [str(go_on)]))
        worker = int(early(client, number)[0][2].split()[1])
        os.kill(python, signal.SIGKILL)
        message, _ = client.wait_for(protocol.LOST)
        assert message[1] == number and message[4][0] == 1 and message[6] == f"process {worker}"
        until(lambda: not is_alive(worker))
        assert results(client.run_until_answered(node_pack("add", [1, 2]))) == [[0, 3]]
        assert [each for each, _ in client.others if each[0] == protocol.LOST] == []


def test_modules_are_loaded_ahead_and_what_is_wrong_with_them_is_told() -> None:
    with pool() as client:
        client.write([protocol.WARMUP, 1, 2], load("add", "echo"))
        message, _ = client.wait_for(protocol.WARMED)
        assert message == [protocol.WARMED, 1, None]
        assert len([each for each, _ in client.others if each[:2] == [protocol.EVENT, "workerStarted"]]) >= 1
        client.write([protocol.WARMUP, 2, 2], load("nothing"))
        message, beside = client.wait_for(protocol.WARMED)
        loaded = [parts(raw)[0] for raw in Splitter().feed(bytes(beside[0]))][-1]
        assert message[1] == 2 and "Task nothing" in loaded[2][0][0][3]


def test_where_no_worker_has_come_yet_the_first_one_is_warmed_up() -> None:
    with threads() as client:
        client.write([protocol.WARMUP, 1, 0], load("add"))
        assert client.wait_for(protocol.WARMED, timeout=20)[0] == [protocol.WARMED, 1, None]


def test_a_worker_without_work_is_ended() -> None:
    with Client(POOL, {"max_workers": 1}, host={"idleTimeout": 30}) as client:
        client.ready()
        worker = results(client.run(node_pack("processId", [])))[0][1]
        message, _ = client.wait_for(protocol.EVENT)
        while message[1] != "workerExited":
            message, _ = client.wait_for(protocol.EVENT)
        assert message[3] == f"process {worker}"
        assert results(client.run(node_pack("add", [1, 2]))) == [[0, 3]]


def processes_of(client: Client) -> List[int]:
    """The program, and what it has started."""
    found = [client.process.pid]
    for pid in found:
        for task in Path("/proc").glob(f"{pid}/task/*/children"):
            found += [int(each) for each in task.read_text().split()]
    return found


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("factory", [POOL, THREADS])
@pytest.mark.parametrize("end", ["end", "close", "terminate", "kill", "kill the child"])
def test_nothing_is_left_behind(factory: str, end: str, tmp_path: Path, short_path: Path) -> None:
    with Client(factory, {"max_workers": 2}, program_env={"TMPDIR": str(short_path)}) as client:
        ready = client.ready()
        begun = tmp_path / "begun"
        client.run(node_pack("add", [1, 2]))
        number = client.send(node_pack("spin", []))
        client.send(python_pack("touch_and_wait", [str(begun), str(tmp_path / "never")]))
        early(client, number)
        until(begun.exists)
        before = processes_of(client)
        assert len(before) > 2
        if end == "end":
            client.write([protocol.END, {"cancel": True}])
        elif end == "close":
            assert client.process.stdin is not None
            client.process.stdin.close()
        elif end == "kill the child":
            os.kill(ready["pid"], signal.SIGKILL)
        else:
            os.kill(client.process.pid, signal.SIGTERM if end == "terminate" else signal.SIGKILL)
        client.process.wait(20)
        until(lambda: not any(map(is_alive, before)))
        until(lambda: list(short_path.glob("taps-sdk-python-*")) == [])


def test_its_folder_is_removed_at_its_end(short_path: Path) -> None:
    with pool(program_env={"TMPDIR": str(short_path)}) as client:
        client.run(node_pack("add", [1, 2]))
        (folder,) = short_path.glob("taps-sdk-python-*")
        assert folder.stat().st_mode & 0o077 == 0
        client.end()
        assert list(short_path.glob("taps-sdk-python-*")) == []


@pytest.mark.parametrize(
    ("factory", "options", "kind", "what"),
    [
        ("nosuchpackage.sub:Executor", {}, "missing", r"There is no nosuchpackage for Python .*\n.* -m pip install nosuchpackage"),
        ("concurrent.futures:Nothing", {}, "config", "the Python module concurrent.futures has no Nothing"),
        ("os:sep", {}, "config", "os:sep cannot be called"),
        ("functions:not_an_executor", {}, "config", "gave int, which has no submit"),
        ("functions:broken_factory", {}, "backend", "could not be started: BrokenFactory: no luck"),
        (POOL, {"max_workers": 0}, "config", "does not take these options: max_workers must be"),
        (POOL, {"colour": "red"}, "config", "does not take these options: .*colour"),
        (POOL, {"mp_context": "magic"}, "config", "mp_context is 'magic': this system has .*spawn"),
        ("slurm", {}, "config", "factory is 'slurm': name it as module:callable, or one of dask, ray"),
        ("dask", {"colour": "red"}, "config", "DaskExecutor has no option colour"),
    ],
)
def test_what_is_wrong_with_a_factory_is_told(factory: str, options: Any, kind: str, what: str) -> None:
    with Client(factory, options) as client:
        message, _ = client.wait_for(protocol.FATAL_ERROR)
        assert message[1] == kind
        assert re.search(what, message[2], re.DOTALL), message[2]


def test_what_libraries_print_does_not_disturb_it() -> None:
    with threads() as client:
        answer = client.run(python_pack("os:write", [1, {"$py": ["bytes", 0]}], beside=[b"to the standard output\n"]))
        assert results(answer) == [[8, 23]]


def test_a_python_that_is_too_old_says_so() -> None:
    script = (Path(__file__).parents[3] / "src/python/program/bootstrap.py").read_text()
    script = script.replace("sys.version_info < (3, 9)", "sys.version_info < (99,)")
    found = subprocess.run([sys.executable, "-c", script], input=frame([39, {}]), stdout=subprocess.PIPE, check=False)
    ((message, _),) = [parts(raw) for raw in Splitter().feed(found.stdout)]
    assert message[:2] == [protocol.FATAL_ERROR, "config"]
    assert sys.executable in message[2]


def test_who_does_not_know_the_token_is_not_heard(short_path: Path) -> None:
    with pool(program_env={"TMPDIR": str(short_path)}) as client:
        (path,) = short_path.glob("taps-sdk-python-*/side")
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.connect(str(path))
            assert len(stranger.recv(16)) == 16
            stranger.sendall(b"x" * 48 + frame([protocol.SIDE_WROTE, "stdout", "forged", "process 1"]))
            with pytest.raises(ConnectionResetError):
                stranger.recv(16)
        client.run(node_pack("add", [1, 2]))
        assert "forged" not in str(client.others)
