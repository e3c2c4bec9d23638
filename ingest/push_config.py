"""Every setting of `streamgauge push`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ingest.settings import AuthoritiesFile, WebSocketUrl

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
MoreThanZero = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class PushSettings(BaseModel):
    """Settings of all sources; each reads its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    to: WebSocketUrl = Field("ws://127.0.0.1:8765", description="The broadcaster.")
    token_file: str | None = Field(None, description="A file with the token to connect with.")
    ca: AuthoritiesFile | None = Field(
        None, description="A PEM file with the certificates of authorities to believe for wss://; none: the system's."
    )
    wait: bool = Field(False, description="Keep trying if the broadcaster is away at the start, instead of giving up.")
    buffer_samples: Positive = Field(100_000, description="Samples that may wait for the broadcaster.")
    on_full: Literal["drop_oldest", "block"] | None = Field(
        None, description="What a full buffer does; by default host and shop drop the oldest, the others wait (block)."
    )
    flush_s: Seconds = Field(5.0, description="Seconds that the last samples may take at the end.")

    interval_s: MoreThanZero = Field(1.0, description="host: seconds between readings.")
    top_processes: Count = Field(5, description="host: how many processes to show, by CPU; 0: none.")
    seed: int = Field(7, description="shop: the same seed makes the same traffic.")
    rate_hz: MoreThanZero = Field(10.0, description="shop: samples a second of each series.")
    speed: Seconds = Field(1.0, description="csv, jsonl: 1 is real time, 10 ten times as fast, 0 as fast as possible.")
    loop: bool = Field(False, description="csv, jsonl: begin again at the end of the file.")
    restamp: bool = Field(True, description="csv, jsonl: move the recorded times to now, so that samples show up live.")
    time_column: str | None = Field(None, description="csv: the column with the time; by default one of that name.")
    tag: tuple[str, ...] = Field((), description="csv: columns that are tags.")
    prefix: str = Field("", description="csv: put before each metric name.")
