"""The errors a person can meet, each one line that says what, where and what to do."""


class OrganizerError(Exception):
    """Something that could not be done.

    Args:
        what: what went wrong, as a short clause ("the library is read-only").
        where: the file, folder or key it concerns; empty when there is none.
        remedy: what the owner can do about it; empty when nothing.

    `str(error)` joins the three in one line; control characters in `where` are escaped, so that a photo's
    name can never break the line.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: object = "", remedy: str = "") -> None:
        self.what = what
        self.where = printable(where)
        self.remedy = remedy
        super().__init__(what)

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}" if self.where else self.what
        return f"{line}; {self.remedy}" if self.remedy else line


def printable(text: object) -> str:
    """`text` on one line: control characters, undecodable bytes and direction marks as escapes."""
    return "".join(one if one.isprintable() else _escaped(one) for one in str(text))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
