"""Which categories there are: those of the configuration, and those that the owner made by making a
folder.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from photo_organizer.config import Configuration
from photo_organizer.models.manifest import read_manifest


def serving_categories(config: Configuration, model: Path, accepted: Collection[str]) -> tuple[str, ...]:
    """Return the categories to predict with a model: the configured ones, then the owner's folders.

    A folder is predicted when its owner accepted it, the model learned it, and it is still in the library. A
    configured category that the model does not know yet stays in the list (it gets probability 0 until a
    model has learned it).

    Args:
        config: the categories, the library and its folder template.
        model: the model's folder.
        accepted: the folders that the owner accepted as categories.

    Raises:
        ModelError: the model's manifest cannot be read.
    """
    learned = read_manifest(model).data.get("folder_categories", [])
    configured = config.all_categories
    own = [str(name) for name in learned if name in accepted and name not in configured]
    return (*configured, *(name for name in own if _has_folder(config, name)))


def predicted_categories(
    config: Configuration, model: Path, known: Sequence[str], accepted: Collection[str]
) -> tuple[str, ...]:
    """The categories to tell apart with a model: those to file in, and then all others that it has learned.

    A photo of a category that is not filed in (because it was taken out of the configuration, say) is
    recognised as one, so that it is not taken for the next best.

    Args:
        config: see `serving_categories`.
        model: the model's folder.
        known: what the model has learned.
        accepted: see `serving_categories`.

    Raises:
        ModelError: the model's manifest cannot be read.
    """
    serving = serving_categories(config, model, accepted)
    if not set(serving) & set(known):
        return serving  # a model that knows none of them is refused
    return (*serving, *(name for name in known if name not in serving))


def trainable_categories(
    config: Configuration, photos: Mapping[str, int], known: Sequence[str], *, least: int
) -> tuple[tuple[str, ...], dict[str, int]]:
    """The categories of a new model, and the photos of those that are still too few.

    Args:
        config: the configured categories come first, in their order.
        photos: how many photos each category could learn from, the owner's folders included.
        known: categories that the backbone's exemplars cover.
        least: how many photos make a category that the exemplars do not cover.
    """
    configured = config.all_categories
    names = [*configured, *sorted(set(photos) - set(configured))]
    enough = [
        name for name in names if (name in known and name in configured) or photos.get(name, 0) >= least
    ]
    few = {name: photos.get(name, 0) for name in names if name not in enough and photos.get(name, 0)}
    return tuple(enough), few


def _has_folder(config: Configuration, category: str) -> bool:
    return any(_has_folder_in(config, library, category) for library in config.libraries)


def _has_folder_in(config: Configuration, library: Path, category: str) -> bool:
    above = "*/" * config.library_template(library).category_depth
    if not above:
        return (library / category).is_dir()
    return any(folder.name == category and folder.is_dir() for folder in library.glob(f"{above}*"))
