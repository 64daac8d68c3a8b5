"""What a photo of an archive costs, by the size of the archive: used by `growth.py`.

Each part runs in a process of its own, so that its memory can be told:

    python benchmarks/harness/growth_plans.py PART COUNT FOLDER
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from photo_organizer.cli.sort.execution import execute
from photo_organizer.cli.sort.look_alikes import LookAlikes
from photo_organizer.cli.sort.plan_files.plan_draft import PlanDraft
from photo_organizer.cli.sort.plan_files.plan_head import PlanHead
from photo_organizer.cli.sort.plan_files.planned_photo import PlannedPhoto
from photo_organizer.config import load_configuration
from photo_organizer.inbox import find_groups
from photo_organizer.library import Filing
from photo_organizer.photo import Action, AssetGroup, Decision, FileIdentity, Photo, Prediction

CATEGORIES = (
    "Family", "Friends", "Travel", "Nature", "Events", "Pets", "Food", "Hobbies", "Selfies", "Others",
)  # fmt: skip
PARTS = ("listing", "look-alikes", "writing", "execution")
JPEG_HEAD = b"\xff\xd8\xff\xe0" + bytes(28)

_MADE = "2026-11-25T12:00:00.000+00:00"


@dataclass(frozen=True, slots=True)
class Cost:
    """Core microseconds a photo, and the largest resident memory in MB."""

    microseconds: float
    megabytes: float


def measure(part: str, count: int, folder: Path) -> Cost:
    """Run one part in a process of its own."""
    words = [sys.executable, __file__, part, str(count), str(folder)]
    told = json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)
    return Cost(told["microseconds"], told["megabytes"])


def listing(count: int, folder: Path) -> float:
    """One folder with so many photos."""
    place = folder / "photos"
    place.mkdir()
    for number in range(count):
        (place / f"IMG_{number:07}.jpg").write_bytes(JPEG_HEAD)
    started = time.process_time()
    found = sum(1 for _ in find_groups([place], settle_seconds=0))
    assert found == count
    return time.process_time() - started


def look_alikes(count: int, folder: Path) -> float:
    """So many different photos."""
    del folder
    seeded = random.Random(1)
    hashes = [f"{seeded.getrandbits(64):016x}" for _ in range(count)]
    started = time.process_time()
    with closing(LookAlikes()) as alike:
        for number, value in enumerate(hashes):
            alike.add(value, f"/archive/{number:07}.jpg")
        assert alike.find().is_complete
    return time.process_time() - started


def writing(count: int, folder: Path) -> float:
    """The draft and the plan of so many photos."""
    started = time.process_time()
    write_plan(count, folder)
    return time.process_time() - started


def execution(count: int, folder: Path) -> float:
    """A plan whose photos are no longer there: read, checked and looked for, but for the moves."""
    for name in ("in", "lib"):
        (folder / name).mkdir()
    config = folder / "organizer.yaml"
    config.write_text("inboxes: [in]\nlibrary: lib\nstate: {directory: state}\nmodel: {directory: models}\n")
    plan = write_plan(count, folder)
    started = time.process_time()
    result = execute(load_configuration(config), plan, lambda _filing, _row: None)
    assert result.tally.not_filed == count
    return time.process_time() - started


def write_plan(count: int, folder: Path) -> Path:
    """A plan of photos that do not exist."""
    head = PlanHead(str(folder / "lib"), "small", CATEGORIES, (str(folder),), _MADE, engine="openvino int8")
    path = folder / "archive.plan.zst"
    draft = PlanDraft(path, head)
    for number in range(count):
        draft.add_placed(planned(folder, number))
    draft.finish()
    return path


def planned(folder: Path, number: int) -> PlannedPhoto:
    """One photo of the plan."""
    source = folder / "none" / f"IMG_{number:07}.jpg"
    sha256 = f"{number:064x}"
    probabilities = (0.91, *[0.01] * 9)
    prediction = Prediction(sha256, "small", "openvino int8", CATEGORIES, probabilities, "jpeg 1/4")
    decision = Decision(Action.FILED, "Family", 0.91, "Friends", 0.01, 0.5)
    photo = Photo(source, FileIdentity(1, number + 1, 2_000_000, 1_700_000_000_000_000_000 + number))
    filing = Filing(AssetGroup(folder, photo), Action.FILED, "Family", prediction, decision)
    destination = str(folder / "lib" / "Family" / source.name)
    row = {
        "time": _MADE, "batch": "", "action": "filed", "sha256": sha256, "source": str(source),
        "destination": destination, "category": "Family", "confidence": 0.91, "second_category": "Friends",
        "second_confidence": 0.01, "threshold": 0.5, "model": "small",
    }  # fmt: skip
    return PlannedPhoto.of(filing, row)


def main() -> None:
    """Run one part, and tell what it cost."""
    part, count, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    folder.mkdir(parents=True)
    run = dict(zip(PARTS, (listing, look_alikes, writing, execution), strict=True))[part]
    seconds = run(count, folder)
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"microseconds": 1e6 * seconds / count, "megabytes": largest}))


if __name__ == "__main__":
    main()
