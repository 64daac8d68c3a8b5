"""Commands that messages suggest can be typed as they are: by `./organizer`, with the `--config` in use."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import photo_organizer
from photo_organizer.cli.frame import COMMANDS
from photo_organizer.typed_command import VARIABLE, typed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.command_line import Home, Said

    Organizer = Callable[..., Said]


PACKAGE = Path(photo_organizer.__file__).parent
LITERAL = re.compile(rf"photo-organizer ({'|'.join(COMMANDS)})\b")
DOCUMENTS = {
    "config/settings.py",
    "config/sample.py",
}  # text of the configuration file, which is the same for all
OTHER_TEXT = {
    "library/record/quarantine_reason.py",  # recognises what earlier versions wrote
    "cli/setup/manual.py",  # the manual page is the same for all
}


def test_no_message_names_the_program_literally() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {text}"
        for path in PACKAGE.rglob("*.py")
        if str(path.relative_to(PACKAGE)) not in DOCUMENTS | OTHER_TEXT
        for line, text in texts(ast.parse(path.read_text(encoding="utf-8")))
        if LITERAL.search(text)
    ]
    found += [str(path) for path in PACKAGE.rglob("*.js") if LITERAL.search(path.read_text(encoding="utf-8"))]
    assert found == []


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The texts of a module that are not docstrings."""
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.lineno, node.value


@pytest.mark.parametrize("started_as", ["photo-organizer", "./organizer"])
def test_the_configuration_in_use_is_part_of_what_is_suggested(
    started_as: str, organizer: Organizer, home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, started_as)
    monkeypatch.delenv("PHOTO_ORGANIZER_CONFIG")
    config = home.config.rename(tmp_path / "my settings.yaml")
    home.draw("a.png", "Food")
    said = organizer("sort", home.old, "--config", config)
    [undo] = [line for line in said.out.splitlines() if line.startswith("to undo it: ")]
    assert re.fullmatch(rf"to undo it: {started_as} --config '{config}' undo --batch \S+", undo)
    said = organizer("--config", config, "sort", "--config", config)
    assert said.err == (
        f"photo-organizer: name the folders or photos to sort; see `{started_as} sort --help`\n"
    )
    assert os.environ[VARIABLE] == started_as  # the next call in this process begins afresh


def test_arguments_are_quoted_for_a_shell() -> None:
    assert typed("undo --photo", "it's.jpg") == "photo-organizer undo --photo 'it'\"'\"'s.jpg'"
