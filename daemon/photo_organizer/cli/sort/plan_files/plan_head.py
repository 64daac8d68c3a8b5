"""The first line of a plan: what the plan is for."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from photo_organizer.cli.sort.plan_files.plan_check import (
    absolute_path,
    items,
    json_object,
    moment,
    relative_folder,
    sha256,
    text,
)
from photo_organizer.library import TransferMode

if TYPE_CHECKING:
    from photo_organizer.photo import AssetGroup

FORMAT = "photo-organizer plan 1"
_OPTIONAL_HEAD_KEYS = ("manner", "engine", "machine", "devices", "photos", "sha256", "not_filed")
_HEAD_KEYS = ("format", "library", "model", "categories", "paths", "made", *_OPTIONAL_HEAD_KEYS)


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


def _device(value: object) -> tuple[int, str]:
    pair = items(value)
    if len(pair) != 2 or type(pair[0]) is not int:
        raise ValueError("not a device and its folder")
    return pair[0], os.fspath(absolute_path(pair[1]))


def _count(value: object) -> int | None:
    if value is not None and (type(value) is not int or value < 0):
        raise ValueError("not a number of photos")
    return value
