"""Targets of the dashboard's sign-in: the password file, and headers that decide where a request comes from."""

from ipaddress import ip_network

from dashboard.signin import passwords
from dashboard.signin.origin import address_of, is_own, safe_next
from dashboard.signin.people import accounts_in

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$WmMyVmpjbVYwYzJWamNtVjBjMlZqY21WMA"
FILES = [f"# who may\n\nalice:{HASH}:admin\nbob:{HASH}:viewer\ncarol:{HASH}:editor\n".encode()]
HEADERS = [
    *(b"https://metrics.example", b"http://localhost:8050", b"/?dashboard=web-shop&window=30", b"//elsewhere.example"),
    *(
        b"10.0.0.5, 192.168.1.1",
        b"::1, fe80::1%eth0",
        b"::ffff:10.0.0.1",
        b"/\\elsewhere.example",
        b"http://[::1]:8050",
    ),
]
TRUSTED = (ip_network("10.0.0.0/8"), ip_network("::1/128"))


def password_file(data: bytes) -> None:
    try:
        accounts = accounts_in(data)
    except ValueError as error:
        assert HASH[30:] not in str(error)
        return
    assert passwords.parse(passwords.write(accounts, data.decode())) == accounts


def headers(data: bytes) -> None:
    text = data.decode("latin-1")
    is_own(text, scheme="http", host=text, public_url=None)
    is_own(text, scheme="https", host="metrics.example", public_url="https://metrics.example/")
    where = safe_next(text)
    assert where.startswith("/") and not where.startswith(("//", "/\\"))
    assert not set(where) & set("\r\n\0 ")
    assert len(address_of("10.0.0.1", text, TRUSTED)) <= 64
    assert address_of("192.0.2.1", text, TRUSTED) == "192.0.2.1"
