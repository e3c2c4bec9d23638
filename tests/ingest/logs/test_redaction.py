import pytest

from ingest.logs.redaction import redact, redact_fields

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2VjcmV0c2VjcmV0"


@pytest.mark.parametrize(
    "text",
    [
        JWT,
        f"bad token {JWT}, sorry",
        f"bearer.{JWT}",
        "Authorization: Bearer s3cret",
        "authorization: Basic s3cret",
        "Sec-WebSocket-Protocol: streamgauge.v1, bearer.s3cret",
        "GET /v1/stream?token=s3cret&x=1",
        "https://me:s3cret@example.org/hook",
        "[(b'authorization', b'Bearer s3cret')]",
        "{'Cookie': 'session=s3cret; other=s3cret'}",
        '{"type":"authenticate","token":"s3cret"}',
        '{"password": "s3cret", "n": 1}',
        "password=s3cret",
        "api-key=s3cret",
    ],
)
def test_credentials_in_a_text_are_hidden(text: str) -> None:
    shown = redact(text)
    assert "s3cret" not in shown and "eyJ" not in shown and "c2VjcmV0" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "text",
    [
        "connection opened",
        "127.0.0.1:5000: no such endpoint; streams are at /v1/stream",
        "the token expired or was revoked",
        "tokens: 3 of 5",
        "https://example.org/a@b",
        'samples[3].value: expected a finite number or null, got "abc"',
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert redact(text) == text


def test_fields_are_hidden_by_their_name_and_what_is_in_them_by_its_look() -> None:
    fields = {"token": "abc", "Authorization": b"abc", "count": 3, "nothing": None, "lines": ["a", f"b {JWT}"]}
    shown = redact_fields({**fields, "headers": {"cookie": "abc"}, "ok": True, "error": ValueError(JWT)})
    assert shown == {
        "token": "***",
        "Authorization": "***",
        "count": 3,
        "nothing": None,
        "lines": ["a", "b ***"],
        "headers": {"cookie": "***"},
        "ok": True,
        "error": "***",
    }
