"""How a model comes into being: complete or absent, whatever kills its writer.

A draft is a hidden folder `.tmp-...` in the model directory. Its writer keeps it locked (flock on the folder)
for as long as it lives; publishing is one rename. A draft whose lock is free was abandoned and is removed by
`clean`.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from photo_organizer.files import file_sha256, sync, try_lock
from photo_organizer.models.manifest import MANIFEST, Manifest, ModelError, read_manifest

_PREFIX = ".tmp-"


class StagedModel:
    """A model that is being written. Write files below `path`, `seal` them with a manifest, then
    `publish`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def inherit(self, parent: Path, *names: str) -> None:
        """Takes over files of another model unchanged: by hard link, or by copy where that is impossible."""
        for name in names:
            self.inherit_as(parent / name, name)

    def inherit_as(self, file: Path, name: str) -> None:
        """Takes over one file of another model under a name of its own."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, target)
        except OSError:
            shutil.copyfile(file, target)

    def seal(self, fields: Mapping[str, Any]) -> Manifest:
        """Writes `model.json` with the sha256 of every file of the draft, and syncs all of it to the disk.

        Args:
            fields: the manifest without `files`.

        Raises:
            ModelError: a field is missing or wrong.
        """
        names = [
            str(file.relative_to(self.path).as_posix())
            for file in sorted(self.path.rglob("*"))
            if file.is_file()
        ]
        hashes = {name: file_sha256(self.path / name) for name in names if name != MANIFEST}
        manifest = Manifest.parse({**fields, "files": hashes}, where=self.path / MANIFEST)
        (self.path / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
        for name in [*hashes, MANIFEST]:
            sync(self.path / name)
        for folder in {(self.path / name).parent for name in hashes} | {self.path}:
            sync(folder)
        return manifest

    def publish(self) -> Path:
        """Makes the sealed draft visible under its manifest's id.

        Returns:
            The model's folder.

        Raises:
            ModelError: a model of that id exists already.
        """
        target = self.path.parent / read_manifest(self.path).id
        try:
            self.path.rename(target)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise ModelError("a model of this id exists already", where=target) from error
            raise
        sync(target.parent)
        self.path = target
        return target


@contextmanager
def staged_model(directory: Path) -> Iterator[StagedModel]:
    """An empty draft in the model directory; what was not published when the block ends is removed."""
    directory.mkdir(parents=True, exist_ok=True)
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=directory))
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        if try_lock(lock) and path.exists():
            break
        os.close(lock)  # `clean` was faster than the lock: it took the folder for an abandoned one
    path.chmod(0o755)
    draft = StagedModel(path)
    try:
        yield draft
    finally:
        os.close(lock)
        if draft.path == path:
            shutil.rmtree(path, ignore_errors=True)


def clean(directory: Path) -> list[str]:
    """Removes the drafts whose writer is gone.

    Returns:
        Their names.
    """
    removed = []
    for path in sorted(directory.glob(f"{_PREFIX}*")):
        try:
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:  # not a folder, or gone meanwhile: not a draft
            continue
        try:
            if not try_lock(lock):  # its writer lives
                continue
            shutil.rmtree(path, ignore_errors=True)
            removed.append(path.name)
        finally:
            os.close(lock)
    return removed
