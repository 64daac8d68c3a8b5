"""A plan on disk: `sort --dry-run --plan FILE` makes it, `sort --plan FILE` carries it out.

A text file of JSON lines, compressed with Zstandard when its name ends in `.zst`. The first line says what
the plan is for; each other line is one photo, in the order of their paths: the ledger's columns, and what it
takes to file that very photo later (identity, companions, prediction). While a plan is being made it is a
small database, `FILE.part`, with which a later run goes on (see `plan_draft.py`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from photo_organizer.cli.sort.plan_files.compression import open_lines
from photo_organizer.cli.sort.plan_files.plan_check import (
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
from photo_organizer.library import TransferMode
from photo_organizer.photo import Action, AssetGroup, Decision, FileIdentity, Photo, Prediction
from photo_organizer.typed_command import typed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from photo_organizer.library import Filing

CHUNK = 1 << 20
FORMAT = "photo-organizer plan 1"
_FORMAT = re.compile(rb'\{"format": "(photo-organizer plan [0-9]{1,4})"')
_OPTIONAL_HEAD_KEYS = ("manner", "engine", "machine", "devices", "photos", "sha256", "not_filed")
_HEAD_KEYS = ("format", "library", "model", "categories", "paths", "made", *_OPTIONAL_HEAD_KEYS)
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
    """A plan that cannot be read, or does not fit this configuration."""


@dataclass(frozen=True, slots=True)
class PlanHead:
    """What a plan is for.

    Args:
        library: the library that the destinations are in.
        model: id of the model that classified.
        categories: the categories that it told apart, in the order of all probabilities.
        paths: the folders and files that were looked through.
        made: when, ISO 8601.
        transfer_mode: whether the photos are moved, copied or linked.
        engine: what computed, with its precision.
        machine: which machine made it (see `this_machine`); on another one devices and inodes say nothing.
        devices: for each device number in the photos' identities the folder where that device is mounted, or
            the folder that was looked through: the number changes when a disk is plugged in again.
        photos: how many photos it has; None when that was not written down.
        sha256: of the lines of the photos, so that a plan which is as it was written need not be read twice;
            empty when that was not written down.
        not_filed: photos that the plan has not, and why: the first of them, a line each.
    """

    library: str
    model: str
    categories: tuple[str, ...]
    paths: tuple[str, ...]
    made: str
    transfer_mode: TransferMode = TransferMode.MOVE
    engine: str = ""
    machine: str = ""
    devices: tuple[tuple[int, str], ...] = ()
    photos: int | None = None
    sha256: str = ""
    not_filed: tuple[str, ...] = ()

    def to_line(self) -> str:
        """Return the first line of the plan."""
        fields = asdict(self)
        fields["manner"] = fields.pop("transfer_mode")  # its name in the file
        return json.dumps({"format": FORMAT, **fields}, ensure_ascii=True) + "\n"

    @classmethod
    def from_line(cls, line: bytes) -> PlanHead:
        """Parse the first line of a plan.

        Raises:
            ValueError: it is no such line.
        """
        fields = json_object(line, _HEAD_KEYS, optional=_OPTIONAL_HEAD_KEYS)
        moment(fields["made"])
        return cls(
            library=os.fspath(absolute_path(fields["library"])),
            model=text(fields["model"]),
            categories=tuple(relative_folder(name) for name in items(fields["categories"])),
            paths=tuple(os.fspath(absolute_path(path)) for path in items(fields["paths"])),
            made=fields["made"],
            transfer_mode=TransferMode(text(fields.get("manner", TransferMode.MOVE))),
            engine=text(fields.get("engine", "")),
            machine=text(fields.get("machine", "")),
            devices=tuple(_device(pair) for pair in items(fields.get("devices", []))),
            photos=_count(fields.get("photos")),
            sha256=sha256(fields.get("sha256", "")),
            not_filed=tuple(text(line) for line in items(fields.get("not_filed", []))),
        )

    def check_below(self, group: AssetGroup) -> None:
        """Check that a photo is below the folders that the plan was made for.

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


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A complete plan file."""

    path: Path
    head: PlanHead

    @classmethod
    def open(cls, path: Path) -> PlanFile:
        """Open the plan at `path`.

        Raises:
            PlanError: it cannot be read, or is no plan.
        """
        try:
            with open_lines(path) as file:
                line = file.readline(LONGEST_LINE + 1)
            head = _head(line, path)
        except OSError as error:
            raise PlanError(f"the plan cannot be read: {error.strerror or error}", where=path) from error
        return cls(path, head)

    def photos(self) -> Iterator[PlannedPhoto]:
        """Yield the photos as they are read.

        Raises:
            PlanError: a line is damaged.
        """
        with self._lines() as lines:
            number = 1
            while line := lines.readline(LONGEST_LINE + 1):
                number += 1
                try:
                    yield PlannedPhoto.from_line(line, self.head)
                except ValueError as error:
                    what = f"line {number} is damaged ({printable(error)})"
                    raise PlanError(what, where=self.path, remedy="make the plan anew") from error

    def check(self) -> int:
        """Check that the plan is complete before any of it is carried out; return its number of photos.

        A plan that is byte for byte as it was written is not parsed for that, only hashed.

        Raises:
            PlanError: a line is damaged.
        """
        if self.head.sha256 and self.head.photos is not None:
            with self._lines() as lines:
                digest = hashlib.sha256()
                while chunk := lines.read(CHUNK):
                    digest.update(chunk)
                if digest.hexdigest() == self.head.sha256:
                    return self.head.photos
        return sum(1 for _ in self.photos())

    @contextmanager
    def _lines(self) -> Iterator[BinaryIO]:
        """Yield the file, placed at the first photo's line."""
        try:
            with open_lines(self.path) as lines:
                lines.readline()
                yield lines
        except OSError as error:
            what = f"the plan cannot be read: {error.strerror or error}"
            raise PlanError(what, where=self.path, remedy="make the plan anew") from error


def _head(line: bytes, path: Path) -> PlanHead:
    try:
        if (found := _FORMAT.match(line)) and found[1].decode() != FORMAT:
            raise PlanError("was written by another version", where=path, remedy="make the plan anew")
        return PlanHead.from_line(line)
    except ValueError as error:
        remedy = f"make one with `{typed('sort PATH --dry-run --plan FILE')}`"
        raise PlanError(f"is no plan ({printable(error)})", where=path, remedy=remedy) from error


def _device(value: object) -> tuple[int, str]:
    pair = items(value)
    if len(pair) != 2 or type(pair[0]) is not int:
        raise ValueError("not a device and its folder")
    return pair[0], os.fspath(absolute_path(pair[1]))


def _count(value: object) -> int | None:
    if value is not None and (type(value) is not int or value < 0):
        raise ValueError("not a number of photos")
    return value
