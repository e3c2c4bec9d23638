import threading
import time
from pathlib import Path

import pytest

from dashboard.config import DashboardConfig
from dashboard.signin import attempts, passwords
from dashboard.signin import door as module
from dashboard.signin.door import Asking, Door, NotSignedIn
from dashboard.signin.roles import Person
from tests.dashboard.signin.conftest import PASSWORD, Configured


def asking(peer: str = "192.0.2.1", cookie: str | None = None, **headers: str) -> Asking:
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Asking(peer, lambda name: named.get(name.lower(), ""), cookie)


def refused(door: Door, by: Asking, name: str, password: str) -> NotSignedIn:
    with pytest.raises(NotSignedIn) as caught:
        door.sign_in(by, name, password)
    return caught.value


def person(door: Door, by: Asking) -> Person | None:
    found = door.person(by)
    return None if found is None else found[0]


def test_a_password_opens_a_session(configured: Configured) -> None:
    door = Door(configured())
    assert person(door, asking()) is None
    id = door.sign_in(asking(), "editor", PASSWORD)
    assert person(door, asking(cookie=id)) == Person("editor", "editor")
    door.sign_out(asking(cookie=id))
    assert person(door, asking(cookie=id)) is None


def test_signing_in_ends_the_session_before(configured: Configured) -> None:
    door = Door(configured())
    first = door.sign_in(asking(), "editor", PASSWORD)
    second = door.sign_in(asking(cookie=first), "admin", PASSWORD)
    assert first != second
    assert person(door, asking(cookie=first)) is None
    assert person(door, asking(cookie=second)) == Person("admin", "admin")


@pytest.mark.parametrize(
    ("name", "password"),
    [("editor", "wrong"), ("nobody", PASSWORD), ("", ""), ("editor", ""), ("a b", PASSWORD), ("editor", "x" * 5000)],
)
def test_whatever_is_wrong_the_answer_is_the_same(configured: Configured, name: str, password: str) -> None:
    error = refused(Door(configured()), asking(), name, password)
    assert (error.status, error.message) == (401, "That name and password do not belong together.")


def test_it_is_verified_whatever_the_name(configured: Configured, monkeypatch: pytest.MonkeyPatch) -> None:
    door, asked = Door(configured()), []
    verify = passwords.verify

    def counted(account: passwords.Account, password: str) -> bool:
        asked.append(account.name)
        return verify(account, password)

    monkeypatch.setattr(passwords, "verify", counted)
    for name in ("editor", "nobody", "a b", ""):
        refused(door, asking(), name, "wrong")
    assert asked == ["editor", "", "", ""]


def test_too_many_attempts_of_a_name_wait(configured: Configured, caplog: pytest.LogCaptureFixture) -> None:
    door = Door(configured(signin_attempts=3, signin_attempts_s=120))
    for number in range(3):
        refused(door, asking(f"192.0.2.{number}"), "editor", "wrong")
    error = refused(door, asking("192.0.2.9"), "editor", PASSWORD)
    assert (error.status, error.retry_s) == (429, 120)
    assert error.message == "Too many attempts. Try again in 2 minutes."
    assert person(door, asking(cookie=door.sign_in(asking("192.0.2.9"), "admin", PASSWORD))) is not None


def test_behind_a_proxy_each_viewer_has_attempts_of_their_own(configured: Configured) -> None:
    door = Door(configured(signin_attempts=2, trusted_proxies=["10.0.0.0/8"]))
    for number in range(2):
        refused(door, asking("10.0.0.1", x_forwarded_for="198.51.100.1"), f"x{number}", "wrong")
    assert refused(door, asking("10.0.0.1", x_forwarded_for="198.51.100.1"), "y", "wrong").status == 429
    assert refused(door, asking("10.0.0.1", x_forwarded_for="198.51.100.2"), "z", "wrong").status == 401
    assert refused(door, asking("10.0.0.1", x_forwarded_for="6.6.6.6, 198.51.100.1"), "y", "wrong").status == 429


def test_a_changed_account_ends_its_sessions(configured: Configured, accounts: Path) -> None:
    door = Door(configured())
    ids = {name: door.sign_in(asking(), name, PASSWORD) for name in ("viewer", "editor", "admin")}
    lines = accounts.read_text().splitlines()
    kept = next(line for line in lines if line.startswith("editor:"))
    renewed = f"viewer:{passwords.hasher.hash(PASSWORD)}:viewer"
    accounts.write_text(f"{kept.removesuffix('editor')}admin\n{renewed}\n# and so that the size differs\n")
    assert person(door, asking(cookie=ids["viewer"])) is None, "another password, though the same text"
    assert person(door, asking(cookie=ids["admin"])) is None, "away"
    assert person(door, asking(cookie=ids["editor"])) == Person("editor", "admin"), "the role at once"


