"""Good inputs of every kind, to make bad ones of."""

import struct
from pathlib import Path

import orjson

from broadcaster.frame_reader import unmask
from dashboard import boards

EXAMPLES = Path(__file__).parents[2] / "examples"
UUID = "3f0c1a52-7c3b-4a57-9d8e-1f2a3b4c5d6e"
MASK = b"\x12\xab\x34\xcd"


def _json(*documents: object) -> list[bytes]:
    return [orjson.dumps(document) for document in documents]


_SAMPLE = {"metric": "host.cpu.percent", "tags": {"host": "a", "core": "0"}, "time": 1_700_000_000.5, "value": 12.5}
_COLUMNS = {"metric": "loss", "time": [1.0, 2.0, 3], "value": [0.5, None, 7], "unit": "1", "kind": "gauge", "help": "h"}
_EVENT = {"metric": "deploys", "tags": {"service": "café"}, "value": "v1.2 😀", "kind": "event"}

PUBLISHES = _json(
    {"type": "publish", "id": 7, "samples": [_SAMPLE, _COLUMNS, _EVENT]},
    {"type": "publish", "samples": [_SAMPLE]},
    {"type": "publish", "id": 0, "samples": [{"metric": "m", "value": 1}] * 20},
    {"type": "publish", "id": 2**53, "samples": [_COLUMNS, {**_SAMPLE, "kind": "counter"}, {**_EVENT, "time": 5}]},
)
_SELECT = [{"metric": "host.*", "tags": {"host": "a*", "core": "?"}}, {"metric": "*"}, {"tags": {"service": "café"}}]
_HELLO = {"type": "hello", "producer": UUID, "client": "fuzz 1.0", "overflow": "drop_oldest", "max_rate": 20}
MESSAGES = [
    *PUBLISHES,
    *_json(
        _HELLO,
        {"type": "subscribe", "id": 1, "select": _SELECT, "history": 60.5},
        {"type": "subscribe", "id": 2, "select": [{"metric": "*"}], "resume": "0123456789abcdef:5"},
        {"type": "unsubscribe", "id": 1},
        {"type": "ping", "time": 12.25},
        {"type": "authenticate", "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"},
        {"type": "subscribe", "id": 3, "select": [{"metric": "loss"}], "history": 1e9},
    ),
]
SELECTIONS = [
    *_json({"select": _SELECT}, {"select": [{"metric": "a"}]}),
    *(b"host.*", b"host.*{host=a*,core=?}", b"*{}", b"a{b=c}", b"*a*b*c*d*e"),
]
CURSORS = [b"0123456789abcdef:5", b"e:0", b"a:b:999999999999999999", b"e:", b":1", b"e:-1"]

ANSWERS = _json(
    *(
        {"type": "welcome", "version": 1, "epoch": "e", "seq": 5, "time": 1.0, "session": "s", "ping_interval": 20}
        | {"limits": {"message_bytes": 1_048_576, "samples_per_message": 10_000}},
        {"type": "subscribed", "id": 1, "seq": 5, "cursor": "e:5", "resumed": True}
        | {"series": [{"key": 1, "metric": "a", "tags": {"k": "v"}, "unit": None, "kind": "gauge", "help": None}]},
        {
            "type": "series",
            "series": [{"key": 2, "metric": "b", "tags": {}, "unit": "B", "kind": "counter", "help": "h"}],
        },
        {
            "type": "samples",
            "seq": 6,
            "prev": 5,
            "cursor": "e:6",
            "series": [[1, [1.0, 2.0], [1.5, None]], [2, [1], [2]]],
        },
        {"type": "samples", "seq": 4, "prev": 1, "cursor": "e:4", "backfill": True, "series": [[1, [0.5], [0.5]]]},
        {"type": "samples", "seq": 9, "prev": 6, "cursor": "e:9", "conflated": True, "series": [[1, [3.0], [2.5]]]},
        {"type": "gap", "from": 6, "to": 9, "batches": 3, "samples": 30},
        {"type": "pong", "time": 3.0, "server_time": 1.0},
        {"type": "error", "code": "bad_message", "message": "m", "id": 1},
        {"type": "unsubscribed", "id": 1, "seq": 7},
        {"type": "bye", "code": 4000, "reason": "shutting down", "reconnect": True, "after": [0.0, 5.0]},
        {"type": "ack", "id": 1, "accepted": 1, "rejected": []},
    )
)


