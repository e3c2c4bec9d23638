import pytest

from broadcaster.origins import Doorkeeper


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, None, ()),
        ("http://localhost:8050", "metrics.example:8765", ()),
        ("http://app.localhost:8050", None, ()),
        ("http://127.0.0.1:8050", None, ()),
        ("http://[::1]:8050", None, ()),
        ("https://metrics.example", "metrics.example:8765", ()),
        ("https://other.example", "metrics.example", ("https://other.example",)),
        ("https://any.example", "metrics.example", ("*",)),
    ],
)
def test_allowed_pages(origin: str | None, host: str | None, allowed: tuple[str, ...]) -> None:
    assert Doorkeeper(origins=allowed).problem(origin, host) is None


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://other.example", "metrics.example"),
        ("https://other.example", None),
        ("https://localhost.other.example", "metrics.example"),
        ("null", "metrics.example"),
        ("http://[", "metrics.example"),
        ("", ""),
    ],
)
def test_refused_pages(origin: str, host: str | None) -> None:
    problem = Doorkeeper(origins=("https://third.example",)).problem(origin, host)
    assert problem is not None and problem.startswith("Origin: ")


@pytest.mark.parametrize(
    "host", [None, "localhost", "localhost:8765", "LOCALHOST", "127.0.0.1:8765", "[::1]:8765", "a.localhost"]
)
def test_names_of_loopback(host: str | None) -> None:
    assert Doorkeeper(local=True).problem(None, host) is None
    assert Doorkeeper(hosts=("metrics.example",)).problem(None, host) is None


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "localhost.evil.example", "192.0.2.1", "[", ""])
def test_a_name_that_somebody_points_at_loopback(host: str) -> None:
    """The page is of the very host that it asks, which is what DNS rebinding is."""
    keeper = Doorkeeper(local=True, hosts=("metrics.example",))
    assert f"Host: {host} is not a name" in (keeper.problem(f"http://{host}", host) or "")
    assert keeper.problem(None, host)
    assert Doorkeeper(hosts=("metrics.example",)).problem(None, host)


def test_names_of_the_settings() -> None:
    assert Doorkeeper(local=True, hosts=("metrics.example",)).problem(None, "Metrics.Example:443") is None
    assert Doorkeeper(local=True, hosts=("*",)).problem(None, "any.example") is None
    assert Doorkeeper().problem(None, "any.example") is None
