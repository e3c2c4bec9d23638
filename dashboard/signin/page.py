"""The page of signing in. Pure. It works without scripts; one follows the remembered theme and shows the password."""

from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qs, urlsplit

PAGE = """<!DOCTYPE html>
<html lang="en"{theme}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{heading}</title>
<link rel="icon" type="image/svg+xml" href="/assets/favicon.svg">
<link rel="stylesheet" href="/assets/style.css">
<link rel="stylesheet" href="/assets/signin.css">
<script src="/assets/signin.js"></script>
</head>
<body class="signin">
<main class="signin-card">
<img class="signin-mark" src="/assets/favicon.svg" alt="" width="44" height="44">
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""

FORM = """<p class="signin-lead">{lead}</p>
{problem}<form class="signin-form" method="post" action="/signin">
<input type="hidden" name="next" value="{next}">
<label class="signin-field" for="name"><span>Name</span>
<input id="name" name="name" type="text" value="{name}" autocomplete="username" autocapitalize="none" autocorrect="off"
 spellcheck="false" maxlength="64" required{described}{focus_name}></label>
<label class="signin-field" for="password"><span>Password</span>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="1024"
 required{described}{focus_password}></label>
<button class="button primary signin-button" type="submit">Sign in</button>
</form>"""

LEADS = {
    "out": "You are signed out.",
    "ended": "Your session has ended. Sign in, and what you looked at is there again.",
}
LEAD = "Sign in to see its metrics."
ELSEWHERE = '<p class="signin-lead">This dashboard is signed in to through the proxy in front of it.</p>'
FRAMED = """<p class="signin-lead">To see this panel, sign in to the dashboard.</p>
<p><a class="button primary signin-button" href="/signin?next={next}" target="_blank" rel="noopener">Sign in</a></p>"""


@dataclass(frozen=True, slots=True)
class Form:
    """What stands in the page: `why` is out, ended or neither, `problem` what went wrong, `name` what was typed."""

    next: str = "/"
    why: str = ""
    problem: str = ""
    name: str = ""


def form(title: str, form: Form) -> str:
    has_problem = bool(form.problem)
    problem = f'<p id="problem" class="signin-problem" role="alert">{escape(form.problem)}</p>\n' if has_problem else ""
    body = FORM.format(
        lead=LEADS.get(form.why, LEAD),
        problem=problem,
        next=escape(form.next),
        name=escape(form.name),
        described=' aria-invalid="true" aria-describedby="problem"' if has_problem else "",
        focus_name="" if form.name else " autofocus",
        focus_password=" autofocus" if form.name else "",
    )
    return _page(title, body, ("Error: " if has_problem else "") + f"Sign in · {title}", form.next)


def elsewhere(title: str) -> str:
    """Where there are no passwords."""
    return _page(title, ELSEWHERE, f"Not signed in · {title}", "")


def framed(title: str, quoted_next: str) -> str:
    """In another page's frame nobody is asked for a password."""
    return _page(title, FRAMED.format(next=escape(quoted_next)), f"Not signed in · {title}", "")


def _page(title: str, body: str, heading: str, next: str) -> str:
    theme = parse_qs(urlsplit(next).query).get("theme", [""])[0]
    return PAGE.format(
        theme=f' data-theme="{theme}"' if theme in ("dark", "light") else "",
        heading=escape(heading),
        title=escape(title),
        body=body,
    )
