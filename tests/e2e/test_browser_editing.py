"""Edit mode: a dashboard is made, changed, saved and deleted without leaving the page."""

import tomllib
from pathlib import Path

import pytest

from dashboard.boards import Board, PanelSpec, parse
from tests.e2e.backstage import Publisher
from tests.e2e.browsing import Server, Site, View
from tests.e2e.wire import sample

TWO = 'title = "Two"\n\n[[panels]]\nmetric = "a.one"\n\n[[panels]]\nmetric = "a.two"\n'


@pytest.fixture
def url(site: Site, tmp_path: Path) -> str:
    return site.serve(f"ws://127.0.0.1:{site.ports[0]}", STREAMGAUGE_DASHBOARD_DASHBOARDS=str(tmp_path))


def titles(view: View) -> list[str]:
    return view.page.locator(".panel-title").all_text_contents()  # of panels that are not rendered yet, too


def tool(view: View, at: int, action: str) -> None:
    view.page.click(f"[data-panel='{at}'] [data-action={action}]")


def test_a_dashboard_is_made_of_what_is_shown(publisher: Publisher, url: str, tmp_path: Path, view: View) -> None:
    publisher.publish(*[sample(metric, 1.0) for metric in ("a.one", "a.two", "b.three")])
    view.open(url)
    view.until_painted("b.three", 1)
    view.page.fill("#filter", "a.")
    view.until("document.querySelectorAll('.panel:not([hidden])').length === 2")
    view.page.click("#edit")
    assert titles(view) == ["a.one", "a.two"]
    assert view.js("document.activeElement.placeholder") == "Title of the dashboard"
    view.page.keyboard.type("My run")
    tool(view, 0, "later")
    assert titles(view) == ["a.two", "a.one"]
    assert view.js("document.activeElement.closest('.panel').dataset.panel") == "1", "focus goes with the panel"
    tool(view, 0, "wider")
    tool(view, 1, "narrower")
    tool(view, 0, "taller")
    view.page.click("#add-panel")
    view.page.fill("[name=metric]", "b.*")
    view.page.fill("[name=tags]", "host")
    view.page.keyboard.press("Enter")
    assert view.page.locator(".panel-form[open]").is_visible(), "tags are no tags"
    view.page.fill("[name=tags]", "")
    assert view.text(".form-note") == "Now selects 1 series."
    view.page.fill("[name=title]", "The rest")
    view.page.keyboard.press("Enter")
    view.until("document.querySelectorAll('.panel').length === 3")
    assert not list(tmp_path.iterdir()), "nothing is kept before it is saved"
    view.page.click(".edit-bar .primary")
    view.until("location.search.includes('dashboard=my-run')")
    panels = (PanelSpec("a.two", width=3, height=2), PanelSpec("a.one"), PanelSpec("b.*", "The rest"))
    assert parse((tmp_path / "my-run.toml").read_text()) == Board("My run", None, panels)
    assert view.page.locator(".edit-bar").is_hidden()
    assert view.page.locator(".panel-tools").count() == 0
    view.until("location.search === '?dashboard=my-run' && streamgauge.view.filter === ''")
    view.until_painted("b.three", 1)
    view.page.reload()
    view.until_painted("b.three", 1)
    assert titles(view) == ["a.two", "a.one", "The rest"]
    assert view.page.input_value("#board") == "my-run"


def test_two_editors_are_told_of_each_other(publisher: Publisher, url: str, tmp_path: Path, view: View) -> None:
    view.expect_in_console("api/dashboards/two|status of 412")
    file = tmp_path / "two.toml"
    file.write_text(TWO)
    view.open(url + "?dashboard=two")
    view.page.click("#edit")
    tool(view, 0, "remove")
    file.write_text(TWO.replace("Two", "Theirs"))
    view.page.click(".edit-bar .primary")
    view.page.wait_for_selector("text=Not saved: two: was changed or deleted meanwhile")
    assert tomllib.loads(file.read_text())["title"] == "Theirs"
    assert titles(view) == ["a.two"]
    view.page.click("text=Save over it")
    view.page.wait_for_selector(".edit-bar", state="hidden")
    assert parse(file.read_text()) == Board("Two", None, (PanelSpec("a.two"),))


def test_changes_are_discarded_only_when_a_person_says_so(server: Server, url: str, tmp_path: Path, view: View) -> None:
    (tmp_path / "two.toml").write_text(TWO)
    asked: list[str] = []
    answers = [False, True]

    def answer(dialog: object) -> None:
        asked.append(dialog.message)  # type: ignore[attr-defined]
        dialog.accept() if answers.pop(0) else dialog.dismiss()  # type: ignore[attr-defined]

    view.page.on("dialog", answer)
    view.open(url + "?dashboard=two")
    view.page.wait_for_selector("[data-panel='1']")
    view.page.click("#edit")
    tool(view, 1, "remove")
    view.page.select_option("#board", "")
    view.until("location.search === '?dashboard=two'")
    assert titles(view) == ["a.one"]
    view.page.click(".edit-bar >> text=Cancel")
    view.until("document.querySelectorAll('.panel').length === 2")
    assert asked == ["Discard the changes?"] * 2
    assert (tmp_path / "two.toml").read_text() == TWO


def test_a_dashboard_is_deleted_after_a_second_word(server: Server, url: str, tmp_path: Path, view: View) -> None:
    (tmp_path / "two.toml").write_text(TWO)
    view.open(url + "?dashboard=two")
    view.page.wait_for_selector("[data-panel='1']")
    view.page.click("#edit")
    view.page.click("text=Delete")
    assert (tmp_path / "two.toml").exists()
    view.page.click("text=Really delete?")
    view.until("location.search === ''")
    assert not list(tmp_path.iterdir())


def test_where_nothing_is_saved_there_is_no_edit_mode(server: Server, site: Site, view: View) -> None:
    view.open(site.url)
    view.page.wait_for_load_state("networkidle")
    assert view.page.locator("#edit").is_hidden()


def test_an_empty_dashboard_is_not_begun_by_a_filter_that_matches_nothing(
    publisher: Publisher, url: str, tmp_path: Path, view: View
) -> None:
    publisher.publish(sample("a.one", 1.0))
    view.open(url)
    view.until_painted("a.one", 1)
    view.page.fill("#filter", "nothing of that name")
    view.until("document.querySelector('.no-match').checkVisibility()")
    view.page.click("#edit")
    assert view.text(".edit-note") == "a new dashboard; nothing was shown that it could begin with"
    view.page.keyboard.type("Empty")
    view.page.click(".edit-bar .primary")
    assert view.text(".edit-note") == "It needs a panel: there would be nothing to see."
    assert not list(tmp_path.iterdir())
    view.page.keyboard.press("Enter")  # on "Add a panel", which has the focus
    view.page.fill("[name=metric]", "a.one")
    view.page.keyboard.press("Enter")
    view.page.click(".edit-bar .primary")
    view.until("location.search === '?dashboard=empty'")
