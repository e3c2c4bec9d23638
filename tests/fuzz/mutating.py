"""Bad input made of good: bytes cut, doubled and flipped, and JSON whose values are swapped for worse ones."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

NUMBERS: tuple[str, ...] = (
    *("0", "-0", "-1", "1", "0.1", "1e-320", "1e308", "-1e309", "1e400", "NaN", "-Infinity", "1e", "00", "0x10", "+1"),
    *("9007199254740993", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "253402300800"),
    "9" * 400,
    "9" * 5_000,
    "0x" + "f" * 5_000,
)
TEXTS: tuple[str, ...] = (
    *("", "*", "?", "**?*", "a" * 300, "a" * 70_000, "*a" * 200, "\x00", "\n", "\x7f", "\u2028", "\ufeff", "é", "😀"),
    *(
        "publish",
        "streamgauge.v1",
        "<img src=x onerror=alert(1)>",
        "a\r\nX-Header: b",
        "../../etc/passwd",
        "%00",
        "=,{}",
    ),
    *("\\", '"', "'", "\x1b[31m", "00000000-0000-0000-0000-000000000000", ":1", "e:99999999999999999999", "e:¹"),
)
WORSE: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1, 0.5, -0.0, 1e308, 2**53, 2**63 - 1, 2**64, -(2**63) - 1, 10**400, [], {}, [[]], ""),
    *([0] * 300, {"": ""}, {str(n): n for n in range(40)}, [None, "x", 1], float("inf"), float("nan"), "\ud800"),
)
INPUT_BYTES = 400_000
BRACKETS = 150  # more may be nested deeper than Python calls itself
DEEP = (20, 500, 990, 1_020, 5_000, 100_000)
RAW = (
    b"\x00",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\r\n",
    b"\r\n\r\n",
    b"\n\n",
    b"'''",
    b'"""',
    b"[[",
    b"]]",
)


