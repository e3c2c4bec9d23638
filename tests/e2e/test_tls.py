"""Everybody over TLS: producers, subscribers, HTTP, the commands and the page."""

import json
import re
import signal
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import trio

from broadcaster.subscriber import open_subscriber
from broadcaster.subscription import StateChanged
from ingest import CannotConnect, connect, open_producer
from ingest.errors import CommandError
from tests.e2e.browser import chromium, wait_for_paint
from tests.e2e.command import ANYWHERE, COMMAND, complaints, environment, refusal, running, stop, url_in
from tests.e2e.conftest import Start
from tests.e2e.test_subscriber import Collector
from tests.papers import Papers, papers

if TYPE_CHECKING:
    from broadcaster.server import Broadcaster

SELECT = [{"metric": "a"}]


@pytest.fixture
def files(tmp_path: Path) -> Papers:
    return papers(tmp_path)


@pytest.fixture
async def sealed(start: Start, files: Papers) -> AsyncIterator["Broadcaster"]:
    yield await start(**files.settings)


async def test_a_sample_goes_from_a_producer_to_a_subscriber(sealed: "Broadcaster", files: Papers) -> None:
    assert sealed.url.startswith("wss://")
    async with (
        open_subscriber(sealed.url, SELECT, ca=files.authority) as subscriber,
        open_producer(sealed.url, ca=files.authority) as producer,
    ):
        collector = Collector(subscriber)
        await collector.until_live()
        for number in range(1_000):
            await producer.send("a", float(number))
        await collector.until(lambda: len(collector.values) == 1_000)
        assert collector.values == [float(number) for number in range(1_000)]
        assert producer.statistics().acknowledged <= 1_000


async def test_a_blocking_producer(sealed: "Broadcaster", files: Papers) -> None:
    def send() -> bool:
        with connect(sealed.url, ca=files.authority) as producer:
            producer.send_many("a", range(1, 100_001), [0.5] * 100_000)
            return producer.flush(30)

    assert await trio.to_thread.run_sync(send)
    assert sealed.figures().accepted_samples == 100_000


async def test_http_and_a_certificate_that_is_renewed(sealed: "Broadcaster", files: Papers) -> None:
    assert sealed.http_url.startswith("https://")

    async def serial(url: str) -> object:
        host, _, port = url.partition("://")[2].removesuffix("/v1/stream").partition(":")
        stream = await trio.open_ssl_over_tcp_stream(
            host, int(port), ssl_context=files.trusting(), https_compatible=True
        )
        async with stream:
            await stream.do_handshake()
            shown = stream.getpeercert()
            return shown["serialNumber"]

    async with httpx.AsyncClient(base_url=sealed.http_url, verify=files.trusting()) as client:
        answer = await client.post("/v1/publish", json={"samples": [{"metric": "a", "value": 1}]})
        assert answer.json()["accepted"] == 1
        before = await serial(sealed.url)
        assert before == await serial(sealed.http_url)
        papers(Path(files.certificate).parent)
        with trio.fail_after(10):
            while await serial(sealed.url) == before:  # noqa: ASYNC110 - the files are looked at every second
                await trio.sleep(0.05)
        assert await serial(sealed.url) == await serial(sealed.http_url)
        assert (await client.get("/healthz")).status_code == 200  # on the connection that was there before


async def problem(url: str, ca: str | None = None) -> str:
    async with open_producer(url, ca=ca, flush_s=0) as producer:
        with pytest.raises(CannotConnect) as raised:
            await producer.connected()
    return str(raised.value)


async def test_why_there_is_no_connection(start: Start, sealed: "Broadcaster", files: Papers, tmp_path: Path) -> None:
    plain = await start()
    assert (await problem(sealed.url)).startswith("its certificate is not trusted: ")
    other = tmp_path / "other"
    other.mkdir()
    assert "not trusted" in await problem(sealed.url, papers(other, by="others").authority)
    named = await start(**papers(other, "metrics.example").settings)
    assert "not valid for '127.0.0.1'" in await problem(named.url, files.authority)
    assert await problem(plain.url.replace("ws:", "wss:")) == "it does not speak TLS: is it ws:// rather than wss://?"


async def test_a_plain_producer_is_told_for_good(sealed: "Broadcaster", caplog: pytest.LogCaptureFixture) -> None:
    async with open_producer(sealed.url.replace("wss:", "ws:"), flush_s=0) as producer:
        with trio.fail_after(5):
            assert await producer.refused() == "this port speaks TLS: use wss://, not ws://"
    caplog.clear()


