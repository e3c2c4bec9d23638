"""Every setting of the broadcaster. Names carry their units; `docs/configuration.md` explains each."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from broadcaster.origins import Doorkeeper, host_names, is_origin
from ingest.settings import Address, LogFormat, LogLevel

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Bound = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]

THINNED = {"store_1s_after_s": 1, "store_10s_after_s": 10, "store_1min_after_s": 60}


class BroadcasterConfig(BaseModel):
    """Settings of one broadcaster. 0 means no bound where a description says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bind: Address = Field(Address("127.0.0.1", 8765), description="Where WebSockets are accepted.")
    http_bind: Address = Field(Address("127.0.0.1", 8766), description="Where HTTP is served.")
    insecure: bool = Field(False, description="Allow binding beyond loopback without credentials.")
    allowed_origins: tuple[str, ...] = Field(
        (), description="Origins of web pages that may connect, beside loopback ones and the broadcaster's own host."
    )
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Names to be reached by, beside loopback's; *: any. Beyond loopback, none means any."
    )

    tls_certificate: str | None = Field(
        None, description="A PEM file with the certificate and its chain: both ports speak TLS (wss://, https://)."
    )
    tls_key: str | None = Field(
        None, validate_default=True, description="A PEM file with the certificate's key, without a passphrase."
    )

    token_secret: str | None = Field(
        None, description="A file with a secret of at least 32 bytes: clients need tokens signed with it (HS256)."
    )
    token_keys: str | None = Field(
        None, description="A JWKS file, or a PEM public key: clients need tokens signed by one of them (RS256, EdDSA)."
    )
    token_revoked: str | None = Field(
        None, description="A file of tokens that are refused: an id (jti) or sub:NAME a line."
    )
    token_issuer: str | None = Field(None, description="Whose tokens are taken (iss); none: anybody's.")
    token_audience: str | None = Field(None, description="For whom tokens must be (aud); none: that does not matter.")

    connections_max: Positive = Field(20_000, description="Connections at once; also bounded by the descriptor limit.")
    connections_per_address: Count = Field(
        1_000, description="Connections of one address (IPv6: of one /64), on both ports together; 0: no bound."
    )
    trusted_networks: tuple[str, ...] = Field(
        ("127.0.0.0/8", "::1/128"),
        description="Networks not limited by address: this machine, and proxies, behind whose address many are.",
    )
    handshakes_max: Positive = Field(1_000, description="Handshakes under way at once.")
    handshake_s: Seconds = Field(10.0, description="Seconds a handshake may take.")
    http_connections_max: Positive = Field(1_000, description="Connections of the HTTP port at once.")
    http_connections_per_address: Count = Field(
        250, description="Connections of the HTTP port of one address (IPv6: of one /64) at once; 0: no bound."
    )
    http_requests_max: Positive = Field(256, description="HTTP requests under way at once.")
    http_requests_per_address: Count = Field(
        64, description="HTTP requests of one address under way at once; 0: no bound."
    )
    http_idle_s: Seconds = Field(30.0, description="Seconds an HTTP connection may wait for its next request.")
    body_s: Seconds = Field(30.0, description="Seconds the body of an HTTP request may take (408).")
    idle_s: Bound = Field(
        600.0, description="A connection that in this time never subscribed nor published is closed (4002); 0: none is."
    )
    write_s: Bound = Field(
        60.0, description="A client that takes nothing for so long of what waits for it is closed (4008); 0: none is."
    )
    ping_interval_s: Seconds = Field(
        20.0, description="Seconds between pings; a client silent for two is closed (4001)."
    )
    close_s: Seconds = Field(2.0, description="Seconds a close handshake may take.")
    drain_ready_s: Bound = Field(
        0.0, description="Seconds in which /readyz says 503, so that balancers notice, before a drain begins."
    )
    drain_s: Seconds = Field(5.0, description="Seconds a graceful drain may take.")
    reconnect_spread_s: Seconds = Field(
        5.0, description="Clients told to reconnect after a drain spread over this time."
    )

    message_bytes: Positive = Field(1_048_576, description="Largest message a client may send.")
    samples_per_message: Count = Field(10_000, description="Samples in one publish; 0: no bound.")
    messages_per_second: Count = Field(1_000_000, description="Messages a second from one connection; 0: no bound.")
    samples_per_second: Count = Field(1_000_000, description="Samples a second from one connection; 0: no bound.")
    bytes_per_second: Count = Field(268_435_456, description="Bytes a second from one connection; 0: no bound.")
    subject_messages_per_second: Count = Field(
        2_000_000, description="Messages a second from all connections of one subject, or else address; 0: no bound."
    )
    subject_samples_per_second: Count = Field(
        4_000_000, description="Samples a second from all connections of one subject, or else address; 0: no bound."
    )
    subject_bytes_per_second: Count = Field(
        536_870_912, description="Bytes a second from all connections of one subject, or else address; 0: no bound."
    )
    rate_limited_s: Seconds = Field(10.0, description="A client over its rates for longer is closed (4029).")
    bad_messages_max: Count = Field(100, description="Bad messages a minute before a close (4500); 0: no bound.")
    subscriptions_max: Positive = Field(100, description="Subscriptions on one connection.")
    selectors_max: Positive = Field(100, description="Entries in the select of one subscription.")
    series_max: Positive = Field(100_000, description="Series at once; new ones are refused (too_many_series).")
    series_per_minute: Count = Field(100_000, description="New series a minute from one connection; 0: no bound.")
    subject_series_per_minute: Count = Field(
        100_000, description="New series a minute from all connections of one subject, or else address; 0: no bound."
    )
    series_per_minute_max: Count = Field(200_000, description="New series a minute in all; 0: no bound.")

    mailbox_batches: Positive = Field(1_024, description="Batches that wait for one slow subscriber.")
    mailbox_bytes: Positive = Field(8_388_608, description="Bytes that wait for one slow subscriber.")
    control_bytes: Positive = Field(
        16_777_216, description="Bytes of answers and descriptions that wait for one client (over it: 4008)."
    )
    answers_bytes: Positive = Field(
        134_217_728,
        description="Bytes of answers that wait for all; over it those who take nothing go, most first (4008).",
    )
    flush_rest_ratio: Ratio = Field(
        1.0,
        description="Rest after serving many, as a multiple of the time it took: more saves CPU, less saves delay.",
    )
    flush_rest_max_s: Seconds = Field(0.05, description="Longest rest between two flushes.")

    history_points: Count = Field(36_000, description="Samples kept of one series; 0: none.")
    history_age_s: Seconds = Field(3_600.0, description="Samples accepted longer ago are dropped.")
    history_bytes: Positive = Field(268_435_456, description="Memory of the whole history.")
    producer_memory_s: Seconds = Field(600.0, description="How long a producer's last id is remembered.")
    data_dir: Path | None = Field(None, description="A directory for the history, which then outlives a restart.")
    durability: Literal["accepted", "committed"] = Field(
        "accepted", description="When an ack is sent: at once, or when its samples are on the disk."
    )
    store_1s_after_s: Bound = Field(
        21_600.0, description="Samples stored longer ago are thinned to 1 s (min, max, mean, count); 0: not to 1 s."
    )
    store_10s_after_s: Bound = Field(
        172_800.0, description="Samples stored longer ago are thinned to 10 s; 0: not to 10 s."
    )
    store_1min_after_s: Bound = Field(
        1_209_600.0, description="Samples stored longer ago are thinned to 1 min; 0: not to 1 min."
    )
    store_age_s: Bound = Field(7_776_000.0, description="Samples stored longer ago are deleted; 0: none are.")
    store_bytes: Count = Field(1_073_741_824, description="Size of the stored history; 0: no bound.")
    store_queue_bytes: Positive = Field(67_108_864, description="Memory for what waits to be stored.")
    query_points: Positive = Field(100_000, description="Points in one answer of /v1/history, of all series together.")
    query_series: Positive = Field(1_000, description="Series in one answer of /v1/history.")
    query_s: Seconds = Field(10.0, description="Seconds one answer of /v1/history may take (503).")
    queries_max: Positive = Field(2, description="Answers of /v1/history under way at once; half of one subject (429).")
    telemetry_interval_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        1.0, description="Seconds between samples of the broadcaster's own series; 0: none."
    )
    watchdog_s: Bound = Field(
        5.0, description="A loop that stands still for so long is logged, with its stack, and counted; 0: none is."
    )
    log_format: LogFormat = Field("logfmt", description="A line of the log: logfmt, or json.")
    log_level: LogLevel = Field("info", description="From which level on: debug, info, warning or error.")
    alerts: Path | None = Field(None, description="Alerts: a TOML file, or a directory of them.")
    alerts_writable: bool = Field(False, description="Pages may put alerts into that directory (scope admin).")

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        """As browsers send them, or no page would ever be allowed."""
        for origin in origins:
            if not is_origin(origin):
                raise ValueError(f"expected origins such as https://metrics.example, without a path, got {origin}")
        return origins

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return host_names(hosts)

    @field_validator("token_revoked", "token_issuer", "token_audience")
    @classmethod
    def _with_keys(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and not (info.data.get("token_secret") or info.data.get("token_keys")):
            raise ValueError("expected token_secret or token_keys beside it: without, nobody needs a token")
        return value

    @field_validator("durability")
    @classmethod
    def _on_a_disk(cls, durability: str, info: ValidationInfo) -> str:
        if durability == "committed" and info.data.get("data_dir") is None:
            raise ValueError("expected data_dir beside it: without, nothing is stored")
        return durability

    @field_validator("trusted_networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            try:
                ip_network(network, strict=False)
            except ValueError:
                raise ValueError(f"expected networks such as 10.0.0.0/8, got {network}") from None
        return networks

    @property
    def has_credentials(self) -> bool:
        """True if clients need tokens."""
        return self.token_secret is not None or self.token_keys is not None

    @field_validator("tls_key")
    @classmethod
    def _both_or_neither(cls, key: str | None, info: ValidationInfo) -> str | None:
        certificate = info.data.get("tls_certificate")
        if key is None and certificate is not None:
            raise ValueError("expected the file with the key of tls_certificate")
        if key is not None and certificate is None:
            raise ValueError("expected tls_certificate beside it")
        return key

    @field_validator("store_1s_after_s", "store_10s_after_s", "store_1min_after_s")
    @classmethod
    def _in_order(cls, after_s: float, info: ValidationInfo) -> float:
        """Of those that are given; defaults give way, see `thinning`."""
        for name in ("history_age_s", *THINNED):
            if name == info.field_name:
                break
            if 0 < after_s < (least := info.data.get(name, 0.0)):
                raise ValueError(f"expected at least {name} ({least:g}), or 0 for never")
        return after_s

    @property
    def thinning(self) -> tuple[tuple[int, float], ...]:
        """Steps in seconds, and at what age samples are thinned to each."""
        ages, least = list[tuple[int, float]](), self.history_age_s
        for name, step in THINNED.items():
            if after_s := getattr(self, name):
                least = max(least, after_s)
                ages.append((step, least))
        return tuple(ages)

    def doorkeeper(self, bind: Address) -> Doorkeeper:
        """Who may ask the listener at that address."""
        return Doorkeeper(self.allowed_origins, tuple(map(str.lower, self.allowed_hosts)), bind.is_loopback)
