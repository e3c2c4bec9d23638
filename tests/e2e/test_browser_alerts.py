"""Alerts in the page, against a broadcaster that judges them."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from tests.broadcaster.alerts.receiver import Receiver, receiving
from tests.e2e.backstage import Backstage, Publisher
from tests.e2e.browsing import REFUSED, Server, Site, View
from tests.e2e.wire import sample

RULES = """
[latency]
metric = "shop.latency"
above = 0.4
message = "{route} is slow: {value}"

[errors]
metric = "shop.errors"
above = 5
severity = "critical"

[lazy]
metric = "shop.errors"
below = -5
for = "1h"
"""
BELL = "#alerts-button"
PLAIN = "replaceAll(/\\s+/g, ' ')"
TEXTS = "[...document.querySelectorAll('.alert-row')].map((row) => row.innerText)"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "shop.toml").write_text(RULES)
    return tmp_path


@pytest.fixture
def server(serving: Callable[..., Server], rules: Path) -> Server:
    return serving(alerts=rules, alerts_writable=True)


@pytest.fixture
def seen(server: Server, publisher: Publisher, site: Site, view: View) -> View:
    """A page that is live, with nothing wrong yet."""
    publish(publisher, errors=1.0, checkout=0.2, cart=0.1)
    view.open(site.url)
    view.until("document.querySelectorAll('.sg-bands[data-alerts] line').length === 3")
    return view


def publish(publisher: Publisher, *, unit: str = "s", **values: float) -> float:
    """`errors`, and the latency of routes; returns when."""
    now = round(time.time(), 3)
    publisher.publish(
        *(
            sample("shop.errors", value, now)
            if name == "errors"
            else sample("shop.latency", value, now, tags={"route": name}, unit=unit)
            for name, value in values.items()
        )
    )
    return now


def rows(view: View) -> list[str]:
    return [" ".join(text.split()) for text in view.js(TEXTS)]


def until_rows(view: View, count: int) -> None:
    view.until(f"document.querySelectorAll('.alert-row').length === {count}")


def until_text(view: View, selector: str, text: str) -> None:
    """Whatever spaces it has."""
    those = "[...document.querySelectorAll(selector)]"
    view.until(f"([selector, text]) => {those}.some((each) => each.innerText.{PLAIN}.includes(text))", [selector, text])


def clock(time_s: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(time_s))


def age(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 0.95 else f"{round(seconds)} s"


def test_what_fires_is_told_everywhere_until_it_is_over(publisher: Publisher, seen: View) -> None:
    assert (rows(seen), seen.page.title(), seen.text(BELL)) == ([], "Streamgauge", "")
    began = publish(publisher, checkout=0.5)
    until_rows(seen, 1)
    assert seen.page.title() == "(1) ⚠ latency · Streamgauge"
    until_text(seen, ".alert-row", f"warning latency checkout is slow: 500 ms now 500 ms since {clock(began)}")
    publish(publisher, errors=8.0, checkout=0.6, cart=0.7)
    until_rows(seen, 2)
    until_text(seen, ".alert-row", "checkout is slow: 500 ms · and on 1 more now 600 ms")
    assert [row.split()[:2] for row in rows(seen)] == [["critical", "errors"], ["warning", "latency"]]
    assert (seen.page.title(), seen.text(BELL)) == ("(2) ⚠ errors · Streamgauge", "2")
    assert seen.page.get_attribute(BELL, "aria-label") == "Alerts: 2 firing"

    ended = publish(publisher, errors=1.0, checkout=0.2, cart=0.2)
    until_rows(seen, 0)
    assert (seen.page.title(), seen.text(BELL)) == ("Streamgauge", "")
    seen.page.keyboard.press("a")
    until_text(seen, ".alert-item.is-over", "warning latency 500 ms checkout is slow: 500 ms")
    assert seen.page.locator(".alert-item.is-over").count() == 3
    until_text(seen, ".alert-item.is-over", f"{clock(began)} \u2013 {clock(ended)} · {age(ended - began)}")


def test_what_was_is_looked_at_in_all_panels(publisher: Publisher, seen: View) -> None:
    began = publish(publisher, checkout=0.5)
    ended = publish(publisher, checkout=0.2)
    seen.page.click(BELL)
    seen.page.click(".is-over .alert-look")
    seen.until("streamgauge.view.state === 'looking back'")
    shown = seen.js("streamgauge.view.range")
    assert [shown["from"], shown["to"]] == pytest.approx([began - 30, ended + 30], abs=0.01)
    assert not seen.js("document.querySelector('#alerts').matches(':popover-open')")


def test_panels_show_thresholds_and_which_of_them_is_passed(publisher: Publisher, seen: View) -> None:
    seen.until_painted("shop.latency", 1, route="checkout")
    panel = "[data-metric='shop.latency']"
    words = f'[...document.querySelectorAll("{panel} .sg-band-text")].map((each) => each.textContent.{PLAIN})'
    seen.until(f"({words}).join() === 'latency above 400 ms \u2191'")  # the axis ends below it
    publish(publisher, checkout=0.5)
    seen.until(f"({words}).join() === 'latency above 400 ms'")
    seen.until(f'document.querySelector("{panel}").dataset.firing === "warning"')
    until_text(seen, f"{panel} .panel-alert", "warning latency")
    middle = "(({ y, height }) => y + height / 2)(each.getBoundingClientRect())"
    labels = f'[...document.querySelectorAll("{panel} .ytick text")]'
    ticks = seen.js(f"{labels}.map((each) => [each.textContent, {middle}])")
    line = seen.js(f'document.querySelector("{panel} .sg-band-edge").getBoundingClientRect().y')
    at = next(y for text, y in ticks if text.startswith("400"))
    assert line == pytest.approx(at, abs=2.5)
    assert seen.js("document.querySelector(\"[data-metric='shop.errors']\").dataset.firing ?? ''") == ""
    seen.page.click(f"{panel} .panel-alert")
    until_text(seen, "#alerts:popover-open .alert-item[data-state='firing']", "warning latency 500 ms")


def test_a_row_is_dismissed_and_comes_back_when_it_fires_anew(publisher: Publisher, seen: View) -> None:
    publish(publisher, errors=8.0, checkout=0.5)
    until_rows(seen, 2)
    seen.page.click("[data-alert='errors'] .alert-away")
    until_rows(seen, 1)
    assert (seen.page.title(), seen.text(BELL)) == ("(2) ⚠ errors · Streamgauge", "2")
    seen.page.reload()
    seen.until_state("live")
    until_rows(seen, 1)
    assert rows(seen)[0].startswith("warning latency")
    publish(publisher, errors=1.0)
    seen.until("document.title === '(1) ⚠ latency · Streamgauge'")
    publish(publisher, errors=9.0)
    until_rows(seen, 2)


def test_it_is_right_after_a_reload_a_break_and_a_restart(
    publisher: Publisher, server: Server, seen: View, backstage: Backstage
) -> None:
    publish(publisher, checkout=0.5)
    until_rows(seen, 1)
    seen.page.reload()
    until_rows(seen, 1)
    assert seen.page.title() == "(1) ⚠ latency · Streamgauge"

    seen.expect_in_console(REFUSED)
    seen.expect_in_console("ERR_|Failed to fetch|closed before")
    publisher.close()
    server.stop()
    seen.until_state("reconnecting")
    assert seen.page.title() == "(1) ⚠ latency · Streamgauge"  # nobody knows better
    server.start()
    seen.until_state("live", 30)
    until_rows(seen, 0)
    assert seen.page.title() == "Streamgauge"
    seen.page.click(BELL)
    until_text(seen, ".alert-item.is-over", "the broadcaster was started anew")
    again = Publisher(backstage, server.url)
    publish(again, checkout=0.9)
    until_rows(seen, 1)
    again.close()


INTERCEPT = """
window.told = [];
class Told extends EventTarget {
  static permission = sessionStorage.getItem('permission') ?? 'default';  // as a browser does, it is kept over a reload
  static async requestPermission() {
    sessionStorage.setItem('permission', 'granted');
    Told.permission = 'granted';
    return 'granted';
  }
  constructor(title, { body, tag }) { super(); window.told.push([title, body, tag]); }
  close() {}
}
window.Notification = Told;
"""


def test_a_person_who_asked_is_notified_once_when_it_begins_and_once_when_it_ends(
    server: Server, publisher: Publisher, site: Site, view: View
) -> None:
    view.page.add_init_script(INTERCEPT)
    publish(publisher, errors=8.0)
    view.open(site.url)
    until_rows(view, 1)
    publish(publisher, checkout=0.5)
    until_rows(view, 2)
    assert view.js("told") == []  # nobody asked for it
    view.page.click(BELL)
    view.page.click("text=Notify me")
    view.until("document.querySelector('#alerts [aria-pressed]').textContent === 'Notifications on'")
    publish(publisher, cart=0.5)
    publish(publisher, checkout=0.1)
    view.until("document.querySelector('#alerts').innerText.includes('cart is slow')")
    assert view.js("told") == []  # it fires on another series, too: that is no new alert
    publish(publisher, cart=0.1)
    view.until("told.length === 1")
    publish(publisher, checkout=0.7)
    view.until("told.length === 2")
    assert view.js("told[0].slice(0, 1).concat(told[0][2])") == ["latency is over", "streamgauge-latency"]
    assert view.js("told[1].map((text) => text.replace(/\\s/g, ' '))") == [
        "warning: latency",
        "checkout is slow: 700 ms",
        "streamgauge-latency",
    ]
    view.page.reload()
    until_rows(view, 2)
    assert view.js("told") == []  # what fires when the page comes is no news
    publish(publisher, errors=1.0)
    view.until("told.length")  # remembered
    assert view.js("told.map(([title]) => title)") == ["errors is over"]
    view.js("localStorage.clear()")


@pytest.fixture
def receiver(backstage: Backstage) -> Receiver:
    async def serve(task_status: trio.TaskStatus[Receiver]) -> None:
        async with receiving() as receiver:
            task_status.started(receiver)
            await trio.sleep_forever()

    made: Receiver = backstage.start(serve)
    return made


def fill(view: View, **fields: str) -> None:
    for name, value in fields.items():
        control = view.page.locator(f".alert-form [name={name}]")
        if name in ("when", "severity"):
            control.select_option(value)
        else:
            control.fill(value)


def test_an_alert_made_at_a_panel_fires_with_no_page_open(
    publisher: Publisher, seen: View, backstage: Backstage, receiver: Receiver, rules: Path
) -> None:
    seen.until_painted("shop.latency", 1, route="checkout")
    seen.page.click("[data-metric='shop.latency'] .panel-button")
    seen.page.click("[role=menuitem]:has-text('Alert')")
    form = seen.page.locator(".alert-form")
    assert form.locator("[name=metric]").input_value() == "shop.latency"
    assert form.locator("[name=name]").input_value() == "latency-high"
    until_text(seen, ".alert-form .form-note", "Now 2 series, from 100 ms to 200 ms.")
    seen.page.click(".alert-more-fields summary")
    fill(seen, tags="route=check*", value="0.3", seconds="0.2", severity="critical", webhook=receiver.url)
    until_text(seen, ".alert-form .form-note", "Now 1 series, at 200 ms.")
    seen.page.click(".alert-form .primary")
    seen.until("!document.querySelector('.alert-form').open")
    text = (rules / "latency-high.toml").read_text()
    assert text == (
        '[latency-high]\nmetric = "shop.latency"\ntags = { route = "check*" }\nabove = 0.3\nfor = "0.2s"\n'
        f'severity = "critical"\nwebhook = "{receiver.url}"\n'
    )
    seen.page.goto("about:blank")
    publish(publisher, checkout=0.35, cart=0.35)
    (body,) = backstage.run(receiver.wait_for, 1)
    assert (body["alert"], body["state"], body["value"]) == ("latency-high", "firing", 0.35)
    assert body["series"]["tags"] == {"route": "checkout"}


def test_a_panel_of_a_counter_gets_an_alert_on_its_rate(publisher: Publisher, seen: View, rules: Path) -> None:
    now = time.time()
    for at in range(5):
        publisher.publish(sample("net.bytes", 100.0 * at, now - 5 + at, kind="counter", unit="B"))
    seen.until("document.querySelector(\"[data-metric='net.bytes'] .panel-button\")")
    seen.until("streamgauge.panels().find(({ metric }) => metric === 'net.bytes').draws > 0")
    seen.page.click("[data-metric='net.bytes'] .panel-button")
    seen.page.click("[role=menuitem]:has-text('Alert')")
    assert seen.page.locator(".alert-form [name=when]").input_value() == "rises"
    fill(seen, value="90", seconds="")
    seen.page.click(".alert-form .primary")
    until_rows(seen, 0)
    seen.until("document.querySelectorAll(\"[data-metric='net.bytes'] .sg-band-text\").length === 1")
    assert "above = 90\nrate = true" in (rules / "bytes-high.toml").read_text()
    now = time.time()
    publisher.publish(*(sample("net.bytes", 500.0 + 200 * at, now - 1 + at, kind="counter") for at in (0, 1)))
    until_text(seen, ".alert-row", "warning bytes-high")


def test_an_alert_is_changed_and_deleted_in_the_list(
    publisher: Publisher, seen: View, rules: Path, server: Server
) -> None:
    seen.page.click(BELL)
    assert seen.page.locator("[data-rule='latency'] button").count() == 0  # edited by hand
    assert seen.text("[data-rule='latency'] .alert-file") == "shop.toml"
    seen.page.click("#new-alert")
    fill(seen, metric="shop.errors", when="silent", seconds="3600", name="Nothing comes")
    seen.page.click(".alert-form .primary")
    seen.page.click(BELL)
    until_text(seen, "[data-rule='nothing-comes']", "shop.errors silent for 60 min")
    seen.page.click("[data-rule='nothing-comes'] >> text=Edit")
    assert seen.page.locator(".alert-form [name=seconds]").input_value() == "3600"
    fill(seen, when="above", value="0.5", seconds="0")
    seen.page.click(".alert-form .primary")
    seen.page.click(BELL)
    until_text(seen, "[data-rule='nothing-comes']", "shop.errors above 0.5")
    until_text(seen, "[data-rule='nothing-comes']", "ok")
    seen.js("document.querySelector('[data-rule=nothing-comes]').kept = true")
    publish(publisher, errors=1.0)
    until_rows(seen, 1)
    until_text(seen, "[data-rule='nothing-comes']", "fires on 1")
    assert seen.js("document.querySelector('[data-rule=nothing-comes]').kept")  # nothing moves under a finger
    seen.page.click("[data-rule='nothing-comes'] >> text=Delete")
    seen.page.click("[data-rule='nothing-comes'] >> text=Really delete?")
    seen.until("!document.querySelector('[data-rule=nothing-comes]')")
    until_rows(seen, 0)
    assert sorted(each.name for each in rules.glob("*.toml")) == ["shop.toml"]
    until_text(seen, ".alert-item.is-over", "the alert was changed")


def test_a_refusal_is_told_at_the_field(seen: View, rules: Path) -> None:
    seen.expect_in_console("422|412|v1/alerts")
    seen.page.click(BELL)
    seen.page.click("#new-alert")
    invalid = "document.querySelector('.alert-form [aria-invalid=true]')?.name ?? ''"
    seen.page.click(".alert-form .primary")
    assert (seen.js(invalid), seen.text(".form-problem")) == (
        "metric",
        "Metric: expected a metric, or a glob such as host.*",
    )
    fill(seen, metric="shop.errors", value="")
    seen.page.click(".alert-form .primary")
    assert seen.js(invalid) == "value"
    seen.page.click(".alert-more-fields summary")
    fill(seen, value="5", clear="9", name="One")
    seen.page.click(".alert-form .primary")
    seen.until(f"({invalid}) === 'clear'")
    assert seen.text(".form-problem") == "Not saved: clear: expected at most above (5), got 9"
    (rules / "one.toml").write_text('[one]\nmetric = "x"\nabove = 1\n')
    fill(seen, clear="")
    seen.page.click(".alert-form .primary")
    seen.until(f"({invalid}) === 'name'")
    assert "already" in seen.text(".form-problem")
    fill(seen, name="Two")
    seen.page.click(".alert-form .primary")
    seen.until("!document.querySelector('.alert-form').open")
    assert (rules / "two.toml").exists()


def test_without_the_setting_the_page_offers_no_making(
    serving: Callable[..., Server], rules: Path, site: Site, view: View, backstage: Backstage
) -> None:
    server = serving(alerts=rules)
    publisher = Publisher(backstage, server.url)
    publish(publisher, errors=1.0)
    view.open(site.url)
    view.until("document.querySelectorAll('.sg-bands[data-alerts] line').length === 2")
    view.page.click(BELL)
    until_text(view, ".alerts-problem", "start it with --alerts DIR --alerts-writable")
    assert not view.page.locator("#new-alert").is_visible()
    view.page.keyboard.press("Escape")
    view.page.click("[data-metric='shop.errors'] .panel-button")
    assert "Alert…" not in view.page.locator("[role=menuitem]").all_inner_texts()
    publisher.close()


def test_where_only_the_stream_is_reached_it_still_tells(
    server: Server, publisher: Publisher, site: Site, view: View
) -> None:
    view.expect_in_console("v1/alerts|ERR_FAILED")
    view.page.route("**/v1/alerts", lambda route: route.abort())
    view.open(site.url)
    publish(publisher, errors=8.0)
    until_rows(view, 1)
    assert rows(view)[0].startswith("critical errors shop.errors is 8, above 5")
    view.page.reload()
    until_rows(view, 1)
    view.page.click(BELL)
    until_text(view, ".alerts-problem", "does not answer")
    publish(publisher, errors=1.0)
    until_rows(view, 0)
