"""Chromium over its own DevTools protocol, for what Playwright keeps from happening: a tab that another one hides."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
from trio_websocket import WebSocketConnection, open_websocket_url

from tests.e2e.browser import FLAGS
from tests.e2e.wire import eventually

START_S = 30.0


class Tab:
    """One tab; `evaluate` gives the value of an expression."""

    def __init__(self, browser: "Browser", target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session

    async def evaluate(self, expression: str) -> Any:
        options = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        answer = await self._browser.call("Runtime.evaluate", options, self._session)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, expression: str, bound_s: float) -> None:
        async def holds() -> bool:
            return bool(await self.evaluate(expression))

        await eventually(holds, bound_s)

    async def show(self) -> None:
        """In front of the others."""
        await self._browser.call("Target.activateTarget", {"targetId": self._target})


class Browser:
    def __init__(self, socket: WebSocketConnection) -> None:
        self._socket = socket
        self._id = 0

    async def call(self, method: str, params: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        self._id += 1
        message = {"id": self._id, "method": method, "params": params}
        await self._socket.send_message(json.dumps(message | ({"sessionId": session} if session else {})))
        while (answer := json.loads(await self._socket.get_message())).get("id") != self._id:
            pass  # an event
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    async def open(self, url: str) -> Tab:
        """In front of the others, in the same window."""
        target = (await self.call("Target.createTarget", {"url": url, "newWindow": False}))["targetId"]
        attached = await self.call("Target.attachToTarget", {"targetId": target, "flatten": True})
        return Tab(self, target, attached["sessionId"])


@asynccontextmanager
async def chromium_with_tabs() -> AsyncIterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert path is not None, "no Chromium: make browser"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [path, "--headless=new", *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-port=0"]
        process = await trio.lowlevel.open_process(
            [*command, "--window-size=1440,900", "about:blank"], stderr=subprocess.PIPE
        )
        try:
            async with open_websocket_url(await _address(process), max_message_size=2**26) as socket:
                yield Browser(socket)
        finally:
            process.kill()
            await process.wait()
            if process.stderr is not None:
                await process.stderr.aclose()


async def _address(process: trio.Process) -> str:
    """Where it can be reached, which it prints."""
    assert process.stderr is not None
    printed = b""
    with trio.fail_after(START_S):
        async for piece in process.stderr:
            printed += piece
            _, found, rest = printed.partition(b"DevTools listening on ")
            if found and b"\n" in rest:
                return rest.split()[0].decode()
    raise AssertionError(printed.decode())
