"""Single files whose change wakes the loop: written in place, replaced, or links that are swapped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from photo_organizer.service.file_watch import FileWatch


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config" / "organizer.yaml"
    path.parent.mkdir()
    path.write_text("a: 1\n")
    return path


@pytest.fixture
def link(tmp_path: Path) -> Path:
    path = tmp_path / "models" / "current"
    path.parent.mkdir()
    path.symlink_to("one")
    return path


@pytest.fixture
def woken() -> threading.Event:
    return threading.Event()


@pytest.fixture
def watch(config: Path, link: Path, woken: threading.Event) -> Iterator[FileWatch]:
    made = FileWatch((config, link), woken.set)
    assert made.start() == []
    yield made
    made.stop()


def write_in_place(path: Path) -> None:
    path.write_text("a: 22\n")


def replace_as_editors_do(path: Path) -> None:
    path.with_name("draft~").write_text("a: 3\n")
    path.with_name("draft~").replace(path)


def delete(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [write_in_place, replace_as_editors_do, delete])
def test_a_changed_file_wakes_and_is_named_once(
    change: Callable[[Path], None], watch: FileWatch, woken: threading.Event, config: Path
) -> None:
    change(config)
    assert woken.wait(5)
    assert watch.changed() == {config}
    assert watch.changed() == set()


def test_a_link_that_is_swapped_wakes(watch: FileWatch, woken: threading.Event, link: Path) -> None:
    link.with_name("next").symlink_to("two")
    link.with_name("next").replace(link)
    assert woken.wait(5)
    assert watch.changed() == {link}


def test_other_files_of_the_folder_do_not_wake(
    watch: FileWatch, woken: threading.Event, config: Path
) -> None:
    config.with_name("other.yaml").write_text("x")
    config.read_text()
    replace_as_editors_do(config)  # the first event that may wake
    assert woken.wait(5)
    woken.clear()
    config.with_name("other.yaml").write_text("y")
    assert not woken.wait(0.2)


def test_a_folder_that_is_missing_is_told_and_its_file_is_still_looked_at(
    tmp_path: Path, woken: threading.Event
) -> None:
    file = tmp_path / "later" / "current"
    watch = FileWatch((file,), woken.set)
    troubles = watch.start()
    assert len(troubles) == 1
    assert "later" in troubles[0]
    file.parent.mkdir()
    file.write_text("")
    assert watch.changed() == {file}
    watch.stop()
