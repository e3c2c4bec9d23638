from dataclasses import dataclass

import pytest

from broadcaster.relief import too_much

NOW = 100.0


@dataclass(frozen=True)
class Reader:
    name: str
    answers_bytes: int
    moved_at: float = 0.0

    def motionless_s(self, now: float) -> float:
        return now - self.moved_at


READERS = [Reader("small", 100), Reader("large", 900), Reader("reads", 5_000, NOW - 1.9), Reader("other", 800)]


@pytest.mark.parametrize(
    ("most", "gone"),
    [
        (6_800, []),
        (6_799, ["large"]),
        (5_900, ["large"]),
        (5_899, ["large", "other"]),
        (5_000, ["large", "other", "small"]),
        (10, ["large", "other", "small"]),
    ],
)
def test_those_with_most_go_first(most: int, gone: list[str]) -> None:
    """And no more than have to; never who takes something."""
    assert [each.name for each in too_much(READERS, most, NOW)] == gone


def test_who_keeps_nothing_stays() -> None:
    readers = [Reader("reads", 5_000, NOW), Reader("idle", 0)]
    assert too_much(readers, 10, NOW) == []


def test_after_two_seconds_nobody_is_thinking() -> None:
    assert [each.name for each in too_much(READERS, 10, NOW + 0.1)] == ["reads", "large", "other", "small"]
