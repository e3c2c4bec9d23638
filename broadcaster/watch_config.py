from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from ingest.settings import WebSocketUrl


class _Watch(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    history_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        60.0, description="Seconds of history to begin with; 0: none."
    )

    @property
    def url(self) -> str:
        url: str = getattr(self, "from")
        return url


if TYPE_CHECKING:
    WatchConfig = _Watch
else:
    # The setting is called `from`, as the flag is, which Python reserves.
    _fields: dict[str, Any] = {
        "from": (WebSocketUrl, Field("ws://127.0.0.1:8765", description="The broadcaster to watch."))
    }
    WatchConfig = create_model("WatchConfig", __base__=_Watch, __doc__="Settings of `streamgauge watch`.", **_fields)
