import argparse
import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import broadcaster.__main__ as broadcaster_commands
import ingest.__main__ as ingest_commands
from ingest.errors import CommandError, extra
from ingest.logs.output import finish
from ingest.printing import flush


def main(argv: Sequence[str] | None = None) -> int:
    """The command `streamgauge`; returns the exit status.

    2 for what the person can put right, 1 if standard output cannot be written to, 130 for ctrl-C.

    Raises:
        KeyboardInterrupt: before there is a command.
    """
    try:
        args = _parsed(argv)
    except CommandError as error:
        return _refuse("streamgauge", error)
    name = f"streamgauge {args.command}"
    try:
        status: int = args.run(args)
    except CommandError as error:
        return _refuse(name, error)
    except KeyboardInterrupt:
        return 130
    except BaseExceptionGroup as group:
        return _refuse(name, _reason(group))
    return status


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """Raises SystemExit after --help and the like, or OutputError if that could not be printed."""
    try:
        return _parser().parse_args(argv)
    except SystemExit:
        flush()
        raise


def _refuse(name: str, error: CommandError | KeyboardInterrupt) -> int:
    if isinstance(error, KeyboardInterrupt):
        return 130
    # One line, whatever a file or a name is made of, and nothing that speaks to the terminal.
    message = "".join(each if each.isprintable() else repr(each)[1:-1] for each in str(error))
    finish()
    print(f"{name}: {message}", file=sys.stderr)
    return error.status


def _reason(group: BaseExceptionGroup[BaseException]) -> CommandError | KeyboardInterrupt:
    """What a nursery wrapped. Raises the group again if anything in it is a bug rather than an answer."""
    known, rest = group.split((CommandError, KeyboardInterrupt))
    if rest is not None or known is None:
        raise group
    leaf: BaseException = known
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    assert isinstance(leaf, CommandError | KeyboardInterrupt)
    return leaf


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="streamgauge",
        description="See your metrics now.",
        epilog="Every setting is also a variable STREAMGAUGE_... and a key of a TOML file.",
    )
    parser.add_argument("-V", "--version", action="version", version=f"%(prog)s {_version()}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    add_commands(subparsers)
    broadcaster_commands.add_commands(subparsers)
    ingest_commands.add_commands(subparsers)
    return parser


def _version() -> str:
    try:
        return version("streamgauge")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "(not installed)"


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    about = "Broadcaster, dashboard, this machine's metrics and a synthetic web shop in one process."
    demo = subparsers.add_parser("demo", help="everything in one process, with something to see", description=about)
    _add_common(demo, "127.0.0.1:8050")
    demo.add_argument("--no-browser", dest="browser", action="store_const", const=False, help="open no browser")
    demo.set_defaults(run=_demo)

    about = "Serve a page whose browser subscribes straight to the broadcaster."
    dashboard = subparsers.add_parser("dashboard", help="serve the dashboard of a broadcaster", description=about)
    _add_common(dashboard, "127.0.0.1:8050")
    dashboard.add_argument("--broadcaster", metavar="URL", help="the broadcaster (ws://127.0.0.1:8765)")
    dashboard.add_argument("--broadcaster-http", metavar="URL", help="its HTTP side (http://127.0.0.1:8766)")
    dashboard.add_argument("--log-format", metavar="FORM", help="of a line of the log: logfmt or json (logfmt)")
    dashboard.add_argument("--password-file", metavar="FILE", help="who may sign in: as streamgauge passwd writes it")
    dashboard.add_argument("--token-secret", metavar="FILE", help="the broadcaster's, for tokens of who is signed in")
    dashboard.add_argument("--public-url", metavar="URL", help="where viewers find it, behind a proxy")
    dashboard.add_argument("--tls-certificate", metavar="FILE", help="serve https://, with this certificate (PEM)")
    dashboard.add_argument("--tls-key", metavar="FILE", help="the certificate's key (PEM)")
    dashboard.set_defaults(run=_dashboard)

    about = "Set the password of who may sign in to the dashboard. It is asked on the terminal, or read from stdin."
    passwd = subparsers.add_parser("passwd", help="who may sign in to the dashboard", description=about)
    passwd.add_argument("file", metavar="FILE", help="the dashboard's password_file, made if missing")
    passwd.add_argument("name", metavar="NAME", help="letters, digits and . _ @ + -")
    passwd.add_argument("--role", choices=("viewer", "editor", "admin"), help="what they may do (viewer, or as it was)")
    passwd.add_argument("--remove", action="store_true", help="they may no longer sign in, and their sessions end")
    passwd.set_defaults(run=_passwd)


def _add_common(parser: argparse.ArgumentParser, bind: str) -> None:
    parser.add_argument("--bind", metavar="HOST:PORT", help=f"where the dashboard is served ({bind})")
    parser.add_argument("--dashboards", metavar="DIR", help="the directory of saved dashboards, made if missing (none)")
    parser.add_argument("--config", metavar="FILE", help="a TOML file with settings")
    parser.add_argument(
        "--insecure",
        action="store_const",
        const=True,
        help="let other machines connect although no credentials are configured",
    )


def _demo(args: argparse.Namespace) -> int:
    with extra("broadcaster,dashboard"):
        importlib.import_module("broadcaster.server")
        from dashboard import demo
    flags = {name: getattr(args, name) for name in ("bind", "insecure", "dashboards")}
    demo.run(args.config, flags, browser=args.browser)
    return 0


def _dashboard(args: argparse.Namespace) -> int:
    with extra("dashboard"):
        from dashboard.command import run
    names = "bind broadcaster broadcaster_http insecure dashboards log_format password_file token_secret public_url"
    run({name: getattr(args, name) for name in (*names.split(), "tls_certificate", "tls_key")}, args.config)
    return 0


def _passwd(args: argparse.Namespace) -> int:
    with extra("dashboard"):
        from dashboard.signin.command import run
    run(args.file, args.name, args.role, remove=args.remove)
    return 0
