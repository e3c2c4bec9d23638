"""When to complain of files that are looked at again and again. Pure."""


class Complaint:
    """Due once, and only if the same is found at two looks: somebody may be writing the files at the first."""

    __slots__ = ("_found", "_told")

    def __init__(self) -> None:
        self._found: object = None
        self._told: object = None

    def is_due(self, found: object) -> bool:
        """`found`: the state of the files, and what is wrong with them."""
        again, self._found = found == self._found, found
        if not again or found == self._told:
            return False
        self._told = found
        return True

    def settle(self) -> None:
        """Nothing is wrong any more."""
        self._found = self._told = None
