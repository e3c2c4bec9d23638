"""A session as a target: whole conversations, of which each input is a message or some at once."""

from itertools import count
from pathlib import Path

import orjson

from tests.broadcaster.world import Client, World

LIFE = 40  # inputs a connection


class Sessions:
    """One broadcaster for all inputs, with small bounds, so that what grows is a leak."""

    def __init__(self, folder: Path) -> None:
        self._world = World(
            series_max=100, history_points=50, bad_messages_max=0, samples_per_second=0, selectors_max=50
        )
        self._inputs = count()
        self._clients: list[Client] = []

    def __call__(self, data: bytes) -> None:
        number = next(self._inputs)
        if number % LIFE == 0:
            for client in self._clients:
                client.session.leave()
            self._clients = [self._world.client() for _ in range(2)]
        client = self._clients[number % 2]
        if number % 3:
            client.session.receive(data)
        else:
            client.session.receive_all([data, orjson.dumps({"type": "ping", "time": number}), data])
        self._world.clock.now += 0.05
        self._world.flush()
        if number % 20 == 0:
            self._world.hub.sweep(self._world.clock.now)
        self._world.history.log.clear()
        for each in self._clients:
            each.take()
