import re

import pytest

from dashboard.signin.page import Form, elsewhere, form, framed

HOSTILE = '"><script>alert(1)</script>'


def test_every_field_has_a_label_and_what_fills_it_in() -> None:
    page = form("Streamgauge", Form())
    for field, fills in (("name", "username"), ("password", "current-password")):
        assert re.search(rf'<label[^>]*for="{field}"', page)
        assert re.search(rf'<input id="{field}"[^>]*autocomplete="{fills}"', page)
    assert "<title>Sign in · Streamgauge</title>" in page


def test_nothing_inline() -> None:
    page = form("Streamgauge", Form(problem="wrong"))
    assert re.findall(r"<script[^>]*>", page) == ['<script src="/assets/signin.js">']
    assert "style=" not in page
    assert not re.search(r"\son\w+=", page)


def test_a_problem_is_announced_and_the_name_is_kept() -> None:
    page = form("Streamgauge", Form(problem="Wrong.", name="ana"))
    assert '<p id="problem" class="signin-problem" role="alert">Wrong.</p>' in page
    assert page.count('aria-invalid="true" aria-describedby="problem"') == 2
    assert "<title>Error: Sign in" in page
    assert re.search(r'id="name"[^>]*value="ana"', page)
    assert re.search(r'id="password"[^>]*autofocus', page)


@pytest.mark.parametrize(
    ("why", "lead"), [("out", "You are signed out"), ("ended", "has ended"), ("<b>", "Sign in to see")]
)
def test_why_it_is_shown(why: str, lead: str) -> None:
    page = form("Streamgauge", Form(why=why))
    assert lead in page
    assert "<b>" not in page


def test_texts_are_texts() -> None:
    for page in (
        form(HOSTILE, Form(next=f"/{HOSTILE}", why=HOSTILE, problem=HOSTILE, name=HOSTILE)),
        elsewhere(HOSTILE),
        framed(HOSTILE, HOSTILE),
    ):
        assert "<script>alert" not in page


@pytest.mark.parametrize(("next", "theme"), [("/?theme=dark", "dark"), ("/?theme=evil", None), ("/", None)])
def test_the_theme_of_the_page_that_follows(next: str, theme: str | None) -> None:
    found = re.search(r'<html lang="en" data-theme="(\w+)">', form("Streamgauge", Form(next)))
    assert (found and found[1]) == theme
