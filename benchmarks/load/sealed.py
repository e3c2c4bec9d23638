"""The load's side of TLS: a certificate for a run, subscribers that decrypt all they get, a publisher's socket."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import trustme

HOST = "127.0.0.1"
RECORD_BYTES = 16_384
HANDSHAKE_S = 10.0


@dataclass(frozen=True, slots=True)
class Papers:
    """PEM files."""

    certificate: str
    key: str
    authority: str


@contextmanager
def papers() -> Iterator[Papers]:
    """Those of a new authority, for loopback, gone afterwards."""
    authority = trustme.CA()
    issued = authority.issue_cert(HOST)
    with TemporaryDirectory() as folder:
        made = Papers(*(str(Path(folder) / name) for name in ("certificate.pem", "key.pem", "authority.pem")))
        issued.cert_chain_pems[0].write_to_path(made.certificate)
        issued.private_key_pem.write_to_path(made.key)
        authority.cert_pem.write_to_path(made.authority)
        yield made


class Opener:
    """TLS of all subscribers of one process: what OpenSSL reads from and writes to is empty after every call."""

    def __init__(self, authority: str, buffer_bytes: int) -> None:
        self.context = ssl.create_default_context(cafile=authority)
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.wire = memoryview(bytearray(buffer_bytes))


class Opened:
    """A subscriber's socket, of which `recv_into` gives plaintext. Everything of it is decrypted and authenticated."""

    __slots__ = ("_opener", "_sock", "_tls")

    def __init__(self, opener: Opener, sock: socket.socket) -> None:
        """A handshake, with the socket still blocking."""
        self._opener = opener
        self._sock = sock
        self._tls = opener.context.wrap_bio(opener.incoming, opener.outgoing, server_hostname=HOST)
        sock.settimeout(HANDSHAKE_S)
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                sock.sendall(opener.outgoing.read())
                opener.incoming.write(sock.recv(RECORD_BYTES))
            else:
                sock.sendall(opener.outgoing.read())
                return

    def send(self, data: bytes) -> None:
        self._tls.write(data)
        self._sock.sendall(self._opener.outgoing.read())

    def recv_into(self, buffer: bytearray) -> int | None:
        """0 at the end, None if no record is whole yet. Raises BlockingIOError.

        `buffer` must hold a record more than is read at once.
        """
        opener, read, view, size = self._opener, self._tls.read, memoryview(buffer), 0
        came = self._sock.recv_into(opener.wire)
        if not came:
            return 0
        opener.incoming.write(opener.wire[:came])
        try:
            while True:
                size += cast(int, read(RECORD_BYTES, view[size:]))  # of the bytes, as there is a buffer
        except ssl.SSLWantReadError:
            return size or None


class SealedSocket(ssl.SSLSocket):
    """Says that it would block as a plain socket does."""

    def send(self, data: bytes | memoryview, flags: int = 0) -> int:  # type: ignore[override]  # no other buffers here
        try:
            return super().send(data, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def recv(self, size: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(size, flags)
        except ssl.SSLWantReadError:
            raise BlockingIOError from None


def sealed(sock: socket.socket, authority: str) -> ssl.SSLSocket:
    """The socket of a publisher over TLS."""
    context = ssl.create_default_context(cafile=authority)
    context.sslsocket_class = SealedSocket
    return context.wrap_socket(sock, server_hostname=HOST)
