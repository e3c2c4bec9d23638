import pytest

from ingest.hosts import check_host

LONG = "a" * 63


@pytest.mark.parametrize(
    "host", ["a", "a.b.", "127.0.0.1", "::1", "fe80::1%eth0", "my_service", "xn--a", "bücher.example", f"{LONG}.{LONG}"]
)
def test_what_can_be_looked_up(host: str) -> None:
    check_host(host)


@pytest.mark.parametrize("host", ["", ".", ".example", "a..b", "a..", f"{LONG}a.b", "a\0b"])
def test_what_the_resolver_cannot_encode(host: str) -> None:
    with pytest.raises(ValueError, match="expected a host with 1 to 63 characters between its dots"):
        check_host(host)


def test_a_name_that_is_too_long() -> None:
    check_host(".".join(["a" * 50] * 5)[:253])
    with pytest.raises(ValueError, match=r"expected a host of at most 253 characters$"):
        check_host(".".join(["a" * 50] * 5)[:253] + "a")
