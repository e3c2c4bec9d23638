"""Every setting of `streamgauge watch`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ingest.settings import AuthoritiesFile, WebSocketUrl


class WatchConfig(BaseModel):
    """Settings of one terminal table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # The setting is called `from`, as the flag is, which Python reserves.
    url: WebSocketUrl = Field("ws://127.0.0.1:8765", alias="from", description="The broadcaster to watch.")
    token_file: str | None = Field(None, description="A file with the token to connect with.")
    ca: AuthoritiesFile | None = Field(
        None, description="A PEM file with the certificates of authorities to believe for wss://; none: the system's."
    )
    history_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        60.0, description="Seconds of history to begin with; 0: none."
    )
