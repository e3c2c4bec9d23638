"""What the protocol says of every message from the server, checked as messages arrive on one connection."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Message = dict[str, Any]
Check = Callable[[Any], bool]

ERROR_CODES = frozenset(
    {
        *("bad_json", "bad_message", "unknown_type", "bad_metric", "bad_tags", "bad_time", "bad_value"),
        *("length_mismatch", "too_many_samples", "too_many_series", "rate_limited", "forbidden", "unknown_id"),
        *("id_not_increasing", "bad_token"),
    }
)
CLOSE_CODES = frozenset({1002, 1007, 1009, 4000, 4001, 4002, 4008, 4029, 4500, 4501, 4503})
LIMITS = ("message_bytes", "samples_per_message", "samples_per_second", "series")


def is_int(value: Any) -> bool:
    return type(value) is int


def is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def is_text(value: Any) -> bool:
    return type(value) is str and value != ""


def is_bool(value: Any) -> bool:
    return type(value) is bool


def is_cursor(value: Any) -> bool:
    return is_text(value) and len(value) <= 512


def is_text_or_null(value: Any) -> bool:
    return value is None or type(value) is str


def is_descriptor(value: Any) -> bool:
    return (
        is_int(value["key"])
        and is_text(value["metric"])
        and all(is_text(key) and is_text(text) for key, text in value["tags"].items())
        and is_text_or_null(value["unit"])
        and value["kind"] in ("gauge", "counter", "event")
        and is_text_or_null(value["help"])
    )


def is_descriptors(value: Any) -> bool:
    return type(value) is list and all(map(is_descriptor, value))


def is_rejection(value: Any) -> bool:
    return is_int(value["index"]) and value["code"] in ERROR_CODES and is_text(value["message"])


def is_limits(value: Any) -> bool:
    return all(is_int(value[name]) for name in LIMITS)


def is_range(value: Any) -> bool:
    return type(value) is list and len(value) == 2 and all(map(is_number, value)) and 0 <= value[0] <= value[1]


def is_columns(value: Any) -> bool:
    return type(value) is list and all(
        is_int(key) and len(times) == len(values) > 0 and all(map(is_number, times)) for key, times, values in value
    )


# type -> field -> what it must look like; every field is required unless it is in OPTIONAL.
FIELDS: dict[str, dict[str, Check]] = {
    "welcome": {
        "version": lambda value: value == 1 and is_int(value),
        "epoch": is_text,
        "seq": is_int,
        "time": is_number,
        "session": is_text,
        "ping_interval": is_number,
        "limits": is_limits,
    },
    "ack": {
        "id": is_int,
        "accepted": is_int,
        "rejected": lambda value: type(value) is list and all(map(is_rejection, value)),
        "duplicate": is_bool,
    },
    "subscribed": {"id": is_int, "seq": is_int, "cursor": is_cursor, "resumed": is_bool, "series": is_descriptors},
    "unsubscribed": {"id": is_int, "seq": is_int},
    "series": {"series": is_descriptors},
    "samples": {
        "seq": is_int,
        "prev": is_int,
        "cursor": is_cursor,
        "series": is_columns,
        "backfill": lambda value: value is True,
        "conflated": lambda value: value is True,
    },
    "gap": {"from": is_int, "to": is_int, "batches": is_int, "samples": is_int},
    "pong": {"time": is_number, "server_time": is_number},
    "error": {"code": lambda value: value in ERROR_CODES, "message": is_text, "id": is_int},
    "bye": {"code": is_int, "reason": is_text, "reconnect": is_bool, "after": is_range},
}
OPTIONAL = {("ack", "duplicate"), ("samples", "backfill"), ("samples", "conflated"), ("error", "id")}


@dataclass
class Rules:
    """Follows one connection: shapes, descriptors before samples, the chain, samples received and missed."""

    descriptors: dict[int, Message] = field(default_factory=dict)
    last: int | None = None  # the seq that the next live batch has to name in `prev`
    epoch: str = ""
    counts: dict[str, int] = field(default_factory=lambda: {"live": 0, "backfill": 0, "conflated": 0, "gap": 0})
    points: dict[str, list[tuple[str, float, Any]]] = field(default_factory=dict)
    seen: int = 0
    said_bye: bool = False

    @property
    def accounted(self) -> int:
        """Live samples, delivered or reported as dropped."""
        return self.counts["live"] + self.counts["gap"]

    def check(self, message: Message) -> None:
        kind = message["type"]
        assert (kind == "welcome") == (self.seen == 0), f"welcome comes first and once: {message}"
        assert not self.said_bye, f"bye is the last message: {message}"
        self.seen += 1
        for name, looks_right in FIELDS[kind].items():
            if (kind, name) not in OPTIONAL or name in message:
                assert name in message and looks_right(message[name]), f"{kind}.{name}: {str(message)[:500]}"
        getattr(self, f"_{kind}", lambda message: None)(message)

    def _welcome(self, message: Message) -> None:
        self.epoch = message["epoch"]

    def _bye(self, message: Message) -> None:
        self.said_bye = True
        assert message["code"] in CLOSE_CODES, message
        assert message["reconnect"] == (message["code"] < 4500), message

    def _describe(self, message: Message) -> None:
        for descriptor in message["series"]:
            key = descriptor["key"]
            known = self.descriptors.setdefault(key, descriptor)
            identity = (known["metric"], known["tags"])
            assert identity == (descriptor["metric"], descriptor["tags"]), f"key {key} means two series"
            self.descriptors[key] = descriptor

    _series = _describe

    def _subscribed(self, message: Message) -> None:
        self._describe(message)
        self._unsubscribed(message)

    def _unsubscribed(self, message: Message) -> None:
        assert self.last is None or message["seq"] >= self.last, f"the chain went back: {message}"
        self.last = message["seq"]

    def _gap(self, message: Message) -> None:
        assert message["from"] < message["to"], message
        # One that leads to where the chain begins is of a backfill whose samples were evicted before their turn.
        assert self.last in (message["from"], message["to"]), f"after {self.last}: {message}"
        assert message["batches"] > 0 and message["samples"] >= 0, message
        self.last = message["to"]
        self.counts["gap"] += message["samples"]

    def _samples(self, message: Message) -> None:
        flags = [flag for flag in ("backfill", "conflated") if flag in message]
        assert len(flags) < 2, message
        if not flags:
            assert message["prev"] == self.last, f"prev {message['prev']} after seq {self.last}"
            assert message["seq"] > message["prev"], message
            self.last = message["seq"]
        self._take_points(message, flags[0] if flags else "live")

    def _take_points(self, message: Message, lane: str) -> None:
        for key, times, values in message["series"]:
            assert key in self.descriptors, f"series {key} was not described before its first sample"
            descriptor = self.descriptors[key]
            for value in values:
                fits = is_text(value) if descriptor["kind"] == "event" else value is None or is_number(value)
                assert fits, f"{descriptor}: {value!r}"
            self.counts[lane] += len(values)
            into = self.points.setdefault(name_of(descriptor), [])
            into.extend((lane, time, value) for time, value in zip(times, values, strict=True))

    def values(self, name: str, *lanes: str) -> list[Any]:
        """Values of a series in the order received; of these lanes, or of all."""
        return [value for lane, _, value in self.points.get(name, []) if not lanes or lane in lanes]

    def times(self, name: str) -> list[float]:
        return [time for _, time, _ in self.points.get(name, [])]


def name_of(descriptor: Message) -> str:
    """`metric{key=value,…}`, or the metric alone."""
    inside = ",".join(f"{key}={value}" for key, value in sorted(descriptor["tags"].items()))
    return f"{descriptor['metric']}{{{inside}}}" if inside else str(descriptor["metric"])
