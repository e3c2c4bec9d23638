"""`/v1/history` against a stored history that is a few lines long; no sockets."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.types import Message

from broadcaster.http import PIECE_BYTES, InPieces, build_app
from broadcaster.http_core import Answer, Caller
from broadcaster.selection import Selection
from ingest.messages import MessageError
from tests.broadcaster.test_http import Core


@dataclass
class Past:
    asked: list[dict[str, str]] = field(default_factory=list)
    problem: MessageError | None = None
    taken: list[int] = field(default_factory=list)

    async def answer(
        self, selection: Selection, parameters: Mapping[str, str], caller: Caller, address: str, now: float
    ) -> Answer:
        if self.problem:
            raise self.problem
        self.asked.append({**parameters, "select": ",".join(sorted(map(str, selection)))})
        return Answer(b'{"series":[]}', lambda: self.taken.append(len(self.asked)))


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
async def client(core: Core) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(build_app(core))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8766") as client:
        yield client


async def test_history(core: Core, client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/history")
    assert (response.status_code, response.json()["code"]) == (404, "no_history")
    assert "data_dir" in response.json()["message"]
    core.past = Past()
    response = await client.get("/v1/history?select=a&select=b*&from=1&to=2", headers={"origin": "http://localhost"})
    assert (response.json(), response.headers["content-type"]) == ({"series": []}, "application/json")
    assert response.headers["access-control-allow-origin"] == "http://localhost"
    assert core.past.asked == [{"select": "a,b*", "from": "1", "to": "2"}]
    assert core.past.taken == [1]
    assert (await client.get("/v1/history?select=a{b")).status_code == 400
    assert (await client.get("/v1/history", headers={"authorization": "Bearer bad"})).status_code == 401


@pytest.mark.parametrize(
    ("code", "status"), [("too_much", 400), ("busy", 429), ("too_long", 503), ("cannot_read", 503)]
)
async def test_history_refused(core: Core, client: httpx.AsyncClient, code: str, status: int) -> None:
    core.past = Past(problem=MessageError(code, "step: too fine"))
    response = await client.get("/v1/history")
    assert (response.status_code, response.json()) == (status, {"code": code, "message": "step: too fine"})
    assert core.codes == [code]
    assert ("retry-after" in response.headers) == (status == 429)


async def test_a_large_answer_is_sent_in_pieces() -> None:
    body, sent = bytes(range(256)) * 1_000, list[Message]()

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    await InPieces(Answer(body))({"type": "http"}, receive, send)
    pieces = [message["body"] for message in sent if message.get("body")]
    assert dict(sent[0]["headers"])[b"content-length"] == b"256000"
    assert (b"".join(pieces), max(map(len, pieces))) == (body, PIECE_BYTES)
    assert [message.get("more_body") for message in sent[1:]] == [True] * len(pieces) + [None]


async def test_an_answer_that_nobody_takes_any_more_is_told_as_taken() -> None:
    taken = list[bool]()

    async def send(message: Message) -> None:
        raise OSError("gone")

    async def receive() -> Message:
        raise AssertionError

    with pytest.raises(OSError, match="gone"):
        await InPieces(Answer(b"{}", lambda: taken.append(True)))({"type": "http"}, receive, send)
    assert taken == [True]