async def test_a_subscriber_says_why(sealed: "Broadcaster") -> None:
    async with open_subscriber(sealed.url, SELECT) as subscriber:
        async for message in subscriber:
            if isinstance(message, StateChanged) and message.state == "reconnecting":
                assert "its certificate is not trusted" in str(message.reason)
                break


async def test_plain_http_to_the_tls_port_and_the_other_way_round(sealed: "Broadcaster", files: Papers) -> None:
    for url, verify in (
        (sealed.http_url.replace("https", "http"), True),
        (sealed.http_url, ssl.create_default_context()),
    ):
        async with httpx.AsyncClient(base_url=url, verify=verify) as client:
            with pytest.raises(httpx.TransportError):
                await client.get("/healthz")
    async with httpx.AsyncClient(base_url=sealed.http_url, verify=files.trusting()) as client:
        assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize("which", ["tls_certificate", "tls_key"])
async def test_a_file_that_is_missing(start: Start, files: Papers, which: str) -> None:
    with pytest.raises(CommandError, match=f"--{which.replace('_', '-')}: .*No such file"):
        await start(**{**files.settings, which: "missing.pem"})


def test_what_serve_refuses(files: Papers) -> None:
    assert refusal("serve", "--tls-certificate", files.certificate).startswith(
        "tls_key: expected the file with the key"
    )
    told = refusal("serve", "--tls-key", files.key)
    assert told.startswith("--tls-key: expected tls_certificate beside it")
    told = refusal("serve", "--tls-certificate", files.key, "--tls-key", files.key, **ANYWHERE)
    assert told == f"--tls-certificate: {files.key}: expected a certificate in PEM"
    assert refusal("push", "--ca", "missing.pem", "host").startswith("--ca: expected a PEM file with certificates")
    assert refusal("watch", "a", STREAMGAUGE_WATCH_CA=files.key).startswith("STREAMGAUGE_WATCH_CA: expected a PEM file")


def test_push_and_watch(files: Papers) -> None:
    with running("serve", "--tls-certificate", files.certificate, "--tls-key", files.key, **ANYWHERE) as server:
        url = url_in(server, "wss")
        with running("watch", "a", "--from", url, "--ca", files.authority) as watch:
            now = time.time()  # recent, so that a watch that subscribes after the push has them from the history
            lines = "".join(f"a {number} time={now + number / 1000:.3f}\n" for number in range(3))
            pushed = push(url, lines, "--ca", files.authority)
            assert pushed.returncode == 0, pushed.stderr
            assert watch.stdout is not None
            assert [json.loads(watch.stdout.readline())["value"] for _ in range(3)] == [0, 1, 2]
        refused = push(url, "a 1\n")
        assert refused.returncode == 2 and "its certificate is not trusted" in refused.stderr
        end = stop(server, signal.SIGTERM)
        assert (end.status, complaints(end.stderr)) == (0, [])


def test_the_demo_feeds_itself_whatever_the_name_of_its_certificate(tmp_path: Path) -> None:
    files = papers(tmp_path, "metrics.example")
    settings = {f"STREAMGAUGE_BROADCASTER_{name}".upper(): value for name, value in files.settings.items()}
    with running("demo", "--no-browser", "--bind", "127.0.0.1:0", **ANYWHERE, **settings) as demo:
        url = url_in(demo, "https")
        trusting = files.trusting()
        trusting.check_hostname = False
        with httpx.Client(base_url=url, verify=trusting) as client:
            until = time.monotonic() + 10
            while not client.get("/v1/series", params={"select": "host.*"}).json()["series"]:
                assert time.monotonic() < until
                time.sleep(0.05)
        assert stop(demo, signal.SIGTERM).stderr == ""


def test_a_page_subscribes_over_wss(files: Papers) -> None:
    tls = ("--tls-certificate", files.certificate, "--tls-key", files.key)
    with running("serve", *tls, **ANYWHERE) as server, chromium() as browser:
        assert server.stdout is not None
        wss, https = re.findall(r"(?:wss|https)://[\w.]+:\d+", server.stdout.readline())
        flags = ("--bind", "127.0.0.1:0", "--broadcaster", wss, "--broadcaster-http", https)
        with running("dashboard", *flags) as dashboard:
            page = browser.new_context(ignore_https_errors=True).new_page()
            page.goto(url_in(dashboard, "http"), wait_until="commit")
            assert push(wss, "a 1\na 2\n", "--ca", files.authority).returncode == 0
            wait_for_paint(page, "a")


def push(url: str, text: str, *flags: str) -> "subprocess.CompletedProcess[str]":
    command = [COMMAND, "push", "--to", url, *flags, "lines"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment(), input=text)
