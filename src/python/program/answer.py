"""Puts the answer to a pack together while a worker runs it."""

import time
from typing import Any, List, Optional, Tuple, Union

from .calls import PythonWorker
from .frames import frame, kind_of, message_of
from .hosted_worker import HostedWorker, WorkerGone
from .ledger import State
from .protocol import BEGUN, CRASHED, GIVEN_BACK, HOST, LINE, LOADED, PACKED, RESULTS, SIDE_BEGUN, SIDE_EARLY, TIMED_OUT
from .side_channel import Link

LATE = 0.005
"""Seconds without anything new after which calls that have not begun are given back."""
EARLY = 0.02
"""Seconds after which results are sent before the end."""
LARGEST_EARLY = 65_536


class Answer:
    """
    What is said of a pack: at its end; and before, where there is a side channel, and it takes long or is alone.
    """

    def __init__(self, key: str, host: str, worker: str, link: Optional[Link], is_alone: bool = False) -> None:
        self.key = key
        self.start = time.monotonic()
        self.kill_after: Optional[float] = None
        self._head = frame([HOST, host, worker])
        self._messages: List[bytes] = []
        self._unsent: List[bytes] = []
        self._link = link
        self._is_alone = is_alone
        # Whether lines are on their way that the answer must not overtake.
        self.has_told_lines = False
        # Whether it was said that it has begun, and where.
        self._is_told = False
        self._has_head = False

    def add(self, raw: bytes) -> None:
        self._unsent.append(raw)

    @property
    def has_unsent(self) -> bool:
        return self._link is not None and len(self._unsent) > 0

    def send_early(self, *more: bytes) -> None:
        """What came since the last time. Lines are told once, results again at the end: the channel may break."""
        if self._link is None:
            return
        if not self._is_told:
            self._is_told = True
            self._link.send([SIDE_BEGUN, self.key])
        self._send_unsent(self._link, *more)

    def send_at_once(self) -> None:
        """
        Results, if the pack is alone: the way of the back end is longer, and nobody else has any use for the processor. Lines that come before
        them go along with the answer, which cannot overtake them.
        """
        if self._link is not None and self._is_alone and not self._has_line():
            self._send_unsent(self._link)

    def _has_line(self) -> bool:
        return any(kind_of(raw) == LINE for raw in self._unsent)

    def _send_unsent(self, link: Link, *more: bytes) -> None:
        early: List[bytes] = []
        if not self._has_head:
            self._has_head = True
            early.append(self._head)
        for raw in self._unsent:
            is_small = len(raw) < LARGEST_EARLY
            if is_small:
                early.append(raw)
            if is_small and kind_of(raw) == LINE:
                self.has_told_lines = True
            else:
                self._messages.append(raw)
        self._unsent = []
        early.extend(more)
        if early:
            link.send([SIDE_EARLY, self.key], [b"".join(early)])

    def give_back(self, position: int, state: State) -> None:
        _, first, results = state
        self.send_early(frame([GIVEN_BACK, position, first, results]))

    def packed(self) -> None:
        self.add(frame([PACKED]))

    def crashed(self, how: str, state: State, output: str) -> None:
        self.add(frame([CRASHED, how, state, output]))

    def timed_out(self, position: int, state: State) -> None:
        self.add(frame([TIMED_OUT, position, state]))

    def rest(self) -> "Answer":
        """For what comes after the end: lines are still told, if there is a side channel."""
        rest = Answer(self.key, "", "", self._link)
        rest._is_told = rest._has_head = True
        return rest

    def whole(self) -> bytes:
        return b"".join([self._head, *self._messages, *self._unsent])


def follow(worker: Union[HostedWorker, PythonWorker], answer: Answer, kill_after: Optional[float] = None) -> str:
    """
    Takes what the worker says until it is free again: "packed"; or until it has "crashed", or the time of a call is up: "timed out".
    :param kill_after: seconds after which the worker is killed; None: never
    """
    is_late = False
    begun = 0
    news = answer.start
    limit: Optional[Tuple[float, int]] = None
    kill_at = None if kill_after is None else time.monotonic() + kill_after
    try:
        while True:
            raw = worker.receive(_until(None if is_late else news + LATE, answer, limit, kill_at))
            now = time.monotonic()
            if raw is None:
                if kill_at is not None and now >= kill_at:
                    worker.kill()
                    kill_at = None
                if limit is not None and now >= limit[0]:
                    if _time_up(worker, answer, limit[1]):
                        return "timed out"
                    limit = None
                if not is_late and now >= news + LATE:
                    news = now
                    so_far = worker.ledger.begun()
                    is_late = so_far > 0 and so_far == begun
                    begun = so_far
                    if is_late:
                        _give_back(worker, answer, begun)
            else:
                kind = kind_of(raw)
                if kind == PACKED:
                    answer.packed()
                    return "packed"
                if kind == BEGUN:
                    _, _, position, timeout, kill = message_of(raw)
                    limit = (now + timeout / 1000, position)
                    answer.kill_after = None if kill is None else kill / 1000
                    continue
                answer.add(raw)
                if kind == RESULTS:
                    limit = None
                    news = now
                    answer.send_at_once()
                elif kind == LOADED:
                    return "loaded"
            if answer.has_unsent and now - answer.start > EARLY:
                answer.send_early()
    except WorkerGone:
        return "crashed"


def run(worker: Union[HostedWorker, PythonWorker], blob: bytes, answer: Answer) -> str:
    """Gives a pack to a worker, and follows it. It may die before it has taken all of it."""
    try:
        worker.send(blob)
    except WorkerGone:
        return "crashed"
    return follow(worker, answer)


def _until(late: Optional[float], answer: Answer, limit: Optional[Tuple[float, int]], kill_at: Optional[float]) -> Optional[float]:
    """Seconds until there is something to do."""
    times = [late, kill_at, limit[0] if limit is not None else None]
    if answer.has_unsent:
        times.append(answer.start + EARLY)
    known = [each for each in times if each is not None]
    return min(known) - time.monotonic() if known else None


def _give_back(worker: Any, answer: Answer, begun: int) -> None:
    """The call that runs goes on, those behind it will not begin here."""
    worker.ledger.limit(begun)
    state = worker.ledger.read()
    answer.give_back(state[0], state)


def _time_up(worker: Any, answer: Answer, position: int) -> bool:
    """Whether it was still running."""
    worker.ledger.limit(position + 1)
    state = worker.ledger.read()
    begun, first, results = state
    if begun > position + 1 or (results and first + len(results) > position):
        # It has ended, but is not told yet; others may go on elsewhere.
        answer.give_back(begun, state)
        return False
    worker.time_up(position)
    answer.timed_out(position, state)
    return True
