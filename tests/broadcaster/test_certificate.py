import logging
import os
import ssl
from pathlib import Path
from typing import Any

import pytest

from broadcaster.certificate import Certificate, certificate_of, load
from broadcaster.config import BroadcasterConfig
from ingest.errors import CommandError
from tests.papers import Papers, papers
from tests.starving import without_descriptors

LOG = "streamgauge.broadcaster"


def shown(context: ssl.SSLContext, trusting: ssl.SSLContext) -> dict[str, Any]:
    """The certificate that a client sees, whose handshake goes through memory."""
    there, here = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(there, here, server_side=True)
    client = trusting.wrap_bio(here, there, server_hostname="localhost")
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    found = client.getpeercert()
    assert found is not None
    return found


def serial(context: ssl.SSLContext, files: Papers) -> object:
    return shown(context, files.trusting())["serialNumber"]


def refused(files: Papers) -> str:
    with pytest.raises(CommandError) as raised:
        Certificate(files.certificate, files.key)
    return str(raised.value)


def test_without_settings_there_is_none() -> None:
    assert certificate_of(BroadcasterConfig()) is None


def test_files_are_named_that_cannot_be_used(tmp_path: Path) -> None:
    files = papers(tmp_path)
    os.remove(files.key)
    assert refused(files) == f"--tls-key: {files.key}: No such file or directory"
    Path(files.key).write_text("nothing")
    assert refused(files) == f"--tls-key: {files.key}: expected a private key in PEM"
    Path(files.certificate).write_text("nothing")
    assert refused(files) == f"--tls-certificate: {files.certificate}: expected a certificate in PEM"
    Path(files.certificate).unlink()
    Path(files.certificate).mkdir()
    assert refused(files) == f"--tls-certificate: {files.certificate}: Is a directory"


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    files = papers(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    Path(files.key).write_bytes(Path(papers(other).key).read_bytes())
    assert refused(files) == f"--tls-key: {files.key} is not the key of the certificate {files.certificate}"


@pytest.mark.parametrize("which", ["certificate", "key"])
def test_a_damaged_file_is_refused_in_one_line(which: str, tmp_path: Path) -> None:
    files = papers(tmp_path)
    path = Path(getattr(files, which))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1][::-1], *lines[2:]]) + "\n")
    assert "damaged" in refused(files) and "\n" not in refused(files)


def test_a_key_with_a_passphrase_is_refused_without_asking(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as form

    files = papers(tmp_path)
    key = form.load_pem_private_key(Path(files.key).read_bytes(), None)
    encryption = form.BestAvailableEncryption(b"secret")
    Path(files.key).write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, encryption))
    assert refused(files) == "--tls-key: expected a key without a passphrase: there is nobody to ask for it"


def test_a_new_certificate_is_taken_into_use(tmp_path: Path) -> None:
    files = papers(tmp_path)
    certificate = Certificate(files.certificate, files.key)
    first = serial(certificate.context, files)
    certificate.refresh()
    assert serial(certificate.context, files) == first
    papers(tmp_path)
    certificate.refresh()
    assert serial(certificate.context, files) != first


def test_a_client_in_the_same_process_believes_it_whatever_its_name(tmp_path: Path) -> None:
    files = papers(tmp_path, "metrics.example")
    certificate = Certificate(files.certificate, files.key)
    assert shown(certificate.context, certificate.itself())["subjectAltName"] == (("DNS", "metrics.example"),)
    other = tmp_path / "other"
    other.mkdir()
    stranger = papers(other)
    with pytest.raises(ssl.SSLCertVerificationError):
        shown(load(stranger.certificate, stranger.key), certificate.itself())


def test_a_broken_one_is_logged_once_and_the_old_one_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = papers(tmp_path)
    certificate = Certificate(files.certificate, files.key)
    first = serial(certificate.context, files)
    for broken in ("half", "nothing"):
        caplog.clear()
        Path(files.certificate).write_text(broken)
        for _ in range(5):
            certificate.refresh()
        assert [(record.name, record.levelno) for record in caplog.records] == [(LOG, logging.ERROR)]
        assert files.certificate in caplog.text
        assert serial(certificate.context, files) == first
    papers(tmp_path)
    certificate.refresh()
    assert serial(certificate.context, files) != first


def test_files_that_could_not_be_opened_are_used_when_they_can_be(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as a new key that its owner is allowed to read a minute later: that does not change it."""
    files = papers(tmp_path)
    certificate = Certificate(files.certificate, files.key)
    first = serial(certificate.context, files)
    papers(tmp_path)
    with without_descriptors():
        for _ in range(5):
            certificate.refresh()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    certificate.refresh()
    assert serial(certificate.context, files) != first


def test_files_that_are_written_one_after_the_other_are_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = papers(tmp_path)
    certificate = Certificate(files.certificate, files.key)
    first, key = serial(certificate.context, files), Path(files.key).read_bytes()
    papers(tmp_path)
    new = Path(files.key).read_bytes()
    Path(files.key).write_bytes(key)
    certificate.refresh()
    Path(files.key).write_bytes(new)
    certificate.refresh()
    assert serial(certificate.context, files) != first
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_files_that_vanish_leave_what_was_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = papers(tmp_path)
    certificate = Certificate(files.certificate, files.key)
    first = serial(certificate.context, files)
    Path(files.certificate).unlink()
    for _ in range(5):
        certificate.refresh()
    assert serial(certificate.context, files) == first
    assert len(caplog.records) == 1
