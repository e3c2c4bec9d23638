import pytest

from dashboard.signin.origin import address_of, is_in, is_own, networks, safe_next

PROXIES = networks(("10.0.0.0/8", "::1/128"))


@pytest.mark.parametrize(
    ("origin", "public_url", "own"),
    [
        ("https://m.example", None, True),
        ("https://M.example", None, True),
        ("http://m.example", None, False),
        ("https://m.example:444", None, False),
        ("https://evil.example", None, False),
        ("null", None, False),
        (None, None, False),
        ("", None, False),
        ("https://m.example", "https://public.example/x", False),
        ("https://public.example", "https://public.example/x", True),
    ],
)
def test_only_the_own_page_changes_anything(origin: str | None, public_url: str | None, own: bool) -> None:
    assert is_own(origin, scheme="https", host="m.example", public_url=public_url) is own


@pytest.mark.parametrize("text", ["/", "/?filter=shop&from=1.5", "/connections?sort=-rate", "/embed?metric=a%2F%2Fb"])
def test_where_to_go_after_signing_in(text: str) -> None:
    assert safe_next(text) == text


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "/\n/evil.example",
        "/a\r\nSet-Cookie: x",
        "/a\\b",
        "/" + "a" * 4000,
        "/signin?next=/signin",
        "/signout",
        "/api/token",
    ],
)
def test_nobody_is_sent_elsewhere(text: str | None) -> None:
    assert safe_next(text) == "/"


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),  # it is no proxy: what it says is not believed
        ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.9, 10.0.0.2", "198.51.100.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "nonsense", "nonsense"),
    ],
)
def test_who_asks_through_proxies(peer: str, forwarded: str, address: str) -> None:
    assert address_of(peer, forwarded, PROXIES) == address


@pytest.mark.parametrize(("host", "trusted"), [("10.9.9.9", True), ("11.0.0.1", False), ("::1", True), ("x", False)])
def test_networks(host: str, trusted: bool) -> None:
    assert is_in(host, PROXIES) is trusted
