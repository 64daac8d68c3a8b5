"""Rewriting the paths of the journal for a folder that has moved: its photos can then be undone there."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from photo_organizer.errors import OrganizerError, printable
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.operation import SKIPPED, State
from photo_organizer.sqlite import open_database, replace_folder, transaction

_FINISHED = f"o.state IN ({State.DONE:d}, {State.RECORDED:d})"
_BELOW = "(m.{0} >= :start AND m.{0} < :end)"


@dataclass(frozen=True, slots=True)
class MovedFolder:
    """A folder that has moved with everything in it.

    Args:
        old, new: where it was and where it is; absolute, as the kernel has them.
    """

    old: bytes
    new: bytes

    def follow(self, path: bytes) -> bytes:
        """Return where `path` is now; the same for what was never in the folder."""
        if path == self.old or path.startswith(self.old + b"/"):
            return self.new + path[len(self.old) :]
        return path

    @property
    def bounds(self) -> dict[str, bytes]:
        """The range of all paths below the old place, as parameters of a query."""
        return {"start": self.old + b"/", "end": self.old + b"0"}  # which comes next after a slash

    def photos(self, journal: Journal) -> Iterator[bytes]:
        """Yield the paths of all photos that are in the folder, as far as the journal knows."""
        query = (
            "SELECT m.destination FROM operations o JOIN moves m ON m.operation = o.id AND m.position = 0"  # noqa: S608 (ours)
            f" WHERE {_BELOW.format('destination')} AND {_FINISHED} AND o.undone_by IS NULL"
            f" AND o.label <> '{SKIPPED}' AND o.kind <> 'undone'"
            " AND NOT EXISTS (SELECT 1 FROM moves n JOIN operations p ON p.id = n.operation"
            "  WHERE n.source = m.destination AND n.position = 0 AND p.id > o.id AND p.undone_by IS NULL"
            "  AND p.sha256 = o.sha256)"
            " UNION SELECT path FROM held WHERE path >= :start AND path < :end"
        )
        for row in journal.rows(query, self.bounds):
            yield row[0]

    def entries(self, journal: Journal) -> int:
        """Return how many files the journal knows to have been moved into the folder or out of it."""
        query = (
            f"SELECT COUNT(*) FROM moves m WHERE {_BELOW.format('source')} OR {_BELOW.format('destination')}"  # noqa: S608 (ours)
        )
        return int(str(journal.value(query, self.bounds)))

    def check_roots(self, journal: Journal) -> None:
        """Make sure that no library or inbox is cut in two.

        Raises:
            OrganizerError: the folder is inside a library or an inbox, and has left it.
        """
        for column in ("source", "destination"):
            query = (
                f"SELECT DISTINCT substr(m.{column}, 1, o.{column}_root) FROM operations o"  # noqa: S608 (ours)
                f" JOIN moves m ON m.operation = o.id WHERE {_BELOW.format(column)}"
                f" AND o.{column}_root < :length"
            )
            for (root,) in journal.rows(query, {**self.bounds, "length": len(self.old)}):
                if not self.new.startswith(bytes(root).rstrip(b"/") + b"/"):
                    raise OrganizerError(
                        f"is inside {printable(os.fsdecode(root))}, which is one library or inbox",
                        where=os.fsdecode(self.old),
                        remedy="relocate that folder as a whole",
                    )


def rewrite_journal(path: Path, moved: MovedFolder) -> None:
    """Rewrite all paths of the journal, or none of them.

    To be called by who owns the library.

    Args:
        path: the journal; of the present version.
        moved: the folder.

    Raises:
        OrganizerError: the journal cannot be written; it is as before.
    """
    longer = len(moved.new) - len(moved.old)
    try:
        with closing(open_database(path, synchronous="FULL")) as connection, transaction(connection):
            for column in ("source", "destination"):
                connection.execute(
                    f"UPDATE operations SET {column}_root = {column}_root + :longer"  # noqa: S608 (ours)
                    f" WHERE {column}_root >= :length AND id IN"
                    f" (SELECT m.operation FROM moves m WHERE {_BELOW.format(column)})",
                    {**moved.bounds, "longer": longer, "length": len(moved.old)},
                )
                replace_folder(connection, "moves", column, moved.old, moved.new)
            replace_folder(connection, "held", "path", moved.old, moved.new)
            replace_folder(connection, "made_folders", "path", moved.old, moved.new)
            mark = ("relocated", secrets.token_hex(4))  # what is made from the journal is made anew
            connection.execute("INSERT OR REPLACE INTO facts VALUES (?,?)", mark)
    except sqlite3.Error as error:
        raise OrganizerError(f"the journal: {error}", where=path) from error
