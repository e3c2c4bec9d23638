"""What browsers are told the page may do: a strict Content-Security-Policy, and the headers beside it. Pure.

Scripts are the page's own files, and the two inline ones of Dash by their hash; nothing is evaluated. Connections go to
the page's own server and to the broadcaster. One panel may be shown in other sites' pages (`/embed`), the rest only in
its own.
"""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from broadcaster.origins import is_loopback

EMBEDDED = "/embed"
SIGN_IN = "/signin"  # the only page with a form, and nobody else's frame shall be around it
NOBODY = "'none'"
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
BESIDE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# Under TLS, for a year. Not for loopback's names, which are shared by all that this machine serves.
HSTS = {"Strict-Transport-Security": "max-age=31536000"}


class Policy:
    """`scripts` are hashes of inline scripts, `broadcaster` the URLs it is reached by, `embed_from` who may embed."""

    def __init__(self, scripts: Iterable[str], broadcaster: Sequence[str], embed_from: Sequence[str]) -> None:
        self._scripts = " ".join(("'self'", *scripts))
        self._broadcaster = broadcaster
        self._nobody_else = "'self'"
        self._embed_from = " ".join((self._nobody_else, *embed_from))

    def of(self, path: str, host: str) -> str:
        """The header for a page at this path, asked for under this host name (`Host`, without a port)."""
        return "; ".join(
            (
                "default-src 'none'",
                f"script-src {self._scripts}",
                "style-src 'self' 'unsafe-inline'",
                "img-src 'self' data: blob:",
                "font-src 'self'",
                f"connect-src 'self' {' '.join(source(url, host) for url in self._broadcaster)}",
                "base-uri 'none'",
                f"form-action {self._nobody_else if path == SIGN_IN else NOBODY}",
                f"frame-ancestors {self._around(path)}",
            )
        )

    def _around(self, path: str) -> str:
        if path == SIGN_IN:
            return NOBODY
        return self._embed_from if path == EMBEDDED else self._nobody_else


def hostname(host: str) -> str:
    """Of a `Host` header, without the port."""
    return host.rpartition(":")[0] if re.search(r":\d*$", host) else host


def source(url: str, host: str) -> str:
    """What of the URL a policy names: as in `client/urls.js`, a loopback host is the one that serves the page."""
    parts = urlsplit(url)
    named = parts.hostname or ""
    if is_loopback(named) and not is_loopback(host.strip("[]")) and HOST.fullmatch(host):
        named = host
    if ":" in named:
        named = "*"  # a policy has no way to write an IPv6 address
    return f"{parts.scheme}://{named}" + (f":{parts.port}" if parts.port else "")
