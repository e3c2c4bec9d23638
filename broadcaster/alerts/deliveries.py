"""Webhooks on their way: a bounded queue and one task a URL, so that a receiver that is down delays no other.

Order is kept a URL: what fired arrives before its end. A delivery that fails is tried again after a full-jitter delay
until it is too old; then it is given up, counted and logged. The task ends when its queue is empty.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import trio

from broadcaster.alerts.notices import host_of
from broadcaster.alerts.webhook import WebhookError, post
from ingest.backoff import Backoff

TIMEOUT_S: Final = 10.0
GIVE_UP_S: Final = 900.0
RETRY_AFTER_MAX_S: Final = 60.0
QUEUE_MAX: Final = 1_000  # a URL

log = logging.getLogger("streamgauge.alerts")

Post = Callable[[str, bytes, float], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Delivery:
    """`about` names it in the log; `made` is by the steady clock."""

    about: str
    body: bytes
    made: float


@dataclass(slots=True)
class Counts:
    """What became of deliveries since the start."""

    outcomes: dict[str, int] = field(default_factory=lambda: {"delivered": 0, "failed": 0, "dropped": 0})
    retries: int = 0


class Deliveries:
    """`put` never waits; `nursery` runs the tasks, and its end gives up what is left."""

    def __init__(self, nursery: trio.Nursery, send: Post = post, backoff: Callable[[], Backoff] = Backoff) -> None:
        self.counts = Counts()
        self._nursery = nursery
        self._send = send
        self._backoff = backoff
        self._queues: dict[str, deque[Delivery]] = {}

    @property
    def waiting(self) -> int:
        return sum(map(len, self._queues.values()))

    def put(self, url: str, delivery: Delivery) -> None:
        """A full queue drops its oldest that is not under way."""
        queue = self._queues.get(url)
        if queue is None:
            queue = self._queues[url] = deque()
            self._nursery.start_soon(self._work, url, queue)
        if len(queue) >= QUEUE_MAX:
            lost = queue[1]
            del queue[1]
            self._lost("dropped", url, lost, f"{QUEUE_MAX} wait already")
        queue.append(delivery)

    async def _work(self, url: str, queue: deque[Delivery]) -> None:
        backoff = self._backoff()
        while queue:
            await self._deliver(url, queue[0], backoff)
            queue.popleft()
        del self._queues[url]

    async def _deliver(self, url: str, delivery: Delivery, backoff: Backoff) -> None:
        tries = 0
        while True:
            tries += 1
            try:
                await self._send(url, delivery.body, TIMEOUT_S)
            except WebhookError as error:
                delay = max(backoff.failed(trio.current_time()), min(error.after_s or 0.0, RETRY_AFTER_MAX_S))
                if error.lasting or trio.current_time() + delay > delivery.made + GIVE_UP_S:
                    self._lost("failed", url, delivery, f"{error} (try {tries})")
                    return
                if tries == 1:
                    log.warning("webhook %s: %s: %s; trying again", host_of(url), delivery.about, error)
                self.counts.retries += 1
                await trio.sleep(delay)
                continue
            if tries > 1:
                log.warning("webhook %s: %s: delivered at try %d", host_of(url), delivery.about, tries)
            self.counts.outcomes["delivered"] += 1
            backoff.failures = 0
            return

    def _lost(self, outcome: str, url: str, delivery: Delivery, why: str) -> None:
        self.counts.outcomes[outcome] += 1
        log.warning("webhook %s: %s: given up: %s", host_of(url), delivery.about, why)
