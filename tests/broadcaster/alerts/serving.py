"""Alerts at work over a hub without sockets; time is the mock clock's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import trio

from broadcaster.alerts.service import Alerts
from broadcaster.alerts.webhook import WebhookError
from broadcaster.config import BroadcasterConfig
from broadcaster.credentials.scopes import parse_scope
from broadcaster.history import History
from broadcaster.hub import Hub
from ingest.samples import Entry, Series

WALL = 1_700_000_000.0


class World:
    def __init__(self, path: Path | None, interval_s: float = 0.0, *, writable: bool = False) -> None:
        config = BroadcasterConfig()
        history = History(config.history_points, config.history_age_s, config.history_bytes, config.series_max)
        self.hub = Hub(history)
        self.posted: list[tuple[str, Any]] = []
        self.problems: list[WebhookError] = []
        self.alerts = Alerts(path, self.hub, interval_s, self.wall, self.post, writable=writable)

    def wall(self) -> float:
        return WALL + trio.current_time()

    async def post(self, url: str, body: bytes, timeout_s: float) -> int:
        self.posted.append((url, orjson.loads(body)))
        if self.problems:
            raise self.problems.pop()
        return 200

    async def publish(self, value: float, metric: str = "cpu", **tags: str) -> None:
        series = Series(metric, tuple(sorted(tags.items())))
        self.hub.publish([Entry(series, [self.wall()], [value])], trio.current_time())
        self.hub.flush(trio.current_time())
        await trio.testing.wait_all_tasks_blocked()

    def samples(self, metric: str) -> list[tuple[str, float, object]]:
        """Of all series of the metric: series, time since the start, value."""
        self.hub.flush(trio.current_time())
        found = []
        for series, record in self.hub.history.records.items():
            if series.metric == metric:
                times, values = record.ring.slice(0, record.ring.end_index)
                name = ",".join(value for _, value in series.tags)
                start = WALL + self.started
                found += [(name, round(time - start, 3), value) for time, value in zip(times, values, strict=True)]
        return sorted(found, key=lambda each: each[1])

    async def listed(self, scope: str = "subscribe:* admin") -> Any:
        return orjson.loads(orjson.dumps(await self.alerts.describe(parse_scope(scope))))

    started = 0.0


@asynccontextmanager
async def working(path: Path | None, interval_s: float = 0.0, *, writable: bool = False) -> AsyncIterator[World]:
    async with trio.open_nursery() as nursery:
        world = World(path, interval_s, writable=writable)
        world.started = trio.current_time()
        nursery.start_soon(world.alerts.run)
        await trio.testing.wait_all_tasks_blocked()
        yield world
        nursery.cancel_scope.cancel()
