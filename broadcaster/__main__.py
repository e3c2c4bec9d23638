"""The commands of the broadcaster: `serve` and `watch`."""

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
    serve.add_argument("--config", metavar="FILE", help="TOML file with settings")
    serve.add_argument(
        "--insecure", action="store_const", const=True, help="allow binding beyond loopback without credentials"
    )
    serve.set_defaults(run=_serve)
    add_watch(subparsers)


def _serve(args: argparse.Namespace) -> int:
    with extra("broadcaster"):
        from broadcaster.command import run

    names = ("bind", "http_bind", "insecure", "tls_certificate", "tls_key")
    flags = {name: getattr(args, name) for name in names}
    run(flags, args.config)
    return 0
