import os
import socket

from ingest.errors import CommandError
from ingest.settings import Address


def listen(bind: Address, backlog: int) -> socket.socket:
    """A listening TCP socket. Raises CommandError, with the reason in the system's own words."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    try:
        return socket.create_server((bind.host, bind.port), family=family, backlog=backlog)
    except OSError as error:
        # Python adds the address to the system's text, which a person sees beside it anyway.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror or error)
        raise CommandError(f"cannot listen on {bind}: {reason.partition(' (while ')[0]}") from None
