"""The commands of the broadcaster: `serve`, `alerts` and `watch`."""

import argparse

from broadcaster.watch import add_watch
from ingest.errors import extra

DESCRIPTION = "Fan samples out from producers to subscribers."


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    serve = subparsers.add_parser("serve", help="run a broadcaster", description=DESCRIPTION)
    serve.add_argument("--bind", metavar="HOST:PORT", help="where WebSockets are accepted (127.0.0.1:8765)")
    serve.add_argument("--http-bind", metavar="HOST:PORT", help="where HTTP is served (127.0.0.1:8766)")
    serve.add_argument("--tls-certificate", metavar="FILE", help="certificate chain (PEM): both ports speak TLS")
    serve.add_argument("--tls-key", metavar="FILE", help="its key (PEM)")
    serve.add_argument("--token-secret", metavar="FILE", help="secret that clients' tokens are signed with (HS256)")
    serve.add_argument("--token-keys", metavar="FILE", help="JWKS, or a public key in PEM, of whoever signs tokens")
    serve.add_argument("--token-revoked", metavar="FILE", help="tokens that are refused: an id or sub:NAME a line")
    serve.add_argument("--alerts", metavar="PATH", help="alerts: a TOML file, or a directory of them (none)")
    writable = "pages may make and change alerts in that directory, which is made if missing"
    serve.add_argument("--alerts-writable", action="store_const", const=True, help=writable)
    serve.add_argument("--config", metavar="FILE", help="TOML file with settings")
    serve.add_argument(
        "--insecure", action="store_const", const=True, help="allow binding beyond loopback without credentials"
    )
    serve.add_argument("--log-format", metavar="FORM", help="of a line of the log: logfmt or json (logfmt)")
    serve.set_defaults(run=_serve)
    _add_alerts(subparsers)
    add_watch(subparsers)


def _add_alerts(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    about = "Look at files of alerts without a broadcaster."
    alerts = subparsers.add_parser("alerts", help="check files of alerts", description=about)
    actions = alerts.add_subparsers(dest="action", metavar="ACTION", required=True)
    about = "Say what the alerts are and what is wrong, by file and line. Ends with status 2 if anything is."
    check = actions.add_parser("check", help="say what is wrong, by file and line", description=about)
    check.add_argument("path", metavar="PATH", help="a TOML file, or a directory of them")
    check.set_defaults(run=_check)


def _check(args: argparse.Namespace) -> int:
    from broadcaster.alerts.check import check

    return check(args.path)


def _serve(args: argparse.Namespace) -> int:
    with extra("broadcaster"):
        from broadcaster.command import run

    names = [
        *("bind", "http_bind", "insecure", "tls_certificate", "tls_key", "token_secret", "token_keys", "token_revoked"),
        *("alerts", "alerts_writable", "log_format"),
    ]
    flags = {name: getattr(args, name) for name in names}
    run(flags, args.config)
    return 0
