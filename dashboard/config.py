"""Every setting of the dashboard. Names carry their units; `docs/configuration.md` explains each."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from broadcaster.origins import Doorkeeper
from ingest.settings import Address, HttpUrl, LogFormat, LogLevel, WebSocketUrl

ORIGIN = re.compile(r"https?://[A-Za-z0-9*.-]+(:\d{1,5}|:\*)?")


def _embedder(text: str) -> str:
    if text != "*" and not ORIGIN.fullmatch(text):
        raise ValueError("expected an origin such as https://wiki.example, or *")
    return text


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

    watchdog_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        5.0, description="A loop that stands still for so long is logged, with its stack; 0: none is."
    )
    log_format: LogFormat = Field("logfmt", description="A line of the log: logfmt, or json.")
    log_level: LogLevel = Field("info", description="From which level on: debug, info, warning or error.")

    def doorkeeper(self) -> Doorkeeper:
        """Who may read and save dashboards."""
        return Doorkeeper((), tuple(map(str.lower, self.allowed_hosts)), self.bind.is_loopback)