def frame(first: int, payload: bytes) -> bytes:
    """A client's frame."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65_536:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    return bytes([first]) + length + MASK + unmask(MASK, payload)


FRAMES = [
    b"".join(frame(0x81, message) for message in MESSAGES),
    frame(0x82, MESSAGES[0]) + frame(0x89, b"ping") + frame(0x81, "früh 😀".encode()) + frame(0x88, b"\x03\xe8bye"),
    frame(0x01, MESSAGES[1][:20]) + frame(0x8A, b"") + frame(0x80, MESSAGES[1][20:]) + frame(0x81, b"{}"),
    frame(0x81, b" " * 126) + frame(0x81, b"x" * 4_999) + frame(0x82, b"\xff" * 5_001),
]
FRAME_WORDS = [
    *(frame(0x88, struct.pack("!H", code)) for code in (1000, 1005, 1007, 4000, 65_535)),
    *(frame(0x89, b"p" * 125), frame(0x89, b"p" * 126), frame(0xC1, b"x"), frame(0x83, b""), frame(0x01, b"")),
    *(b"\x81\xff" + b"\xff" * 8 + MASK, b"\x81\xfe\x00\x05" + MASK, b"\x81\x05hello", b"\x81\x80" + MASK),
]

_UPGRADE = b"Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
_KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
HANDSHAKES = [
    b"GET /v1/stream HTTP/1.1\r\n" + _UPGRADE + _KEY + b"\r\n" + FRAMES[0],
    b"GET /v1/stream?a=b HTTP/1.1\r\n"
    + _UPGRADE
    + _KEY
    + b"Sec-WebSocket-Protocol: streamgauge.v1, bearer.a.b\r\n\r\n",
    b"GET /v1/stream HTTP/1.1\r\nOrigin: http://localhost:8050\r\n" + _UPGRADE + _KEY + b"\r\n" + FRAMES[1],
    b"GET /v1/stream HTTP/1.1\r\nAuthorization: Bearer a.b.c\r\n" + _UPGRADE + _KEY + b"\r\n" + FRAMES[2],
    b"GET /elsewhere HTTP/1.1\r\n" + _UPGRADE + _KEY + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
]
HTTP_WORDS = [
    *(
        b"Host: a\r\n",
        b"Host: [::1\r\n",
        b"Host: [\xff]\r\n",
        b"Origin: null\r\n",
        b"Origin: http://[\r\n",
        b"\t",
        b" ",
    ),
    *(b"Transfer-Encoding: chunked\r\n", b"Content-Length: 99999999999999999999\r\n", b"Content-Length: -1\r\n"),
    *(
        b"Authorization: Bearer \r\n",
        b"authorization: Basic x\r\n",
        b"Sec-WebSocket-Protocol: ,\r\n",
        b"%2e%2e%2f",
        b"//",
    ),
    *(b"If-None-Match: *\r\n", b'If-Match: "a"\r\n', b"?token=a", b"?select=", b"&limit=", "¹²".encode(), b"http://["),
    *(b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99\r\n", b"A: " + b"a" * 20_000 + b"\r\n"),
]


def _request(line: str, body: bytes = b"", *headers: str) -> bytes:
    head = [line + " HTTP/1.1", "Host: localhost", *headers]
    if body:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


_TYPE = "Content-Type: application/json"
REQUESTS = [
    *(_request("POST /v1/publish", body, _TYPE) for body in PUBLISHES),
    _request("GET /v1/series?select=host.*&select=a%7Bk%3Dv%7D"),
    _request("GET /v1/history?select=host.*&from=1&to=2e9&step=60"),
    _request("GET /v1/connections?limit=5", b"", "Authorization: Bearer a.b.c"),
    _request("GET /v1/alerts", b"", "Origin: http://localhost"),
    _request("PUT /v1/alerts/hot", b'{"metric":"a","above":5,"for":"30s"}', _TYPE, "If-None-Match: *"),
    _request("DELETE /v1/alerts/hot", b"", 'If-Match: "0123456789abcdef"'),
    _request("OPTIONS /v1/publish", b"", "Origin: http://localhost", "Access-Control-Request-Method: POST"),
    _request("GET /metrics", b"", "Accept: application/openmetrics-text; version=1.0.0"),
    *(_request("GET /healthz"), _request("GET /readyz"), _request("HEAD /healthz")),
]

BOARDS = [file.read_bytes() for file in sorted((EXAMPLES / "dashboards").glob("*.toml"))]
BOARDS_JSON = [orjson.dumps(boards.as_json(boards.parse(source))) for source in BOARDS]
ALERTS = [file.read_bytes() for file in sorted((EXAMPLES / "alerts").glob("*.toml"))]
ALERTS_JSON = _json(
    {"metric": "host.cpu.percent", "tags": {"host": "web-*"}, "above": 90, "clear": 80, "for": "1m30s"}
    | {"severity": "critical", "message": "m", "webhooks": ["http://localhost:9000/hook"]},
    {"metric": "a", "silent_for": "30s", "severity": "info"},
    {"metric": "a", "below": 1.5, "rate": True, "for": "250ms"},
)
TOML_WORDS = [
    *(
        b"1979-05-27T07:32:00Z",
        b"2023-02-30",
        b"25:61:00",
        b"inf",
        b"nan",
        b"0o777",
        b"1_000",
        b"true",
        b"[[panels]]\n",
    ),
    *(
        b"a.b.c = 1\n",
        b"x = {a=1,b={c=2}}\n",
        b"[a]\n[a]\n",
        b'"\\uD800"',
        b'"\\U00110000"',
        b"= ",
        b"#",
        b"for",
        b"0b1",
    ),
    *(
        b"x = " + b"[" * 1_200 + b"\n",
        b"x = " + b"9" * 5_000 + b"\n",
        b"x = 0x" + b"f" * 5_000 + b"\n",
        b"\xef\xbb\xbf",
    ),
]
HEARD = _json(
    {"series": [{"metric": "a", "tags": {"k": "v"}, "kind": "gauge"}, {"metric": "b", "tags": {}, "kind": "event"}]}
)
LINES = [
    b"host.cpu.percent 12.5 host=a time=1700000000\nload null\n# comment\ndeploys 'v 1' kind=event unit=x\n",
    PUBLISHES[1][28:-2] + b"\n" + orjson.dumps(_COLUMNS) + b"\n",
    b"at,host,cpu,mem\n1700000000,a,1.5,2\n2024-01-01T00:00:00Z,b,,nan\n",
    b"time,metric,value,unit,zone\n1,m,5,B,x\n2,n,6,,y\n",
]
