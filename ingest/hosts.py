"""Names of hosts that a resolver can be asked for. Pure."""

LABEL_MAX, NAME_MAX = 63, 253  # characters; RFC 1035, section 2.3.4


def check_host(host: str) -> None:
    """Raises ValueError, which says what was expected: the host is neither an address nor a name that can be looked up.

    Python's resolver would end with a UnicodeError, which is no OSError.
    """
    name = host.removesuffix(".")
    if len(name) > NAME_MAX:
        raise ValueError(f"expected a host of at most {NAME_MAX} characters")
    if not name.isprintable() or not all(1 <= len(label) <= LABEL_MAX for label in name.split(".")):
        raise ValueError(f"expected a host with 1 to {LABEL_MAX} characters between its dots")
