"""What a wrong settings file is told: line, key, what was written, what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from photo_organizer.config import ConfigurationError, load_configuration

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Faults = Callable[..., list[str]]


def test_every_fault_is_told_at_once_in_the_order_of_the_file(faults: Faults) -> None:
    assert faults("watch:\n  settle_second: 3\n  mode: fast\n  rescan_seconds: '3'\nthreshold: {}\n") == [
        "4: watch.settle_second: unknown key; did you mean 'watch.settle_seconds'?",
        "5: watch.mode: 'fast' must be 'auto', 'inotify' or 'polling'",
        "6: watch.rescan_seconds: '3' is not a number",
        "7: threshold: unknown key; did you mean 'thresholds'?",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("settle_seconds: 3", "3: settle_seconds: unknown key; did you mean 'watch.settle_seconds'?"),
        ("batch: {xyz: 3}", "3: batch.xyz: unknown key; the nearest key is 'batch.size'"),
        ("batch: 3", "3: batch: '3' is not a group of `key: value` lines"),
        ("batch:", "3: batch: nothing is written here, not a group of `key: value` lines"),
        ("batch: {size: 2.5}", "3: batch.size: '2.5' is not a whole number"),
        ("batch: {size: 0}", "3: batch.size: '0' must be at least 1"),
        ("batch: {size: yes}", "3: batch.size: 'yes' is not a whole number"),
        ("thresholds: {default: 1.5}", "3: thresholds.default: '1.5' must be at most 1"),
        ("thresholds: {default: .nan}", "3: thresholds.default: '.nan' must be a finite number"),
        ("thresholds: {Food: .inf}", "3: thresholds.Food: '.inf' must be a finite number"),
        ("thresholds: {Food: high}", "3: thresholds.Food: 'high' is not a number"),
        ("thresholds: {Foood: 0.4}", "3: thresholds.Foood: is not a category; the nearest is 'Food'"),
        ("watch: {recursive: 1}", "3: watch.recursive: '1' is not true or false"),
        ("watch: {ignore: draft}", "3: watch.ignore: 'draft' is not a list, as in [one, two]"),
        ("review: a/b", "3: review: 'a/b' has a / in it"),
        ("videos: .hidden", "3: videos: '.hidden' begins with a dot"),
        ("logging: {level: loud}", "3: logging.level: 'loud' must be 'debug', 'info', 'warning' or 'error'"),
        (
            "ledger: {path: $NOWHERE_SET/x}",
            "3: ledger.path: '$NOWHERE_SET/x' uses the variable $NOWHERE_SET, which is not set",
        ),
        ("ledger: {path: ''}", "3: ledger.path: '' is empty"),
        ("categories: []", "3: categories: the list is empty"),
        (
            "folders: '{year}'",
            "3: folders: '{year}' has the unknown field {year} "
            "(known: {category}, {taken}, {camera}, {inbox})",
        ),
    ],
)
def test_one_fault(faults: Faults, text: str, fault: str) -> None:
    assert faults(text + "\n") == [fault]


@pytest.mark.parametrize(
    ("written", "reading"),
    [
        ("Yes", "yes or no (true/false)"),
        ("no", "yes or no (true/false)"),
        ("2024", "a number"),
        ("1.5", "a number"),
        ("0x1F", "a number"),
        ("2024-01-01", "a date"),
        ("null", "empty (null)"),
        ("~", "empty (null)"),
    ],
)
def test_what_yaml_reads_as_something_else_is_asked_for_in_quotes(
    faults: Faults, written: str, reading: str
) -> None:
    [fault] = faults(f"categories: [Food, {written}]\n")
    remedy = f'write it in quotes: "{written}"'
    assert fault == f"3: categories[2]: {written} is read by YAML as {reading}, not as text; {remedy}"


def test_keys_that_are_no_text(faults: Faults) -> None:
    assert faults("thresholds:\n  No: 0.3\n  2024: 0.3\n  [a]: 1\n") == [
        '4: thresholds: the key No is read by YAML as yes or no (true/false); write it in quotes: "No"',
        '5: thresholds: the key 2024 is read by YAML as a number; write it in quotes: "2024"',
        "6: thresholds: has a list or mapping as a key",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is empty; write one with `photo-organizer init`"),
        ("# only a comment\n", "is empty; write one with `photo-organizer init`"),
        ("- a\n- b\n", "1: is not a list of `key: value` lines"),
        ("just words\n", "1: is not a list of `key: value` lines"),
        ("inboxes: [a]\ninboxes: [b]\n", "2: inboxes: is given twice (first in line 1)"),
        ("inboxes:\n\t- a\n", "2: is indented with a tab; use spaces"),
        ("inboxes: [a\nlibrary: b\n", "2: is not YAML: expected ',' or ']', but got ':'"),
        (
            "inboxes: &x [a]\nlibrary: *x\n",
            "1: &x is a YAML anchor; write the value out, or put it in quotes",
        ),
        ("watch: {ignore: [*.tmp]}\n", '1: begins a value with *; put the pattern in quotes, as in "*.tmp"'),
        ("watch: {ignore: [*tmp]}\n", '1: *tmp is a YAML alias; a pattern is written in quotes: "*tmp"'),
        (
            "library: !!python/object:os.system x\n",
            "1: library: 'x' cannot be read as python/object:os.system; write it in quotes: \"x\"",
        ),
        (
            "library: 2024-13-45\n",
            "1: library: '2024-13-45' cannot be read as timestamp; write it in quotes: \"2024-13-45\"",
        ),
        ("a: 1\n---\nb: 2\n", "2: has a second document (---); keep one"),
        ("a: \x07\n", "1: has a character that YAML does not allow"),
        ("[" * 3000, "1: is nested too deeply"),
        ("{}\n", "inboxes: is missing; write `inboxes: [~/Pictures/Inbox]`"),
    ],
)
def test_files_that_are_no_settings(faults: Faults, text: str, fault: str) -> None:
    assert faults(text, whole=True)[0] == fault


def test_text_that_is_not_utf8(faults: Faults) -> None:
    assert faults(b"# ok\nreview: Gr\xf6\xdfe\n") == [
        "2: is not UTF-8 text (byte 0xf6); save the file as UTF-8"
    ]
    assert faults("inboxes: [in]\n".encode("utf-16"))[0].startswith("1: is not UTF-8 text")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path / "none.yaml", "there is no such"),
        (tmp_path, "cannot be read: Is a directory"),
    ):
        with pytest.raises(ConfigurationError, match=reason):
            load_configuration(path)


def test_a_huge_file_is_refused_unread(faults: Faults) -> None:
    assert faults(b"#" * (2 << 20)) == ["is larger than 1 MB, which no configuration is"]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("a/b", "has a / in it"),
        ("..", "begins with a dot"),
        (".hidden", "begins with a dot"),
        ("", "is empty"),
        ("  ", "is empty"),
        ("Pets ", "begins or ends with a space or a dot, which some drives drop"),
        ("Pets.", "begins or ends with a space or a dot, which some drives drop"),
        ("a\\nb", "has a control character in it"),
        ("a\\u202eb", "has a control character in it"),
        ("é" * 128, "is longer than 255 bytes"),
    ],
)
def test_category_names_that_are_no_plain_folder_name(faults: Faults, name: str, fault: str) -> None:
    [line] = faults(f'categories: [Food, "{name}"]\n')
    assert line.startswith("3: categories[2]: ")
    assert line.endswith(fault)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "categories: [Food, food]",
            "3: categories[2]: 'food' differs from 'Food' in `categories` only in case or "
            "encoding; on some drives the two are one folder",
        ),
        ("categories: [Food, Food]", "3: categories[2]: the category 'Food' is given twice"),
        ('categories: ["\\u00e9", "e\\u0301"]', "only in case or encoding"),
        ("categories: [Food, Review]", "3: categories[2]: 'Review' is also in `review`"),
        ("categories: [Food, duplicates]", "'duplicates' differs from 'Duplicates' in `duplicates`"),
        ("videos: Review", "3: videos: 'Review' is also in `review`"),
        ("categories: [default, Food]", "3: categories[1]: 'default' is a word of `thresholds`"),
        ("folders: 'Review/{category}'", "3: folders: 'Review/{category}' begins with the folder 'Review'"),
        ("retraining: {schedule: Sonntag 03:00}", "'Sonntag 03:00' is no schedule ('Sonntag' is no day)"),
        ("retraining: {schedule: '25:00'}", "'25:00' is no schedule; write"),
        ("retraining: {schedule: 0 3 30 2 *}", "'0 3 30 2 *' "),
        ("retraining: {schedule: daily 24:00}", "'daily 24:00' is no schedule"),
    ],
)
def test_settings_that_do_not_go_together(faults: Faults, text: str, fault: str) -> None:
    [line] = faults(text + "\n")
    assert fault in line


def test_duplicates_may_be_kept_even_where_a_category_is_named_so(settings: Callable[[str], object]) -> None:
    settings("duplicates: keep\ncategories: [Duplicates]\n")


@pytest.mark.parametrize(
    ("inboxes", "library", "fault"),
    [
        ("[a]", "a", "is in the library"),
        ("[lib/in]", "lib", "is in the library"),
        ("[a]", "a/lib", "has the library"),
        ("[a, a/b]", "lib", "is in the inbox"),
        ("[a/b, a]", "lib", "has the inbox"),
        ("[a, ./a]", "lib", "is in the inbox"),
        ("[link/in]", "real", "is in the library"),
        ("[in]", "link", "is in the library"),
    ],
)
def test_folders_inside_each_other(
    faults: Faults, tmp_path: Path, inboxes: str, library: str, fault: str
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "in").mkdir()
    # `link` leads to the library in the one case, and into the inbox in the other
    (tmp_path / "link").symlink_to(
        tmp_path / ("real" if library == "real" else "in"), target_is_directory=True
    )
    [line] = faults(f"inboxes: {inboxes}\nlibrary: {library}\n", whole=True)
    assert fault in line
    assert line.startswith("1: inboxes[")


@pytest.mark.parametrize(
    "key", ["state: {directory: in/x}", "model: {directory: lib/x}", "ledger: {path: in/l.csv}"]
)
def test_own_files_among_the_photos(faults: Faults, key: str) -> None:
    [line] = faults(key + "\n")
    assert "put it elsewhere: that folder is for photos" in line


def test_a_file_where_a_folder_is_meant(faults: Faults, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("")
    assert faults("") == [f"1: inboxes[1]: {tmp_path}/in is a file, not a folder"]


def test_a_hostile_value_stays_on_one_line(faults: Faults) -> None:
    [line] = faults('review: "a/\\n\\e[31m"\n')
    assert line == "3: review: 'a/\\n\\x1b[31m' has a / in it"
