"""Whose certificates a client believes."""

import os
import ssl

Authorities = str | os.PathLike[str] | ssl.SSLContext | None


def trust(ca: Authorities = None) -> ssl.SSLContext:
    """For connections to wss://.

    Args:
        ca: a PEM file with the certificates of authorities, which alone are believed; None: those of the system.
            A context is taken as it is.

    Raises:
        ValueError: it cannot be read, or holds none.
    """
    if isinstance(ca, ssl.SSLContext):
        return ca
    try:
        context = ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        raise ValueError("expected a PEM file with certificates") from None
    except OSError as error:
        raise ValueError(f"expected a PEM file with certificates that can be read ({error.strerror})") from None
    context.set_alpn_protocols(["http/1.1"])  # what a WebSocket begins as
    return context
