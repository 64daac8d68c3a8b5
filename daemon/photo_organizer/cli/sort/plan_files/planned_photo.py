"""The other lines of a plan: one photo each."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from photo_organizer.cli.sort.plan_files.plan_check import (
    absolute_path,
    fraction,
    identity,
    items,
    json_object,
    members,
    moment,
    relative_folder,
    sha256,
    text,
)
from photo_organizer.photo import Action, AssetGroup, Decision, FileIdentity, Photo, Prediction

if TYPE_CHECKING:
    from photo_organizer.cli.sort.plan_files.plan_head import PlanHead
    from photo_organizer.library import Filing

_LINE_KEYS = (
    "time", "batch", "action", "sha256", "source", "destination", "category", "confidence",
    "second_category", "second_confidence", "threshold", "model",
    "inbox", "filing", "folder", "reason", "identity", "companions", "prediction", "decision",
)  # fmt: skip
_PREDICTION_KEYS = ("engine", "probabilities", "decoder", "taken", "camera", "perceptual_hash")
_DECISION_KEYS = (
    "action", "category", "confidence", "second_category", "second_confidence", "threshold",
)  # fmt: skip
_FILINGS = frozenset({Action.FILED, Action.REVIEW, Action.QUARANTINED})


@dataclass(frozen=True, slots=True)
class PlannedPhoto:
    """One photo of a plan: its row, and the filing that the library will be asked for.

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
        """Return the photo of a filing, with the row that it would get."""
        return cls(
            row, filing.group, filing.action, filing.folder, filing.prediction, filing.decision, filing.reason
        )

    def to_line(self) -> str:
        """Return the photo as a line of the plan."""
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
    def from_line(cls, line: bytes, head: PlanHead) -> PlannedPhoto:
        """Parse the line of a photo.

        Raises:
            ValueError: it is no such line, or asks for what a plan may not ask; says what.
        """
        fields = json_object(line, _LINE_KEYS)
        photo = Photo(absolute_path(fields["source"]), identity(fields.pop("identity")))
        group = AssetGroup(
            absolute_path(fields.pop("inbox")), photo, _companions(fields.pop("companions"), photo)
        )
        head.check_below(group)
        action = Action(text(fields.pop("filing")))
        if action not in _FILINGS:
            raise ValueError(f"{action} is not what a plan can do")
        folder = fields.pop("folder")
        prediction, decision = fields.pop("prediction"), fields.pop("decision")
        reason = text(fields.pop("reason"))
        _check_row(fields)
        return cls(
            row=fields,
            group=group,
            action=action,
            folder="" if action is Action.QUARANTINED else relative_folder(folder),
            prediction=_prediction(prediction, fields, head) if prediction is not None else None,
            decision=_decision(decision) if decision is not None else None,
            reason=reason,
        )


def _numbers(identity: FileIdentity) -> list[int]:
    return [identity.device, identity.inode, identity.size, identity.mtime_ns]


def _companions(value: object, photo: Photo) -> tuple[Photo, ...]:
    companions = []
    for companion in items(value):
        path, *numbers = items(companion)
        companions.append(Photo(absolute_path(path), identity(numbers)))
        if companions[-1].path.parent != photo.path.parent:
            raise ValueError("a companion that is not beside its photo")
    return tuple(companions)


def _check_row(row: dict[str, Any]) -> None:
    """Check the ledger's columns, as they will be shown."""
    for key in ("confidence", "second_confidence", "threshold"):
        if row[key] is not None:
            fraction(row[key])
    for key in ("time", "batch", "action", "category", "second_category", "model"):
        text(row[key])
    absolute_path(row["destination"])
    sha256(row["sha256"])


def _decision(value: object) -> Decision:
    fields = members(value, _DECISION_KEYS)
    return Decision(
        Action(text(fields["action"])),
        text(fields["category"]),
        fraction(fields["confidence"]),
        text(fields["second_category"]),
        fraction(fields["second_confidence"]),
        fraction(fields["threshold"]),
    )


def _prediction(value: object, row: dict[str, Any], head: PlanHead) -> Prediction:
    fields = members(value, _PREDICTION_KEYS)
    probabilities = tuple(fraction(probability) for probability in items(fields["probabilities"]))
    if len(probabilities) != len(head.categories) or not row["sha256"]:
        raise ValueError("not a prediction of the plan's categories")
    return Prediction(
        sha256=row["sha256"],
        model=head.model,
        engine=text(fields["engine"]),
        categories=head.categories,
        probabilities=probabilities,
        decoder=text(fields["decoder"]),
        taken=None if fields["taken"] is None else moment(fields["taken"]),
        camera=text(fields["camera"]),
        perceptual_hash=text(fields["perceptual_hash"]),
    )
