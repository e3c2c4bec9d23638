import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.addresses import SPARE, Addresses, neighbours
from tests.broadcaster.frame_parts import QUICK


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.5", None),
        ("::ffff:127.0.0.1", None),
        ("::1", None),
        ("10.1.2.3", None),
        ("test", None),
        ("", None),
    ],
)
def test_what_is_counted_for_a_host(host: str, key: str | None) -> None:
    assert Addresses(5, ("127.0.0.0/8", "::1/128", "10.0.0.0/8")).key(host) == key


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("127.0.0.5", "127.0.0.5"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_what_counts_as_one_with_a_host(host: str, key: str) -> None:
    assert neighbours(host) == key


def test_over_the_limit_some_are_told_and_the_rest_are_not_let_in() -> None:
    addresses = Addresses(2)
    assert [addresses.enter("10.0.0.1") for _ in range(2)] == [True, True]
    assert addresses.problem("10.0.0.1") is None
    assert [addresses.enter("10.0.0.1") for _ in range(SPARE + 1)] == [True] * SPARE + [False]
    assert addresses.problem("10.0.0.1") == "too many connections: at most 2 from 10.0.0.1"
    assert addresses.enter("10.0.0.2")
    assert addresses.problem("10.0.0.2") is None
    for _ in range(SPARE):
        addresses.leave("10.0.0.1")
    assert addresses.problem("10.0.0.1") is None


def test_neighbours_share_a_limit() -> None:
    addresses = Addresses(1)
    assert addresses.enter("2001:db8::1")
    assert addresses.enter("2001:db8::2")
    assert addresses.problem("2001:db8::3") == "too many connections: at most 1 from 2001:db8::/64"


@pytest.mark.parametrize("addresses", [Addresses(0), Addresses(1, ("10.0.0.0/8",))])
def test_some_have_no_bound(addresses: Addresses) -> None:
    assert all(addresses.enter("10.0.0.1") for _ in range(100))
    assert (addresses.problem("10.0.0.1"), len(addresses)) == (None, 0)
    for _ in range(100):
        addresses.leave("10.0.0.1")


@QUICK
@given(st.lists(st.tuples(st.sampled_from(["10.0.0.1", "10.0.0.2", "::1"]), st.booleans()), max_size=200))
def test_all_who_left_are_forgotten(steps: list[tuple[str, bool]]) -> None:
    addresses, here = Addresses(3), list[str]()
    for host, comes in steps:
        if comes:
            if addresses.enter(host):
                here.append(host)
        elif host in here:
            here.remove(host)
            addresses.leave(host)
        assert max(map(here.count, here), default=0) <= 3 + SPARE
        assert len(addresses) == len(set(here))
    for host in here:
        addresses.leave(host)
    assert len(addresses) == 0
