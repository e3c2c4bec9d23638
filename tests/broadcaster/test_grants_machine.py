"""Credentials that change on a subscribed connection at any moment of the lookups, beside what each sample was allowed.

Nothing comes that was not allowed when it was accepted; what was allowed and selected all the time comes, once.
"""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from broadcaster.selection import parse_selection, selects
from ingest.samples import Series
from tests.broadcaster.frame_parts import MACHINE, Message
from tests.broadcaster.test_publishing import Only
from tests.broadcaster.test_searcher import finish, world_of_prefixes

METRICS = ["a.x", "a.y", "b.x", "b.y", "c.x", "c.y"]
TOKENS = ["", "a", "a.x", "b", "b.", "c", "z"]
GLOBS = ["*", "a.*", "*.x", "b.y", "c.*"]
IDS = st.integers(1, 4)


class GrantsMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = world_of_prefixes("a.x", "b.x", "b.y")
        self.client = self.world.client(Only(""))
        self.token = ""
        self.tokens = {""}  # since all lookups were over
        self.asked: dict[int, str] = {}  # globs of subscriptions that were not ended
        self.kept: set[int] = set()  # of these, those that were answered before the lookups under way
        self.published: list[tuple[str, bool]] = []  # by value: the metric, and whether it was allowed
        self.described: dict[int, str] = {}
        self.received: list[int] = []
        self.last: int | None = None

    @rule(metric=st.sampled_from(METRICS))
    def publish(self, metric: str) -> None:
        value = len(self.published)
        self.published.append((metric, metric.startswith(self.token)))
        due = all(map(metric.startswith, self.tokens)) and any(wants(self.asked[id], metric) for id in self.kept)
        self.world.publish(metric, float(value))
        self.world.flush()
        self.read()
        assert not due or self.received[-1:] == [value], "it was selected and allowed all the time"

    @rule(token=st.sampled_from(TOKENS))
    def authenticate(self, token: str) -> None:
        self.client.say(type="authenticate", token=token)
        self.token = token
        self.tokens.add(token)

    @rule(id=IDS, glob=st.sampled_from(GLOBS))
    def subscribe(self, id: int, glob: str) -> None:
        if id not in self.asked:
            self.client.say(type="subscribe", id=id, select=[{"metric": glob}])
            if "forbidden" not in self.read():
                self.asked[id] = glob

    @rule(id=IDS)
    def unsubscribe(self, id: int) -> None:
        if id in self.asked:
            del self.asked[id]
            self.kept.discard(id)
            self.client.say(type="unsubscribe", id=id)

    @rule(token=st.sampled_from(TOKENS), globs=st.sets(st.sampled_from(GLOBS), min_size=1, max_size=2))
    def another(self, token: str, globs: set[str]) -> None:
        """Who wants the same has it looked up already."""
        others = self.world.client(Only(token))
        others.say(type="subscribe", id=1, select=[{"metric": glob} for glob in sorted(globs)])

    @rule(turns=st.integers(1, 5))
    def turn(self, turns: int) -> None:
        for _ in range(turns):
            self.world.searcher.turn()

    @rule()
    def settle(self) -> None:
        finish(self.world)

    @invariant()
    def nothing_comes_that_should_not(self) -> None:
        self.read()
        if not self.world.searcher.under_way:
            self.tokens = {self.token}
            self.kept = set(self.client.session.subscriptions)
            assert self.kept == set(self.asked)

    def read(self) -> list[str]:
        """What came is checked; the codes of errors are returned."""
        codes = []
        for message in self.client.take():
            if message["type"] == "error":
                codes.append(message["code"])
            elif message["type"] in ("subscribed", "series"):
                self.described |= {each["key"]: each["metric"] for each in message["series"]}
            elif message["type"] == "gap":
                assert message["samples"] == 0
            if message["type"] == "samples":
                assert self.last is None or message["prev"] == self.last
                self.take(message)
            elif message["type"] == "gap":
                assert message["from"] == self.last
            self.last = message.get("seq", message.get("to", self.last))
        return codes

    def take(self, message: Message) -> None:
        for key, _, values in message["series"]:
            for value in map(int, values):
                metric, allowed = self.published[value]
                assert self.described[key] == metric
                assert allowed, "not when it was accepted"
                assert not self.received or value > self.received[-1]
                self.received.append(value)


def wants(glob: str, metric: str) -> bool:
    return selects(parse_selection([{"metric": glob}], 1), Series(metric))


TestGrantsMachine = GrantsMachine.TestCase
TestGrantsMachine.settings = MACHINE
