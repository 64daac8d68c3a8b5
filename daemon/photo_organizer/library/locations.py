"""Where the library and its own files are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from photo_organizer.library.xmp.keywords import KeywordSettings

if TYPE_CHECKING:
    from photo_organizer.config import Configuration


@dataclass(frozen=True, slots=True)
class LibrarySettings:
    """Where everything is; all paths absolute.

    Args:
        library: where photos go for which no other library is named.
        others: more libraries. They share one state: one journal, one ledger, one quarantine.
        duplicates: `keep`, `skip`, or the folder in the library for photos that are filed already.
        keyword: how a photo's category is written beside it; None when it is not.
    """

    library: Path
    state: Path
    ledger: Path
    quarantine: Path
    duplicates: str = "Duplicates"
    keyword: KeywordSettings | None = None
    others: tuple[Path, ...] = ()

    @property
    def libraries(self) -> tuple[Path, ...]:
        """Every library."""
        return self.library, *self.others

    @classmethod
    def of(cls, configuration: Configuration) -> LibrarySettings:
        metadata = configuration.metadata
        return cls(
            configuration.library,
            configuration.state_directory,
            configuration.ledger_path,
            configuration.quarantine_directory,
            configuration.duplicates,
            KeywordSettings(metadata.keyword, metadata.keyword_hierarchy or "")
            if metadata.xmp_sidecar
            else None,
            configuration.libraries[1:],
        )
