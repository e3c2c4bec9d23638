"""One client's publishing: limits, permission, validation, and into the hub. The same for WebSocket and HTTP."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from broadcaster.auth import EVERYTHING, Grant
from broadcaster.config import BroadcasterConfig
from broadcaster.hub import Hub
from broadcaster.id_ranges import IdRanges
from broadcaster.ledger import REFUSED_MAX, Account
from broadcaster.quota import Quota
from ingest.messages import MessageError, Publish, count_samples, decode_publish, message_id
from ingest.samples import Entry, Rejection, SampleError, Validator, reject


@dataclass(slots=True)
class PublishCounts:
    """What all clients together published since the start, and the validator they share."""

    validator: Validator
    rejected: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0


class Publisher:
    """What one client may publish. Times are seconds of a steady clock, but for the samples' own."""

    def __init__(
        self, config: BroadcasterConfig, hub: Hub, counts: PublishCounts, clock: Callable[[], float], quota: Quota
    ) -> None:
        self._hub = hub
        self._counts = counts
        self._clock = clock
        self._samples_max = config.samples_per_message
        self.quota = quota
        self._last_id = -1
        self._unanswered = IdRanges()  # duplicates that were over a rate

    def expects(self, id: int, account: Account) -> bool:
        """False for a message that was applied before. Raises MessageError (id_not_increasing)."""
        last, self._last_id = self._last_id, max(self._last_id, id)
        applied = account.applied(id)
        if applied and id <= last and id not in self._unanswered:
            raise MessageError("id_not_increasing", f"id: expected more than {last}, got {id}", id)
        return not applied

    def refused_for_now(self, id: int, account: Account) -> None:
        """It was not looked at whether it is expected: it may come again, even if it is not."""
        if account.applied(id):
            self._unanswered.add(id, id, REFUSED_MAX)

    def publish(self, message: Mapping[str, Any], grant: Grant, now: float) -> Publish:
        """Applies a `publish`. `now` (Unix seconds) stands in where a sample has no time. Raises MessageError."""
        raw = message.get("samples")
        count = count_samples(raw) if isinstance(raw, list) else 0
        if not self._samples_max or count <= self._samples_max:  # else it is refused by that name
            self.quota.pay_samples(count, message_id(message), self._clock())
        publish = decode_publish(message, self._counts.validator, now, self._samples_max, count)
        return self._apply(publish, grant)

    def publish_singles(self, raw: Sequence[object], grant: Grant, now: float) -> Publish | None:
        """Applies the entries of messages that came together and hold one sample each, and have no id.

        Rejections are one a message. None: nothing was done, because together they go over the rate.
        """
        if not self.quota.pays_samples(len(raw), self._clock()):
            return None
        entries, rejected = self._counts.validator.singles(raw, now)
        return self._apply(Publish(None, entries, rejected, len(raw) - len(rejected)), grant, singles=True)

    def _apply(self, publish: Publish, grant: Grant, *, singles: bool = False) -> Publish:
        entries, refused = publish.entries, list[tuple[Entry, SampleError]]()
        if grant is not EVERYTHING:
            allowed = {entry.series.metric: grant.may_publish(entry.series.metric) for entry in entries}
            problem = SampleError("forbidden", "metric", "the token does not allow it")
            refused = [(entry, problem) for entry in entries if not allowed[entry.series.metric]]
            entries = [entry for entry in entries if allowed[entry.series.metric]]
        refused += self._hub.publish(entries, self._clock(), self.quota.new_series)
        if not refused:
            self._count(publish.rejected)
            return publish
        rejected = list(publish.rejected)
        for entry, problem in refused:
            rejected += [reject(entry.index, problem)] * (len(entry.times) if singles else 1)
        rejected.sort(key=lambda rejection: rejection.index)
        self._count(rejected)
        lost = sum(len(entry.times) for entry, _ in refused)
        return replace(publish, rejected=rejected, accepted=publish.accepted - lost)

    def _count(self, rejected: list[Rejection]) -> None:
        for rejection in rejected:
            self._counts.rejected[rejection.code] = self._counts.rejected.get(rejection.code, 0) + 1
