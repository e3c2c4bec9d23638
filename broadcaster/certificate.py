"""The certificate that both ports show, read again when its files change."""

import logging
import os
import ssl
from pathlib import Path

from broadcaster.complaint import Complaint
from broadcaster.config import BroadcasterConfig
from ingest.errors import CommandError

log = logging.getLogger("streamgauge.broadcaster")

PROTOCOLS = ["http/1.1"]  # a WebSocket begins as HTTP/1.1, so nothing else is offered

State = tuple[tuple[int, int, int], ...] | None


class Certificate:
    """A certificate chain and its key, two files in PEM. `context` is what a new connection is served with."""

    def __init__(self, certificate: str, key: str) -> None:
        """Raises CommandError, which names the file and what is wrong with it."""
        self._files = certificate, key
        self._used = self._state()
        self._complaint = Complaint()
        self.context = load(certificate, key)
        self.outgoing = ssl.MemoryBIO()  # what OpenSSL writes to, for all connections of one listener; see TlsPipe

    def _state(self) -> State:
        """What tells one version of the files from another; None if one is away."""
        try:
            found = [os.stat(path) for path in self._files]
        except OSError:
            return None
        return tuple((each.st_mtime_ns, each.st_size, each.st_ino) for each in found)

    def refresh(self) -> None:
        """Takes changed files into use. Broken ones are logged once, and what was read before stays in use.

        To be called again and again: one file is written before the other, so files that do not work are complained
        of when they are found unchanged the next time. They are tried again: a permission that is given later does not
        change a file.
        """
        state = self._state()
        if state == self._used:
            return
        try:
            self.context = load(*self._files)
        except CommandError as error:
            if self._complaint.is_due((state, str(error))):
                log.error("the new certificate is not used, the one before it stays: %s", error)
        else:
            self._used = state
            self._complaint.settle()
            log.warning("a new certificate is in use: %s", self._files[0])

    def itself(self) -> ssl.SSLContext:
        """For a client in the same process: believes this certificate, whoever issued it to whatever name."""
        context = ssl.create_default_context(cafile=self._files[0])
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context


def certificate_of(config: BroadcasterConfig) -> Certificate | None:
    """None without the settings. Raises CommandError for files that cannot be used."""
    if config.tls_certificate is None or config.tls_key is None:
        return None
    return Certificate(config.tls_certificate, config.tls_key)


def load(certificate: str, key: str) -> ssl.SSLContext:
    """Raises CommandError."""
    _check("--tls-certificate", certificate, b"CERTIFICATE", "certificate")
    _check("--tls-key", key, b"PRIVATE KEY", "private key")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(PROTOCOLS)
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CommandError(f"--tls-key: {key} is not the key of the certificate {certificate}") from None
        raise CommandError(f"--tls-certificate: {certificate}, --tls-key: {key}: damaged: {error}") from None
    return context


def _check(name: str, path: str, kind: bytes, what: str) -> None:
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise CommandError(f"{name}: {path}: {error.strerror}") from None
    if b"-----BEGIN " not in text or kind + b"-----" not in text:
        raise CommandError(f"{name}: {path}: expected a {what} in PEM")


def _no_passphrase() -> str:
    raise CommandError("--tls-key: expected a key without a passphrase: there is nobody to ask for it")
