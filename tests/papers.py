"""Certificates for tests, and peers that speak TLS over a socket when told, and not before."""

import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import trio
import trustme

HOSTS = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True)
class Papers:
    """PEM files, and what a broadcaster is told of them."""

    certificate: str
    key: str
    authority: str

    @property
    def settings(self) -> dict[str, str]:
        return {"tls_certificate": self.certificate, "tls_key": self.key}

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.authority)


@cache
def authority(name: str) -> trustme.CA:
    return trustme.CA(organization_name=name)


def papers(folder: Path, *hosts: str, by: str = "ours") -> Papers:
    """A new certificate, written over the one before."""
    issued = authority(by).issue_cert(*(hosts or HOSTS))
    made = Papers(*(str(folder / name) for name in ("certificate.pem", "key.pem", f"{by}.pem")))
    issued.cert_chain_pems[0].write_to_path(made.certificate)
    issued.private_key_pem.write_to_path(made.key)
    authority(by).cert_pem.write_to_path(made.authority)
    return made


class SealedSocket:
    """The client's side of TLS over a non-blocking socket, in the shape of one."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self.sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=HOSTS[0])
        self._plain = b""

    def fileno(self) -> int:
        return self.sock.fileno()

    def shake(self) -> bool:
        """As far as it goes; True when it is done."""
        with suppress(BlockingIOError):
            self._incoming.write(self.sock.recv(65_536))
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            self.sock.send(self._outgoing.read())
        return True

    def send(self, data: bytes) -> int:
        return self.sock.send(self.encrypt(data))

    def encrypt(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self.take()

    def take(self) -> bytes:
        """What is to be sent."""
        return self._outgoing.read()

    def recv(self, size: int) -> bytes:
        """b"" if the end was announced. Raises BlockingIOError, and EOFError if it came without."""
        if not self._plain:
            self._decrypt()
            if not self._plain:
                came = self.sock.recv(65_536)
                if not came:
                    raise EOFError
                self._incoming.write(came)
                if not self._decrypt():
                    return b""
        if not self._plain:
            raise BlockingIOError
        data, self._plain = self._plain[:size], self._plain[size:]
        return data

    def _decrypt(self) -> bool:
        """False at the announced end."""
        try:
            while data := self.tls.read(16_384):
                self._plain += data
        except ssl.SSLWantReadError:
            return True
        return bool(self._plain)

    def say_end(self) -> None:
        with suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        self.sock.send(self._outgoing.read())

    def close(self) -> None:
        self.sock.close()


class SealedTrioSocket:
    """A SealedSocket that waits."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        sock.setblocking(False)
        self._sealed = SealedSocket(sock, context)

    async def shake(self) -> None:
        while not self._sealed.shake():
            await trio.lowlevel.wait_readable(self._sealed.sock)

    async def send(self, data: bytes) -> int:
        ciphertext = self._sealed.encrypt(data)
        while ciphertext:
            await trio.lowlevel.wait_writable(self._sealed.sock)
            ciphertext = ciphertext[self._sealed.sock.send(ciphertext) :]
        return len(data)

    async def recv(self, size: int) -> bytes:
        while True:
            try:
                return self._sealed.recv(size)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._sealed.sock)
            except EOFError:
                return b""

    def close(self) -> None:
        if (number := self._sealed.fileno()) >= 0:
            trio.lowlevel.notify_closing(number)
        self._sealed.close()

    def __enter__(self) -> "SealedTrioSocket":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
