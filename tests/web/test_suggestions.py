"""Review suggests the categories that the owner has to choose from."""

from __future__ import annotations

from photo_organizer.web.services.suggestions import suggest

CATEGORIES = ("Events", "Family", "Food", "Friends", "Hobbies")


def _names(*probabilities: float) -> list[str]:
    return [category for category, _ in suggest(CATEGORIES, probabilities)]


def test_the_three_most_probable_categories_come_first() -> None:
    assert suggest(CATEGORIES, (0.1, 0.05, 0.5, 0.05, 0.3)) == (
        ("Food", 0.5),
        ("Hobbies", 0.3),
        ("Events", 0.1),
    )


def test_a_photo_of_people_together_is_offered_all_three_categories_of_them() -> None:
    assert _names(0.05, 0.40, 0.02, 0.35, 0.18) == ["Family", "Friends", "Events"]


def test_a_photo_that_may_show_no_people_keeps_the_other_category() -> None:
    assert _names(0.05, 0.30, 0.02, 0.25, 0.38) == ["Hobbies", "Family", "Friends"]


def test_an_owner_without_these_categories_sees_the_most_probable_ones() -> None:
    assert suggest(("Garden", "Family"), (0.1, 0.9)) == (("Family", 0.9), ("Garden", 0.1))
    assert suggest(("Garden",), (1.0,)) == (("Garden", 1.0),)
