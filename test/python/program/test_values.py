import array
import builtins
import collections
import enum
import json
import math
from typing import Any, List, NamedTuple

import numpy
import pytest
from program import values


def written(value: Any) -> Any:
    writer = values.Writer()
    text = json.dumps(writer.write(value), allow_nan=False)
    return json.loads(text), [bytes(each) for each in writer.beside]


def back(value: Any) -> Any:
    json_value, beside = written(value)
    return values.decode(json_value, [memoryview(each) for each in beside])


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(2**53) + 1,
        2**53,
        -(10**30),
        0.5,
        1e300,
        math.inf,
        -math.inf,
        "",
        "snow ☃ \ud800",
        [],
        [1, [2, [None]]],
        {},
        {"a": {"b": 1}},
        {"$py": ["bytes", 0]},
        {"$py": 1, "other": 2},
        {"a b": 1, 'quote " and \\': 2, "ü": 3, "\n": 4},
        b"",
        b"bytes \x00\xff",
        [b"one", {"two": b"2"}],
    ],
)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert back(value) == value


def test_nan_and_the_negative_zero_come_back() -> None:
    assert math.isnan(back(math.nan))
    assert math.copysign(1, values.decode({"$py": ["float", "-0"]}, ())) == -1
    assert json.dumps(written(-0.0)[0]) == "-0.0"


def test_undefined_is_none() -> None:
    assert values.decode([{"$py": ["nothing"]}, None], ()) == [None, None]


def test_integers_that_a_number_cannot_hold_are_told_as_text() -> None:
    assert written([2**53 - 1, 2**53]) == ([2**53 - 1, {"$py": ["int", "9007199254740992"]}], [])


def test_keys_that_json_has_to_escape_travel_as_pairs() -> None:
    assert written({'"': 1}) == ({"$py": ["pairs", [['"', 1]]]}, [])
    assert written({"plain": 1}) == ({"plain": 1}, [])


def test_tuples_become_lists_and_subclasses_what_they_extend() -> None:
    class Colour(enum.IntEnum):
        RED = 3

    class Pair(NamedTuple):
        x: int
        y: int

    given = (1, Colour.RED, Pair(1, 2), collections.OrderedDict(a=1), collections.defaultdict(int, b=2))
    assert written(given)[0] == [1, 3, [1, 2], {"a": 1}, {"b": 2}]


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "uint64", "float16", "float32", "float64"])
def test_numpy_arrays_come_back_with_type_and_shape(dtype: str) -> None:
    given = numpy.arange(6).astype(dtype).reshape(2, 3)
    found = back(given)
    assert found.dtype == given.dtype
    assert numpy.array_equal(found, given)


def test_numpy_arrays_that_are_laid_out_otherwise_are_put_in_order() -> None:
    given = numpy.arange(12, dtype=">f8").reshape(3, 4)[:, ::2].T
    assert numpy.array_equal(back(given), given)


def test_what_numpy_makes_of_numbers_and_lists_is_plain() -> None:
    given = [numpy.float64(0.5), numpy.int32(3), numpy.bool_(True), numpy.array(7), numpy.array([True, False]), numpy.array([])]
    assert written(given)[0][:5] == [0.5, 3, True, 7, [True, False]]
    assert back(given)[5].shape == (0,)


def test_an_array_is_its_receivers_own_and_can_be_changed() -> None:
    data = bytes(8)
    found = values.decode({"$py": ["array", 0, "float64", [1]]}, [memoryview(data)])
    found[0] = 1
    assert data == bytes(8)


def test_arrays_of_the_standard_library_and_views_travel_as_arrays() -> None:
    assert back(array.array("d", [1, 2])).tolist() == [1, 2]
    assert back(memoryview(array.array("i", [3, 4]))).tolist() == [3, 4]
    assert back(memoryview(b"view")) == b"view"
    assert back(bytearray(b"changes")) == b"changes"


def test_without_numpy_an_array_is_one_of_the_standard_library(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "numpy":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    data = [memoryview(array.array("d", [1, 2, 3, 4]).tobytes())]
    found = values.decode({"$py": ["array", 0, "float64", [4]]}, data)
    assert isinstance(found, array.array) and found.tolist() == [1, 2, 3, 4]
    assert values.decode({"$py": ["array", 0, "float64", [2, 2]]}, data).tolist() == [[1, 2], [3, 4]]
    with pytest.raises(values.Refused, match="pip install numpy"):
        values.decode({"$py": ["array", 0, "float16", [4]]}, data)


@pytest.mark.parametrize(
    ("value", "path", "what"),
    [
        ({1, 2}, "result is", "set"),
        ([1, {"x": object()}], r"result\[1\]\.x is", "object"),
        ({"a b": [1j]}, r"result\['a b'\]\[0\] is", "complex"),
        ({"a": {1: 2}}, r"result\.a is", "key that is no str but an instance of int"),
        (numpy.array([1j]), r"result\[0\] is", "complex"),
        (numpy.datetime64("2020-01-01"), "result is", "datetime64"),
    ],
)
def test_what_cannot_travel_is_refused_with_its_path(value: Any, path: str, what: str) -> None:
    with pytest.raises(values.Refused, match=f"{path} .*{what}"):
        written(value)


def test_a_value_that_is_a_part_of_itself_is_refused() -> None:
    ring: List[Any] = []
    ring.append(ring)
    with pytest.raises(values.Refused, match="a part of itself"):
        written(ring)


def test_the_bytes_of_a_refused_value_do_not_shift_those_of_the_next() -> None:
    writer = values.Writer()
    with pytest.raises(values.Refused):
        writer.write([b"one", object()])
    assert writer.write(b"two") == {"$py": ["bytes", 0]}
    assert writer.beside == [b"two"]


def test_an_unknown_notation_is_refused() -> None:
    with pytest.raises(values.Refused, match="'pickle' is no kind of value"):
        values.decode({"$py": ["pickle", "..."]}, ())
    with pytest.raises(values.Refused, match="'object' is no type"):
        values.decode({"$py": ["array", 0, "object", [1]]}, [memoryview(b"12345678")])
