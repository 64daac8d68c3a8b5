"""Expand paths in a settings file: `~`, `$VAR`, and relative to that file."""

from __future__ import annotations

import os
import re
from pathlib import Path

import platformdirs

APPLICATION = "photo-organizer"
VARIABLE = re.compile(r"\$(?:(\w+)|\{([^}]*)\})", re.ASCII)


def expand(text: str, base: Path) -> Path:
    """Return the absolute path that `text` means in a file in the folder `base`.

    Raises:
        ValueError: `text` is empty, or names a variable or a user that does not exist.
    """
    if not text.strip():
        raise ValueError("is empty")
    if "\0" in text:
        raise ValueError("contains a null byte")

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if not os.environ.get(name):
            raise ValueError(f"uses the variable ${name}, which is not set")
        return os.environ[name]

    expanded = os.path.expanduser(VARIABLE.sub(value, text))  # noqa: PTH111 (Path raises where we explain)
    if expanded.startswith("~"):
        raise ValueError(f"refers to the home of an unknown user ({expanded.split('/', 1)[0]})")
    joined = base / expanded
    # `a/../b` is b only if a is not a symbolic link
    return Path(os.path.realpath(joined)) if ".." in joined.parts else Path(os.path.abspath(joined))


def is_inside(inner: Path, outer: Path) -> bool:
    """Return whether `inner` is `outer` or inside it, also through symbolic links and bind mounts."""
    real_inner, real_outer = Path(os.path.realpath(inner)), Path(os.path.realpath(outer))
    if real_inner.is_relative_to(real_outer):
        return True
    try:
        target = real_outer.stat()
    except OSError:
        return False  # it does not exist yet, so nothing can be inside it
    for folder in (real_inner, *real_inner.parents):
        try:
            if os.path.samestat(folder.stat(), target):
                return True
        except OSError:
            continue
    return False


def configuration_home() -> Path:
    """Return the folder of the owner's configuration (`$XDG_CONFIG_HOME/photo-organizer`)."""
    return _absolute(platformdirs.user_config_path(APPLICATION), ".config")


def state_home() -> Path:
    """Return the folder of journal, ledger, status and quarantine (`$XDG_STATE_HOME/photo-organizer`)."""
    return _absolute(platformdirs.user_state_path(APPLICATION), ".local/state")


def model_home() -> Path:
    """Return the folder of the models (`$XDG_DATA_HOME/photo-organizer/models`)."""
    return _absolute(platformdirs.user_data_path(APPLICATION), ".local/share") / "models"


def _absolute(path: Path, standard: str) -> Path:
    # the XDG specification: a relative path in these variables is invalid and must be ignored
    return path if path.is_absolute() else Path.home() / standard / APPLICATION
