"""Which of the names in one folder are one photo with its companions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from photo_organizer.companions.kinds import Kind, is_document, kind_of, may_accompany
from photo_organizer.companions.names import (
    companion_keys,
    families_of,
    folded,
    is_burst,
    is_cover,
    is_edited,
    photo_keys,
    stem,
)
from photo_organizer.formats import by_extension


@dataclass(frozen=True, slots=True)
class NameGroup:
    """The names of one asset group: the photo that is classified, and what moves with it."""

    photo: str
    companions: tuple[str, ...] = ()


class PhotoIndex:
    """Finds the photo that a companion belongs to among the names added."""

    def __init__(self) -> None:
        self._photos: dict[str, str] = {}
        self._families: set[str] = set()

    def add(self, name: str) -> None:
        """Add a photo; of several photos with a key in common the one added first has it."""
        for key in photo_keys(name):
            self._photos.setdefault(key, name)
        self._families.update(families_of(name))

    def photo_of(self, companion: str) -> str | None:
        """The photo that `companion` belongs to, or None."""
        return next((self._photos[key] for key in companion_keys(companion) if key in self._photos), None)

    def has_kin(self, photo: str) -> bool:
        """Whether a photo was added that may be the original, RAW, edited or burst partner of `photo`."""
        return not self._families.isdisjoint(families_of(photo))


def bundle(
    photos: Iterable[str],
    companions: Iterable[str],
    *,
    usable: Callable[[str], bool] = lambda _name: True,
) -> tuple[list[NameGroup], list[str]]:
    """Put names together that belong together.

    Args:
        photos: names with an image extension (or a video's, when videos alone are wanted).
        companions: names that may accompany one of them.
        usable: whether a photo can be decoded here; one that can is preferred to stand for its group.

    Returns:
        the groups, and the companions that belong to none of them. Each name comes back exactly once.
    """
    images: list[str] = []
    documents: list[str] = []
    videos: list[str] = []
    for name in sorted(photos, key=lambda name: _rank(name, usable=usable)):
        kind = videos if kind_of(name) is Kind.VIDEO else documents if is_document(name) else images
        kind.append(name)
    groups = _Groups()
    for members in _families(images):
        for leader, followers in _divide(members):
            groups.found(leader, followers)
    for document in documents:
        if not groups.join(document):
            groups.found(document, [])
    alone = [video for video in videos if not (may_accompany(video) and groups.join(video))]
    for video in alone:
        groups.found(video, [])
    orphans = [companion for companion in sorted(companions) if not groups.join(companion)]
    return [NameGroup(leader, tuple(members)) for leader, members in groups.followers.items()], orphans


def _families(images: Sequence[str]) -> Iterable[list[str]]:
    """Divide photos, given best first, by what their names have in common."""
    originals = {families_of(name)[0] for name in images if not is_edited(stem(folded(name)))}
    families: dict[str, list[str]] = {}
    for name in images:
        candidates = families_of(name)
        family = next((each for each in candidates if each in originals), candidates[0])
        families.setdefault(family, []).append(name)
    return families.values()


class _Groups:
    """Groups in the making."""

    def __init__(self) -> None:
        self.followers: dict[str, list[str]] = {}
        self._leaders: dict[str, str] = {}
        self._index = PhotoIndex()

    def found(self, leader: str, followers: list[str]) -> None:
        self.followers[leader] = followers
        for name in (leader, *followers):
            self._leaders[name] = leader
            self._index.add(name)

    def join(self, companion: str) -> bool:
        """Put a companion to its photo; False when there is none."""
        photo = self._index.photo_of(companion)
        if photo is None:
            return False
        self.followers[self._leaders[photo]].append(companion)
        return True


def _rank(name: str, *, usable: Callable[[str], bool]) -> tuple[bool, bool, bool, bool, bool, str]:
    """Photos that may stand for their group come first: decodable, original, developed, a burst's cover."""
    own_stem = stem(folded(name))
    return (
        by_extension(name) is None,
        not usable(name),
        is_edited(own_stem),
        is_raw(name),
        is_burst(own_stem) and not is_cover(own_stem),
        name,
    )


def _divide(members: list[str]) -> list[tuple[str, list[str]]]:
    """Groups within one family, given best first: the first leads; RAWs, edited ones and a burst follow it.

    Two developed originals of one stem (`a.jpg`, `a.png`) are two photos, and so are the photos of a burst of
    which no cover is known.
    """
    groups: list[tuple[str, list[str]]] = []
    for name in members:
        if groups and _follows(name, groups[0][0]):
            groups[0][1].append(name)
        else:
            groups.append((name, []))
    return groups


def _follows(name: str, leader: str) -> bool:
    """Whether `name` moves with `leader`, both of one family."""
    own_stem, leading_stem = stem(folded(name)), stem(folded(leader))
    if by_extension(name) is None or by_extension(leader) is None:  # a video, or only its content can tell
        return False
    if is_burst(own_stem) or is_burst(leading_stem):
        return (own_stem == leading_stem and (is_raw(name) or is_raw(leader))) or is_cover(leading_stem)
    if is_edited(own_stem) != is_edited(leading_stem):
        return True
    return is_raw(name) or is_raw(leader)


def is_raw(name: str) -> bool:
    """Whether the name promises a camera's raw file."""
    image_format = by_extension(name)
    return image_format is not None and image_format.is_raw
