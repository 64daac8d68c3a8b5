"""Checks of the journal and the model."""

from __future__ import annotations

import time
from collections.abc import Iterator

from photo_organizer.config import Configuration
from photo_organizer.doctor.check import Check, fix, hint, ok
from photo_organizer.errors import OrganizerError, printable
from photo_organizer.library.journal_state import journal_problem
from photo_organizer.library.record.journal_health import JOURNAL, is_begun
from photo_organizer.models.serving_model import ModelDescription, read_model
from photo_organizer.models.store import Registry
from photo_organizer.service.runtime import new_vision
from photo_organizer.service.status.attention import journal_remedy
from photo_organizer.typed_command import typed

_LONGEST_LOAD_SECONDS = 120.0
_WAIT_SECONDS = 0.5


def journal(configuration: Configuration) -> Iterator[Check]:
    """Check whether the journal, which undo depends on, is intact."""
    path = configuration.state_directory / JOURNAL
    if problem := journal_problem(configuration):
        yield fix("journal", f"{problem}: {printable(path)}", journal_remedy())
    elif not is_begun(path):
        yield ok("journal", "none yet; it is created with the first photo")
    else:
        yield ok("journal", "intact")


def model(configuration: Configuration) -> Iterator[Check]:
    """Check whether the model in use is complete, unmodified, and can be loaded."""
    registry = Registry(configuration.model_directory)
    chosen = registry.current_id()
    if chosen is None:
        yield hint(
            "model", "none installed yet", "the starter model is installed when the daemon first starts"
        )
        return
    another = f"select another with `{typed('models use ID')}`"
    try:
        manifest = registry.verify(registry.directory / chosen)
        _load(configuration, read_model(registry.directory / chosen))
    except OrganizerError as error:
        yield fix("model", str(error), another)
        return
    unknown = [name for name in configuration.all_categories if name not in manifest.categories]
    if unknown:
        needed = configuration.retraining.min_photos_per_category
        remedy = f"put at least {needed} photos in each of their folders, then run `{typed('train')}`"
        yield hint("model", f"{chosen} does not know {', '.join(unknown)} yet", remedy)
    else:
        yield ok("model", f"{chosen} is complete, unmodified, and loads")


def _load(configuration: Configuration, description: ModelDescription) -> None:
    """Load the model in a separate vision process, as the daemon does.

    Raises:
        OrganizerError: it cannot be loaded.
    """
    client = new_vision(configuration, description)
    until = time.monotonic() + _LONGEST_LOAD_SECONDS
    try:
        client.warm_up()
        while not client.ready:
            client.poll(_WAIT_SECONDS)
            if time.monotonic() > until:
                raise OrganizerError(f"model {description.id} does not load within two minutes")
    finally:
        client.close()
