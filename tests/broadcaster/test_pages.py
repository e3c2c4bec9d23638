import orjson
import pytest

from broadcaster.backfill import OTHERS_FIRST
from broadcaster.frames import text_frame
from broadcaster.mailbox import Mailbox
from broadcaster.pages import Pages
from broadcaster.subscription import Subscription, Wanted
from tests.broadcaster.frame_parts import Message, payloads
from tests.broadcaster.world import Client, World

EVERYTHING = [{"metric": "*"}]
FOR_EVER_S = 1e12


def pages_of(*texts: bytes) -> Pages:
    return Pages(iter(texts), lambda: None)


def told(frame: bytes | None) -> bytes | None:
    return None if frame is None else b"".join(payloads(frame))


def test_what_waits_goes_first_and_what_comes_meanwhile_after_the_next_page() -> None:
    mailbox = Mailbox("e", "conflate", 8, 1_000, 1_000)
    mailbox.put_control(text_frame(b"subscribed"))
    mailbox.put_control(text_frame(b"an ack"))
    pages = pages_of(b"page 1", b"page 2")
    found = []
    while (frame := told(pages.take(mailbox))) is not None:
        found.append(frame)
        if not frame.startswith(b"page"):
            mailbox.put_control(text_frame(b"after " + frame))
    assert found[:6] == [b"subscribed", b"an ack", b"page 1", b"after subscribed", b"after an ack", b"page 2"]
    assert found[6:] == [b"after after subscribed", b"after after an ack"]


def test_a_mailbox_that_is_made_meanwhile_has_its_turn() -> None:
    pages = pages_of(b"page 1", b"page 2")
    assert told(pages.take(None)) == b"page 1"
    mailbox = Mailbox("e", "conflate", 8, 1_000, 1_000)
    mailbox.put_control(text_frame(b"pong"))
    assert [told(pages.take(mailbox)) for _ in range(3)] == [b"pong", b"page 2", None]


@pytest.mark.parametrize("reads_ahead", [0, 1, 5])
def test_no_client_believes_that_a_backfill_ended_while_pages_wait(reads_ahead: int) -> None:
    """One that publishes all the time, so that acks wait always, and pings whenever it has heard a pong."""
    world = World()
    for metric in "abcd":
        world.publish(metric, *[1.0] * 30_000)
        world.flush()
    client = Client(world)
    subscription = Subscription(Wanted(EVERYTHING, history_s=FOR_EVER_S))
    now = 1.0
    client.stuck = True
    client.session.start()
    for frame in subscription.opening():
        client.session.receive(frame)
    on_the_way: list[Message] = []
    asked = False
    for _ in range(1_000):
        client.say(type="publish", id=1, samples=[])
        client.pump(1)
        on_the_way += client.take()
        if len(on_the_way) <= reads_ahead:
            continue
        now += 1.0
        heard = on_the_way.pop(0)
        subscription.receive(orjson.dumps(heard), now)
        if heard["type"] == "pong":
            asked = False
        if not asked:
            asked = True
            now += 1.0
            client.session.receive(subscription.ping(now))
        if subscription.chain.cursor is not None:
            break
    assert subscription.backfilled == 120_000
    assert subscription.chain.cursor is not None


def test_while_a_page_takes_several_turns_nothing_goes_before_it_that_came_later() -> None:
    mailbox = Mailbox("e", "conflate", 8, 1_000, 1_000)
    pages = pages_of(OTHERS_FIRST, OTHERS_FIRST, b"page 1", OTHERS_FIRST)
    assert pages.take(mailbox) == OTHERS_FIRST
    mailbox.put_control(text_frame(b"pong"))
    assert [pages.take(mailbox), told(pages.take(mailbox))] == [OTHERS_FIRST, b"page 1"]
    assert [told(pages.take(mailbox)), pages.take(mailbox), pages.take(mailbox)] == [b"pong", OTHERS_FIRST, None]
