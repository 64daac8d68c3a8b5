"""Inboxes with settings of their own, and several libraries."""

from __future__ import annotations

from pathlib import Path

import pytest

from photo_organizer.config import Configuration, load_configuration
from photo_organizer.config.errors import ConfigurationError


def load(folder: Path, inboxes: str, more: str = "") -> Configuration:
    path = folder / "organizer.yaml"
    path.write_text(f"inboxes: [{inboxes}]\nlibrary: lib\n{more}")
    return load_configuration(path)


def test_an_inbox_takes_what_it_leaves_out_from_the_general_settings(tmp_path: Path) -> None:
    configuration = load(
        tmp_path,
        "a, {path: b, library: work, categories: [Food, Receipts], thresholds: {Receipts: 0.3}, "
        "duplicates: skip, action: copy}",
        "thresholds: {default: 0.5, Receipts: 0.9, Food: 0.7}\n",
    )
    plain, own = map(configuration.rules_of, configuration.inboxes)
    assert configuration.inbox_paths == (tmp_path / "a", tmp_path / "b")
    assert configuration.libraries == (tmp_path / "lib", tmp_path / "work")
    assert configuration.all_categories == (*configuration.categories, "Receipts")
    assert plain == configuration.general_rules
    assert (own.library, own.categories) == (tmp_path / "work", ("Food", "Receipts"))
    assert (own.duplicates, own.action, own.template) == ("skip", "copy", configuration.folder_template)
    assert own.thresholds.by_category == {"Receipts": 0.3, "Food": 0.7}
    assert own.thresholds.default == 0.5


def test_a_threshold_that_an_inbox_sets_to_null_is_the_models(tmp_path: Path) -> None:
    configuration = load(tmp_path, "{path: a, thresholds: {default: null}}", "thresholds: {default: 0.9}\n")
    (inbox,) = configuration.inboxes
    assert configuration.rules_of(inbox).thresholds.default is None


def test_the_rules_for_a_photo_are_those_of_the_inbox_that_it_is_in(tmp_path: Path) -> None:
    configuration = load(tmp_path, "a, {path: b, action: copy}")
    assert configuration.rules_for(tmp_path / "b/deep/x.jpg").action == "copy"
    assert configuration.rules_for(tmp_path / "a/x.jpg").action == "move"
    assert configuration.rules_for(tmp_path / "elsewhere/x.jpg") == configuration.general_rules


@pytest.mark.parametrize(
    ("inbox", "fault"),
    [
        ("{path: a, librry: x}", "inboxes[1].librry: unknown key; did you mean 'inboxes[1].library'?"),
        ("{library: x}", "inboxes[1].path: is missing; write `path: ~/Pictures/Phone`"),
        ("{path: a, action: hardlink}", "inboxes[1].action: 'hardlink' must be 'move', 'copy' or 'link'"),
        ("{path: a, thresholds: {default: 3}}", "inboxes[1].thresholds.default: '3' must be at most 1"),
        (
            "{path: a, thresholds: {Fod: 0.3}}",
            "inboxes[1].thresholds.Fod: is not a category; the nearest is 'Food'",
        ),
        (
            "{path: a, categories: [Pets], thresholds: {Food: 0.3}}",
            "inboxes[1].thresholds.Food: is not a category; the nearest is 'default'",
        ),
        (
            "{path: a, categories: [Pets, Pets]}",
            "inboxes[1].categories[2]: the category 'Pets' is given twice",
        ),
        (
            "{path: a, categories: [Review]}",
            "inboxes[1].categories[1]: 'Review' is also in `review`; each folder needs its own name",
        ),
        (
            "{path: a, categories: [food]}",
            "inboxes[1].categories[1]: 'food' differs from 'Food' in `categories` only in case or encoding; "
            "on some drives the two are one folder",
        ),
        (
            "{path: a, duplicates: Pets}",
            "inboxes[1].duplicates: 'Pets' is also in `categories`; each folder needs its own name",
        ),
        (
            "{path: a, folders: '{taken:%Y}/{category}'}",
            "inboxes[1].folders: '{taken:%Y}/{category}' has {category} at another depth than '{category}', "
            "for the same library; put it at the same depth, or give this inbox a library of its own",
        ),
        (
            "{path: a, library: lib/x}",
            "inboxes[1].library: {home}/lib/x is in the library {home}/lib; "
            "inboxes and libraries must lie side by side",
        ),
        (
            "{path: x/a, library: x}",
            "inboxes[1].path: {home}/x/a is in the library {home}/x; "
            "inboxes and libraries must lie side by side",
        ),
        (
            "{path: /dev/shm/organizer-test, action: link}",
            "inboxes[1].action: /dev/shm/organizer-test is on another disk than {home}/lib: "
            "a hard link cannot lead there; use `action: copy`",
        ),
    ],
)
def test_one_fault(tmp_path: Path, inbox: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, inbox)
    assert str(refused.value) == f"{tmp_path}/organizer.yaml:1: " + fault.replace("{home}", str(tmp_path))


def test_all_faults_of_all_inboxes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, "{path: a, action: 3}, {path: b, recursive: maybe}, {path: c, categories: []}")
    assert len(refused.value.problems) == 3
