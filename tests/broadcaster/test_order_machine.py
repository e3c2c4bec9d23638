"""A producer's outbox and the broadcaster, with a link between them as slow as can be, and rates that refuse much.

Whatever is under way when a message is refused for now, samples arrive in the order in which they were sent, each once.
"""

import uuid
from collections import deque

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ingest.outbox import Described, Outbox
from ingest.samples import Series
from tests.broadcaster.world import Client, World

PRODUCER = str(uuid.UUID(int=1))
SERIES = Described(Series("a"), None, None)
PONG = b""


class FarClient(Client):
    """What is said to it is under way for a while."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.up: deque[bytes] = deque()
        self.down: deque[bytes | None] = deque()  # None: the ping that asks whether it has heard
        self.on_send = lambda message: self.down.append(orjson.dumps(message))

    def when_heard(self) -> None:
        self.down.append(None)


class OrderMachine(RuleBasedStateMachine):
    @initialize(window=st.sampled_from([3, 50]), samples=st.sampled_from([1, 5, 1_000]), size=st.sampled_from([150, 0]))
    def begin(self, window: int, samples: int, size: int) -> None:
        self.world = World(samples_per_second=samples, bytes_per_second=size, rate_limited_s=1e9)
        self.outbox = Outbox(1_000, 2, window)
        self.sent = 0
        self.rests_until = 0.0
        self._connect()

    def _connect(self) -> None:
        self.client = FarClient(self.world)
        self.client.session.start()
        self.client.down.clear()
        self.client.say(type="hello", producer=PRODUCER)
        self.client.up += [message.text.encode() for message in self.outbox.repeat()]

    @rule(count=st.integers(1, 6))
    def send(self, count: int) -> None:
        values = [float(self.sent + at) for at in range(count)]
        self.outbox.put(SERIES, values, values)
        self.sent += count

    @rule(most=st.integers(1, 5))
    def write(self, most: int) -> None:
        for _ in range(most):
            if self.world.clock.now < self.rests_until or (message := self.outbox.take()) is None:
                break
            self.client.up.append(message.text.encode())

    @rule(most=st.integers(1, 5))
    def carry_up(self, most: int) -> None:
        for _ in range(min(most, len(self.client.up))):
            data = self.client.up.popleft()
            if data == PONG:
                self.client.session.heard()
            else:
                self.client.session.receive_all([data], len(data))

    @rule(most=st.integers(1, 5))
    def carry_down(self, most: int) -> None:
        for _ in range(min(most, len(self.client.down))):
            if (data := self.client.down.popleft()) is None:
                self.client.up.append(PONG)
                continue
            message = orjson.loads(data)
            if message["type"] == "ack":
                assert (
                    self.outbox.acknowledge(message["id"], message["accepted"], duplicate="duplicate" in message) == 0
                )
            elif message["type"] == "error":
                assert message["code"] == "rate_limited", message
                self.outbox.retry(message["id"])
                self.rests_until = max(self.rests_until, self.world.clock.now + message["retry_after"])

    @rule(seconds=st.sampled_from([0.01, 0.1, 0.5, 1.0, 5.0]))
    def wait(self, seconds: float) -> None:
        self.world.clock.now += seconds

    @rule()
    def reconnect(self) -> None:
        self.client.session.leave()
        self._connect()

    @rule()
    def linger(self) -> None:
        """The connection that is over is noticed late: what was under way on it comes first."""
        old = self.client
        self._connect()
        for data in old.up:
            if data != PONG:
                old.session.receive_all([data], len(data))
        old.session.leave()

    @invariant()
    def in_order_and_once(self) -> None:
        if hasattr(self, "world"):
            self.world.flush()
            held = [value for _, _, value in self.world.history.log]
            assert held == [float(at) for at in range(len(held))]

    def teardown(self) -> None:
        """In the end all are there."""
        if not hasattr(self, "world"):
            return
        for _ in range(5_000):
            if self.outbox.idle:
                break
            self.write(1)
            self.carry_up(1)
            self.carry_down(2)
            self.wait(0.5)
        assert self.outbox.idle
        self.in_order_and_once()
        assert len(self.world.history.log) == self.sent


TestOrder = OrderMachine.TestCase
TestOrder.settings = settings(max_examples=100, stateful_step_count=40, deadline=None, derandomize=True)
