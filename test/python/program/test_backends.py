"""The back ends themselves, as far as they are installed; those that need an account or are in no registry have stand-ins."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, List

import pytest
from client import HERE, Client, host_name, is_alive, last, node_pack, python_pack, results, until
from program import protocol
from program.frames import Splitter, parts
from program.protocol import CRASHED, GIVEN_BACK, PACKED
from test_program import early

STAND_INS = {"PYTHONPATH": os.pathsep.join([str(HERE), str(HERE / "standins")])}
OWN = {
    "dask": {"workers": 2},
    "dask threads": {"workers": 2, "useThreads": True, "sendInterval": 0},
    "ray": {"numCpus": 2},
    "parsl": {"workers": 2},
    "globus": {"endpoint": "an-endpoint", "batchSize": 16},
    "taskvine": {"workers": 2},
    "taskvine library": {"workers": 1, "serverless": True, "debug": True, "coresPerWorker": 2},
}


@pytest.fixture(name="client", scope="module", params=list(OWN))
def _client(request: pytest.FixtureRequest) -> Iterator[Client]:
    name = request.param
    stand_in = name.split()[0] in ("globus", "taskvine")
    if not stand_in:
        pytest.importorskip(name.split()[0])
    with Client(name.split()[0], OWN[name], program_env=STAND_INS if stand_in else None) as client:
        client.backend = name  # type: ignore[attr-defined]
        client.started = client.ready()  # type: ignore[attr-defined]
        # The first one imports the module of the tasks.
        client.run(node_pack("add", [0, 0]))
        yield client
        before = processes_below(client.process.pid)
        client.end(cancel=True)
        until(lambda: not any(map(is_alive, before)))


def processes_below(pid: int) -> List[int]:
    found = [pid]
    for each in found:
        for children in Path("/proc").glob(f"{each}/task/*/children"):
            try:
                found += [int(child) for child in children.read_text().split()]
            except OSError:
                continue
    return found


def backend_of(client: Client) -> str:
    return str(client.backend)  # type: ignore[attr-defined]


def test_it_says_how_many_packs_it_runs_at_once(client: Client) -> None:
    started = client.started  # type: ignore[attr-defined]
    assert started["slots"] == (128 if backend_of(client) == "globus" else 2)
    assert started["hostname"] == host_name()


def test_it_runs_calls_of_both_languages(client: Client) -> None:
    found = [results(client.run(node_pack("add", [i, 1]))) for i in range(3)]
    assert found == [[[0, 1]], [[0, 2]], [[0, 3]]]
    answer = client.run(python_pack("statistics:mean", [[1, 2, 6]]))
    assert results(answer) == [[8, 3]] and last(answer) == [PACKED]


def test_it_answers_many_packs_at_once(client: Client) -> None:
    count = 6 if backend_of(client) == "taskvine" else 60
    numbers = {client.send(python_pack("operator:neg", [i])): -i for i in range(count)}
    for _ in range(count):
        message, beside = client.wait_for(protocol.ANSWER)
        answer = [parts(raw) for raw in Splitter().feed(bytes(beside[0]))]
        assert results(answer) == [[8, numbers.pop(message[1])]]


def test_a_worker_that_dies_under_it_is_told(client: Client) -> None:
    answer = client.run(node_pack("die", [], []))
    assert last(answer)[:2] == [CRASHED, "was killed by SIGKILL"]


def test_results_and_what_is_given_back_come_early(client: Client, tmp_path: Path) -> None:
    begun, go_on = str(tmp_path / "begun"), tmp_path / "go on"
    number = client.send(python_pack("touch_and_wait", [begun, __file__], [begun, str(go_on)], [begun, begun]))
    messages = early(client, number, GIVEN_BACK)
    assert next(message for message in messages if message[0] == GIVEN_BACK)[1] in (1, 2)
    go_on.touch()
    client.answer(number)


@pytest.mark.parametrize("client", ["dask", "ray", "parsl"], indirect=True)
def test_a_process_that_ends_loses_its_pack_and_nothing_runs_twice(client: Client, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    number = client.send(python_pack("exit_process", [str(runs)], [str(runs)]))
    message, _ = client.wait_for(protocol.LOST)
    assert message[1] == number and message[4] == [1, 0, []]
    assert results(client.run_until_answered(python_pack("operator:neg", [1]))) == [[8, -1]]
    assert runs.read_text() == "x"


class Cluster:
    """A Dask cluster that others have started."""

    def __init__(self, folder: Path) -> None:
        # No nannies: a worker that is killed stays away.
        file = folder / "scheduler.json"
        command = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
        self.scheduler = self._start([*command, "--port", "0", "--no-dashboard", "--scheduler-file", str(file)], folder)
        until(lambda: file.exists() and file.stat().st_size > 0)
        self.address = json.loads(file.read_text())["address"]
        command = [sys.executable, "-m", "distributed.cli.dask_worker", self.address]
        more = ["--no-nanny", "--no-dashboard", "--nthreads", "1", "--local-directory", str(folder)]
        self.workers = [self._start([*command, *more], folder) for _ in range(2)]

    @staticmethod
    def _start(command: List[str], folder: Path) -> "subprocess.Popen[bytes]":
        env = {**os.environ, "PYTHONPATH": str(HERE)}
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, env=env)

    def end(self) -> None:
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()


@pytest.fixture(name="cluster")
def _cluster(tmp_path: Path) -> Iterator[Cluster]:
    pytest.importorskip("distributed")
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.end()


def test_a_dask_cluster_at_an_address_is_used_and_stays(cluster: Cluster) -> None:
    options = {"scheduler": cluster.address, "waitForWorkers": 2, "waitForWorkersTimeout": 30, "sendInterval": 0}
    with Client("dask", options) as client:
        ready = client.ready()
        assert ready["slots"] == 2 and ready["address"] == cluster.address
        assert results(client.run(node_pack("add", [1, 2]))) == [[0, 3]]
        worker = results(client.run(node_pack("processId", [])))[0][1]
    # The Node workers go with their client, the cluster does not.
    until(lambda: not is_alive(worker))
    assert all(process.poll() is None for process in [*cluster.workers, cluster.scheduler])


def test_a_killed_dask_worker_loses_its_pack_at_once_and_the_others_go_on(cluster: Cluster, tmp_path: Path) -> None:
    options = {"scheduler": cluster.address, "waitForWorkers": 2, "waitForWorkersTimeout": 30}
    with Client("dask", options) as client:
        client.ready()
        begun = tmp_path / "begun"
        pids = [process.pid for process in cluster.workers]
        number = client.send(python_pack("touch_and_wait", [str(begun), str(tmp_path / "never")]))
        until(begun.exists)
        # The other one has the next pack.
        free = results(client.run(python_pack("process_id", [])))[0][1]
        (busy,) = [pid for pid in pids if pid != free]
        os.kill(busy, signal.SIGKILL)
        message, _ = client.wait_for(protocol.LOST)
        assert message[1] == number and message[4] == [1, 0, []]
        assert results(client.run_until_answered(python_pack("operator:neg", [1]))) == [[8, -1]]
        client.wait_for(protocol.SLOTS)


def test_what_has_ended_on_a_dask_worker_that_dies_before_its_answer_is_fetched_does_not_run_again(cluster: Cluster, tmp_path: Path) -> None:
    import distributed

    options = {"scheduler": cluster.address, "waitForWorkers": 2, "waitForWorkersTimeout": 30}
    runs, go_on = tmp_path / "runs", tmp_path / "go on"
    with Client("dask", options) as client, distributed.Client(cluster.address, set_as_default=False) as watcher:
        program = client.ready()["pid"]
        number = client.send(python_pack("count_run_and_wait", [str(runs), str(go_on)]))
        until(runs.exists)
        # It fetches nothing.
        os.kill(program, signal.SIGSTOP)
        try:
            go_on.touch()
            (address,) = until(lambda: [where for where in watcher.who_has().values() if where])[0]
            worker = watcher.run(os.getpid)[address]
            (process,) = [process for process in cluster.workers if process.pid == worker]
            process.kill()
            process.wait()
        finally:
            os.kill(program, signal.SIGCONT)
        message, _ = client.wait_for(protocol.LOST)
        assert message[1] == number
        assert results(client.run_until_answered(python_pack("operator:neg", [1]))) == [[8, -1]]
        assert runs.read_text() == "x"


def test_a_dask_scheduler_that_is_gone_is_told(cluster: Cluster) -> None:
    options = {"scheduler": cluster.address, "waitForWorkers": 2, "waitForWorkersTimeout": 30}
    with Client("dask", options) as client:
        client.ready()
        cluster.scheduler.kill()
        message, _ = client.wait_for(protocol.FATAL_ERROR)
        assert message[1] == "backend" and f"The Dask scheduler at {cluster.address} is gone" in message[2]


def test_a_dask_scheduler_that_is_not_there_is_told() -> None:
    pytest.importorskip("distributed")
    with Client("dask", {"scheduler": "tcp://127.0.0.1:9"}, program_env={"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}) as client:
        message, _ = client.wait_for(protocol.FATAL_ERROR)
        assert message[1] == "backend" and "There is no Dask scheduler at tcp://127.0.0.1:9" in message[2]


def test_workers_of_dask_that_do_not_come_are_counted(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    with Client("dask", {"workers": 1, "waitForWorkers": 2, "waitForWorkersTimeout": 0.2}) as client:
        message, _ = client.wait_for(protocol.FATAL_ERROR)
        assert "waitForWorkers: 1 of 2 Dask workers came" in message[2]


def test_parsl_takes_a_configuration_of_the_users(tmp_path: Path) -> None:
    pytest.importorskip("parsl")
    path = tmp_path / "mine.py"
    path.write_text(
        "import parsl\n"
        "from parsl.executors import ThreadPoolExecutor\n"
        "config = parsl.Config(executors=[ThreadPoolExecutor(label='mine', max_threads=3)], usage_tracking=0)\n"
    )
    with Client("parsl", {"config": str(path), "runDir": str(tmp_path / "runs")}) as client:
        ready = client.ready()
        assert ready["slots"] == 3 and str(tmp_path / "runs") in ready["logs"]
        assert results(client.run(node_pack("add", [1, 2]))) == [[0, 3]]


@pytest.mark.parametrize(
    ("text", "what"),
    [(None, "there is no file"), ("x = 1", "defines no `config`"), ("config = 1", "gives int where a parsl.Config was due")],
)
def test_a_configuration_of_parsl_that_is_none_is_told(text: Any, what: str, tmp_path: Path) -> None:
    pytest.importorskip("parsl")
    path = tmp_path / "mine.py"
    if text is not None:
        path.write_text(text)
    with Client("parsl", {"config": str(path)}) as client:
        message, _ = client.wait_for(protocol.FATAL_ERROR)
        assert message[1] == "config" and what in message[2]


def test_a_ray_cluster_that_is_not_there_is_told() -> None:
    pytest.importorskip("ray")
    with Client("ray", {"address": "127.0.0.1:9"}) as client:
        message, _ = client.wait_for(protocol.FATAL_ERROR)
        assert message[1] == "backend" and "127.0.0.1:9" in message[2]


def test_globus_compute_without_a_login_says_how_to_log_in() -> None:
    with Client("globus", {"endpoint": "nobody-logged-in"}, program_env=STAND_INS) as client:
        message, _ = client.wait_for(protocol.FATAL_ERROR)
        assert message[1] == "config" and "GLOBUS_COMPUTE_CLIENT_SECRET" in message[2]


def test_taskvine_that_is_missing_says_how_to_install_it() -> None:
    with Client("taskvine", {}) as client:
        message, _ = client.wait_for(protocol.FATAL_ERROR)
        assert message[1] == "missing" and "conda install -c conda-forge ndcctools" in message[2]


