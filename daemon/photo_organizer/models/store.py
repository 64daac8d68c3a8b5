"""The model directory: which models there are, and which one is in use.

A model is a folder `<id>/`, complete or absent (see staging.py). `current` is a relative symbolic link to the
model in use and is replaced by one rename. Nothing here deletes a model, whether it was promoted or rejected:
a head is a few hundred KB, and a backbone that did not change is a hard link to the parent's.

Only the standard library and pydantic are imported, so that the daemon and the command line can ask cheaply.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from photo_organizer.files import replace_file, sync
from photo_organizer.models.manifest import (
    MANIFEST,
    Manifest,
    ModelError,
    is_safe_id,
    read_manifest,
    verify_files,
)
from photo_organizer.models.staging import StagedModel, clean, staged_model
from photo_organizer.typed_command import typed

CURRENT = "current"
REJECTED = "rejected.json"


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One model of the directory, as `models list` and `models show` print it.

    `rejected` is the reason for which a challenger was not promoted, or None. `problem` says why the folder
    cannot be used ("the manifest is not JSON"); then, and only then, `manifest` is None.
    """

    id: str
    path: Path
    current: bool
    manifest: Manifest | None
    rejected: str | None = None
    problem: str | None = None


def packaged_starter() -> Path | None:
    """The starter model that came with the program: in the checkout, else inside the installed package."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package.parents[1] / "models" / "starter", package / "starter"):
        if (candidate / MANIFEST).is_file():
            return candidate
    return None


def verify(model: Path) -> Manifest:
    """Checks that every file that the manifest lists is there, a regular file, and unchanged.

    Args:
        model: the model's folder.

    Returns:
        Its manifest.

    Raises:
        ModelError: the manifest is not valid, a file is missing, or it does not have the recorded sha256.
    """
    manifest = read_manifest(model)
    verify_files(model, manifest.files)
    return manifest


class Registry:
    """The models in one directory.

    Args:
        directory: the model directory of the configuration; made when it is first needed.
        starter: the folder of the starter model; None finds the one that came with the program.
    """

    def __init__(self, directory: Path, *, starter: Path | None = None) -> None:
        self.directory = directory
        self._starter = starter or packaged_starter()

    def current(self) -> Path:
        """The folder of the model in use; on first use, or after an update of the program, the starter is
        installed.

        A newer starter takes over only from an older starter, never from a model that was trained here.

        Raises:
            ModelError: there is no model, or `current` names one that is gone.
        """
        chosen = self.current_id()
        if chosen is None:
            self.install_starter()
        elif self._is_starter(chosen):
            # A damaged package must not take away a model that works.
            with suppress(ModelError):
                self.install_starter()
        chosen = self.current_id()
        if chosen is None:
            raise ModelError("no model is in use", where=self.directory, remedy=_remedy())
        path = self.directory / chosen
        if not (path / MANIFEST).is_file():
            raise ModelError("the model in use is gone", where=path, remedy=_remedy())
        return path

    def current_id(self) -> str | None:
        """The id that `current` names, or None; nothing is installed."""
        try:
            target = (self.directory / CURRENT).readlink()
        except OSError:
            return None
        name = str(target)
        return name if is_safe_id(name) else None

    def install_starter(self) -> Path | None:
        """Copies the packaged starter into the directory when it is not there yet.

        It becomes the model in use when there is none, or when the one in use is an older starter.

        Returns:
            The installed starter's folder; None when the program came without one.

        Raises:
            ModelError: the packaged starter is damaged.
        """
        if self._starter is None:
            return None
        packaged = read_manifest(self._starter)
        installed = self._with_files(packaged.files)
        if installed is None:
            chosen = self.current_id()
            installed = self._copy_starter(self._starter, verify(self._starter))
            if chosen is not None and self._is_starter(chosen):
                self._point_at(installed.name)
        if self.current_id() is None:
            self._point_at(installed.name)
        return installed

    def show(self, model_id: str) -> ModelRecord:
        """The record of one model; `current` stands for the one in use.

        Raises:
            ModelError: there is no such model.
        """
        chosen = self.current().name if model_id == CURRENT else model_id
        if not is_safe_id(chosen) or not (self.directory / chosen).is_dir():
            raise ModelError(f"there is no model {model_id}", where=self.directory, remedy=_remedy())
        return self._record(self.directory / chosen)

    def use(self, model_id: str) -> Path:
        """Makes a model the one in use: promotion, or the way back.

        Returns:
            Its folder.

        Raises:
            ModelError: there is no such model, or it is damaged.
        """
        path = self.show(model_id).path
        verify(path)
        self._point_at(path.name)
        return path

    def verify(self, model: Path) -> Manifest:
        """`verify` of this module."""
        return verify(model)

    def reject(self, model: Path, reason: str, made: datetime) -> None:
        """Records why a challenger was not promoted; it stays in the directory."""
        text = json.dumps({"reason": reason, "time": made.isoformat()}, indent=2, ensure_ascii=False) + "\n"
        replace_file(model / REJECTED, text)

    @contextmanager
    def draft(self) -> Iterator[StagedModel]:
        """A model to be written and published; abandoned drafts of earlier runs are removed first."""
        clean(self.directory)
        with staged_model(self.directory) as draft:
            yield draft

    def free_id(self, wish: str) -> str:
        """`wish`, or `wish-2`, `wish-3`, ... when a model of that id exists."""
        name, number = wish, 1
        while (self.directory / name).exists():
            number += 1
            name = f"{wish}-{number}"
        return name

    def list(self) -> tuple[ModelRecord, ...]:
        """All models, oldest first (by the time in their manifest), broken folders last."""
        if not self.directory.is_dir():
            return ()
        folders = (
            path
            for path in self.directory.iterdir()
            if is_safe_id(path.name) and path.is_dir() and not path.is_symlink()
        )
        records = [self._record(path) for path in folders]
        return tuple(
            sorted(
                records, key=lambda it: (it.manifest is None, it.manifest.made if it.manifest else "", it.id)
            )
        )

    def _record(self, path: Path) -> ModelRecord:
        in_use = self.current_id() == path.name
        try:
            manifest = read_manifest(path)
        except ModelError as error:
            return ModelRecord(path.name, path, in_use, None, problem=str(error))
        return ModelRecord(path.name, path, in_use, manifest, rejected=_rejection(path))

    def _with_files(self, files: dict[str, str]) -> Path | None:
        for record in self.list():
            if record.manifest is not None and record.manifest.files == files:
                return record.path
        return None

    def _is_starter(self, model_id: str) -> bool:
        manifest = self._record(self.directory / model_id).manifest
        return manifest is not None and manifest.parent is None and manifest.id.startswith("starter")

    def _copy_starter(self, starter: Path, manifest: Manifest) -> Path:
        with self.draft() as draft:
            # Copied, not linked: a checkout's starter may be written anew in place.
            for name in manifest.files:
                target = draft.path / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes((starter / name).read_bytes())
            fields = manifest.model_dump(mode="json", exclude={"files"})
            draft.seal({**fields, "id": self.free_id(manifest.id)})
            try:
                return draft.publish()
            except ModelError:
                other = self._with_files(manifest.files)  # another process was faster
                if other is None:
                    raise
                return other

    def _point_at(self, model_id: str) -> None:
        link = self.directory / f".{CURRENT}-{os.getpid()}"
        link.unlink(missing_ok=True)  # of a process of the same number that was killed here
        link.symlink_to(model_id)
        link.replace(self.directory / CURRENT)
        sync(self.directory)


def _rejection(model: Path) -> str | None:
    try:
        fields = json.loads((model / REJECTED).read_text(encoding="utf-8"))
        return str(fields["reason"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return "it was rejected, but the reason cannot be read"


def _remedy() -> str:
    return f"see {typed('models list')}, and choose one with {typed('models use ID')}"
