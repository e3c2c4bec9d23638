"""Where settings come from: flags, then the environment, then a TOML file, then defaults; the first that has it wins.

A setting is a field of a pydantic model, called by its alias if it has one. The field `http_bind` of section
`broadcaster` is the flag `--http-bind`, the variable `STREAMGAUGE_BROADCASTER_HTTP_BIND` and the key `http_bind` of the
file's table `[broadcaster]`. Whatever is refused is named the way the person wrote it.
"""

import difflib
import ipaddress
import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_origin
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, GetCoreSchemaHandler, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, core_schema
from pydantic_settings import BaseSettings, EnvSettingsSource, TomlConfigSettingsSource

from ingest.errors import CommandError
from ingest.hosts import check_host
from ingest.trust import trust

PREFIX = "STREAMGAUGE_"
CONFIG_VARIABLE = "STREAMGAUGE_CONFIG"
SECTIONS = ("broadcaster", "dashboard", "push", "watch", "demo")
WHOLE_MAX = 2**63 - 1  # what TOML's whole numbers go to, and what fits wherever a setting is put

M = TypeVar("M", bound=BaseModel)

_ADDRESS = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.%a-z]+)\]|(?P<host>[^\s:\[\]/@]+)):(?P<port>\d{1,5})")

# What pydantic calls an error -> what the person should have written; {names} are the error's own context.
_EXPECTED = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "tuple_type": "a list",
    "list_type": "a list",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "literal_error": "{expected}",
    "enum": "{expected}",
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: HOST:PORT, an IPv6 host in brackets; port 0 takes any free one. A pydantic field type."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Raises ValueError, which says what was expected."""
        match = _ADDRESS.fullmatch(text)
        if match is None or int(match["port"]) > 65535:
            raise ValueError("expected HOST:PORT")
        if match["ipv6"] and not _is_ipv6(match["ipv6"]):
            raise ValueError("expected [IPV6-ADDRESS]:PORT")
        check_host(match["ipv6"] or match["host"])
        return cls(match["ipv6"] or match["host"], int(match["port"]))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.partition("%")[0]).is_loopback
        except ValueError:
            return False

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def _validate(cls, value: object) -> "Address":
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise ValueError("expected HOST:PORT")
        return cls.parse(value)


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


def _url(text: str, schemes: tuple[str, str]) -> str:
    expected = f"expected a URL such as {schemes[0]}://HOST:PORT"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(expected) from None
    if parts.scheme not in schemes or not parts.hostname or port == 0 or re.search(r"\s", text):
        raise ValueError(expected)
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(f"{expected} without credentials, query or fragment")
    check_host(parts.hostname)
    return text.rstrip("/")


def websocket_url(text: str) -> str:
    """The text without a slash at its end; a ValueError says what was expected if it is no ws:// or wss:// URL."""
    return _url(text, ("ws", "wss"))


def http_url(text: str) -> str:
    """The text without a slash at its end; a ValueError says what was expected if it is no http(s):// URL."""
    return _url(text, ("http", "https"))


def authorities(path: str) -> str:
    """The path; a ValueError says what was expected if it is no PEM file with certificates."""
    trust(path)
    return path


