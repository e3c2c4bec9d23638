import argon2
import pytest
from argon2.exceptions import VerifyMismatchError

from dashboard.signin import passwords
from dashboard.signin.passwords import Account, PasswordError, cost, decoys, parse, verify, write

HASH = argon2.PasswordHasher(1, 8, 1).hash("correct horse")


def test_a_file_is_accounts_by_name() -> None:
    found = parse(f"# remark\n\nana:{HASH}:admin\nvi:{HASH}:viewer\n")
    assert found == {"ana": Account("ana", HASH, "admin"), "vi": Account("vi", HASH, "viewer")}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("ana", "line 2: expected NAME:ARGON2-HASH:ROLE"),
        (f"a b:{HASH}:admin", "line 2: name: expected"),
        (f"ana:{HASH}:root", "line 2: role: expected one of viewer, editor, admin"),
        ("ana:secret-in-clear:admin", "line 2: hash: expected one of argon2"),
        (f"vi:{HASH}:admin", "line 2: vi is there twice"),
        (
            f"ana:{argon2.PasswordHasher(1, 8, 1, type=argon2.Type.I).hash('x')}:admin",
            "line 2: hash: expected argon2id",
        ),
    ],
)
def test_a_line_that_is_wrong_is_named_without_its_secret(line: str, problem: str) -> None:
    with pytest.raises(PasswordError) as caught:
        parse(f"vi:{HASH}:viewer\n{line}\n")
    assert str(caught.value).startswith(problem)
    assert "secret" not in str(caught.value)
    assert HASH not in str(caught.value)


def test_writing_keeps_remarks_and_order() -> None:
    before = f"# ours\nvi:{HASH}:viewer\n\n# theirs\nana:{HASH}:admin\n"
    accounts = parse(before)
    assert write(accounts, before) == before
    del accounts["vi"]
    accounts["new"] = Account("new", HASH, "editor")
    assert write(accounts, before) == f"# ours\n\n# theirs\nana:{HASH}:admin\nnew:{HASH}:editor\n"
    assert parse(write(accounts, before)) == accounts


def test_a_password_is_right_or_not() -> None:
    account = Account("ana", HASH, "admin")
    assert verify(account, "correct horse")
    assert not verify(account, "correct horse ")
    assert not verify(account, "")


def test_decoys_cost_what_the_others_cost_and_have_no_password() -> None:
    costly = argon2.PasswordHasher(2, 32, 4).hash("x")
    accounts = {
        name: Account(name, hashed, "admin") for name, hashed in (("ana", costly), ("ben", HASH), ("cem", costly))
    }
    found = decoys(accounts)
    assert list(found) == [cost(costly), cost(HASH)] == [(32, 2, 4), (8, 1, 1)]
    for each, decoy in found.items():
        assert cost(decoy.hash) == each
        assert argon2.extract_parameters(decoy.hash) == argon2.extract_parameters(costly if each[0] == 32 else HASH)
        with pytest.raises(VerifyMismatchError):  # and not because it could not be read
            passwords.hasher.verify(decoy.hash, "")
    assert list(decoys({})) == [(8, 1, 1)]


def test_new_passwords_have_bounds() -> None:
    passwords.check_password("12345678")
    for wrong in ("1234567", "x" * 1025):
        with pytest.raises(PasswordError, match="expected 8 to 1024 characters"):
            passwords.check_password(wrong)


def test_what_is_written_by_default_is_argon2id_of_rfc_9106() -> None:
    default = argon2.PasswordHasher()
    assert (default.type, default.memory_cost, default.time_cost) == (argon2.Type.ID, 65_536, 3)
