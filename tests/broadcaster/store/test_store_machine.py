"""Any order of publishing, flushing, commits, failures, clean ends and crashes, beside a model of a few lines.

Whoever sends what was not acknowledged again has each message in the history once, in order; a viewer who resumes has
exactly what the history has, and is not resumed over a loss.
"""

import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.broadcaster.store.keeping import Kept

METRICS = ("a", "b")
ASIDE = "c"  # without an id: nobody promised anything of it
PRODUCER = str(uuid.UUID(int=1))
Sample = tuple[str, float]


class StoreMachine(RuleBasedStateMachine):
    @initialize(durability=st.sampled_from(["accepted", "committed"]), queue_bytes=st.sampled_from([2_500, 1_000_000]))
    def begin(self, durability: str, queue_bytes: int) -> None:
        self.folder = tempfile.mkdtemp(prefix="streamgauge-store-")
        self.options: dict[str, Any] = {"durability": durability, "queue_bytes": queue_bytes}
        self.lives = self.id = self.made = 0
        self.sent: dict[int, list[Sample]] = {}  # not acknowledged, in order
        self.refused: list[list[Sample]] = []
        self.acked: list[Sample] = []
        self.unsafe = False  # an acknowledged sample may have gone: the queue was full
        self.cursor: str | None = None
        self.resumed = False
        self.seen: list[Sample] = []
        self.world = Kept(self._directory(), **self.options)
        self._connect()

    def _directory(self) -> Path:
        self.lives += 1
        path = Path(self.folder) / str(self.lives)
        path.mkdir()
        return path

    @property
    def committed(self) -> bool:
        return self.world.withholds

    def _connect(self) -> None:
        self.producer = self.world.client(producer=PRODUCER)
        for id in list(self.sent):
            self._say(id)
        self.viewer = self.world.client()
        resume: dict[str, Any] = {"history": 1e10} if self.cursor is None else {"resume": self.cursor}
        self.viewer.say(type="subscribe", id=1, select=[{"metric": "*"}], **resume)
        self.look()

    def _say(self, id: int) -> None:
        entries = [{"metric": metric, "time": float(id), "value": value} for metric, value in self.sent[id]]
        self.producer.say(type="publish", id=id, samples=entries)
        self.hear()

    def hear(self) -> None:
        for message in self.producer.take():
            if message["type"] == "ack":
                self.acked += self.sent.pop(message["id"])
            elif message["type"] == "error":  # for the moment: it comes again under another id, as producers do
                assert message["code"] == "rate_limited"
                self.refused.append(self.sent.pop(message["id"]))

    def look(self) -> None:
        self.viewer.pump()
        keys = {record.key: record.series.metric for record in self.world.history.records.values()}
        for message in self.viewer.take():
            if message["type"] == "subscribed":
                self.resumed = message["resumed"]
                if not self.resumed:
                    self.seen.clear()
                self.cursor = message["cursor"]
            elif message["type"] == "samples":
                self.seen += [(keys[key], value) for key, _, values in message["series"] for value in values]
                self.cursor = message["cursor"]

    @rule(metrics=st.lists(st.sampled_from(METRICS), min_size=1, max_size=3))
    def publish(self, metrics: list[str]) -> None:
        self.made += 10
        self._send([(metric, float(self.made + at)) for at, metric in enumerate(metrics)])

    @rule()
    def publish_without_id(self) -> None:
        self.world.publish(ASIDE, 1.0)

    def _send(self, samples: list[Sample]) -> None:
        self.id += 1
        self.sent[self.id] = samples
        self._say(self.id)

    @rule()
    def retry(self) -> None:
        self.world.clock.now += 1.0  # as long as a producer was told to rest
        waiting, self.refused = self.refused, []
        for samples in waiting:
            self._send(samples)

    @rule()
    def flush(self) -> None:
        self.world.flush()
        self.hear()
        self.look()

    @rule(units=st.integers(1, 3))
    def commit(self, units: int) -> None:
        self.world.commit(units)
        self.hear()
        self.flush()

    @rule()
    def fail(self) -> None:
        self.world.writer.broken = True
        self.world.commit()
        self.flush()

    @rule()
    def recover(self) -> None:
        self.world.writer.broken = False
        self.commit(3)

    @rule()
    def reconnect(self) -> None:
        self.producer.session.leave()
        self.viewer.session.leave()
        self._connect()

    @precondition(lambda self: not self.world.writer.broken)
    @rule()
    def end(self) -> None:
        self.world.stop()
        self.hear()
        self._again(self.world.directory)

    @rule()
    def crash(self) -> None:
        acked = set(self.acked)  # more is, as soon as it is sent again
        self._again(self.world.crash(self._directory()))
        held = self.values()
        self.acked = [sample for sample in self.acked if sample in held]
        if (self.resumed or self.committed) and not self.unsafe:
            assert acked <= set(held), "lost in silence"

    def _again(self, directory: Path) -> None:
        if self.world.recorder.lost_batches:  # the viewer rightly has more: another one takes its place
            self.unsafe, self.cursor = not self.committed, None
            self.seen.clear()
        self.world = Kept(directory, **self.options)
        self._connect()

    @invariant()
    def the_viewer_has_what_the_history_has(self) -> None:
        if hasattr(self, "world"):
            for metric in METRICS:
                assert [v for m, v in self.seen if m == metric] == self.world.values(metric)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self._settle()
            finally:
                self.world.file.close()
                shutil.rmtree(self.folder)

    def _settle(self) -> None:
        """All is sent again until it is acknowledged."""
        self.world.writer.broken = False
        for _ in range(100):
            self.commit(10)
            if not self.sent and not self.refused:
                break
            self.retry()
        assert not self.sent
        assert not self.refused
        held = [sample for sample in self.values() if sample in set(self.acked)]
        if not self.unsafe:
            assert sorted(held) == sorted(self.acked)

    def values(self) -> list[tuple[str, Any]]:
        return [(metric, value) for metric in METRICS for value in self.world.values(metric)]


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=100, stateful_step_count=25, deadline=None, derandomize=True)