AuthoritiesFile = Annotated[str, AfterValidator(authorities)]
WebSocketUrl = Annotated[str, AfterValidator(websocket_url)]
HttpUrl = Annotated[str, AfterValidator(http_url)]
LogFormat = Literal["logfmt", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


def refuse_exposed(name: str, address: Address, *, insecure: bool) -> None:
    """Safe by default: without credentials only this machine may connect, unless the person says otherwise.

    Raises:
        CommandError: `address` can be reached from other machines and `insecure` is false.
    """
    if not address.is_loopback and not insecure:
        raise CommandError(
            f"{name}: {address} can be reached from other machines and no credentials are configured; "
            "bind to 127.0.0.1, or say --insecure if everyone who can reach it may read and publish"
        )


def load(section: str, model: type[M], flags: Mapping[str, object], config_file: str | None = None) -> M:
    """Read one section's settings.

    Args:
        section: one of SECTIONS.
        model: its fields are the settings; unknown ones are refused here, whatever the model says of extra ones.
        flags: values from the command line by setting; None is a flag that was not given.
        config_file: a TOML file; if None, the one STREAMGAUGE_CONFIG names, if any.

    Raises:
        CommandError: an unknown table, key or variable, or a bad value; names it and says what was expected.
    """
    settings = _settings_type(model)
    known = called(model)
    path = os.environ.get(CONFIG_VARIABLE) if config_file is None else config_file
    if path == "":  # a variable of a script that is not set: without its file a server might be open to everybody
        raise CommandError(f'{CONFIG_VARIABLE if config_file is None else "--config"}: expected a file, got ""')
    variables = _known_variables(section, model)
    _check_variables(variables.values(), section)
    layers = (
        ({name: f"{path}: {section}.{name}" for name in known}, _file(path, section, known, settings)),
        (variables, _environment(section, settings)),
        (
            {name: f"--{name.replace('_', '-')}" for name in known},
            {name: value for name, value in flags.items() if value is not None},
        ),
    )
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for names, layer in layers:
        values |= layer
        origins |= {name: names[name] for name in layer}
    return _validate(model, values, origins)


def _settings_type(model: type[BaseModel]) -> type[BaseSettings]:
    bases: tuple[type[Any], ...] = (model, BaseSettings)
    return create_model(model.__name__, __base__=bases)


def _validate(model: type[M], values: dict[str, Any], origins: Mapping[str, str]) -> M:
    try:
        settings = model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        origin = origins.get(str(first["loc"][0]), str(first["loc"][0])) if first["loc"] else "settings"
        raise CommandError(f"{origin}: {_explain(first)}") from None
    for name, field in zip(called(model), model.model_fields, strict=True):
        value = values.get(name)
        if problem := _misfit(value, getattr(settings, field)):
            raise CommandError(f"{origins[name]}: {problem}, got {_shown(value)}")
    return settings


def _misfit(value: object, taken: object) -> str | None:
    """What was expected, where pydantic makes more of a value than a person can have meant, or nobody can use it."""
    if value is None:
        return None
    if isinstance(value, bool) and not isinstance(taken, bool):
        return "expected a number"
    if isinstance(taken, int) and abs(taken) > WHOLE_MAX:
        return f"expected at most {WHOLE_MAX}"
    if isinstance(value, str) and "\0" in value:
        return "expected text without a NUL"
    if isinstance(taken, Path) and not value:
        return "expected a path"  # Path("") would be the directory that the process happens to be in
    return None


def _explain(error: ErrorDetails) -> str:
    """`expected WHAT, got VALUE`, from pydantic's own description of one error."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error" and not error["loc"]:
        return str(context["error"])  # from a validator of the whole model: there is no one value to show
    if kind in _EXPECTED:
        expected = "expected " + _EXPECTED[kind].format(**context)
    elif kind == "value_error":
        expected = str(context["error"])
    else:
        expected = error["msg"]
    return f"{expected}, got {_shown(error['input'])}"


def _shown(value: object) -> str:
    if isinstance(value, str):
        text = re.sub("//[^/]*@", "//***@", f'"{value}"')  # credentials in a URL stay out of logs
    else:
        text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


class _Environment(EnvSettingsSource):
    def field_is_complex(self, field: FieldInfo) -> bool:
        return get_origin(field.annotation) in (tuple, list, set, frozenset)

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: str) -> list[str]:
        """Lists are written a,b,c: JSON in a variable is for machines."""
        return [part.strip() for part in value.split(",") if part.strip()]


def called(model: type[BaseModel]) -> list[str]:
    """What the settings are called; a field whose name Python reserves, such as `from`, has an alias."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _known_variables(section: str, model: type[BaseModel]) -> dict[str, str]:
    return {name: f"{PREFIX}{section}_{name}".upper() for name in called(model)}


def _environment(section: str, settings: type[BaseSettings]) -> dict[str, Any]:
    prefix = f"{PREFIX}{section}_".upper()
    return _Environment(settings, case_sensitive=False, env_prefix=prefix, env_prefix_target="all")()


def _check_variables(known: Iterable[str], section: str) -> None:
    """Variables of the other sections are left to the commands that read those."""
    known = [*known, CONFIG_VARIABLE]
    others = tuple(f"{PREFIX}{other}_".upper() for other in SECTIONS if other != section)
    for name in os.environ:
        if name.startswith(PREFIX) and name not in known and not name.startswith(others):
            raise CommandError(f"{name}: unknown environment variable{_suggestion(name, known)}")


def _file(path: str | None, section: str, known: list[str], settings: type[BaseSettings]) -> dict[str, Any]:
    """The section's table of the file, {} if there is none."""
    if not path:
        return {}
    document = _read(path, settings)
    for name, table in document.items():
        if name not in SECTIONS:
            raise CommandError(f"{path}: {name}: unknown table, expected one of {', '.join(SECTIONS)}")
        if not isinstance(table, dict):
            raise CommandError(f"{path}: {name}: expected a table [{name}], got {_shown(table)}")
    table = document.get(section, {})
    for key in table:
        if key not in known:
            raise CommandError(f"{path}: {section}.{key}: unknown key{_suggestion(key, known)}")
    return dict(table)


def _read(path: str, settings: type[BaseSettings]) -> dict[str, Any]:
    # pydantic-settings takes a missing file for an empty one; a person who named it did not mean that.
    try:
        if not stat.S_ISREG(Path(path).expanduser().stat().st_mode):
            raise CommandError(f"{path}: expected an ordinary file with settings")
        return TomlConfigSettingsSource(settings, toml_file=path).toml_data
    except FileNotFoundError:
        raise CommandError(f"{path}: no such configuration file") from None
    except OSError as error:
        raise CommandError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:  # tomllib's own, of UTF-8, and of a number with thousands of digits
        raise CommandError(f"{path}: expected TOML: {error}") from None
    except RecursionError:
        raise CommandError(f"{path}: expected TOML: nested too deeply") from None


def _suggestion(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(sorted(known))}"
