import os
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ingest.errors import CommandError, extra
from ingest.settings import Address, HttpUrl, WebSocketUrl, load, refuse_exposed

TOO_MUCH = "expected at most 9223372036854775807"


class Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    bind: Address = Address("127.0.0.1", 8765)
    http_bind: Address = Address("127.0.0.1", 8766)
    broadcaster: WebSocketUrl = "ws://127.0.0.1:8765"
    site: HttpUrl = "http://127.0.0.1:8766"
    rate_hz: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    rows: int = Field(default=10, ge=1, le=100)
    count: int = 0
    overflow: Literal["conflate", "drop_oldest"] = "conflate"
    origins: tuple[str, ...] = ()
    quiet: bool = False
    directory: Path | None = None
    source: str = Field("nowhere", alias="from", max_length=20)

    @model_validator(mode="after")
    def _apart(self) -> "Config":
        if self.bind == self.http_bind:
            raise ValueError("bind and http_bind: expected two different addresses")
        return self


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("STREAMGAUGE_"):
            monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "streamgauge.toml"


def refusal(flags: dict[str, object] | None = None, file: Path | None = None) -> str:
    with pytest.raises(CommandError) as caught:
        load("broadcaster", Config, flags or {}, str(file) if file else None)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_defaults_are_the_models() -> None:
    assert load("broadcaster", Config, {}) == Config()


def test_flags_beat_the_environment_which_beats_the_file(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_text("[broadcaster]\nrows = 1\nrate_hz = 1.5\nquiet = true\n")
    monkeypatch.setenv("STREAMGAUGE_BROADCASTER_ROWS", "2")
    monkeypatch.setenv("STREAMGAUGE_BROADCASTER_RATE_HZ", "2.5")
    config = load("broadcaster", Config, {"rows": 3, "rate_hz": None, "bind": "[::1]:0"}, str(file))
    assert (config.rows, config.rate_hz, config.quiet) == (3, 2.5, True)
    assert config.bind == Address("::1", 0)


def test_the_environment_can_name_the_file(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_text("[broadcaster]\nrows = 7\n[watch]\nrows = 'left to watch'\n")
    monkeypatch.setenv("STREAMGAUGE_CONFIG", str(file))
    assert load("broadcaster", Config, {}).rows == 7


def test_lists_are_written_with_commas_in_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMGAUGE_BROADCASTER_ORIGINS", "https://a.example, https://b.example")
    assert load("broadcaster", Config, {}).origins == ("https://a.example", "https://b.example")


def test_variables_of_other_sections_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMGAUGE_DASHBOARD_TITLE", "Ours")
    assert load("broadcaster", Config, {}) == Config()


def test_a_setting_may_have_a_name_that_python_reserves(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_text("[broadcaster]\nfrom = 'the file'\n")
    assert load("broadcaster", Config, {}, str(file)).source == "the file"
    monkeypatch.setenv("STREAMGAUGE_BROADCASTER_FROM", "the environment")
    assert load("broadcaster", Config, {}, str(file)).source == "the environment"
    assert load("broadcaster", Config, {"from": "a flag"}, str(file)).source == "a flag"
    assert refusal({"from": "x" * 21}).startswith("--from: expected at most 20 characters, got ")


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("BIND", "foo", 'expected HOST:PORT, got "foo"'),
        ("BIND", "127.0.0.1:65536", 'expected HOST:PORT, got "127.0.0.1:65536"'),
        ("BIND", "::1:80", 'expected HOST:PORT, got "::1:80"'),
        ("BIND", "[::zz]:80", 'expected [IPV6-ADDRESS]:PORT, got "[::zz]:80"'),
        ("BIND", "a..b:1", 'expected a host with 1 to 63 characters between its dots, got "a..b:1"'),
        ("SITE", "http://.x:1", 'expected a host with 1 to 63 characters between its dots, got "http://.x:1"'),
        ("BROADCASTER", "ws://a..b", 'expected a host with 1 to 63 characters between its dots, got "ws://a..b"'),
        ("BROADCASTER", "http://x:1", 'expected a URL such as ws://HOST:PORT, got "http://x:1"'),
        ("BROADCASTER", "ws://x:99999", 'expected a URL such as ws://HOST:PORT, got "ws://x:99999"'),
        ("SITE", "localhost:8766", 'expected a URL such as http://HOST:PORT, got "localhost:8766"'),
        (
            "BROADCASTER",
            "ws://me:secret@x:1",
            'expected a URL such as ws://HOST:PORT without credentials, query or fragment, got "ws://***@x:1"',
        ),
        ("RATE_HZ", "fast", 'expected a number, got "fast"'),
        ("RATE_HZ", "inf", 'expected a finite number, got "inf"'),
        ("RATE_HZ", "0", 'expected more than 0, got "0"'),
        ("ROWS", "1.5", 'expected a whole number, got "1.5"'),
        ("ROWS", "101", 'expected at most 100, got "101"'),
        ("ROWS", "", 'expected a whole number, got ""'),
        ("OVERFLOW", "drop", "expected 'conflate' or 'drop_oldest', got \"drop\""),
        ("QUIET", "maybe", 'expected true or false, got "maybe"'),
    ],
)
def test_a_bad_variable_is_named_with_what_was_expected(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    name = f"STREAMGAUGE_BROADCASTER_{variable}"
    monkeypatch.setenv(name, value)
    assert refusal() == f"{name}: {message}"


def test_a_bad_flag_is_named_as_a_flag() -> None:
    assert refusal({"http_bind": "8766"}) == '--http-bind: expected HOST:PORT, got "8766"'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[broadcaster]\nrows = 'x'", 'broadcaster.rows: expected a whole number, got "x"'),
        ("[broadcaster]\nbind = 8765", "broadcaster.bind: expected HOST:PORT, got 8765"),
        ("[broadcaster]\nquiet = 7", "broadcaster.quiet: expected true or false, got 7"),
        ("[broadcaster]\nrows = true", "broadcaster.rows: expected a number, got true"),
        ("[broadcaster]\nrate_hz = true", "broadcaster.rate_hz: expected a number, got true"),
        ("[broadcaster]\ncount = 9223372036854775808", f"broadcaster.count: {TOO_MUCH}, got 9223372036854775808"),
        ('[broadcaster]\ndirectory = ""', 'broadcaster.directory: expected a path, got ""'),
        ('[broadcaster]\nfrom = "a\\u0000b"', 'broadcaster.from: expected text without a NUL, got "a\0b"'),
        ("[broadcaster]\norigins = true", "broadcaster.origins: expected a list, got true"),
        ("[broadcaster]\nrow = 1", "broadcaster.row: unknown key; did you mean rows?"),
        ("[server]\nrows = 1", "server: unknown table, expected one of broadcaster, dashboard, push, watch, demo"),
        ("broadcaster = 1", "broadcaster: expected a table [broadcaster], got 1"),
    ],
)
def test_the_file_is_refused_by_table_and_key(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    assert refusal(file=file) == f"{file}: {message}"


def test_a_file_that_is_no_toml(file: Path) -> None:
    file.write_text("[broadcaster\n")
    assert refusal(file=file).startswith(f"{file}: expected TOML: ")
    file.write_bytes(b"\xff\xfe")
    assert refusal(file=file).startswith(f"{file}: expected TOML: ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"rows = {'9' * 5_000}", "Exceeds the limit (4300 digits)"),
        (f"rows = {'[' * 5_000}{']' * 5_000}", "nested too deeply"),
    ],
)
def test_a_file_that_pythons_own_reader_does_not_survive(file: Path, text: str, problem: str) -> None:
    file.write_text(f"[broadcaster]\n{text}\n")
    assert refusal(file=file).startswith(f"{file}: expected TOML: {problem}")


