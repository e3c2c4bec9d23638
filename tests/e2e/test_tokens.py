"""Real tokens between real processes and real clients: minted, renewed, expired, revoked, rotated."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import trio

from broadcaster.credentials.keys import secret
from broadcaster.credentials.tokens import mint
from broadcaster.server import Broadcaster
from broadcaster.subscriber import open_subscriber
from broadcaster.subscription import Samples, SubscriptionEnded
from ingest import TokenFile, open_producer
from ingest.producer import CannotConnect
from tests.e2e.command import ANYWHERE, refusal, run, running, stop, url_in
from tests.e2e.conftest import Dial, Start

SECRET = "a secret that is shared with nobody else"


def token(scope: str = "publish:* subscribe:*", expires_s: float = 60, **claims: str) -> str:
    return mint(secret(SECRET.encode()), subject="ann", scope=scope, expires_s=expires_s, now=time.time(), **claims)


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    return path


@pytest.fixture
async def guarded(start: Start, secret_file: Path, tmp_path: Path) -> Broadcaster:
    (tmp_path / "revoked").write_text("")
    return await start(
        token_secret=str(secret_file), token_revoked=str(tmp_path / "revoked"), ping_interval_s=1.0, alerts=None
    )


async def until(holds: Callable[[], bool]) -> None:
    with trio.fail_after(10):
        while not holds():  # noqa: ASYNC110 - a state of another task that nobody announces
            await trio.sleep(0.01)


async def test_renewal_costs_no_sample_and_no_connection(guarded: Broadcaster, tmp_path: Path) -> None:
    """Tokens of two seconds, replaced by somebody else every half second, while samples flow for five."""
    path, got, sent = tmp_path / "token", list[float](), 0

    async def rotate() -> None:
        while True:
            fresh = tmp_path / "fresh"
            fresh.write_text(token(expires_s=2.5))
            os.replace(fresh, path)
            await trio.sleep(0.5)

    path.write_text(token(expires_s=2.5))
    async with (
        open_subscriber(guarded.url, token=TokenFile(path)) as subscriber,
        open_producer(guarded.url, token=TokenFile(path), flush_interval_s=0.01) as producer,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(rotate)

        async def read() -> None:
            async for message in subscriber:
                if isinstance(message, Samples):
                    got.extend(value for column in message.columns for value in column.values)  # type: ignore[misc]

        nursery.start_soon(read)
        await producer.connected()
        await until(lambda: subscriber.statistics().messages >= 2)
        end = trio.current_time() + 5
        while trio.current_time() < end:
            await producer.send("a", float(sent))
            sent += 1
            await trio.sleep(0.02)
        await producer.flush()
        await until(lambda: len(got) >= sent)
        assert got == [float(number) for number in range(sent)]
        assert (producer.statistics().connections, subscriber.statistics().connections) == (1, 1)
        nursery.cancel_scope.cancel()


async def test_an_expired_token_ends_a_client_that_has_no_other(
    guarded: Broadcaster, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_producer(guarded.url, token=token(expires_s=1)) as producer:
        assert await producer.refused() == "token expired or revoked (4501)"
    assert "the broadcaster refuses this producer: token expired" in caplog.text
    caplog.clear()
    with pytest.raises(SubscriptionEnded, match=r"token: expired \(401\)"):
        async with open_subscriber(guarded.url, token=token(expires_s=-1)) as subscriber:
            async for _ in subscriber:
                pass


async def test_a_client_with_a_newer_token_comes_back(guarded: Broadcaster) -> None:
    """The first one is refused; a client without another takes that for the end."""
    tokens = [token(expires_s=-1), token()]
    async with open_producer(guarded.url, token=lambda: tokens.pop(0) if len(tokens) > 1 else tokens[0]) as producer:
        with trio.fail_after(5), suppress(CannotConnect):  # of the first attempt
            await producer.connected()
        await producer.send("a", 1.0)
        await producer.flush()
        assert producer.statistics().acknowledged == 1


async def test_a_client_whose_token_becomes_another_subjects_connects_anew(guarded: Broadcaster) -> None:
    began = time.time()
    first = token(expires_s=2)
    other = mint(secret(SECRET.encode()), subject="bob", scope="publish:*", expires_s=60, now=began)
    async with open_producer(guarded.url, token=lambda: first if time.time() < began + 0.5 else other) as producer:
        await producer.connected()
        with trio.fail_after(15):
            while producer.statistics().connections < 2:
                await producer.send("a", 1.0)
                await trio.sleep(0.1)
        await producer.flush()
        assert producer.statistics().acknowledged == producer.statistics().sent


async def test_revocation_ends_connections_within_a_second_or_so(
    guarded: Broadcaster, dial: Dial, tmp_path: Path
) -> None:
    headers = {"Authorization": f"Bearer {token(id='lost')}"}
    wire = await dial(guarded, headers=headers)
    began = trio.current_time()
    (tmp_path / "revoked").write_text("lost\n")
    bye = await wire.until("bye")
    assert (bye["code"], bye["reconnect"]) == (4501, False)
    assert trio.current_time() - began < 2.5
    async with httpx.AsyncClient(base_url=guarded.http_url) as client:
        assert (await client.get("/v1/series", headers=headers)).status_code == 401
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/metrics")).status_code == 401
        admin = {"Authorization": f"Bearer {token('admin')}"}
        figures = (await client.get("/metrics", headers=admin)).text
    assert 'streamgauge_refused_total{reason="revoked"} 1.0' in figures
    assert 'streamgauge_refused_total{reason="no_token"} 1.0' in figures


async def test_publishing_over_http_is_allowed_by_metric(guarded: Broadcaster) -> None:
    headers = {"Authorization": f"Bearer {token('publish:a.*')}"}
    async with httpx.AsyncClient(base_url=guarded.http_url, headers=headers) as client:
        samples = [{"metric": "a.b", "value": 1}, {"metric": "b", "value": 1}]
        mixed = await client.post("/v1/publish", json={"samples": samples})
        assert (mixed.status_code, mixed.json()["accepted"]) == (200, 1)
        assert [each["code"] for each in mixed.json()["rejected"]] == ["forbidden"]
        none = await client.post("/v1/publish", json={"samples": samples[1:]})
        assert (none.status_code, none.json()["code"]) == (403, "forbidden")


def test_with_credentials_other_machines_may_connect(secret_file: Path) -> None:
    exposed = {"STREAMGAUGE_BROADCASTER_BIND": "0.0.0.0:0", "STREAMGAUGE_BROADCASTER_HTTP_BIND": "0.0.0.0:0"}
    assert "no credentials are configured" in refusal("serve", **exposed)
    with running("serve", "--token-secret", str(secret_file), **exposed) as process:
        assert url_in(process, "ws")


def test_no_token_is_ever_written(secret_file: Path, tmp_path: Path) -> None:
    """Good, bad and expired ones, in every place where a token may be, with everything logged."""
    good, old = token(), token(expires_s=-1)
    loud = {**ANYWHERE, "STREAMGAUGE_BROADCASTER_LOG_LEVEL": "debug"}
    with running("serve", "--token-secret", str(secret_file), **loud) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        http = line.partition("HTTP at ")[2].partition(". ")[0]
        url = line.split()[2].rstrip(",")
        for each in (good, old, "x.y.z"):
            httpx.get(f"{http}/v1/series", headers={"Authorization": f"Bearer {each}"})
            httpx.get(f"{http}/v1/series?token={each}")
            httpx.post(f"{http}/v1/publish", headers={"Authorization": f"Basic {each}"}, content=each)
        (tmp_path / "token").write_text(good)
        arguments = ("push", "--to", url.removesuffix("/v1/stream"), "--token-file", str(tmp_path / "token"), "lines")
        pushed = run(*arguments)
        assert pushed.returncode == 0, pushed.stderr
        (tmp_path / "token").write_text(old)
        assert "expired" in refusal(*arguments)
        said = stop(process, 15)  # type: ignore[arg-type]
    for text in (said.stdout, said.stderr, pushed.stdout, pushed.stderr):
        for each in (good, old, SECRET):
            assert each not in text
            assert each.rpartition(".")[2] not in text
