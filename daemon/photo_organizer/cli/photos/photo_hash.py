"""The SHA-256 of a photo, for commands that compare it with what is known."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from photo_organizer.errors import OrganizerError

if TYPE_CHECKING:
    from pathlib import Path


def photo_sha256(path: Path) -> str:
    """Return the SHA-256 of the photo at `path`, in hex.

    Raises:
        OrganizerError: it cannot be read.
    """
    from photo_organizer.fsops import open_photo

    try:
        with os.fdopen(open_photo(path), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise OrganizerError(f"cannot be read: {error.strerror}", where=path) from error
