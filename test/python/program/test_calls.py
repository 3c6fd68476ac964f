"""Python functions, run by a worker of the host's own."""

import re
from pathlib import Path
from typing import Any, Iterator, List

import pytest
from client import python_pack, results
from program import calls
from program.calls import PythonWorker, look_up, task_id
from program.frames import parts
from program.ledger import OwnLedger
from program.protocol import BEGUN, FAILURE, LINE, PACKED, PYTHON_VALUE, SKIPPED


@pytest.fixture(name="worker")
def _worker(tmp_path: Path) -> Iterator[PythonWorker]:
    worker = PythonWorker(OwnLedger(str(tmp_path / "ledger-1")), "process 1")
    yield worker
    worker.end()
    worker.ended()


def run(worker: PythonWorker, pack: bytes) -> List[Any]:
    worker.ledger.begin_pack("abc-1")
    worker.send(pack)
    found: List[Any] = []
    while not found or found[-1][0][0] != PACKED:
        raw = worker.receive(20)
        assert raw is not None
        found.append(parts(raw))
    return found


def failure_of(worker: PythonWorker, *pack: Any) -> Any:
    ((kind, payload),) = results(run(worker, python_pack(*pack)))
    assert kind == FAILURE
    return payload


def test_results_come_in_the_order_of_the_calls(worker: PythonWorker) -> None:
    found = results(run(worker, python_pack("operator:add", [1, 2], ["a", "b"], [[1], [2]])))
    assert found == [[PYTHON_VALUE, 3], [PYTHON_VALUE, "ab"], [PYTHON_VALUE, [1, 2]]]


def test_bytes_go_beside_the_messages(worker: PythonWorker) -> None:
    args = [[{"$py": ["bytes", 1]}], [{"$py": ["bytes", 0]}]]
    answer = run(worker, python_pack("identity", *args, beside=[b"zero", b"one"]))
    payloads = [payload for _, payload in results(answer)]
    objects = [bytes(each) for message, beside in answer for each in beside]
    assert objects == [b"one", b"zero"]
    assert all(payload["$py"][0] == "bytes" for payload in payloads)


def test_a_function_that_awaits_is_awaited(worker: PythonWorker) -> None:
    assert results(run(worker, python_pack("later", [5]))) == [[PYTHON_VALUE, 5]]


def test_what_a_function_raises_keeps_class_message_properties_and_cause(worker: PythonWorker) -> None:
    part, shown, hidden = failure_of(worker, "fail", [])
    assert part[:4] == ["error", "Error", "OutOfStock", "no more tea"]
    assert "in fail" in part[4] and "calls.py" not in part[4]
    assert shown == {"item": "tea"}
    assert hidden["code"] == "PYTHON"
    assert hidden["cause"][0][2:4] == ["KeyError", "'key'"]


def test_a_function_that_exits_fails_like_others(worker: PythonWorker) -> None:
    assert failure_of(worker, "leave", [])[0][2] == "SystemExit"


def test_a_result_that_cannot_travel_fails_with_its_path(worker: PythonWorker) -> None:
    part, _, hidden = failure_of(worker, "point_inside", [])
    assert part[1] == "SerializationError" and hidden == {"code": "SERIALIZATION"}
    assert part[3] == "result[1].where is an instance of functions.Point: return JSON, bytes or arrays"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("nosuchmodule:run", "no Python module nosuchmodule .* install it there"),
        ("functions:nothing", "functions at .* has no nothing"),
        ("functions:WAIT.nothing", "has no WAIT.nothing"),
    ],
)
def test_a_function_that_is_not_there_is_named(worker: PythonWorker, name: str, what: str) -> None:
    part, _, hidden = failure_of(worker, name, [])
    assert hidden["code"] == "TASK_NOT_FOUND"
    assert re.search(what, part[3]), part[3]


def test_functions_are_found_by_a_path(worker: PythonWorker) -> None:
    assert results(run(worker, python_pack("functions:Shop.price", []))) == [[PYTHON_VALUE, 7]]
    assert look_up("numpy:linalg.norm") is look_up("numpy:linalg.norm")


def test_what_a_function_prints_is_told_with_its_task_before_its_result(worker: PythonWorker) -> None:
    answer = [message for message, _ in run(worker, python_pack("say", ["one\ntwo"], ["three"]))]
    lines = [message for message in answer if message[0] == LINE]
    assert [line[1:4] for line in lines] == [["stdout", text, "functions:say"] for text in ("one", "two", "three")]
    assert [line[4] for line in lines] == ["test-00000001", "test-00000001", "test-00000002"]


def test_what_others_print_goes_where_it_went(worker: PythonWorker, capsys: pytest.CaptureFixture[str]) -> None:
    run(worker, python_pack("say", ["one"]))
    print("of a test")
    assert "of a test" in capsys.readouterr().out


def test_a_call_that_has_a_time_limit_is_told_as_it_begins(worker: PythonWorker) -> None:
    answer = [message for message, _ in run(worker, python_pack("operator:neg", [1], timeout=500))]
    assert answer[0] == [BEGUN, 0, 0, 500, None]


def test_calls_behind_the_limit_and_aborted_ones_are_skipped(worker: PythonWorker, tmp_path: Path) -> None:
    begun, go_on = tmp_path / "begun", tmp_path / "go on"
    args = [str(begun), str(go_on)]
    worker.ledger.begin_pack("abc-1")
    worker.send(python_pack("touch_and_wait", args, args, args, args))
    while not begun.exists():
        pass
    worker.abort(1)
    worker.ledger.limit(3)
    go_on.touch()
    found: List[Any] = []
    while not found or found[-1][0][0] != PACKED:
        found.append(parts(worker.receive(20) or b""))
    assert [kind for kind, _ in results(found)] == [PYTHON_VALUE, SKIPPED, PYTHON_VALUE, SKIPPED]


def test_results_that_the_ledger_has_no_room_for_arrive_too(worker: PythonWorker) -> None:
    texts = ["x" * 50_000, "y" * 50_000, "z" * 200_000, "1"]
    found = results(run(worker, python_pack("identity", *[[text] for text in texts])))
    assert [payload for _, payload in found] == texts


def test_an_error_that_cannot_be_shown_is_described() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise ValueError("no")

    assert "(cannot be read)" in calls.failure(Odd())


def test_a_chain_of_causes_that_is_a_ring_ends() -> None:
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first
    assert calls.failure(first).count("ValueError") >= 2


def test_the_ids_of_tasks_are_those_of_the_engine() -> None:
    assert task_id("a", 35) == "a-0000000z"
    assert task_id("a", 36) == "a-00000010"
    assert task_id("", 1) == ""
