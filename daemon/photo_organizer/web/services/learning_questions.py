"""What the model asks its owner: labels that are probably slips, and folders that may be categories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from photo_organizer.config import Configuration
from photo_organizer.learning.labels.category_folders import choose_folder, known_folders
from photo_organizer.learning.labels.label_questions import LabelQuestion, read_questions
from photo_organizer.learning.labels.label_store import FolderChoice
from photo_organizer.web.services.photos import ShownPhoto, ShownPhotos


@dataclass(frozen=True, slots=True)
class LearningQuestions:
    """The open questions of one library.

    Args:
        configuration: whose.
        shown: gives the photos their ids.
    """

    configuration: Configuration
    shown: ShownPhotos

    def labels(self, confirmed: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the questions about photos that are still where they were at the training.

        Args:
            confirmed: the category by SHA-256 that the owner has said is right.
        """
        return [
            {
                "id": photo.id,
                **photo.to_json(),
                "category": question.category,
                "looks_like": question.looks_like,
                "confidence": question.confidence,
            }
            for question in read_questions(self.configuration.state_directory)
            if confirmed.get(question.sha256) != question.category
            for photo in self._shown(question)
        ]

    def folders(self) -> list[dict[str, Any]]:
        """Return the owner's folders that may be categories and are not decided yet."""
        return [
            {"name": folder.name, "photos": folder.photos}
            for folder in known_folders(self.configuration)
            if folder.state == "found"
        ]

    def choose_folder(self, name: str, *, accept: bool) -> None:
        """Make a folder a category, or never ask about it again.

        Raises:
            OrganizerError: no such folder was found.
        """
        choice = FolderChoice.ACCEPTED if accept else FolderChoice.DECLINED
        choose_folder(self.configuration, name, choice, datetime.now().astimezone())

    def _shown(self, question: LabelQuestion) -> Iterator[ShownPhoto]:
        path = Path(question.path)
        if self.configuration.library_of(path) is None:
            return
        try:
            status = path.lstat()
        except OSError:  # moved: answered
            return
        top = ((question.looks_like, question.confidence),)
        yield self.shown.show_content(path, status, question.sha256, top)