def test_a_file_that_cannot_be_reached(file: Path) -> None:
    file.symlink_to(file)
    assert refusal(file=file) == f"{file}: cannot be read: Too many levels of symbolic links"
    assert refusal(file=file.parent) == f"{file.parent}: expected an ordinary file with settings"


def test_an_empty_name_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match=r'^--config: expected a file, got ""$'):
        load("broadcaster", Config, {}, "")
    monkeypatch.setenv("STREAMGAUGE_CONFIG", "")
    assert refusal() == 'STREAMGAUGE_CONFIG: expected a file, got ""'


def test_an_empty_variable_is_no_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMGAUGE_BROADCASTER_DIRECTORY", "")
    assert refusal() == 'STREAMGAUGE_BROADCASTER_DIRECTORY: expected a path, got ""'


def test_a_file_that_is_not_there(file: Path) -> None:
    assert refusal(file=file) == f"{file}: no such configuration file"


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMGAUGE_BROADCASTER_BINDD", "127.0.0.1:1")
    assert refusal() == (
        "STREAMGAUGE_BROADCASTER_BINDD: unknown environment variable; did you mean STREAMGAUGE_BROADCASTER_BIND?"
    )


def test_settings_that_do_not_go_together_say_so() -> None:
    assert refusal({"bind": "127.0.0.1:1", "http_bind": "127.0.0.1:1"}) == (
        "settings: bind and http_bind: expected two different addresses"
    )


@pytest.mark.parametrize("text", ["127.0.0.1:8765", "[::1]:0", "localhost:80", "broadcaster.internal:8765"])
def test_an_address_reads_as_it_was_written(text: str) -> None:
    assert str(Address.parse(text)) == text
    assert Config.model_validate({"bind": text}).model_dump(mode="json")["bind"] == text


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("127.0.0.1:1", True),
        ("127.9.9.9:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("192.168.1.2:1", False),
        ("myhost:1", False),
    ],
)
def test_only_loopback_may_be_bound_without_saying_so(text: str, loopback: bool) -> None:
    address = Address.parse(text)
    assert address.is_loopback is loopback
    refuse_exposed("--bind", address, insecure=True)
    if loopback:
        refuse_exposed("--bind", address, insecure=False)
        return
    with pytest.raises(CommandError, match=r"^--bind: .* can be reached from other machines.*--insecure"):
        refuse_exposed("--bind", address, insecure=False)


def test_a_missing_extra_is_named() -> None:
    with (
        pytest.raises(CommandError, match=r"^needs the 'push' extra: pip install 'streamgauge\[push\]'$"),
        extra("push"),
    ):
        raise ModuleNotFoundError("No module named 'psutil'", name="psutil")


def test_a_module_of_ours_that_is_missing_is_a_bug_and_not_an_extra() -> None:
    with pytest.raises(ModuleNotFoundError), extra("push"):
        raise ModuleNotFoundError("No module named 'ingest.nowhere'", name="ingest.nowhere")
