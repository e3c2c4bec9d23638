"""The commands of the broadcaster: `serve`, `alerts`, `token` and `watch`."""

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
    serve.add_argument("--data-dir", metavar="DIR", help="keep the history in that directory, which is made if missing")
    serve.add_argument("--config", metavar="FILE", help="TOML file with settings")
    serve.add_argument(
        "--insecure", action="store_const", const=True, help="allow binding beyond loopback without credentials"
    )
    serve.add_argument("--log-format", metavar="FORM", help="of a line of the log: logfmt or json (logfmt)")
    serve.set_defaults(run=_serve)
    _add_alerts(subparsers)
    _add_token(subparsers)
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


def _add_token(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    about = "Make keys and tokens for a broadcaster with credentials, and look at tokens."
    token = subparsers.add_parser("token", help="make keys and tokens, look at tokens", description=about)
    actions = token.add_subparsers(dest="action", metavar="ACTION", required=True)
    about = (
        "Write a new secret that broadcaster and minters share, or with --pair an Ed25519 key and FILE.pub beside it."
    )
    keygen = actions.add_parser("keygen", help="make a key", description=about)
    keygen.add_argument("file", metavar="FILE", help="where; an existing file is never overwritten")
    keygen.add_argument("--pair", action="store_true", help="a private and a public key instead of a secret")
    about = "Print public keys as one JWKS, for --token-keys; a key's kid is its file's name without the suffix."
    keys = actions.add_parser("jwks", help="put public keys together", description=about)
    keys.add_argument("files", metavar="FILE", nargs="+", help="a public key (PEM)")
    about = "Print a token."
    mint = actions.add_parser("mint", help="make a token", description=about)
    mint.add_argument("--key", metavar="FILE", required=True, help="the secret, or a private key (PEM)")
    mint.add_argument("--subject", metavar="NAME", required=True, help="whose it is; limits are kept by it")
    mint.add_argument(
        "--scope",
        metavar="WORD",
        nargs="+",
        required=True,
        help="publish:GLOB, subscribe:GLOB, admin; globs of metrics",
    )
    mint.add_argument("--expires", metavar="TIME", default="1h", help="from now: 90s, 15m, 1h, 30d (1h)")
    mint.add_argument("--id", metavar="ID", help="its jti, to revoke it by (random)")
    mint.add_argument("--kid", metavar="ID", help="the name of the key, if the broadcaster has several")
    mint.add_argument("--issuer", metavar="NAME", help="its iss, if the broadcaster expects one")
    mint.add_argument("--audience", metavar="NAME", help="its aud, if the broadcaster expects one")
    about = "Say what a token says, and with --key whether it is good. Ends with status 1 if it is not."
    inspect = actions.add_parser("inspect", help="look at a token", description=about)
    inspect.add_argument("file", metavar="FILE", nargs="?", default="-", help="a file with the token (standard input)")
    inspect.add_argument("--key", metavar="FILE", help="the secret, a public key (PEM) or a JWKS file")
    token.set_defaults(run=_token)


def _token(args: argparse.Namespace) -> int:
    with extra("broadcaster"):
        from broadcaster.credentials import command
    if args.action == "keygen":
        command.keygen(args.file, pair=args.pair)
    elif args.action == "jwks":
        command.jwks(args.files)
    elif args.action == "mint":
        claims = {name: value for name, value in (("iss", args.issuer), ("aud", args.audience)) if value is not None}
        command.mint_token(args.key, args.subject, args.scope, args.expires, id=args.id, kid=args.kid, **claims)
    else:
        status: int = command.inspect(args.file, args.key)
        return status
    return 0


def _serve(args: argparse.Namespace) -> int:
    with extra("broadcaster"):
        from broadcaster.command import run

    names = [
        *("bind", "http_bind", "insecure", "tls_certificate", "tls_key", "token_secret", "token_keys", "token_revoked"),
        *("alerts", "alerts_writable", "data_dir", "log_format"),
    ]
    flags = {name: getattr(args, name) for name in names}
    run(flags, args.config)
    return 0
