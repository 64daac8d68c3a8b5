"""A live daemon, and a person and a machine that do everything to it, at random, for as long as one likes.

    .venv/bin/python tests/support/soak.py --minutes 10 [--seed N]

Photos are dropped (whole, slowly, in folders, twice), renamed and deleted in the inbox, moved between
category folders by hand and taken back by `undo`; the configuration is saved well and badly, the model is
exchanged and retrained, and the daemon, the vision process and the retraining are killed with SIGKILL. Now
and then everything is let come to rest, and then must hold:

- every photo's exact bytes exist once for each time that the person dropped them (less those that they
deleted);
- nothing lies under a temporary name;
- the ledger has exactly one row for each thing that was done, and agrees with the journal;
- every photo that the person did not touch lies where its last row says.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

# found by the line above
from photo_organizer.library.record.ledger_text import unescape
from support.household import Household, LiveDaemon, files_below, small_model
from support.small_models import CATEGORIES, draw_photo

_ROUND_SECONDS = (4.0, 10.0)
_PENDING_SHARE = 0.5  # of the actions, until each kind was done once


class Soak:
    """One household, and all that happens to it.

    Args:
        folder: where it lives; the caller removes it.
        seed: of everything that is random.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.household = Household(folder / "house", small_model(folder / "made"))
        small_model(self.household.models, "other", seed=2)
        self.daemon = LiveDaemon(self.household)
        self.done: Counter[str] = Counter()
        self.checks = 0
        self.rows = 0
        self._drawn = 0
        self._owned: Counter[str] = Counter()
        self._attic = folder / "attic"
        self._attic.mkdir()

    def run(self, seconds: float) -> None:
        """Rounds of commotion, each followed by rest and a look at everything.

        Raises:
            AssertionError: something does not hold.
        """
        end = time.monotonic() + seconds
        self.daemon.until_ready()
        pending = [action for action, _ in self._actions()]
        self.chance.shuffle(pending)  # each kind at least once, however short the time
        while time.monotonic() < end or pending:
            calm = time.monotonic() + self.chance.uniform(*_ROUND_SECONDS)
            while time.monotonic() < calm and (time.monotonic() < end or pending):
                weighted = self.chance.choices(*zip(*self._actions(), strict=True))[0]
                action = pending.pop() if pending and self.chance.random() < _PENDING_SHARE else weighted
                action()
                self.done[action.__name__] += 1
                time.sleep(self.chance.random() * 0.2)
            self.come_to_rest()
            self.check()
        self.daemon.stop()

    def _actions(self) -> list[tuple[Callable[[], None], int]]:
        return [
            (self.drop, 12),
            (self.drop_slowly, 2),
            (self.drop_a_folder, 3),
            (self.drop_again, 2),
            (self.rename_in_the_inbox, 2),
            (self.delete_in_the_inbox, 1),
            (self.move_by_hand, 4),
            (self.undo, 2),
            (self.save_the_configuration, 1),
            (self.save_nonsense, 1),
            (self.exchange_the_model, 1),
            (self.retrain, 1),
            (self.kill_the_daemon, 2),
            (self.kill_the_vision_process, 2),
            (self.restart, 1),
        ]

    # what the person does -----------------------------------------------------------------------------------

    def drop(self) -> None:
        for _ in range(self.chance.randrange(1, 12)):
            self._draw().rename(self.household.inbox / self._name())

    def drop_slowly(self) -> None:
        data = self._draw().read_bytes()
        with (self.household.inbox / self._name()).open("wb", buffering=0) as file:
            for start in range(0, len(data), max(1, len(data) // 5)):
                file.write(data[start : start + max(1, len(data) // 5)])
                time.sleep(0.03)  # slower than the daemon turns, faster than it takes a file for complete

    def drop_a_folder(self) -> None:
        folder = self._attic / f"folder-{self._drawn}"
        for _ in range(self.chance.randrange(1, 20)):
            target = folder / self._name()
            target.parent.mkdir(exist_ok=True)
            self._draw().rename(target)
        if folder.exists():
            folder.rename(self.household.inbox / folder.name)

    def drop_again(self) -> None:
        """The same bytes a second time."""
        filed = self._some_filed()
        if filed is not None:
            copy = self._attic / "copy"
            try:
                shutil.copyfile(filed, copy)
            except FileNotFoundError:  # undone meanwhile
                return
            self._owned[_hash(copy)] += 1
            copy.rename(self.household.inbox / self._name())

    def rename_in_the_inbox(self) -> None:
        photo = self._some(self.household.waiting())
        if photo is not None:
            _attempt(lambda: photo.rename(photo.with_name(self._name())))

    def delete_in_the_inbox(self) -> None:
        """By moving it away, so that what was deleted is known even when the daemon is just as fast."""
        photo = self._some(self.household.waiting())
        gone = self._attic / "deleted"
        if photo is not None and _attempt(lambda: photo.rename(gone)):
            self._owned[_hash(gone)] -= 1

    def move_by_hand(self) -> None:
        filed = self._some_filed()
        if filed is not None:
            folder = self.household.library / self.chance.choice(CATEGORIES)
            folder.mkdir(exist_ok=True)
            target = folder / f"by-hand-{self._drawn}-{self.chance.random()}{filed.suffix}"
            _attempt(lambda: filed.rename(target))

    def undo(self) -> None:
        self._organizer("undo")

    def save_the_configuration(self) -> None:
        self.household.save(
            thresholds={"default": self.chance.choice((0.2, 0.95))},
            batch={"size": self.chance.choice((1, 8, 16)), "max_wait_seconds": 0.1},
            folders=self.chance.choice(("{category}", "{category}/{taken:%Y}")),
            duplicates=self.chance.choice(("keep", "Duplicates", "Again")),
        )

    def save_nonsense(self) -> None:
        self.daemon.until_ready()  # one that is only starting rightly refuses to
        settings = self.household.config.read_text()
        self.household.config.write_text(settings[: self.chance.randrange(1, len(settings) - 2)])
        time.sleep(0.1)
        self.household.save()

    def exchange_the_model(self) -> None:
        self._organizer("models", "use", self.chance.choice(("small", "other")))

    def retrain(self) -> None:
        """By hand, beside the daemon, and often cut off."""
        self._organizer("train", seconds=self.chance.uniform(0.2, 8.0))

    # what the machine does ----------------------------------------------------------------------------------

    def kill_the_daemon(self) -> None:
        self.daemon.kill()
        time.sleep(self.chance.random() * 0.3)
        self.daemon = LiveDaemon(self.household)

    def kill_the_vision_process(self) -> None:
        vision = self.daemon.vision_pid()
        if vision is not None:
            _attempt(lambda: os.kill(vision, signal.SIGKILL))

    def restart(self) -> None:
        self.daemon.until_ready()
        self.daemon.stop()
        self.daemon = LiveDaemon(self.household)

    # what must hold
    # ------------------------------------------------------------------------------------------

    def come_to_rest(self) -> None:
        """All photos filed, but for those that undo has put back, which stay until they are touched."""
        self.household.save()
        for photo in self.household.waiting():
            _attempt(lambda photo=photo: photo.rename(photo.with_name(self._name())))
        self.daemon.until(
            lambda status: (
                status["state"] == "idle" and not status["settling"] and not self.household.waiting()
            ),
            seconds=120,
        )

    def check(self) -> None:
        self.checks += 1
        household = self.household
        assert household.contents() == +self._owned, "photos were lost, doubled or changed"
        assert household.leftovers() == [], "something lies under a temporary name"
        said = self._organizer("ledger", "verify")
        assert said is None or "problem" not in said, said
        rows = household.ledger()
        self.rows = len(rows)
        last = {unescape(row["destination"]): row for row in rows}
        for photo in files_below(household.library):
            if not photo.name.startswith("by-hand"):
                assert str(photo) in last, f"{photo} has no row"
                assert last[str(photo)]["sha256"] == _hash(photo)

    def _draw(self) -> Path:
        self._drawn += 1
        path = self._attic / f"drawn-{self._drawn}{self.chance.choice(('.jpg', '.png', '.webp'))}"
        category = self.chance.choice(CATEGORIES)
        between = self.chance.choice((None, None, None, "Pets"))
        draw_photo(path, category, between=between, seed=self._drawn)
        self._owned[_hash(path)] += 1
        return path

    def _name(self) -> str:
        name = self.chance.choice(
            ("IMG_{}.jpg", "Foto {}.JPG", "-{}.png", "ünï {}.webp", "=1+{}.jpg", "a\nb{}.jpg")
        )
        return name.format(self.chance.randrange(10**6))

    def _some_filed(self) -> Path | None:
        folders = [self.household.library / category for category in CATEGORIES]
        return self._some([path for folder in folders for path in files_below(folder)])

    def _some(self, paths: list[Path]) -> Path | None:
        return self.chance.choice(sorted(paths)) if paths else None

    def _organizer(self, *arguments: str, seconds: float = 60.0) -> str | None:
        return self.household.attempt(*arguments, seconds=seconds)


def _attempt(change: Callable[[], object]) -> bool:
    """Whether it could be done: the daemon may have been faster."""
    try:
        change()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def soak(seconds: float, seed: int) -> Soak:
    """Runs it in a folder of its own, which stays for a look when something does not hold."""
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    made = Soak(folder, seed)
    try:
        made.run(seconds)
    except BaseException:
        print(f"seed {seed}; everything is in {folder}", file=sys.stderr)
        raise
    finally:
        made.daemon.kill()
    while folder.exists():  # the training process of a killed daemon may be removing its own files
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments = parser.parse_args()
    made = soak(60 * arguments.minutes, arguments.seed)
    done = ", ".join(f"{count} x {name}" for name, count in made.done.most_common())
    print(f"all was well at each of {made.checks} looks (seed {arguments.seed}, {made.rows} rows): {done}")


if __name__ == "__main__":
    main()
