import base64
import json
import math
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from ingest.credentials import Credentials, NoToken, TokenFile, expiry, token_file
from ingest.errors import CommandError


def jwt(exp: object, name: str = "x") -> str:
    """As a client sees it: nobody here checks the signature."""
    payload = base64.urlsafe_b64encode(json.dumps({"exp": exp, "jti": name}).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.signature"


@pytest.mark.parametrize(("exp", "expected"), [(5, 5.0), (5.5, 5.5), (True, None), ("5", None), (None, None)])
def test_a_token_says_when_it_ends(exp: object, expected: float | None) -> None:
    assert expiry(jwt(exp)) == expected


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "a..c", "a.W10.c", "a.é.c", "e30." + "A" * 5 + ".x"])
def test_what_says_nothing(text: str) -> None:
    assert expiry(text) is None


@given(st.text(max_size=100))
def test_any_text_ends_or_does_not(text: str) -> None:
    assert expiry(f"a.{text}.c") is None or "." not in text


def test_a_file_is_read_each_time(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(" one\n")
    file = TokenFile(path)
    assert file() == "one"
    path.write_text("two")
    assert file() == "two"
    path.write_text("two words")
    with pytest.raises(NoToken, match="printable ASCII without spaces"):
        file()


def test_a_setting_is_checked_at_the_start(tmp_path: Path) -> None:
    assert token_file(None) is None
    with pytest.raises(CommandError, match=r"--token-file: .*missing: No such file or directory"):
        token_file(str(tmp_path / "missing"))
    (tmp_path / "empty").write_text("")
    with pytest.raises(CommandError, match=r"--token-file: .*empty: token: expected printable ASCII"):
        token_file(str(tmp_path / "empty"))


class Mint:
    """Gives a token good until `end`, as often as it is asked."""

    def __init__(self) -> None:
        self.token: str | None = None
        self.asked = 0

    def __call__(self) -> str | None:
        self.asked += 1
        if self.token == "broken":
            raise KeyError("no such account")
        return self.token


class Script(Mint):
    """Gives these one after the other: by itself, because the clock of a test does not wait for threads."""

    def __init__(self, *tokens: str) -> None:
        super().__init__()
        self._tokens = list(tokens)

    def __call__(self) -> str | None:
        self.token = self._tokens.pop(0)
        return super().__call__()


async def renewed_once(credentials: Credentials) -> tuple[float, str]:
    """When a newer token was sent, and which."""
    sent: list[tuple[float, str]] = []

    async def send(token: str) -> None:
        sent.append((trio.current_time(), token))
        scope.cancel()

    with trio.CancelScope() as scope:
        await credentials.renew(send)
    (found,) = sent
    return found


def recorder(sent: list[tuple[float, str]]) -> Callable[[str], object]:
    async def send(token: str) -> None:
        sent.append((trio.current_time(), token))

    return send


async def test_a_text_is_shown_and_never_renewed(autojump_clock: trio.testing.MockClock) -> None:
    credentials = Credentials(jwt(10), trio.current_time)
    assert await credentials.fetch() == jwt(10)
    sent: list[tuple[float, str]] = []
    await credentials.renew(recorder(sent))  # type: ignore[arg-type]
    assert (sent, trio.current_time(), await credentials.has_newer()) == ([], 0.0, False)


async def test_a_newer_token_is_sent_before_the_end(autojump_clock: trio.testing.MockClock) -> None:
    credentials = Credentials(Script(jwt(100, "first"), jwt(1_000, "second")), trio.current_time)
    await credentials.fetch()
    assert await renewed_once(credentials) == (80.0, jwt(1_000, "second"))


async def test_it_is_asked_for_until_there_is_one(autojump_clock: trio.testing.MockClock) -> None:
    first, sent = jwt(10, "first"), list[tuple[float, str]]()
    script = Script(first, first, "broken", "broken", jwt(None, "without an end"))
    credentials = Credentials(script, trio.current_time)
    await credentials.fetch()
    await credentials.renew(recorder(sent))  # type: ignore[arg-type]
    assert sent == [(11.0, jwt(None, "without an end"))]


async def test_a_function_that_fails_is_no_token() -> None:
    mint = Mint()
    mint.token = "broken"
    credentials = Credentials(mint)
    with pytest.raises(NoToken, match="no token: KeyError"):
        await credentials.fetch()
    assert not await credentials.has_newer()
    mint.token = "two words"
    with pytest.raises(NoToken, match="printable ASCII"):
        await credentials.fetch()


async def test_what_was_refused_on_a_connection_may_open_another(autojump_clock: trio.testing.MockClock) -> None:
    first, other = jwt(10, "of ann"), jwt(100, "of bob")
    credentials = Credentials(Script(first, other, other, other, other), trio.current_time)
    await credentials.fetch()
    assert await renewed_once(credentials) == (8.0, other)
    autojump_clock.autojump_threshold = math.inf  # or it may jump over the limit while the function is called
    assert await credentials.has_newer()
    assert await credentials.fetch() == other
    assert not await credentials.has_newer()


async def test_after_a_refusal_only_another_token_helps() -> None:
    mint = Mint()
    mint.token = "one"
    credentials = Credentials(mint)
    await credentials.fetch()
    assert not await credentials.has_newer()
    mint.token = "two"
    assert await credentials.has_newer()
    mint.token = None
    assert not await credentials.has_newer()


async def test_after_a_refusal_nobody_waits_for_ever(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    answered = threading.Event()

    def silent() -> str | None:
        answered.wait()
        return "late"

    try:
        with trio.fail_after(60):
            assert not await Credentials(silent).has_newer()
    finally:
        answered.set()
    assert "no other one came within 10 s" in caplog.text
