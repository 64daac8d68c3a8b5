"""A short soak with each kind of event (longer: `tests/support/soak.py`), and proof that it finds faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.soak import Soak, soak

KINDS = 15  # of events


@pytest.mark.timeout(400)
def test_random_events_harm_no_photo() -> None:
    done = soak(8, seed=0)
    assert len(done.done) == KINDS, "each kind of event happens at least once"
    assert done.checks > 0
    assert done.rows > 0


@pytest.fixture(scope="module")
def at_rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Soak]:
    """A soak at rest: some photos filed, and the daemon stopped."""
    made = Soak(tmp_path_factory.mktemp("soak"), seed=0)
    try:
        made.daemon.until_ready()
        made.drop_a_folder()
        made.come_to_rest()
        made.daemon.stop()
        yield made
    finally:
        made.daemon.kill()


def lose(photo: Path) -> None:
    photo.rename(photo.parents[3] / "lost")


def corrupt(photo: Path) -> None:
    photo.write_bytes(photo.read_bytes()[:-1])


def double(photo: Path) -> None:
    photo.with_name("by-hand-double.jpg").write_bytes(photo.read_bytes())


def leave_a_temporary(photo: Path) -> None:
    photo.with_name(".photo-organizer-1.part").write_bytes(b"half")


def misplace(photo: Path) -> None:
    photo.rename(photo.with_name("elsewhere.jpg"))


@pytest.mark.parametrize("harm", [lose, corrupt, double, leave_a_temporary, misplace])
def test_the_soak_would_notice(at_rest: Soak, harm: Callable[[Path], None]) -> None:
    household = at_rest.household
    photo = next(
        iter(
            path for path in household.library.rglob("*") if path.is_file() and not path.name.startswith(".")
        )
    )
    before = {path: path.read_bytes() for path in photo.parent.iterdir()}
    at_rest.check()
    harm(photo)
    with pytest.raises(AssertionError):
        at_rest.check()
    for path in photo.parent.iterdir():
        path.unlink()
    for path, data in before.items():
        path.write_bytes(data)
