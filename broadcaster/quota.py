"""What one client may still send: the limits of its connection, of its subject and of all, as one. Pure."""

from broadcaster.limits import Limit, Overrun, RateLimited, afford, rounded, spend, take
from broadcaster.refusals import Refusals
from broadcaster.subjects import Limited, Subjects
from ingest.samples import SampleError


class Quota:
    """Times are seconds of a steady clock. `refused` counts by reason; `over` is set by each refusal."""

    __slots__ = (
        "_bytes", "_messages", "_overrun", "_own", "_refusals", "_samples", "_series", "_subject", "_subjects", "over",
        "refused",
    )  # fmt: skip

    def __init__(self, subjects: Subjects, refusals: Refusals, now: float) -> None:
        self._subjects = subjects
        self._refusals = refusals
        self._own = subjects.connection(now)
        self._subject: Limited | None = None
        self._overrun: Overrun | None = None
        self.refused: dict[str, int] = {}
        self.over = False
        self._together()

    def _together(self) -> None:
        own, subject, all_series = self._own, self._subject, self._subjects.series
        if subject is None:
            self._messages, self._samples, self._bytes = own.messages, own.samples, own.bytes
            self._series = own.series + all_series
        else:
            self._messages = own.messages + subject.messages
            self._samples = own.samples + subject.samples
            self._bytes = own.bytes + subject.bytes
            self._series = own.series + subject.series + all_series

    def belongs_to(self, name: str | None, now: float) -> None:
        """Whose connection it is, until this is called again. None: nobody's, so that only its own limits hold."""
        if self._subject is not None:
            self._subject.connections -= 1
        self._subject = None if name is None else self._subjects.named(name, now)
        if self._subject is not None:
            self._subject.connections += 1
        self._together()

    def idle(self, now: float) -> bool:
        """True if forgetting it changes nothing."""
        return self._own.idle(now)

    # Messages.

    def pays(self, messages: int, size: int, now: float) -> bool:
        """Charges for messages that came together. False: together they are too much, and nothing is charged."""
        if not (afford(self._messages, messages, now) and afford(self._bytes, size, now)):
            return False
        spend(self._messages, messages)
        spend(self._bytes, size)
        return True

    def pay(self, size: int, now: float) -> None:
        """Charges for one message. Raises RateLimited."""
        self.pay_messages(1, now)
        if (over := take(self._bytes, size, now)) is not None:
            raise self._limited(over, "bytes", size, None, now)

    def pay_messages(self, count: int, now: float) -> None:
        """Charges for their number only. Raises RateLimited."""
        if (over := take(self._messages, count, now)) is not None:
            raise self._limited(over, "messages", count, None, now)

    # Samples.

    def pays_samples(self, count: int, now: float) -> bool:
        """Charges for the samples of messages that came together, as `pays` does."""
        if not afford(self._samples, count, now):
            return False
        spend(self._samples, count)
        return True

    def pay_samples(self, count: int, id: int | None, now: float) -> None:
        """Raises RateLimited."""
        if (over := take(self._samples, count, now)) is not None:
            raise self._limited(over, "samples", count, id, now)

    def _limited(self, over: tuple[Limit, float], what: str, amount: float, id: int | None, now: float) -> RateLimited:
        limit, wait_s = over
        if self._overrun is None:
            self._overrun = Overrun()
        self.count(limit.reason)
        self.over = True
        return RateLimited(limit.says(what, amount, wait_s), id, wait_s, self._overrun.refused(now))

    # Series.

    def new_series(self, now: float) -> SampleError | None:
        """Charges for one series that is new; or says why there shall be none now."""
        over = take(self._series, 1, now) if self._series else None
        if over is None:
            return None
        limit, wait_s = over
        self.count(limit.reason)
        problem = f"at most {limit.burst:g} new series a minute from {limit.whose}: again in {rounded(wait_s):g} s"
        return SampleError("too_many_series", "metric", problem)

    def count(self, reason: str) -> None:
        self._refusals.count(reason)
        self.refused[reason] = self.refused.get(reason, 0) + 1
