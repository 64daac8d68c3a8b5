"""The configuration that was last in force: how things are can be told from it while the file is wrong."""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING

from photo_organizer.config.document import parse_document, read_text
from photo_organizer.config.errors import ConfigurationError
from photo_organizer.config.loading import validate
from photo_organizer.config.paths import state_home
from photo_organizer.files import PRIVATE, replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from photo_organizer.config.configuration import Configuration

_FOLDER = "accepted-configs"


def remember_accepted(configuration: Configuration) -> None:
    """Keep the text of `configuration`, which is in force now; nothing where it cannot be kept."""
    copy = _copy_of(configuration.path)
    with contextlib.suppress(OSError, ConfigurationError):
        text = read_text(configuration.path)
        if validate(parse_document(text, configuration.path)) != configuration:
            return  # saved again meanwhile
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(copy, text, mode=PRIVATE)


def accepted_configuration(path: Path) -> Configuration | None:
    """Return the configuration of the file `path` as it was last in force; None where it is not known."""
    with contextlib.suppress(ConfigurationError):
        return validate(parse_document(read_text(_copy_of(path)), path))
    return None


def _copy_of(path: Path) -> Path:
    # not in the configured state directory: that is what a wrong file does not tell
    name = hashlib.sha256(os.fsencode(os.path.abspath(path))).hexdigest()[:16]
    return state_home() / _FOLDER / f"{name}.yaml"
