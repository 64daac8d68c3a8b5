"""The text of the systemd units: those in `systemd/`, with the lines that depend on this machine filled
in.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from photo_organizer.config import Configuration
from photo_organizer.errors import OrganizerError

DAEMON_UNIT = "photo-organizer.service"
TRAIN_UNIT = "photo-organizer-train.service"
TRAIN_TIMER = "photo-organizer-train.timer"
SANDBOX = f"{DAEMON_UNIT}.d/sandbox.conf"
_TEMPORARY_FOLDERS = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108  compared with, never written


class UnitError(OrganizerError):
    """A unit that cannot be written, or a service manager that does not do what it is asked."""


@dataclass(frozen=True, slots=True)
class RenderedUnit:
    """A unit file: its name below the unit directory, and its text."""

    name: str
    text: str


def template(name: str) -> str:
    """The unit `name` as it was delivered, in the checkout or in the installed package.

    Raises:
        UnitError: the installation is incomplete.
    """
    package = Path(__file__).resolve().parents[2]
    for folder in (package.parents[1] / "systemd", package / "systemd_units"):
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    raise UnitError("the unit file is missing from the installation", where=name, remedy="install again")


def render_daemon(configuration: Configuration) -> RenderedUnit:
    """The daemon's unit for this interpreter and this configuration."""
    run = _command("run", configuration)
    values = {"ExecStart": run, "RestrictAddressFamilies": " ".join(address_families(configuration))}
    return RenderedUnit(DAEMON_UNIT, _with(template(DAEMON_UNIT), {**values, **_writable(configuration)}))


def render_training(configuration: Configuration) -> tuple[RenderedUnit, RenderedUnit]:
    """The training service and its timer."""
    train = _command("train", configuration)
    service = _with(template(TRAIN_UNIT), {"ExecStart": train, **_writable(configuration)})
    return RenderedUnit(TRAIN_UNIT, service), RenderedUnit(TRAIN_TIMER, template(TRAIN_TIMER))


def render_sandbox() -> RenderedUnit:
    """The optional drop-in."""
    return RenderedUnit(SANDBOX, template(SANDBOX))


def properties(text: str) -> list[tuple[str, str]]:
    """The directives of the [Service] section of a unit's text, in order, for trying them out."""
    found: list[tuple[str, str]] = []
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.append((name, value))
    return found


def quote(text: str) -> str:
    """One word of a command line or of a list of paths: blanks, quotes and `%` mean themselves.

    Raises:
        UnitError: it cannot be written in a unit file.
    """
    if not text.isprintable():
        raise UnitError("this name has a control character, which no unit file can hold", where=text)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if any(character in escaped for character in " \t\"'\\;") else escaped


def writable_folders(configuration: Configuration) -> list[Path]:
    """The folders that the service must be able to write in, none inside another.

    An inbox and the library are given as the one folder that holds both, because each entry becomes a mount
    of its own, and a photo can be renamed within a mount but only be copied into another. Where only `/` or
    the folder of all homes would hold both, they are listed one by one.
    """
    photos = [*configuration.inbox_paths, *configuration.libraries]
    together = _common_folder(photos)
    folders = [together] if together else photos
    folders += [
        configuration.state_directory,
        configuration.model_directory,
        configuration.ledger_path.parent,
    ]
    if configuration.log_directory is not None:
        folders.append(configuration.log_directory)
    if configuration.metrics.textfile is not None:
        folders.append(configuration.metrics.textfile.parent)
    return _outermost(folders)


def address_families(configuration: Configuration) -> tuple[str, ...]:
    """The kinds of sockets that the service needs: local ones, and the network only where it is asked for.

    A hook may call a server, and the review page listens on the loopback address.
    """
    has_hooks = any(isinstance(command, tuple) for _, command in configuration.hooks)
    is_online = has_hooks or configuration.review_page.enabled
    return ("AF_UNIX", "AF_INET", "AF_INET6") if is_online else ("AF_UNIX",)


def _command(name: str, configuration: Configuration) -> str:
    arguments = ["-P", "-m", "photo_organizer", name, "--config", os.fspath(configuration.path)]
    # systemd puts variables into arguments, and never into the program's own path
    words = [quote(sys.executable), *(quote(word).replace("$", "$$") for word in arguments)]
    return " ".join(words)


def _writable(configuration: Configuration) -> dict[str, str]:
    folders = writable_folders(configuration)
    return {"ReadWritePaths": " ".join(quote(f"-{folder}") for folder in folders)}


def _common_folder(folders: list[Path]) -> Path | None:
    common = Path(os.path.commonpath(folders))
    too_wide = {
        Path("/"),
        Path("/home"),
        Path("/mnt"),
        Path("/media"),
        Path("/run/media"),
        Path("/srv"),
        Path("/var"),
    }
    return None if common in too_wide else common


def _outermost(folders: Iterable[Path]) -> list[Path]:
    kept: list[Path] = []
    for folder in sorted(set(folders), key=lambda folder: (len(folder.parts), folder)):
        if not any(folder.is_relative_to(other) for other in kept):
            kept.append(folder)
    return kept


def _with(text: str, values: Mapping[str, str]) -> str:
    """`text` with each directive of `values` given its value; the comments stay."""
    lines = []
    missing = set(values)
    for line in text.splitlines():
        name = line.partition("=")[0]
        lines.append(f"{name}={values[name]}" if name in values else line)
        missing.discard(name)
    if missing:
        raise UnitError(f"the unit file has no {', '.join(sorted(missing))}", remedy="install again")
    return "\n".join(lines) + "\n"
