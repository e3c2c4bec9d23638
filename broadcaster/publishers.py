"""Who publishes over HTTP: all requests of a subject, or else of an address, count as one connection. Pure."""

import itertools
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broadcaster.auth import Grant
from broadcaster.publishing import Publisher
from broadcaster.quota import Quota
from broadcaster.shared import Shared
from ingest.messages import Publish

PUBLISHERS_MAX = 20_000  # beyond it those not heard of for longest are forgotten, who are then allowed a fresh burst
SWEEP_AT_ONCE = 1_000


@dataclass(slots=True)
class Client:
    """The one of them that was heard of last says from where."""

    publisher: Publisher
    subject: str | None
    address: str


class Publishers:
    def __init__(self, shared: Shared, most: int = PUBLISHERS_MAX) -> None:
        self._shared = shared
        self._most = most
        self._publishers: OrderedDict[str, Client] = OrderedDict()

    def __len__(self) -> int:
        return len(self._publishers)

    def publish(self, message: Mapping[str, Any], size: int, grant: Grant, host: str, now: float) -> Publish:
        """Applies a `publish` of so many bytes. `now` in Unix seconds. Raises MessageError."""
        publisher = self._publisher(grant, host)
        publisher.quota.pay(size, self._shared.clock())
        return publisher.publish(message, grant, now)

    def _publisher(self, grant: Grant, host: str) -> Publisher:
        shared = self._shared
        subject = shared.subject(grant, host)
        name = subject or host
        client = self._publishers.pop(name, None)
        if client is None:
            while len(self._publishers) >= self._most:
                self._forget(next(iter(self._publishers)))
            quota = Quota(shared.subjects, shared.refusals, shared.clock())
            quota.belongs_to(subject, shared.clock())
            client = Client(
                Publisher(shared.config, shared.hub, shared.counts, shared.clock, quota), grant.subject, host
            )
        client.address = host
        self._publishers[name] = client
        return client.publisher

    def refused(self, most: int) -> list[dict[str, Any]]:
        """Those who were refused something and not forgotten since, the last to be heard of first."""
        found = (client for client in reversed(self._publishers.values()) if client.publisher.quota.refused)
        return [
            {"subject": client.subject, "address": client.address, "refused": client.publisher.quota.refused}
            for client in itertools.islice(found, most)
        ]

    def _forget(self, name: str) -> None:
        self._publishers.pop(name).publisher.quota.belongs_to(None, self._shared.clock())

    def sweep(self, now: float) -> None:
        """Looks at those not heard of for longest, a few at a time, and forgets whom forgetting changes nothing for."""
        for name, client in list(itertools.islice(self._publishers.items(), SWEEP_AT_ONCE)):
            if client.publisher.quota.idle(now):
                self._forget(name)
            else:
                self._publishers.move_to_end(name)
