"""The publish side of the wire protocol: JSON text to objects and back. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ingest.samples import Entry, Rejection, Validator, show

Message = dict[str, Any]


class MessageError(ValueError):
    """A message that is refused as a whole, with the protocol's `code` and, where it had one, its `id`."""

    def __init__(self, code: str, message: str, id: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.id = id


@dataclass(frozen=True, slots=True)
class Publish:
    """A decoded `publish`: what of it is accepted and what is not."""

    id: int | None
    entries: list[Entry]
    rejected: list[Rejection]
    accepted: int  # samples


def decode(data: str | bytes) -> Message:
    """One JSON object. Raises MessageError (bad_json, bad_message)."""
    try:
        message = _loads(data)
    except ValueError as error:
        raise MessageError("bad_json", f"message: not JSON ({error})") from None
    if type(message) is not dict:
        raise MessageError("bad_message", f"message: expected an object, got {show(message)}")
    return message


def _loads(data: str | bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if "infinity" not in str(error):
            raise
    # A number beyond the largest float is good JSON: only its sample is refused, later and by name.
    try:
        message = json.loads(data, parse_int=_big_int, parse_constant=_no_constant)
        orjson.dumps(message)  # this parser lets through what cannot be sent on, such as half a surrogate pair
    except (RecursionError, TypeError) as error:
        raise ValueError(str(error)) from None
    return message


def _big_int(digits: str) -> int | float:
    number = int(digits) if len(digits) < 300 else float(digits)
    return number if -(2**63) <= number < 2**64 else float(number)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON value")


def message_id(message: Mapping[str, Any], *, required: bool = False) -> int | None:
    """The `id` field. Raises MessageError (bad_message)."""
    value = message.get("id")
    if value is None and not required:
        return None
    if type(value) is not int or not 0 <= value < 2**63:
        raise MessageError("bad_message", f"id: expected an integer from 0 to 2^63 - 1, got {show(value)}")
    return value


def count_samples(raw: Iterable[object]) -> int:
    """How many samples the raw entries hold, counted before they are checked. One that is empty counts, too."""
    total = 0
    for item in raw:
        value = item.get("value") if type(item) is dict else None
        total += (len(value) or 1) if type(value) is list else 1
    return total


def decode_publish(
    message: Mapping[str, Any], validator: Validator, now: float, samples_max: int, count: int | None = None
) -> Publish:
    """The entries of a `publish`. `samples_max` bounds its samples (0: no bound); `count` says how many, if known.

    Raises MessageError (bad_message, too_many_samples) when nothing of it can be taken.
    """
    id = message_id(message)
    raw = message.get("samples")
    if not isinstance(raw, list):
        raise MessageError("bad_message", f"samples: expected an array, got {show(raw)}", id)
    if samples_max:
        count = count_samples(raw) if count is None else count
        if count > samples_max:
            raise MessageError("too_many_samples", f"samples: at most {samples_max} samples a message, got {count}", id)
    entries, rejected = validator.entries(raw, now)
    return Publish(id, entries, rejected, sum(len(entry.times) for entry in entries))


def raw_entry(entry: Entry) -> Message:
    """The wire form of an entry; a single sample is sent without arrays."""
    raw: Message = {"metric": entry.series.metric}
    if entry.series.tags:
        raw["tags"] = dict(entry.series.tags)
    single = len(entry.times) == 1
    raw["time"] = entry.times[0] if single else list(entry.times)
    raw["value"] = entry.values[0] if single else list(entry.values)
    for name in ("unit", "kind", "help"):
        if (value := getattr(entry, name)) is not None:
            raw[name] = value
    return raw


def encode(message: Mapping[str, Any]) -> bytes:
    return orjson.dumps(message)


def encode_publish(id: int | None, entries: Sequence[Entry]) -> bytes:
    """A `publish` message of these entries."""
    message: Message = {"type": "publish"}
    if id is not None:
        message["id"] = id
    message["samples"] = [raw_entry(entry) for entry in entries]
    return orjson.dumps(message)
