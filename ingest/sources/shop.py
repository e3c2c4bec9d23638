"""A synthetic web shop: daily waves pressed into two minutes, noise, deploys (some go wrong), error bursts, alarms.

The traffic is a function of the seed alone; pacing is separate.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import trio

from ingest.producer import Producer

DAY_S = 120.0
ROUTES = {"/": 90.0, "/search": 60.0, "/product": 45.0, "/cart": 14.0, "/checkout": 5.0}  # requests a second at noon
QUANTILES = {"p50": 1.0, "p95": 2.6, "p99": 4.8}
BASE_LATENCY_MS = 38.0
BASE_ERRORS = 0.004
FIRST_DEPLOY_S = 6.0
BAD_DEPLOY = 0.35
ALARM_AT, ALARM_OFF = 0.06, 0.02  # share of failed requests


@dataclass(frozen=True, slots=True)
class Observation:
    metric: str
    value: float | str
    unit: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Burst:
    route: str
    begins: float
    ends: float
    share: float  # of the route's requests that fail at the worst moment

    def strength(self, at: float) -> float:
        """0 to 1: rises fast, falls slowly."""
        if not self.begins <= at < self.ends:
            return 0.0
        passed = (at - self.begins) / (self.ends - self.begins)
        return min(1.0, passed / 0.15) * min(1.0, (1.0 - passed) / 0.5)


class Shop:
    """One step after another; every random number is drawn here."""

    def __init__(self, seed: int, rate_hz: float) -> None:
        self._random = random.Random(seed)
        self._step_s = 1.0 / rate_hz
        self._drift = dict.fromkeys(ROUTES, 0.0)
        self._burst: _Burst | None = None
        self._next_burst = self._random.uniform(18.0, 30.0)
        self._next_deploy = FIRST_DEPLOY_S
        self._build = 40
        self._alarmed: str | None = None

    def step(self, index: int) -> list[Observation]:
        at = index * self._step_s
        events = [*self._deploys(at), *self._trouble(at)]
        requests = {route: self._requests(route, noon, at) for route, noon in ROUTES.items()}
        errors = {route: rate * self._failing(route, at) for route, rate in requests.items()}
        tagged = [("shop.requests", requests), ("shop.errors", errors)]
        rates = [Observation(name, rate, "1/s", {"route": r}) for name, by in tagged for r, rate in by.items()]
        return [*rates, *self._latencies(at), *events, *self._alarms(requests, errors)]

    def _wave(self, at: float) -> float:
        """0.25 in the night, 1 in the evening, with a dip after noon."""
        day = 2 * math.pi * at / DAY_S
        return 0.62 - 0.3 * math.cos(day) - 0.1 * math.cos(2 * day) + 0.04 * math.sin(3 * day)

    def _requests(self, route: str, noon: float, at: float) -> float:
        # A first-order autoregression with a memory of about three seconds, whatever the rate.
        keep = math.exp(-self._step_s / 3.0)
        noise = self._random.gauss(0.0, 0.08) * math.sqrt(1 - keep * keep)
        self._drift[route] = keep * self._drift[route] + noise
        busy = noon * self._wave(at) * (1 + self._drift[route])
        return max(0.0, busy * (1 + self._random.gauss(0.0, 0.02)) * (1 - 0.4 * self._strength(route, at)))

    def _strength(self, route: str, at: float) -> float:
        return self._burst.strength(at) if self._burst and self._burst.route == route else 0.0

    def _failing(self, route: str, at: float) -> float:
        share = self._burst.share if self._burst else 0.0
        usual = BASE_ERRORS * self._random.uniform(0.3, 1.7)
        return min(1.0, usual + share * self._strength(route, at) * self._random.uniform(0.8, 1.2))

    def _latencies(self, at: float) -> Iterator[Observation]:
        trouble = self._burst.strength(at) if self._burst else 0.0
        middle = BASE_LATENCY_MS * (1 + 0.6 * self._wave(at) ** 3 + 1.2 * trouble)
        for quantile, factor in QUANTILES.items():
            spread = 0.02 * factor
            tail = 1 + trouble * (factor - 1) * 0.5
            value = middle * factor * tail * math.exp(self._random.gauss(0.0, spread))
            yield Observation("shop.latency", value, "ms", {"quantile": quantile})

    def _deploys(self, at: float) -> Iterator[Observation]:
        if at < self._next_deploy:
            return
        self._build += self._random.randint(1, 4)
        self._next_deploy = at + self._random.uniform(35.0, 70.0)
        yield Observation("shop.deploys", f"deploy 2.{self._build}", tags={"service": "shop"})
        if self._random.random() < BAD_DEPLOY:
            self._next_burst = at + self._random.uniform(1.0, 3.0)

    def _trouble(self, at: float) -> Iterator[Observation]:
        if at >= self._next_burst:
            lasts = self._random.uniform(8.0, 16.0)
            route = self._random.choice(list(ROUTES))
            self._burst = _Burst(route, at, at + lasts, self._random.uniform(0.25, 0.6))
            self._next_burst = at + lasts + self._random.uniform(20.0, 45.0)
        elif self._burst and at >= self._burst.ends and self._burst.share > 0.5:
            self._build += 1
            yield Observation("shop.deploys", f"rollback to 2.{self._build - 2}", tags={"service": "shop"})
            self._burst = None

    def _alarms(self, requests: dict[str, float], errors: dict[str, float]) -> Iterator[Observation]:
        shares = {route: errors[route] / rate for route, rate in requests.items() if rate > 0}
        worst = max(shares, key=shares.__getitem__, default=None)
        if worst is None:
            return
        if self._alarmed is None and shares[worst] > ALARM_AT:
            self._alarmed = worst
            yield Observation("shop.alarms", f"{worst}: {shares[worst]:.0%} of requests fail", tags={"state": "firing"})
        elif self._alarmed is not None and shares.get(self._alarmed, 0.0) < ALARM_OFF:
            yield Observation("shop.alarms", f"{self._alarmed}: recovered", tags={"state": "resolved"})
            self._alarmed = None


def steps(seed: int, rate_hz: float) -> Iterator[list[Observation]]:
    """What the shop shows, step after step, without end: the same for the same arguments."""
    shop = Shop(seed, rate_hz)
    index = 0
    while True:
        yield shop.step(index)
        index += 1


async def shop(producer: Producer, *, seed: int = 7, rate_hz: float = 10.0) -> None:
    """Send the shop's traffic, `rate_hz` samples a second of each series, until cancelled."""
    begun = trio.current_time()
    for index, observations in enumerate(steps(seed, rate_hz)):
        await trio.sleep_until(begun + index / rate_hz)
        for each in observations:
            tags: dict[str, Any] = {**each.tags}
            if isinstance(each.value, str):
                await producer.event(each.metric, each.value, **tags)
            else:
                await producer.send(each.metric, each.value, unit=each.unit, **tags)
