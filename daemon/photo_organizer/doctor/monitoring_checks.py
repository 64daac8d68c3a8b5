"""Checks of hooks and metrics, if they are configured."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from photo_organizer.config import Configuration
from photo_organizer.doctor.check import Check, fix, ok
from photo_organizer.errors import printable


def hooks(configuration: Configuration) -> Iterator[Check]:
    """Check whether the programs of the hooks exist."""
    found = []
    for name, command in configuration.hooks:
        if not isinstance(command, tuple):
            continue
        if shutil.which(command[0]) is None:
            remedy = f"install it, or change hooks.{name} in {printable(configuration.path)}"
            yield fix("hooks", f"{name}: program not found: {printable(command[0])}", remedy)
        else:
            found.append(name)
    if found:
        yield ok("hooks", ", ".join(found))


def metrics(configuration: Configuration) -> Iterator[Check]:
    """Check whether the metrics file can be written."""
    path = configuration.metrics.textfile
    if path is None:
        return
    if os.access(path.parent, os.W_OK | os.X_OK):
        yield ok("metrics", printable(path))
    else:
        remedy = f"create the folder {printable(path.parent)} and make it writable for your user"
        yield fix("metrics", f"{printable(path)} cannot be written", remedy)
