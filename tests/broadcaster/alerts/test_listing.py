"""What `/v1/alerts` answers to whom, and how much of it is made before others have their turn."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
import trio
import trio.testing

from broadcaster.alerts import listing as module
from broadcaster.alerts.episodes import Episodes
from broadcaster.alerts.evaluator import Evaluator
from broadcaster.alerts.files import RuleFiles
from broadcaster.alerts.instance import Instance
from broadcaster.alerts.listing import ACTIVE_MAX, RECENT_MAX, TURN_S, Listing
from broadcaster.alerts.rules import Rule, parse_rule
from broadcaster.credentials.scopes import parse_scope
from broadcaster.history import Record
from ingest.samples import Series

WALL = 1_700_000_000.0


class Clock:
    """Two looks at it take a turn."""

    looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.looks * TURN_S * 0.6


class World:
    def __init__(self, *rules: Rule) -> None:
        self.evaluator = Evaluator(lambda: WALL)
        self.episodes = Episodes()
        self.clock = Clock()
        self.listing = Listing(self.evaluator, self.episodes, lambda: WALL, self.clock)
        self.records: dict[Series, Record] = {}
        self.evaluator.replace(rules)

    def feed(self, values: Iterable[float], metric: str = "cpu", first: int = 0) -> None:
        """One value each to hosts that are numbered from `first` on."""
        for host, value in enumerate(values, first):
            series = Series(metric, (("host", str(host)),))
            if series not in self.records:
                self.records[series] = Record(0, series, "gauge")
                self.evaluator.appeared(self.records[series], 0.0)
            self.evaluator.inspect({self.records[series]: ([WALL], [value])}, 0.0)
        for change in self.evaluator.take():
            self.episodes.take(change)

    async def answer(self, scope: str = "subscribe:*") -> Any:
        return await self.listing.answer(parse_scope(scope), RuleFiles(), writable=True)


def rule(name: str = "hot", metric: str = "cpu", **more: object) -> Rule:
    return parse_rule(name, {"metric": metric, "above": 90} | more)


def hosts(answer: Any, alert: str = "hot") -> list[int]:
    return [int(each["series"]["tags"]["host"]) for each in answer["active"] if each["alert"] == alert]


def counts(answer: Any) -> dict[str, tuple[int, int]]:
    return {each["alert"]: (each["pending"], each["firing"]) for each in answer["rules"]}


async def test_of_very_many_the_newest_are_listed_and_all_are_counted() -> None:
    world = World(rule(), rule("disk-full", "disk"), rule("slow", "disk", **{"for": "1h"}))
    world.feed([95.0] * 3, "disk")
    world.feed([95.0] * (ACTIVE_MAX + 5))
    answer = await world.answer()
    assert answer["active_total"] == ACTIVE_MAX + 5 + 6
    assert hosts(answer) == [0, *range(5, ACTIVE_MAX + 5)]  # of each alert the one that began first, too
    assert (hosts(answer, "disk-full"), hosts(answer, "slow")) == ([0], [0])
    assert counts(answer) == {"hot": (0, ACTIVE_MAX + 5), "disk-full": (0, 3), "slow": (3, 0)}


async def test_of_each_alert_what_fires_is_listed_rather_than_what_is_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(rule(tags={"host": "?"}, **{"for": "1s"}), rule("disk-full", "disk"))
    world.feed([95.0] * 3)
    world.evaluator.check(2.0)
    world.feed([1.0, 95.0, 95.0])  # the first is over, and will begin anew
    world.feed([95.0])
    world.feed([95.0] * ACTIVE_MAX, "disk")
    answer = await world.answer()
    assert hosts(answer) == [1]
    assert counts(answer)["hot"] == (1, 2)


async def test_who_may_see_no_metric_is_answered_at_once() -> None:
    world = World(rule())
    world.feed([95.0] * 3)
    with trio.testing.assert_no_checkpoints():
        answer = await world.answer("publish:*")
    assert answer == {
        "time": WALL, "rules": [], "active": [], "recent": [], "active_total": 0, "writable": False,
    }  # fmt: skip
    assert world.clock.looks == 0


async def test_an_admin_sees_which_alerts_there_are_and_not_where_they_fire() -> None:
    world = World(rule())
    world.feed([95.0] * 3)
    answer = await world.answer("admin")
    assert (counts(answer), answer["active"], answer["active_total"]) == ({"hot": (0, 0)}, [], 0)
    assert (answer["problems"], answer["writable"], answer["rules"][0]["webhooks"]) == ([], True, [])


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        ("secret.*", {"all": (0, 3), "one": (0, 1), "wide": (0, 3)}),
        ("secret.?", {"all": (0, 2), "one": (0, 1), "wide": (0, 2)}),
        ("secret.a", {"all": (0, 1), "one": (0, 1), "wide": (0, 1)}),
        ("secret.z", {}),
        ("secret.??", {"all": (0, 1), "wide": (0, 1)}),
        ("*.a", {"all": (0, 1), "one": (0, 1), "wide": (0, 1)}),
        ("secre?.*", {"all": (0, 3), "one": (0, 1), "wide": (0, 3)}),
        ("s*", {"all": (0, 3), "one": (0, 1), "wide": (0, 3)}),
        ("open.*", {}),
    ],
)
async def test_a_rule_is_shown_as_far_as_its_series_are(scope: str, seen: dict[str, tuple[int, int]]) -> None:
    rules = [rule("all", "secret.*"), rule("one", "secret.a"), rule("wide", "s*"), rule("quiet", "secre?.*", above=99)]
    world = World(*rules)
    for metric in ("secret.a", "secret.b", "secret.cc"):
        world.feed([95.0], metric)
    answer = await world.answer(f"subscribe:{scope}")
    assert {name: each for name, each in counts(answer).items() if name != "quiet"} == seen
    assert ("quiet" in counts(answer)) == (scope in ("secre?.*", "s*"))  # whatever it is about may be seen
    listed = Counter(each["alert"] for each in answer["active"])
    assert dict(listed) == {name: firing for name, (_, firing) in seen.items()}


async def test_of_what_is_over_only_the_newest_that_may_be_seen_are_listed() -> None:
    world = World(rule(), rule("disk-full", "disk"))
    world.feed([95.0] * (RECENT_MAX + 50))
    world.feed([95.0], "disk")
    world.feed([1.0], "disk")
    world.feed([1.0] * (RECENT_MAX + 50))
    over = [int(each["series"]["tags"]["host"]) for each in (await world.answer())["recent"]]
    assert over == list(reversed(range(50, RECENT_MAX + 50)))
    assert [each["alert"] for each in (await world.answer("subscribe:disk"))["recent"]] == ["disk-full"]


class Passes(trio.abc.Instrument):
    """How often all tasks had their turn."""

    count = 0

    def before_io_wait(self, timeout: float) -> None:
        self.count += 1


async def test_all_who_ask_take_turns_and_one_of_them_works_in_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    world, passes = World(rule()), Passes()
    world.feed([95.0] * 10)
    worked: list[tuple[int, int]] = []
    look = Listing._look

    def noted(listing: Listing, sight: Any, found: Any) -> Any:
        for _ in look(listing, sight, found):
            worked.append((passes.count, id(found)))
            yield

    monkeypatch.setattr(Listing, "_look", noted)
    trio.lowlevel.add_instrument(passes)
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(world.answer)
    trio.lowlevel.remove_instrument(passes)
    assert Counter(Counter(at for at, _ in worked).values()) == {2: 15}  # of 30 looks two fill a turn
    assert [who for _, who in worked[::2]][:6] == [who for _, who in worked[::2]][:3] * 2
    assert len({who for _, who in worked}) == 3


async def test_what_ends_meanwhile_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(rule())
    world.feed([95.0] * 4)
    chosen = module.Found.chosen

    def ended(found: module.Found) -> Sequence[Instance]:
        world.feed([1.0])
        return chosen(found)

    monkeypatch.setattr(module.Found, "chosen", ended)
    assert hosts(await world.answer()) == [1, 2, 3]
