"""A copy of the last valid configuration, which the commands use while the file has errors."""

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
    """Keep a copy of the file of `configuration`, which is now in use. Errors are ignored."""
    copy = _copy_of(configuration.path)
    with contextlib.suppress(OSError, ConfigurationError):
        text = read_text(configuration.path)
        if validate(parse_document(text, configuration.path)) != configuration:
            return  # the file has been saved again since
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(copy, text, mode=PRIVATE)


def accepted_configuration(path: Path) -> Configuration | None:
    """Return the last valid configuration of the file `path`; None when there is no copy."""
    with contextlib.suppress(ConfigurationError):
        return validate(parse_document(read_text(_copy_of(path)), path))
    return None


def _copy_of(path: Path) -> Path:
    # not in the configured state directory, which cannot be known while the file has errors
    name = hashlib.sha256(os.fsencode(os.path.abspath(path))).hexdigest()[:16]
    return state_home() / _FOLDER / f"{name}.yaml"
