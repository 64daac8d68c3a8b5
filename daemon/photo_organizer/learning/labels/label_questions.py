"""Questions to the owner about labels that are probably slips: what `status` and the review page show.

They lie in `STATE/label-questions.json`, written by each training:
`{"model": ID, "time": ISO 8601, "questions": [{"sha256", "path", "category", "looks_like", "confidence"}]}`.
The owner answers by moving the photo, or by confirming it (provenance `confirmed`); either way the next
training asks no more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from photo_organizer.files import replace_file

QUESTIONS = "label-questions.json"


@dataclass(frozen=True, slots=True)
class LabelQuestion:
    """A photo that the owner put into `category`, and that looks like `looks_like` to heads that were trained
    on the other photos, with this `confidence`.
    """

    sha256: str
    path: str
    category: str
    looks_like: str
    confidence: float

    @property
    def text(self) -> str:
        """Return the question as a sentence."""
        name = os.path.basename(self.path)
        return f"{name} is in {self.category}. It looks like {self.looks_like}: is that right?"


def write_questions(state: Path, questions: Sequence[LabelQuestion], *, model: str, time: datetime) -> None:
    """Replace the questions in the state directory."""
    fields = {
        "model": model,
        "time": time.isoformat(timespec="seconds"),
        "questions": [asdict(question) for question in questions],
    }
    text = json.dumps(fields, indent=2) + "\n"
    replace_file(state / QUESTIONS, text)


def read_questions(state: Path) -> tuple[LabelQuestion, ...]:
    """Return the open questions; none where there is no file, or one that is not ours."""
    try:
        fields = json.loads((state / QUESTIONS).read_text(encoding="utf-8"))
        return tuple(LabelQuestion(**question) for question in fields["questions"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError):
        return ()
