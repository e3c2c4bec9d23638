"""Every setting of the dashboard. Names carry their units; `docs/configuration.md` explains each."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from broadcaster.origins import Doorkeeper, host_names
from dashboard.signin.origin import networks, origin_of
from dashboard.signin.roles import Role
from ingest.settings import Address, HttpUrl, LogFormat, LogLevel, WebSocketUrl

ORIGIN = re.compile(r"https?://[A-Za-z0-9*.-]+(:\d{1,5}|:\*)?")
GLOB = re.compile(r"[A-Za-z0-9_.:/*?-]{1,255}")
HEADER = re.compile(r"[A-Za-z0-9-]{0,64}")
RENEWED_S = 3  # a token that is good for less could not be renewed in time


def _embedder(text: str) -> str:
    if text != "*" and not ORIGIN.fullmatch(text):
        raise ValueError("expected an origin such as https://wiki.example, or *")
    return text


def _glob(text: str) -> str:
    if not GLOB.fullmatch(text):
        raise ValueError("expected a glob of metrics, such as shop.*")
    return text


def _header(text: str) -> str:
    if not HEADER.fullmatch(text):
        raise ValueError("expected the name of a header, such as X-Forwarded-User")
    return text


Header = Annotated[str, AfterValidator(_header)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Globs = tuple[Annotated[str, AfterValidator(_glob)], ...]


class DashboardConfig(BaseModel):
    """Settings of one dashboard. The two URLs are what the viewer's browser connects to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bind: Address = Field(Address("127.0.0.1", 8050), description="Where the page is served.")
    insecure: bool = Field(False, description="Allow binding beyond loopback without credentials.")
    broadcaster: WebSocketUrl = Field("ws://127.0.0.1:8765", description="The broadcaster, as browsers reach it.")
    broadcaster_http: HttpUrl = Field("http://127.0.0.1:8766", description="Its HTTP side, as browsers reach it.")
    dashboards: str = Field("", description="Directory of saved dashboards, made if missing; none: nothing is saved.")
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Names to be reached by for saving, beside loopback's; *: any. Beyond loopback, none means any."
    )
    connections_max: Positive = Field(1_000, description="Connections at once; also bounded by the descriptor limit.")
    connections_per_address: Count = Field(
        250, description="Those of one address (IPv6: of one /64), but for this machine and proxies; 0: no bound."
    )
    embed_from: tuple[Annotated[str, AfterValidator(_embedder)], ...] = Field(
        ("*",), description="Origins whose pages may embed one panel, such as https://wiki.example; *: any."
    )
    title: Annotated[str, Field(min_length=1, max_length=80)] = Field("Streamgauge", description="Title of the page.")
    window_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        60.0, description="Time window at first sight, in seconds; 0: the whole history."
    )
    forget_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        3600.0, description="Seconds of silence after which the page forgets a line; 0: never."
    )
    points_max: Annotated[int, Field(ge=100)] = Field(36_000, description="Samples of one series that the page keeps.")

    password_file: str = Field(
        "", description="Who may sign in, as `streamgauge passwd` writes it; none: nobody is asked."
    )
    session_s: Seconds = Field(604_800.0, description="Seconds after which everybody signs in again.")
    session_idle_s: Seconds = Field(28_800.0, description="Seconds without any page open after which one does.")
    sessions_max: Positive = Field(10_000, description="Sessions at once; the one that was idle for longest goes.")
    signin_attempts: Positive = Field(10, description="Failed sign-ins of one name, or one address, in that time.")
    signin_attempts_s: Seconds = Field(300.0, description="That time, in seconds; more attempts have to wait.")
    public_url: HttpUrl | None = Field(
        None, description="Where viewers find the page, if a proxy in front makes it another address."
    )
    trusted_proxies: tuple[str, ...] = Field(
        (), description="Networks of proxies that are believed: who a viewer is, and from where."
    )
    proxy_user_header: Header = Field(
        "", description="Header in which such a proxy says who is signed in, such as X-Forwarded-User."
    )
    proxy_role_header: Header = Field(
        "", description="Header in which it says the role; none, or no role in it: viewer."
    )
    token_secret: str | None = Field(
        None, description="The broadcaster's file of that name: with it the page gets its tokens."
    )
    token_key: str | None = Field(
        None, validate_default=True, description="Instead: a PEM file with a private key that its token_keys know."
    )
    token_s: Annotated[float, Field(ge=RENEWED_S, allow_inf_nan=False)] = Field(
        300.0, description="Seconds that such a token is good for; the page renews it before."
    )
    token_issuer: str | None = Field(None, description="The iss of these tokens, if the broadcaster expects one.")
    token_audience: str | None = Field(None, description="The aud of these tokens, if it expects one.")
    viewer_metrics: Globs = Field(("*",), description="Globs of the metrics that viewers may see.")
    editor_metrics: Globs = Field(("*",), description="Those that editors may.")
    admin_metrics: Globs = Field(("*",), description="Those that admins may.")
    tls_certificate: str | None = Field(
        None, description="A PEM file with the certificate and its chain: the page is served over https://."
    )
    tls_key: str | None = Field(
        None, validate_default=True, description="A PEM file with that certificate's key, without a passphrase."
    )

    watchdog_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        5.0, description="A loop that stands still for so long is logged, with its stack; 0: none is."
    )
    log_format: LogFormat = Field("logfmt", description="A line of the log: logfmt, or json.")
    log_level: LogLevel = Field("info", description="From which level on: debug, info, warning or error.")

    def doorkeeper(self) -> Doorkeeper:
        """Who may read and save dashboards, and sign in."""
        hosts = tuple(map(str.lower, self.allowed_hosts))
        origins: tuple[str, ...] = ()
        if self.public_url is not None:
            origins = (origin_of(self.public_url),)
            name = urlsplit(self.public_url).hostname
            hosts += (name,) if name and (hosts or self.bind.is_loopback) else ()  # else any
        return Doorkeeper(origins, hosts, self.bind.is_loopback)

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return host_names(hosts)

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        try:
            networks(texts)
        except ValueError:
            raise ValueError("expected networks such as 10.0.0.0/8 or addresses") from None
        return texts

    @field_validator("proxy_user_header")
    @classmethod
    def _believed_from_somebody(cls, header: str, info: ValidationInfo) -> str:
        if header and not info.data.get("trusted_proxies"):
            raise ValueError("expected trusted_proxies beside it")
        return header

    @field_validator("token_key")
    @classmethod
    def _one_of_both(cls, key: str | None, info: ValidationInfo) -> str | None:
        secret = info.data.get("token_secret")
        if key is not None and secret is not None:
            raise ValueError("expected token_secret or token_key, not both")
        return key

    @field_validator("token_secret", "token_key")
    @classmethod
    def _of_somebody(cls, key: str | None, info: ValidationInfo) -> str | None:
        if key is not None and not (info.data.get("password_file") or info.data.get("proxy_user_header")):
            raise ValueError("tokens are for who is signed in: expected password_file or proxy_user_header beside it")
        return key

    @field_validator("tls_key")
    @classmethod
    def _both_or_neither(cls, key: str | None, info: ValidationInfo) -> str | None:
        certificate = info.data.get("tls_certificate")
        if key is None and certificate is not None:
            raise ValueError("expected the file with the key of tls_certificate")
        if key is not None and certificate is None:
            raise ValueError("expected tls_certificate beside it")
        return key

    @property
    def signs_in(self) -> bool:
        """Whether people are asked who they are."""
        return bool(self.password_file or self.proxy_user_header)

    @property
    def is_secure(self) -> bool:
        """Whether viewers come over TLS, as far as is known here."""
        return self.tls_certificate is not None or (self.public_url or "").startswith("https:")

    @property
    def session_cookie(self) -> str:
        """Cookies are of a host, whatever its port, and two dashboards may be of one."""
        return f"{'__Host-' if self.is_secure else ''}streamgauge-{self.bind.port}"

    @property
    def metrics(self) -> dict[Role, tuple[str, ...]]:
        """What each role may see."""
        return {"viewer": self.viewer_metrics, "editor": self.editor_metrics, "admin": self.admin_metrics}
