"""A plan on disk: `sort --dry-run --plan FILE` makes it, `sort --plan FILE` carries it out.

A text file of JSON lines. The first line says what the plan is for; each other line is one photo: the
ledger's columns, and what it takes to file that very photo later (identity, companions, prediction). While a
plan is being made it is a small database, `FILE.part`, with which a later run goes on (see `draft.py`).
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photo_organizer.cli.sort.plan_check import (
    LONGEST_LINE,
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
from photo_organizer.errors import OrganizerError, printable
from photo_organizer.files import open_regular
from photo_organizer.library import Manner
from photo_organizer.photo import Action, AssetGroup, Decision, FileIdentity, Photo, Prediction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from photo_organizer.library import Filing

FORMAT = "photo-organizer plan 1"
_FORMAT = re.compile(rb'\{"format": "(photo-organizer plan [0-9]{1,4})"')
_HEAD_KEYS = ("format", "library", "model", "categories", "paths", "made", "manner")
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

    @classmethod
    def from_line(cls, line: bytes) -> PlanHead:
        """Return the head of a first line.

        Raises:
            ValueError: it is no such line.
        """
        fields = json_object(line, _HEAD_KEYS, optional=("manner",))
        moment(fields["made"])
        return cls(
            library=os.fspath(absolute_path(fields["library"])),
            model=text(fields["model"]),
            categories=tuple(relative_folder(name) for name in items(fields["categories"])),
            paths=tuple(os.fspath(absolute_path(path)) for path in items(fields["paths"])),
            made=fields["made"],
            manner=Manner(text(fields.get("manner", Manner.MOVE))),
        )

    def check_below(self, group: AssetGroup) -> None:
        """Make sure that a photo is in what the plan was made for.

        Raises:
            ValueError: it is elsewhere.
        """
        photo = group.photo.path
        if not photo.is_relative_to(group.inbox):
            raise ValueError("a photo that is not in its inbox")
        for path in map(Path, self.paths):
            is_named = photo == path or photo.parent == path.parent  # its companion was named, say
            if is_named and group.inbox == path.parent:
                return
            if group.inbox.is_relative_to(path):
                return
        raise ValueError("a photo outside of what the plan was made for")


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
    def from_line(cls, line: bytes, head: PlanHead) -> PlannedPhoto:
        """Return the photo of a line.

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
    """The ledger's columns, as they will be shown."""
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
            with open_regular(path) as file:
                line = file.readline(LONGEST_LINE + 1)
            head = _head(line, path)
        except OSError as error:
            raise PlanError(f"the plan cannot be read: {error.strerror}", where=path) from error
        return cls(path, head)

    def photos(self) -> Iterator[PlannedPhoto]:
        """The photos, as they are read.

        Raises:
            PlanError: a line is damaged.
        """
        with open_regular(self.path) as file:
            file.readline()
            number = 1
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                try:
                    yield PlannedPhoto.from_line(line, self.head)
                except ValueError as error:
                    what = f"line {number} is damaged ({printable(error)})"
                    raise PlanError(what, where=self.path, remedy="make the plan anew") from error


def _head(line: bytes, path: Path) -> PlanHead:
    try:
        if (found := _FORMAT.match(line)) and found[1].decode() != FORMAT:
            raise PlanError("was written by another version", where=path, remedy="make the plan anew")
        return PlanHead.from_line(line)
    except ValueError as error:
        remedy = "make one with `sort PATH --dry-run --plan FILE`"
        raise PlanError(f"is no plan ({printable(error)})", where=path, remedy=remedy) from error
