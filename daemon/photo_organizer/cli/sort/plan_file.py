"""A plan on disk: `sort --dry-run --plan FILE` makes it, `sort --plan FILE` carries it out.

A text file of JSON lines. The first line says what the plan is for; each other line is one photo: the
ledger's columns, and what it takes to file that very photo later (identity, companions, prediction). While a
plan is being made it is a small database, `FILE.part`, with which a later run goes on (see `draft.py`).
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photo_organizer.errors import OrganizerError
from photo_organizer.library import Manner
from photo_organizer.photo import Action, AssetGroup, Decision, FileIdentity, Photo, Prediction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from photo_organizer.library import Filing

FORMAT = "photo-organizer plan 1"


class PlanError(OrganizerError):
    """A plan that cannot be read, or does not fit."""


@dataclass(frozen=True, slots=True)
class PlanHead:
    """What a plan is for.

    Args:
        library: the library that the destinations are in.
        model: id of the model that classified.
        categories: the categories that it told apart, in the order of all probabilities.
        paths: the folders and files that were looked through.
        made: when, ISO 8601.
        manner: whether the photos are moved, copied or linked.
    """

    library: str
    model: str
    categories: tuple[str, ...]
    paths: tuple[str, ...]
    made: str
    manner: Manner = Manner.MOVE

    def to_line(self) -> str:
        """The first line of the plan."""
        return json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=True) + "\n"


@dataclass(frozen=True, slots=True)
class PlannedPhoto:
    """One photo of a plan: its row, and the filing as it will be asked of the library.

    `action` and `folder` are those of the filing; the row's action is `duplicate` where the library will make
    it one. `reason` is why it goes to quarantine.
    """

    row: dict[str, Any]
    group: AssetGroup
    action: Action
    folder: str
    prediction: Prediction | None
    decision: Decision | None
    reason: str = ""

    @classmethod
    def of(cls, filing: Filing, row: dict[str, Any]) -> PlannedPhoto:
        return cls(
            row, filing.group, filing.action, filing.folder, filing.prediction, filing.decision, filing.reason
        )

    def to_line(self) -> str:
        """The photo as a line of the plan."""
        prediction = None
        if self.prediction is not None:
            prediction = asdict(self.prediction)
            for known in ("categories", "model", "sha256"):  # the head and the row have them
                del prediction[known]
            prediction["taken"] = self.prediction.taken.isoformat() if self.prediction.taken else None
        fields = {
            **self.row,
            "inbox": os.fspath(self.group.inbox),
            "filing": str(self.action),
            "folder": self.folder,
            "reason": self.reason,
            "identity": _numbers(self.group.photo.identity),
            "companions": [[os.fspath(one.path), *_numbers(one.identity)] for one in self.group.companions],
            "prediction": prediction,
            "decision": asdict(self.decision) if self.decision else None,
        }
        return json.dumps(fields, ensure_ascii=True) + "\n"

    @classmethod
    def from_line(cls, line: str, head: PlanHead) -> PlannedPhoto:
        """The photo of a line.

        Raises:
            ValueError, KeyError, TypeError: it is no such line.
        """
        fields = json.loads(line)
        prediction = fields.pop("prediction")
        decision = fields.pop("decision")
        photo = Photo(Path(fields["source"]), FileIdentity(*fields.pop("identity")))
        companions = tuple(
            Photo(Path(path), FileIdentity(*identity)) for path, *identity in fields.pop("companions")
        )
        group = AssetGroup(Path(fields.pop("inbox")), photo, companions)
        action, folder, reason = Action(fields.pop("filing")), fields.pop("folder"), fields.pop("reason")
        return cls(
            row=fields,
            group=group,
            action=action,
            folder=folder,
            prediction=_prediction(prediction, fields, head) if prediction else None,
            decision=Decision(**{**decision, "action": Action(decision["action"])}) if decision else None,
            reason=reason,
        )


def _numbers(identity: FileIdentity) -> list[int]:
    return [identity.device, identity.inode, identity.size, identity.mtime_ns]


def _prediction(fields: dict[str, Any], row: dict[str, Any], head: PlanHead) -> Prediction:
    taken = fields.pop("taken")
    probabilities = tuple(float(value) for value in fields.pop("probabilities"))
    return Prediction(
        sha256=row["sha256"],
        model=head.model,
        categories=head.categories,
        probabilities=probabilities,
        taken=datetime.fromisoformat(taken) if taken else None,
        **fields,
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan file that is there, whole or begun."""

    path: Path
    head: PlanHead

    @classmethod
    def open(cls, path: Path) -> Plan:
        """The plan at `path`.

        Raises:
            PlanError: it cannot be read, or is no plan.
        """
        try:
            with path.open(encoding="utf-8") as file:
                first = json.loads(file.readline())
            if first.pop("format") != FORMAT:
                raise PlanError("was written by another version", where=path, remedy="make the plan anew")
            head = PlanHead(
                first["library"],
                first["model"],
                tuple(first["categories"]),
                tuple(first["paths"]),
                first["made"],
                Manner(first.get("manner", Manner.MOVE)),
            )
        except OSError as error:
            raise PlanError(f"the plan cannot be read: {error.strerror}", where=path) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            remedy = "make one with `sort PATH --dry-run --plan FILE`"
            raise PlanError("is no plan", where=path, remedy=remedy) from error
        return cls(path, head)

    def photos(self) -> Iterator[PlannedPhoto]:
        """The photos, as they are read.

        Raises:
            PlanError: a line is damaged.
        """
        with self.path.open(encoding="utf-8") as file:
            file.readline()
            for number, line in enumerate(file, start=2):
                try:
                    yield PlannedPhoto.from_line(line, self.head)
                except (ValueError, KeyError, TypeError) as error:
                    what = f"line {number} is damaged"
                    raise PlanError(what, where=self.path, remedy="make the plan anew") from error
