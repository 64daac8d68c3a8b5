"""The photos that the page may speak of, each under an id: no request names a path."""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from photo_organizer.errors import OrganizerError, printable
from photo_organizer.library import PlacedPhoto
from photo_organizer.photo import FileIdentity, Photo
from photo_organizer.web.services.suggestions import suggest

_MOST = 200_000


@dataclass(frozen=True, slots=True)
class ShownPhoto:
    """A photo that was shown, as it was then.

    Args:
        id: stands for path and state of the file; another state of it has another id.
        photo: path and identity.
        sha256: of its content, in hex; empty where nobody has told yet.
        suggestions: at most three categories with their probabilities, most probable first (see `suggest`).
    """

    id: str
    photo: Photo
    sha256: str = ""
    suggestions: tuple[tuple[str, float], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the values for the page; the name is only displayed, and never sent back."""
        return {
            "name": printable(self.photo.path.name),
            "time": self.photo.identity.mtime_ns // 1_000_000_000,
            "top": [[category, round(probability, 4)] for category, probability in self.suggestions],
        }


@dataclass(frozen=True, slots=True)
class KnownPhoto:
    """What the page needs of a journal entry; small, since there may be many."""

    size: int
    mtime_ns: int
    sha256: str
    suggestions: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, placed: PlacedPhoto) -> KnownPhoto:
        """Return what is kept of `placed`."""
        details = placed.details
        suggestions = suggest(details.categories, details.probabilities)
        names = tuple((sys.intern(category), probability) for category, probability in suggestions)
        return cls(placed.identity.size, placed.identity.mtime_ns, placed.sha256, names)


class UnknownPhotoError(OrganizerError):
    """An id that this process never gave out, or has forgotten."""


class ShownPhotos:
    """Gives photos their ids, and looks them up."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._known: dict[str, ShownPhoto] = {}

    def show(self, path: Path, status: os.stat_result, known: KnownPhoto | None) -> ShownPhoto:
        """Return the photo at `path` with its id.

        Args:
            path: absolute.
            status: of the file, now.
            known: what the journal says was brought to that path.
        """
        photo = Photo(path, FileIdentity.of(status))
        return self._keep(_described(self._id(photo), photo, known))

    def show_content(
        self,
        path: Path,
        status: os.stat_result,
        sha256: str,
        suggestions: tuple[tuple[str, float], ...],
    ) -> ShownPhoto:
        """Return the photo at `path`, whose hash is known from elsewhere than the journal."""
        photo = Photo(path, FileIdentity.of(status))
        return self._keep(ShownPhoto(self._id(photo), photo, sha256, suggestions))

    def show_as(self, path: Path, status: os.stat_result, before: ShownPhoto) -> ShownPhoto:
        """Return a photo that was moved, with its new id."""
        photo = Photo(path, FileIdentity.of(status))
        return self._keep(replace(before, id=self._id(photo), photo=photo))

    def _id(self, photo: Photo) -> str:
        identity = photo.identity
        numbers = (identity.device, identity.inode, identity.size, identity.mtime_ns)
        fields = (os.fsencode(photo.path), *(str(number).encode() for number in numbers))
        return hashlib.blake2b(b"\0".join(fields), key=self._key, digest_size=12).hexdigest()

    def _keep(self, shown: ShownPhoto) -> ShownPhoto:
        if len(self._known) >= _MOST and shown.id not in self._known:
            self._known.pop(next(iter(self._known)))
        self._known[shown.id] = shown
        return shown

    def get(self, name: str) -> ShownPhoto:
        """Return the photo with this id.

        Raises:
            UnknownPhotoError: there is none.
        """
        try:
            return self._known[name]
        except (KeyError, TypeError) as error:
            raise UnknownPhotoError("the photo is not known (any more)", remedy="reload the page") from error

    def get_all(self, names: Iterable[str]) -> list[ShownPhoto]:
        """Return the photos with these ids, each once.

        Raises:
            UnknownPhotoError: one of them is not known.
        """
        return [self.get(name) for name in dict.fromkeys(names)]


def _described(name: str, photo: Photo, known: KnownPhoto | None) -> ShownPhoto:
    identity = photo.identity
    if known is None or (known.size, known.mtime_ns) != (identity.size, identity.mtime_ns):
        return ShownPhoto(name, photo)  # put there by hand, or edited since
    return ShownPhoto(name, photo, known.sha256, known.suggestions)
