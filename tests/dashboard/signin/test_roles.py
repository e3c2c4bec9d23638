import pytest

from dashboard.signin.roles import NAME, Person, Role, role_of, scope_of

METRICS: dict[Role, tuple[str, ...]] = {"viewer": ("shop.*", "host.cpu"), "editor": ("*",), "admin": ("*",)}


@pytest.mark.parametrize(("role", "may"), [("viewer", [True, False, False]), ("admin", [True, True, True])])
def test_each_role_may_what_those_before_it_may(role: Role, may: list[bool]) -> None:
    person = Person("ana", role)
    assert [person.is_at_least("viewer"), person.is_at_least("editor"), person.is_at_least("admin")] == may


def test_a_scope_subscribes_and_never_publishes() -> None:
    assert scope_of("viewer", METRICS) == "subscribe:shop.* subscribe:host.cpu"
    assert scope_of("editor", METRICS) == "subscribe:*"
    assert scope_of("admin", METRICS) == "subscribe:* admin"


def test_what_is_no_role() -> None:
    assert role_of("admin") == "admin"
    assert role_of("root") is None


@pytest.mark.parametrize("name", ["ana", "ana@example.org", "a+b", "7"])
def test_names(name: str) -> None:
    assert NAME.fullmatch(name)


@pytest.mark.parametrize("name", ["", "a,b", "a:b", "a b", ".a", "a\n", "a" * 65, "é"])
def test_what_is_no_name(name: str) -> None:
    assert not NAME.fullmatch(name)
