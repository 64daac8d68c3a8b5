"""The packages that only fine-tuning needs (the extra `train`); everything else works without them."""

from __future__ import annotations

import importlib.util

from photo_organizer.errors import OrganizerError

TRAIN_PACKAGES = {"tensorflow": "TensorFlow", "nncf": "NNCF"}
INSTALL_TRAIN = "pip install 'smart-photo-organizer[train]'"


def missing_packages() -> tuple[str, ...]:
    """Return the names of the packages of the extra `train` that are not installed."""
    return tuple(name for module, name in TRAIN_PACKAGES.items() if importlib.util.find_spec(module) is None)


def require_packages() -> None:
    """Check, before any photo is read, that fine-tuning is possible here.

    Raises:
        OrganizerError: a package of the extra `train` is not installed.
    """
    missing = missing_packages()
    if missing:
        raise OrganizerError(
            f"fine-tuning needs {' and '.join(missing)}, not installed here",
            remedy=f"{INSTALL_TRAIN}, or set `retraining: {{mode: head}}`, which needs neither",
        )
