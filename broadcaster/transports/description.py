"""What `/v1/connections` says of a connection, and the log when it is over. Pure."""

from collections.abc import Mapping
from typing import Any

from broadcaster.errors import Close
from broadcaster.session import Session
from broadcaster.traffic import Traffic


def described(session: Session, traffic: Traffic, queued: tuple[int, int], about: Mapping[str, Any]) -> dict[str, Any]:
    """`queued`: batches and bytes that wait for it. `about`: what else is known, with its age in `age_s`."""
    return {
        **about,
        "session": session.id,
        "subject": session.grant.subject,
        "client": session.client,
        "producer": session.producer,
        "subscriptions": {str(id): sorted(map(str, chosen)) for id, chosen in session.subscriptions.items()},
        "published_samples": session.published,
        "published_samples_per_second": session.published / about["age_s"],
        "delivered_batches": traffic.batches,
        "delivered_samples": traffic.samples,
        "delivered_bytes": traffic.bytes,
        "queued_batches": queued[0],
        "queued_bytes": queued[1],
        "dropped_batches": sum(traffic.dropped_batches.values()),
        "dropped_samples": sum(traffic.dropped_samples.values()),
        "refused": session.quota.refused,
    }


def summarised(session: Session, traffic: Traffic, closing: Close | None, about: Mapping[str, Any]) -> dict[str, Any]:
    """`about`: what else is known, with the peer's close code in `code` and its age in `seconds`."""
    return {
        "connection": session.id,
        "address": about["address"],
        "role": about["role"],
        "subject": session.grant.subject,
        "client": session.client,
        "code": closing.code if closing else about["code"],
        "by": "broadcaster" if closing else "client",
        "seconds": about["seconds"],
        "published_samples": session.published,
        "delivered_batches": traffic.batches,
        "dropped_batches": sum(traffic.dropped_batches.values()),
    }
