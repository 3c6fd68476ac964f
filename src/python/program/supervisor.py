"""
Nothing that the program starts outlives it or its client: a parent process of its own takes in whatever loses its parent, and kills all of
it when the program ends, or a while after the client is gone.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time
from typing import Callable, Dict, List, Optional

GRACE = 8.0
"""Seconds that the program has to end in after its client is gone."""
SET_CHILD_SUBREAPER = 36
HANGUP = getattr(select, "POLLRDHUP", 0x2000 if sys.platform == "linux" else 0)


def supervise(run: Callable[[], None], clean: Callable[[], None]) -> None:
    """
    Runs it in a child process; never returns.
    :param clean: what is left to do when all processes have ended, however that came
    """
    _leave_group()
    lifeline, end_of_lifeline = os.pipe()
    _become_reaper()
    child = os.fork()
    if child == 0:
        os.close(end_of_lifeline)
        _become_reaper()
        threading.Thread(target=_end_with_parent, args=(lifeline, clean), name="taps-sdk-lifeline", daemon=True).start()
        code = 1
        try:
            run()
            code = 0
        finally:
            sys.stderr.flush()
            # Threads of back ends may be left.
            os._exit(code)
    os.close(lifeline)
    os.close(1)
    code = _watch(child)
    kill_tree()
    clean()
    os._exit(code)


def _leave_group() -> None:
    """Ctrl-C in a terminal is for the client: what it means is decided there."""
    try:
        os.setsid()
    except OSError:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _become_reaper() -> None:
    """Processes that lose their parent become children of this one. Linux only: elsewhere they may stay behind."""
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (OSError, AttributeError):
        pass


def _watch(child: int) -> int:
    """Until the child has ended, the client is gone, or this is told to end. The exit code."""
    wake, end_of_wake = os.pipe()
    os.set_blocking(end_of_wake, False)
    signal.set_wakeup_fd(end_of_wake)
    asked = []
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: asked.append(True))
    poll = select.poll()
    poll.register(wake, select.POLLIN)
    poll.register(0, HANGUP)
    deadline = None
    while not asked and (deadline is None or time.monotonic() < deadline):
        events = poll.poll(None if deadline is None else 200)
        code = _reap(child)
        if code is not None:
            return code
        for file, event in events:
            if file == wake:
                os.read(wake, 1024)
            elif event:
                poll.unregister(0)
                deadline = time.monotonic() + GRACE
    return 1


def _reap(child: int) -> Optional[int]:
    """Takes in what has ended. The exit code of the child, if that is among it."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == child:
            code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1


def _end_with_parent(lifeline: int, clean: Callable[[], None]) -> None:
    os.read(lifeline, 1)
    kill_tree()
    clean()
    os._exit(1)


def kill_tree() -> None:
    """All processes below this one, also those that are started meanwhile."""
    for _ in range(100):
        found = descendants()
        if not found:
            return
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        time.sleep(0.01)
        _reap(0)


def descendants() -> List[int]:
    children: Dict[int, List[int]] = {}
    for pid, parent in _parents().items():
        children.setdefault(parent, []).append(pid)
    found: List[int] = []
    waiting = [os.getpid()]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _parents() -> Dict[int, int]:
    """Of each process that has not ended."""
    if sys.platform != "linux":
        return _parents_by_ps()
    parents = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            parents[int(name)] = int(parent)
    return parents


def _parents_by_ps() -> Dict[int, int]:
    ps = subprocess.Popen(["ps", "-A", "-o", "pid=,ppid="], stdout=subprocess.PIPE)
    output = ps.communicate()[0].decode()
    pairs = [line.split() for line in output.splitlines()]
    return {int(pid): int(parent) for pid, parent in pairs if int(pid) != ps.pid}
