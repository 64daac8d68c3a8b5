"""What the documentation says is what the program does."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from photo_organizer.cli.frame import COMMANDS, build_application
from photo_organizer.config import load_configuration

CHECKOUT = Path(__file__).parents[2]
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")
PROMISE = (
    "at every instant each photo's exact bytes exist under a complete name; nothing is overwritten; "
    "nothing is deleted; every move can be undone."
)


def blocks(*languages: str) -> list[tuple[str, str]]:
    """Page and text of each code block in one of the languages."""
    return [
        (page.name, text)
        for page in PAGES
        for language, text in BLOCK.findall(page.read_text(encoding="utf-8"))
        if language in languages
    ]


def documented_commands() -> list[tuple[str, str]]:
    """Page and command line of each `photo-organizer` or `./organizer` call."""
    found = []
    for page, text in blocks("console", "sh", "bash", "shell"):
        for line in text.splitlines():
            words = line.removeprefix("$ ").partition("  #")[0]
            if words.startswith(("photo-organizer ", "./organizer ")) and not words.endswith("\\"):
                found.append((page, words))
    return found


@pytest.mark.parametrize(("page", "line"), documented_commands())
def test_each_documented_command_is_one_that_the_program_takes(page: str, line: str) -> None:
    program, *words = shlex.split(re.split(r"[|><&;]", line)[0])
    if program == "./organizer" and words[0] == "test":
        return
    context = click.Context(build_application())
    command: click.Command = context.command
    # as click goes down the words, but without calling anything
    while isinstance(command, click.Group):
        parent = command.make_context(command.name, list(words)) if words else context
        name, found, words = command.resolve_command(parent, [*parent._protected_args, *parent.args])
        assert found is not None, f"{page}: {line}"
        command, context = found, click.Context(found, info_name=name, parent=parent)
    words = [word for word in words if word != "~/Pictures/Sorted"]
    command.make_context(
        command.name, words or [], parent=context.parent, resilient_parsing="--photos" in words
    )


@pytest.mark.parametrize(("page", "text"), blocks("yaml"))
def test_each_documented_configuration_is_accepted(page: str, text: str, tmp_path: Path) -> None:
    values = yaml.safe_load(text)
    assert isinstance(values, dict), page
    path = tmp_path / "organizer.yaml"
    missing = {"inboxes": "inboxes: [in]\n", "library": "library: lib\n"}
    path.write_text(text + "".join(line for key, line in missing.items() if key not in values))
    load_configuration(path)


def test_every_command_and_option_is_documented() -> None:
    text = (CHECKOUT / "docs/commands.md").read_text()
    application = build_application()
    context = click.Context(application)
    for name in COMMANDS:
        assert f"\n## {name}\n" in text
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        command = application.get_command(context, name)
        assert command is not None
        inner = list(command.commands.values()) if isinstance(command, click.Group) else [command]
        for each in inner:
            if each is not command:
                assert f"{name} {each.name}" in section
            for option in each.params:
                if isinstance(option, click.Option) and option.name != "config":
                    assert any(word in section for word in option.opts), f"{name}: {option.opts}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = [
        target
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not broken


def test_the_promise_is_printed_in_the_readme() -> None:
    text = " ".join((CHECKOUT / "README.md").read_text(encoding="utf-8").split())
    assert PROMISE.lower() in text.lower()


def test_the_readmes_settings_have_the_defaults_that_the_program_has() -> None:
    from photo_organizer.config.sample import all_keys

    known = {key.partition(".")[0] for key, _, _ in all_keys()}
    table = (
        (CHECKOUT / "README.md").read_text().partition("| key | default | meaning |")[2].partition("\n\n")[0]
    )
    rows = [row.split("|")[1].strip(" `") for row in table.splitlines() if row.startswith("| `")]
    assert rows
    assert set(rows) <= known


def where_to_change() -> list[str]:
    """The files of the table "Where do I change ...?"."""
    text = (CHECKOUT / "docs/architecture.md").read_text(encoding="utf-8")
    table = text.partition("## Where do I change ...?")[2].partition("\n## ")[0]
    return re.findall(r"^\| [^|]+ \| `([^`]+)` \|$", table, re.MULTILINE)


def test_the_table_of_places_to_change_names_files_that_exist() -> None:
    files = where_to_change()
    assert len(files) >= 20
    assert [name for name in files if not (CHECKOUT / "daemon/photo_organizer" / name).is_file()] == []


def test_the_architecture_page_describes_every_package() -> None:
    text = (CHECKOUT / "docs/architecture.md").read_text(encoding="utf-8").partition("## Packages")[2]
    package = CHECKOUT / "daemon/photo_organizer"
    parts = [path for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()]
    shown = [path.name if path.is_file() else f"{path.name}/" for path in parts if path.name[:2] != "__"]
    assert [name for name in shown if f"`{name}`" not in text] == []
