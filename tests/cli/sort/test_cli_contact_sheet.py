"""The contact sheet: every photo, in sections, the least sure first, without reading more than is needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from support.command_line import Home, Said

    Organizer = Callable[..., Said]


def test_all_photos_in_sections_the_least_sure_first(
    organizer: Organizer, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photo_organizer.cli.sort.sheet.contact_sheet.THUMBNAILS_A_SECTION", 2)
    for number in range(5):
        home.draw(f"food {number}.png", "Food", seed=number)
    home.draw("pet.png", "Pets", seed=9)
    home.draw("unsure.png", "Food", between="Travel", seed=10)
    (home.old / "broken <b>.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    assert organizer("sort", home.old, "--dry-run", "--plan", home.root / "a.plan").code == 3
    sheet = (home.root / "a.plan.html").read_text()
    sections = re.findall(r'<h2>(.*?) <span class="count">(.*?)</span></h2>', sheet)
    assert sections == [("Review", "1"), ("Food", "5"), ("Pets", "1"), ("Quarantine: cannot be read", "1")]
    assert sheet.count("<figure ") == 8
    food = sheet[sheet.index("<h2>Food") : sheet.index("<h2>Pets")]
    sure = [float(number) for number in re.findall(r"<b>Food (\d\.\d\d)", food)]
    assert sure == sorted(sure)
    assert food.count("data:image/jpeg;base64,") == 2
    assert food.count('loading="lazy"') == 3
    assert "broken &lt;b&gt;.jpg" in sheet
    assert "object-fit: contain" in sheet  # portraits stay in their frame
