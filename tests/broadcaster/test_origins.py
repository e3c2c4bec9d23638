import pytest

from broadcaster.origins import origin_allowed


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
def test_allowed(origin: str | None, host: str | None, allowed: tuple[str, ...]) -> None:
    assert origin_allowed(origin, host, allowed)


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
def test_refused(origin: str, host: str | None) -> None:
    assert not origin_allowed(origin, host, ("https://third.example",))