def test_only_few_are_verified_at_once_and_few_wait(configured: Configured, monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door(configured(signin_attempts=1000))
    may_end, running, most = threading.Event(), 0, 0
    lock = threading.Lock()

    def slow(account: passwords.Account, password: str) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        may_end.wait(10)
        with lock:
            running -= 1
        return False

    monkeypatch.setattr(passwords, "verify", slow)
    statuses: list[int] = []

    def attempt(number: int) -> None:
        try:
            door.sign_in(asking(), f"name{number}", "wrong")
        except NotSignedIn as error:
            statuses.append(error.status)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    bound = time.monotonic() + 10
    while statuses.count(503) < 30 - module.VERIFYING - module.WAITING:
        assert time.monotonic() < bound, statuses
        time.sleep(0.001)
    may_end.set()
    for thread in threads:
        thread.join(10)
    assert most == module.VERIFYING
    assert statuses.count(503) == 20
    assert statuses.count(401) == 10


def test_many_of_one_address_with_the_right_password_wait_for_a_moment_only(
    configured: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(configured(signin_attempts=2))
    told = list[tuple[int, int | None]]()

    def first(account: passwords.Account, password: str) -> bool:
        monkeypatch.setattr(passwords, "verify", second)
        door.sign_in(asking(), "admin", PASSWORD)
        return True

    def second(account: passwords.Account, password: str) -> bool:
        error = refused(door, asking(), "viewer", PASSWORD)
        told.append((error.status, error.retry_s))
        return True

    monkeypatch.setattr(passwords, "verify", first)
    door.sign_in(asking(), "editor", PASSWORD)
    assert told == [(503, 2)]
    monkeypatch.setattr(passwords, "verify", lambda account, password: False)
    assert [refused(door, asking(), "admin", "wrong").status for _ in range(3)] == [401, 401, 429]


def test_a_place_that_was_not_to_be_had_is_no_failure(configured: Configured) -> None:
    door = Door(configured(signin_attempts=1))
    held = module.VERIFYING + module.WAITING
    assert all(door._places.acquire(blocking=False) for _ in range(held))
    assert [refused(door, asking(), "editor", PASSWORD).status for _ in range(3)] == [503, 503, 503]
    door._places.release(held)
    assert person(door, asking(cookie=door.sign_in(asking(), "editor", PASSWORD))) is not None


def test_too_many_failures_of_all_together_are_told(configured: Configured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "KEPT", 2)
    door = Door(configured())
    refused(door, asking("192.0.2.1"), "nobody", "wrong")
    error = refused(door, asking("192.0.2.2"), "editor", PASSWORD)
    assert (error.status, error.retry_s) == (503, 300)
    assert error.message == "Too many sign-ins failed lately. Try again in 5 minutes."


def proxied(**settings: object) -> DashboardConfig:
    named = {"proxy_user_header": "X-Forwarded-User", "proxy_role_header": "X-Role", "trusted_proxies": ["10.0.0.1"]}
    return DashboardConfig.model_validate({**named, **settings})


@pytest.mark.parametrize(
    ("role", "found"),
    [("admin", "admin"), ("", "viewer"), ("root", "viewer"), ("viewer,admin", "viewer"), ("Editor", "editor")],
)
def test_a_trusted_proxy_says_who_is_there(role: str, found: str) -> None:
    door = Door(proxied())
    who = person(door, asking("10.0.0.1", x_forwarded_user="ana@example.org", x_role=role))
    assert who is not None
    assert (who.name, who.role, who.by_proxy) == ("ana@example.org", found, True)


@pytest.mark.parametrize(
    ("peer", "user"),
    [("10.0.0.2", "ana"), ("127.0.0.1", "ana"), ("10.0.0.1", ""), ("10.0.0.1", "ana,eve"), ("10.0.0.1", "a\x00")],
)
def test_nobody_else_is_believed(peer: str, user: str) -> None:
    assert person(Door(proxied()), asking(peer, x_forwarded_user=user, x_role="admin")) is None


def test_without_role_header_whoever_sends_one_is_a_viewer() -> None:
    who = person(Door(proxied(proxy_role_header="")), asking("10.0.0.1", x_forwarded_user="ana", x_role="admin"))
    assert who == Person("ana", "viewer", by_proxy=True)


def test_without_passwords_nobody_signs_in_here() -> None:
    assert refused(Door(proxied()), asking(), "ana", PASSWORD).status == 403


def test_the_log_tells_who_and_never_what_was_typed(configured: Configured, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    door = Door(configured())
    refused(door, asking(), "my-password-by-mistake", "typed-secret")
    id = door.sign_in(asking(), "editor", PASSWORD)
    door.sign_out(asking(cookie=id))
    assert [record.message for record in caplog.records] == [
        "sign-in: wrong name or password",
        "signed in",
        "signed out",
    ]
    told = repr([vars(record) for record in caplog.records])
    for secret in ("my-password", "typed-secret", PASSWORD, id):
        assert secret not in told
    assert "192.0.2.1" in told
