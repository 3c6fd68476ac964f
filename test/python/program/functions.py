"""Functions that the tests of the Python program call."""

import asyncio
import dataclasses
import os
import time
from typing import Any, List


def touch_and_wait(touched: str, awaited: str) -> str:
    """Says that it has begun, and waits for a file."""
    open(touched, "w").close()
    while not os.path.exists(awaited):
        time.sleep(0.002)
    return "went on"


def count_run(path: str) -> int:
    """How often it ran, this time included."""
    with open(path, "a", encoding="utf-8") as file:
        file.write("x")
    return os.path.getsize(path)


def count_run_and_wait(path: str, awaited: str) -> int:
    count = count_run(path)
    while not os.path.exists(awaited):
        time.sleep(0.002)
    return count


def exit_process(path: str) -> None:
    count_run(path)
    os._exit(3)


async def later(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


def say(text: str) -> int:
    print(text)
    return len(text)


def say_late(text: str) -> int:
    """Late enough for the line to be told before the answer, on its own way."""
    time.sleep(0.03)
    print(text)
    return len(text)


class OutOfStock(Exception):
    def __init__(self, item: str) -> None:
        super().__init__(f"no more {item}")
        self.item = item


def fail() -> None:
    try:
        dict(a=1)["key"]
    except KeyError as error:
        raise OutOfStock("tea") from error


def leave() -> None:
    raise SystemExit(4)


@dataclasses.dataclass
class Point:
    x: int


def point_inside() -> List[Any]:
    return [1, {"where": Point(1)}]


def process_id() -> int:
    return os.getpid()


def identity(value: Any) -> Any:
    return value


class Shop:
    @staticmethod
    def price() -> int:
        return 7


def not_an_executor() -> int:
    return 1


class BrokenFactory(Exception):
    pass


def broken_factory() -> None:
    raise BrokenFactory("no luck")
