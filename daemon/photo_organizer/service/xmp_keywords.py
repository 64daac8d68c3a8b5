"""The library with `xmp_sidecar: true`: each photo gets its category as a keyword on its way in."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from photo_organizer.errors import OrganizerError
from photo_organizer.fsops import FileOperations
from photo_organizer.library import Filing, FilingReport, JoinReport, Latecomer, Library
from photo_organizer.library.xmp.sidecars import with_planned_sidecar, with_sidecar

log = logging.getLogger(__name__)


class LabellingLibrary:
    """Files like `library`, with a sidecar for each photo that is filed in a category.

    A photo whose sidecar cannot be written is filed without, and the log says why.

    Args:
        library: what files.
        operations: the steps on files; replaced by tests.
    """

    def __init__(self, library: Library, operations: FileOperations | None = None) -> None:
        self._library = library
        self._operations = operations or FileOperations()

    def file(self, filings: Sequence[Filing], *, batch: str | None = None) -> FilingReport:
        return self._library.file([self._labelled(filing) for filing in filings], batch=batch)

    def plan(self, filings: Sequence[Filing]) -> FilingReport:
        """As `Library.plan`, with the sidecars that would be written."""
        return self._library.plan([with_planned_sidecar(filing) for filing in filings])

    def join(self, latecomers: Sequence[Latecomer], inbox: Path) -> JoinReport:
        return self._library.join(latecomers, inbox)

    def _labelled(self, filing: Filing) -> Filing:
        try:
            return with_sidecar(filing, self._operations)
        except OrganizerError as error:
            log.warning("a photo is filed without its keyword: %s", error)
            return filing
