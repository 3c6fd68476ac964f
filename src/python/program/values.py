"""
Arguments and results of Python functions: JSON, in which an object with the one key "$py" stands for what JSON has not. The notation is
described in src/python/values.ts.
"""

import array
import math
import re
import sys
from typing import Any, Dict, List, Sequence, Tuple

KEY = "$py"
LEAVES: Tuple[Any, ...] = (str, int, float)
PLAIN: Tuple[Any, ...] = (*LEAVES, list, tuple, dict)
SAFE_INTEGER = 2**53 - 1
FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf, "-0": -0.0}
# Of the codes of `array.array`; the size of some depends on the machine.
NAMES: Dict[str, str] = {"f": "float32", "d": "float64"}
for _code in "bBhHiIlLqQ":
    NAMES[_code] = f"{'int' if _code.islower() else 'uint'}{8 * array.array(_code).itemsize}"
CODES = {name: code for code, name in NAMES.items()}
DTYPES = frozenset([*CODES, "float16"])
# V8 takes keys with escapes for others, see src/python/values.ts.
_ESCAPED = re.compile(r'[^ !#-\[\]-~]')


class Refused(Exception):
    """What cannot travel, and why."""


def decode(json: Any, beside: Sequence[memoryview]) -> Any:
    """The value that the notation stands for. The bytes beside it are copied: they are the value's own."""
    if isinstance(json, list):
        return [decode(each, beside) if isinstance(each, (list, dict)) else each for each in json]
    if not isinstance(json, dict):
        return json
    if len(json) == 1 and KEY in json:
        return _decode_placeholder(json[KEY], beside)
    return {key: decode(each, beside) for key, each in json.items()}


def _decode_placeholder(content: Any, beside: Sequence[memoryview]) -> Any:
    kind, *more = content
    if kind == "bytes":
        return bytes(beside[more[0]])
    if kind == "array":
        return _decode_array(beside[more[0]], more[1], more[2])
    if kind == "float":
        return FLOATS[more[0]]
    if kind == "int":
        return int(more[0])
    if kind == "nothing":
        return None
    if kind == "object":
        return {key: decode(each, beside) for key, each in more[0].items()}
    if kind == "pairs":
        return {key: decode(each, beside) for key, each in more[0]}
    raise Refused(f"{kind!r} is no kind of value")


def _decode_array(data: memoryview, dtype: str, shape: Sequence[int]) -> Any:
    if dtype not in DTYPES:
        raise Refused(f"{dtype!r} is no type of the elements of an array")
    try:
        import numpy
    except ImportError:
        return _plain_array(data, dtype, shape)
    return numpy.frombuffer(bytearray(data), dtype).reshape(shape)


def _plain_array(data: memoryview, dtype: str, shape: Sequence[int]) -> Any:
    """Without NumPy: one dimension is an array, several are a view."""
    code = CODES.get(dtype)
    if code is None:
        raise Refused(f"An array of {dtype} needs NumPy: {sys.executable} -m pip install numpy")
    if len(shape) != 1:
        return memoryview(bytearray(data)).cast(code, list(shape))  # type: ignore[call-overload]
    values: Any = array.array(code)
    values.frombytes(data)
    return values


class Writer:
    """Puts values into the notation; the bytes of all of them are counted together."""

    def __init__(self) -> None:
        self.beside: List[Any] = []

    def write(self, value: Any) -> Any:
        """What JSON has for it. Raises `Refused` with the path of what cannot travel."""
        kept = len(self.beside)
        try:
            return self._write(value)
        except Refused as refused:
            del self.beside[kept:]
            why, path = refused.args
            raise Refused(f"result{''.join(reversed(path))} is {why}") from None
        except RecursionError:
            del self.beside[kept:]
            raise Refused("The result is nested too deeply, or a part of itself") from None

    def _write(self, value: Any) -> Any:
        kind = type(value)
        if value is None or kind is str or kind is bool:
            return value
        if kind is int:
            return value if -SAFE_INTEGER <= value <= SAFE_INTEGER else {KEY: ["int", str(value)]}
        if kind is float:
            return value if math.isfinite(value) else {KEY: ["float", _float_name(value)]}
        if kind is list or kind is tuple:
            return self._list(value)
        if kind is dict:
            return self._dict(value)
        return self._other(value)

    def _list(self, values: Sequence[Any]) -> Any:
        written = []
        for i, each in enumerate(values):
            try:
                written.append(self._write(each))
            except Refused as refused:
                refused.args[1].append(f"[{i}]")
                raise
        return written

    def _dict(self, values: Dict[Any, Any]) -> Any:
        written = {}
        for key, each in values.items():
            if not isinstance(key, str):
                raise Refused(f"a dict with a key that is no str but {_describe(key)}: make its keys str", [])
            try:
                written[str(key)] = self._write(each)
            except Refused as refused:
                refused.args[1].append(f".{key}" if key.isidentifier() else f"[{key!r}]")
                raise
        if any(_ESCAPED.search(key) for key in written):
            return {KEY: ["pairs", list(written.items())]}
        return {KEY: ["object", written]} if KEY in written else written

    def _other(self, value: Any) -> Any:
        if isinstance(value, (bytes, bytearray)):
            return {KEY: ["bytes", self._put(bytes(value))]}
        if isinstance(value, memoryview):
            return self._view(value)
        if isinstance(value, array.array) and value.typecode in NAMES:
            return {KEY: ["array", self._put(memoryview(value).cast("B")), NAMES[value.typecode], [len(value)]]}
        for base in PLAIN:
            if isinstance(value, base) and type(value).__module__ != "numpy":
                # Of a subclass, what it adds stays behind; its own `__str__` and the like are not asked.
                return self._write(base.__new__(base, value) if base in LEAVES else base(value))
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(value, numpy.generic):
            return self._scalar(value)
        if numpy is not None and isinstance(value, numpy.ndarray):
            return self._ndarray(numpy, value)
        raise Refused(f"{_describe(value)}: return JSON, bytes or arrays", [])

    def _scalar(self, value: Any) -> Any:
        plain = value.item()
        if type(plain).__module__ not in ("builtins",):
            raise Refused(f"{_describe(value)}: return JSON, bytes or arrays", [])
        return self._write(plain)

    def _ndarray(self, numpy: Any, value: Any) -> Any:
        if value.dtype.name not in DTYPES:
            return self._write(value.tolist())
        if value.ndim == 0:
            return self._write(value.item())
        flat = numpy.ascontiguousarray(value, value.dtype.newbyteorder("<"))
        return {KEY: ["array", self._put(memoryview(flat).cast("B") if flat.size else b""), value.dtype.name, list(value.shape)]}

    def _view(self, value: memoryview) -> Any:
        name = NAMES.get(value.format)
        if name is None or name == "uint8" and value.ndim == 1:
            return {KEY: ["bytes", self._put(value.tobytes())]}
        return {KEY: ["array", self._put(value.tobytes()), name, list(value.shape or ())]}

    def _put(self, data: Any) -> int:
        self.beside.append(data)
        return len(self.beside) - 1


def _float_name(value: float) -> str:
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def _describe(value: Any) -> str:
    cls = type(value)
    name = cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    return f"an instance of {name}"
