"""WebSocket frames: what version 1 takes, what it refuses, and that nobody else is hurt."""

import json
import struct
from contextlib import suppress

import pytest
import trio

from broadcaster.server import Broadcaster
from tests.e2e.conftest import Dial, Start
from tests.e2e.wire import Wire, sample
from tests.e2e.wire_frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Closed, encode_frame

PUBLISH = json.dumps({"type": "publish", "id": 1, "samples": [{"metric": "m", "value": 1.5}]}).encode()


async def test_a_binary_frame_with_the_same_bytes(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.send_frame(BINARY, PUBLISH)
    assert (await wire.answer(1))["accepted"] == 1


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_fragments_make_one_message(broadcaster: Broadcaster, dial: Dial, opcode: int) -> None:
    wire = await dial(broadcaster)
    for at, byte in enumerate(PUBLISH):
        last = at == len(PUBLISH) - 1
        await wire.send_frame(CONTINUATION if at else opcode, bytes([byte]), fin=last)
    assert (await wire.answer(1))["accepted"] == 1


async def test_empty_fragments(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.send_frame(TEXT, b"", fin=False)
    await wire.send_frame(CONTINUATION, PUBLISH, fin=False)
    await wire.send_frame(CONTINUATION, b"", fin=True)
    assert (await wire.answer(1))["accepted"] == 1


async def test_a_character_cut_in_two_by_fragments(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    tags = {"k": "früh\U0001f600"}
    text = json.dumps({"type": "publish", "id": 1, "samples": [sample("m", 1, tags=tags)]}, ensure_ascii=False).encode()
    at = text.index("ü".encode()) + 1
    await wire.send_frame(TEXT, text[:at], fin=False)
    await wire.send_frame(CONTINUATION, text[at : at + 5], fin=False)
    await wire.send_frame(CONTINUATION, text[at + 5 :])
    assert (await wire.answer(1))["accepted"] == 1
    subscribed = await wire.subscribe(1, history=60)
    assert subscribed["series"][0]["tags"] == tags


async def test_control_frames_between_fragments(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.send_frame(TEXT, PUBLISH[:10], fin=False)
    await wire.send_frame(PING, b"between")
    await wire.send_frame(CONTINUATION, PUBLISH[10:20], fin=False)
    await wire.send_frame(PONG, b"unsolicited")
    await wire.send_frame(PING, b"")
    await wire.send_frame(CONTINUATION, PUBLISH[20:])
    assert (await wire.answer(1))["accepted"] == 1
    assert wire.pongs == [b"between", b""]


async def test_control_frames_while_data_streams(broadcaster: Broadcaster, dial: Dial) -> None:
    """Data frames bypass the WebSocket library, so pongs must not land inside one.

    They may come after what was asked later in a message: their order among each other is all that a peer may expect.
    """
    wire, producer = await dial(broadcaster), await dial(broadcaster)
    await wire.subscribe()
    for round in range(20):
        await producer.send_many(
            {"type": "publish", "samples": [sample("m", [round] * 500, list(range(500)))]} for _ in range(5)
        )
        await wire.send_frame(PING, bytes([round]) * 125)
    await wire.until_samples(50_000)
    with trio.fail_after(10):
        while len(wire.pongs) < 20:
            await wire.ping()
    assert wire.pongs == [bytes([round]) * 125 for round in range(20)]


async def test_many_messages_in_one_segment(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.send_many({"type": "publish", "id": id, "samples": [sample("m", id)]} for id in range(1000))
    for id in range(1000):
        await wire.expect("ack", id=id, accepted=1)


async def test_a_message_byte_by_byte(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    frame = encode_frame(TEXT, PUBLISH)
    for at in range(len(frame)):
        await wire.send_bytes(frame[at : at + 1])
    assert (await wire.answer(1))["accepted"] == 1


async def test_the_client_closes(broadcaster: Broadcaster, dial: Dial) -> None:
    wire = await dial(broadcaster)
    await wire.publish(1, [sample("m", 1)])
    closed = await wire.close(1000)
    assert closed.code == 1000
    assert not wire.rules.said_bye


async def test_what_was_sent_before_the_close_is_applied(broadcaster: Broadcaster, dial: Dial) -> None:
    wire, subscriber = await dial(broadcaster), await dial(broadcaster)
    await subscriber.subscribe()
    close = encode_frame(CLOSE, struct.pack("!H", 1000))
    await wire.send_bytes(b"".join(encode_frame(TEXT, PUBLISH) for _ in range(50)) + close)
    await subscriber.until_samples(50)


async def test_a_client_that_vanishes(broadcaster: Broadcaster, dial: Dial) -> None:
    wire, subscriber = await dial(broadcaster), await dial(broadcaster)
    await subscriber.subscribe()
    await wire.publish(1, [sample("m", 1)])
    await wire.send_bytes(encode_frame(TEXT, PUBLISH)[:20])  # the rest never comes
    await wire.aclose()
    await subscriber.until_samples(1)
    await subscriber.ping()
    assert subscriber.rules.values("m") == [1]


VIOLATIONS = {
    "unmasked": encode_frame(TEXT, PUBLISH, masked=False),
    "rsv1": encode_frame(TEXT, PUBLISH, rsv=4),
    "rsv2": encode_frame(TEXT, PUBLISH, rsv=2),
    "rsv3": encode_frame(TEXT, PUBLISH, rsv=1),
    "opcode-3": encode_frame(0x3, PUBLISH),
    "opcode-11": encode_frame(0xB, b""),
    "continuation-of-nothing": encode_frame(CONTINUATION, PUBLISH),
    "text-within-fragments": encode_frame(TEXT, b"{", fin=False) + encode_frame(TEXT, PUBLISH),
    "fragmented-ping": encode_frame(PING, b"", fin=False),
    "ping-of-126-bytes": encode_frame(PING, bytes(126)),
    "close-of-1-byte": encode_frame(CLOSE, b"\x03"),
    "close-1005": encode_frame(CLOSE, struct.pack("!H", 1005)),
    "length-with-top-bit": bytes([0x81, 0xFF]) + b"\xff" * 8 + b"mask",
}


async def witnesses(broadcaster: Broadcaster, dial: Dial) -> tuple[Wire, Wire]:
    producer, subscriber = await dial(broadcaster), await dial(broadcaster)
    await subscriber.subscribe(1, "witness")
    return producer, subscriber


async def unharmed(producer: Wire, subscriber: Wire) -> None:
    """Other connections go on, and got nothing of what was refused."""
    assert (await producer.publish(99, [sample("witness", 99)]))["accepted"] == 1
    await subscriber.until_samples(1)
    assert subscriber.rules.points.keys() == {"witness"}


@pytest.mark.parametrize("name", VIOLATIONS)
async def test_broken_framing_ends_only_its_own_connection(broadcaster: Broadcaster, dial: Dial, name: str) -> None:
    wire, others = await dial(broadcaster), await witnesses(broadcaster, dial)
    await wire.send_bytes(VIOLATIONS[name])
    assert (await wire.until_closed()).code == 1002
    await unharmed(*others)


INVALID_UTF8 = [
    b"\xff\xfe{}",
    b'{"type":"ping","time":"\xed\xa0\x80"}',
    b"\xc3",
    b'{"type":"\xf4\x90\x80\x80"}',
    b"\xc0\x80",
]


@pytest.mark.parametrize("payload", INVALID_UTF8, ids=bytes.hex)
async def test_invalid_utf8_in_a_text_frame(broadcaster: Broadcaster, dial: Dial, payload: bytes) -> None:
    wire, others = await dial(broadcaster), await witnesses(broadcaster, dial)
    await wire.send_frame(TEXT, payload)
    assert (await wire.until_closed()).code == 1007
    await unharmed(*others)


@pytest.mark.parametrize("payload", INVALID_UTF8, ids=bytes.hex)
async def test_invalid_utf8_in_a_binary_frame_is_bad_json(broadcaster: Broadcaster, dial: Dial, payload: bytes) -> None:
    wire = await dial(broadcaster)
    await wire.send_frame(BINARY, payload)
    await wire.expect("error", code="bad_json")
    await wire.ping()


async def ends_with_1009(wire: Wire) -> None:
    with suppress(trio.BrokenResourceError):  # a reset, because the server does not read the rest
        await wire.until_closed()
    closes = [message for message in wire.received if message["type"] == "bye"]
    assert [bye["code"] for bye in closes] in ([1009], [])


async def test_a_message_over_the_limit(start: Start, dial: Dial) -> None:
    broadcaster = await start(message_bytes=1000)
    wire, others = await dial(broadcaster), await witnesses(broadcaster, dial)
    padded = PUBLISH + b" " * (1000 - len(PUBLISH))
    await wire.send_frame(TEXT, padded)
    assert (await wire.answer(1))["accepted"] == 1
    await wire.send_frame(TEXT, padded + b" ")
    bye = await wire.until("bye")
    assert (bye["code"], bye["reconnect"]) == (1009, True)
    assert (await wire.until_closed()).code == 1009
    await unharmed(*others)


async def test_fragments_over_the_limit(start: Start, dial: Dial) -> None:
    broadcaster = await start(message_bytes=1000)
    wire, others = await dial(broadcaster), await witnesses(broadcaster, dial)
    await wire.send_frame(TEXT, b" " * 600, fin=False)
    await wire.send_frame(CONTINUATION, b" " * 600, fin=False)
    bye = await wire.until("bye")
    assert bye["code"] == 1009
    assert (await wire.until_closed()).code == 1009
    await unharmed(*others)


async def test_endless_fragments_without_a_byte_of_payload(start: Start, dial: Dial) -> None:
    """Empty fragments never reach the limit of bytes; they cost nothing either, and others go on."""
    broadcaster = await start(message_bytes=1000)
    wire, others = await dial(broadcaster), await witnesses(broadcaster, dial)
    await wire.send_bytes(
        encode_frame(TEXT, b"", fin=False) + b"".join(encode_frame(CONTINUATION, b"", fin=False) for _ in range(5000))
    )
    await wire.send_frame(CONTINUATION, PUBLISH)
    assert (await wire.answer(1))["accepted"] == 1
    await unharmed(*others)


@pytest.mark.parametrize("fragmented", [False, True])
async def test_a_message_of_100_megabytes(broadcaster: Broadcaster, dial: Dial, fragmented: bool) -> None:
    wire, others = await dial(broadcaster), await witnesses(broadcaster, dial)
    size = 100_000_000
    sent = 0

    async def push() -> None:
        nonlocal sent
        chunk = b" " * 65_536
        try:
            if not fragmented:
                await wire.stream.send_all(struct.pack("!BBQ", 0x81, 0xFF, size) + bytes(4))
            while sent < size:
                opcode = CONTINUATION if sent else TEXT
                await wire.stream.send_all(encode_frame(opcode, chunk, fin=False) if fragmented else chunk)
                sent += len(chunk)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(push)
        await unharmed(*others)
        await ends_with_1009(wire)
        await wire.aclose()
        nursery.cancel_scope.cancel()
    assert sent < 20_000_000, "a server that knows it is too much does not read on"


async def test_a_declared_length_of_2_to_the_62(broadcaster: Broadcaster, dial: Dial) -> None:
    wire, others = await dial(broadcaster), await witnesses(broadcaster, dial)
    await wire.send_bytes(struct.pack("!BBQ", 0x81, 0xFF, 1 << 62) + bytes(4) + b" " * 100)
    await unharmed(*others)


async def test_a_frame_whose_rest_never_comes_holds_nobody_up(start: Start, dial: Dial) -> None:
    broadcaster = await start(ping_interval_s=0.1)
    wire = await dial(broadcaster, auto_pong=False)
    others = await witnesses(broadcaster, dial)
    await wire.send_bytes(encode_frame(TEXT, PUBLISH)[:-5])
    await unharmed(*others)
    closed: Closed = await wire.until_closed()
    assert closed.code == 4001