class Mutator:
    """Everything follows from the seed of `random`."""

    def __init__(self, random: random.Random, seeds: Sequence[bytes], words: Sequence[bytes] = ()) -> None:
        self._random = random
        self._seeds = seeds
        self._words = (*words, *RAW, *(text.encode() for text in TEXTS[:20]), *(number.encode() for number in NUMBERS))

    def next(self) -> bytes:
        """One more input: a good one now and then, mostly one that is bad in a few places."""
        choose = self._random
        data = choose.choice(self._seeds)
        if choose.random() < 0.02:
            return data
        if choose.random() < 0.6 and (document := _loaded(data)) is not _NOTHING:
            for _ in range(choose.choice((1, 1, 1, 2, 3, 6))):
                document = self._worse(document)
            data = dumped(document)
            if choose.random() < 0.8:
                return data
        for _ in range(choose.choice((1, 1, 2, 4, 16))):
            data = choose.choice(_BYTES)(self, data)[:INPUT_BYTES]
        return data

    # JSON.

    def _worse(self, document: Any, depth: int = 0) -> Any:
        """The document with one of its values, names or items changed."""
        choose = self._random
        if isinstance(document, dict) and document and choose.random() < 0.85:
            return self._worse_object(document, depth)
        if isinstance(document, list) and document and choose.random() < 0.85:
            at = choose.randrange(len(document))
            kind = choose.random()
            if kind < 0.1:
                return [*document, *document[: choose.randrange(300)]]
            if kind < 0.2:
                return document[:at] + document[at + 1 :]
            return [*document[:at], self._worse(document[at], depth + 1), *document[at + 1 :]]
        return self._value()

    def _worse_object(self, document: dict[str, Any], depth: int) -> dict[str, Any]:
        choose, changed = self._random, dict(document)
        name = choose.choice(list(changed))
        kind = choose.random()
        if kind < 0.08:
            del changed[name]
        elif kind < 0.16:
            changed[choose.choice(TEXTS)] = changed.pop(name)
        elif kind < 0.24:
            changed[choose.choice(TEXTS)] = self._value()
        else:
            changed[name] = self._worse(changed[name], depth + 1)
        return changed

    def _value(self) -> Any:
        choose = self._random
        kind = choose.random()
        if kind < 0.4:
            return choose.choice(WORSE)
        if kind < 0.7:
            return choose.choice(TEXTS)
        if kind < 0.85:
            return Number(choose.choice(NUMBERS))
        if kind < 0.93:
            return Deep(choose.choice(DEEP), choose.choice(("[]", "{}")))
        found = _loaded(choose.choice(self._seeds))
        return None if found is _NOTHING else found

    # Bytes.

    def _place(self, data: bytes) -> int:
        return self._random.randrange(len(data) + 1)

    def _flip(self, data: bytes) -> bytes:
        at = self._place(data)
        return data[:at] + bytes([self._random.randrange(256)]) + data[at + 1 :]

    def _cut(self, data: bytes) -> bytes:
        at = self._place(data)
        return data[:at] + data[at + self._random.choice((1, 2, 7, 1_000)) :]

    def _end(self, data: bytes) -> bytes:
        return data[: self._place(data)]

    def _insert(self, data: bytes) -> bytes:
        at = self._place(data)
        return data[:at] + self._random.choice(self._words) + data[at:]

    def _replace_number(self, data: bytes) -> bytes:
        places = [at for at, byte in enumerate(data) if 48 <= byte <= 57]
        if not places:
            return data
        at = self._random.choice(places)
        return data[:at] + self._random.choice(NUMBERS).encode() + data[at + 1 :]

    def _double(self, data: bytes) -> bytes:
        start, end = sorted((self._place(data), self._place(data)))
        return (
            data[:end] + data[start:end] * self._random.choice((1, 2, 40)) + data[end:] if len(data) < 2**18 else data
        )

    def _splice(self, data: bytes) -> bytes:
        other = self._random.choice(self._seeds)
        return data[: self._place(data)] + other[self._place(other) :]

    def _noise(self, data: bytes) -> bytes:
        at = self._place(data)
        return data[:at] + self._random.randbytes(self._random.choice((1, 4, 32))) + data[at:]


_BYTES: tuple[Callable[[Mutator, bytes], bytes], ...] = (
    *(Mutator._flip, Mutator._flip, Mutator._cut, Mutator._end, Mutator._insert, Mutator._insert, Mutator._noise),
    *(Mutator._replace_number, Mutator._double, Mutator._splice),
)
_NOTHING = object()


class Number(str):
    """Digits that are written as they are."""


class Deep:
    """So many brackets within each other."""

    def __init__(self, levels: int, brackets: str) -> None:
        self.levels = levels
        self.brackets = brackets

    def __str__(self) -> str:
        opening, closing = ('{"a":', "}") if self.brackets == "{}" else ("[", "]")
        return opening * self.levels + "1" + closing * self.levels


def _loaded(data: bytes) -> Any:
    """The document, if it is one that can be walked through."""
    if data.count(b"[") + data.count(b"{") > BRACKETS:
        return _NOTHING
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return _NOTHING


def dumped(document: Any) -> bytes:
    """JSON, or nearly."""
    return "".join(_parts(document)).encode("utf-8", "surrogatepass")


def _parts(value: Any) -> list[str]:
    if isinstance(value, Number | Deep):
        return [str(value)]
    if isinstance(value, dict):
        inner = [[json.dumps(name, ensure_ascii=False), ":", *_parts(each)] for name, each in value.items()]
        return ["{", *_joined(inner), "}"]
    if isinstance(value, list):
        return ["[", *_joined([_parts(each) for each in value]), "]"]
    return [json.dumps(value, ensure_ascii=isinstance(value, str) and len(value) % 2 == 0)]


def _joined(parts: list[list[str]]) -> list[str]:
    return [text for at, each in enumerate(parts) for text in ([","] if at else []) + each]
