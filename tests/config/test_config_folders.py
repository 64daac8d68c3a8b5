"""Folder templates: where a photo goes, and that it can never leave the library."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photo_organizer.config.folders import FolderTemplate, capture_date

JANUARY = datetime(2024, 1, 31, 12, 30)
LATER = datetime(2025, 6, 1)
NOW = datetime(2026, 11, 25, 12, 0)


def render(
    template: str, *, taken: datetime | None = JANUARY, camera: str = "Pixel 8", name: str = "x.jpg"
) -> str:
    return FolderTemplate.parse(template).render(
        category="Pets",
        taken=taken,
        modified=LATER,
        camera=camera,
        inbox=PurePath("/home/me/Inbox"),
        name=name,
    )


@pytest.mark.parametrize(
    ("template", "folder"),
    [
        ("{category}", "Pets"),
        ("{category}/{taken:%Y}/{taken:%m}", "Pets/2024/01"),
        ("{category}/{taken:%Y/%m}", "Pets/2024/01"),
        ("{taken:%Y-%m-%d}/{category}", "2024-01-31/Pets"),
        ("Photos/{category}/from {inbox} by {camera}", "Photos/Pets/from Inbox by Pixel 8"),
    ],
)
def test_where_a_photo_goes(template: str, folder: str) -> None:
    assert render(template) == folder


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("", "empty part"),
        ("/{category}", "empty part"),
        ("{category}/", "empty part"),
        ("{category}//x", "empty part"),
        ("../{category}", "begins with a dot"),
        ("{category}/./x", "begins with a dot"),
        ("{category}/.hidden", "begins with a dot"),
        ("Photos", r"must contain \{category\}"),
        ("{category}/{category}", "exactly once"),
        ("my {category}", "a folder of its own"),
        ("{category}/{taken}", "without a format"),
        ("{category}/{taken:%Q}", "has %Q in a date"),
        ("{category}/{taken:%c}", "has %c in a date"),
        ("{category}/{taken:%}", "has % in a date"),
        ("{category}/{taken:%Y//%m}", "empty part"),
        ("{category}/{camera:x}", "gives {camera} a format"),
        ("{category}/{", "unmatched"),
        ("{category}}", "unmatched"),
        ("{category.__class__}", "unknown field"),
        ("{0}", "unknown field"),
    ],
)
def test_templates_that_are_refused(template: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        FolderTemplate.parse(template)


@pytest.mark.parametrize(
    ("camera", "folder"),
    [
        ("", "Unknown camera"),
        ("..", "Unknown"),
        ("../../etc", "-..-etc"),
        ("a/b\\c", "a-b-c"),
        ("\0\n", "--"),
        (" . ", "Unknown"),
        ("x" * 999, "x" * 255),
    ],
)
def test_a_cameras_name_is_made_a_folder_name(camera: str, folder: str) -> None:
    assert render("{category}/{camera}", camera=camera) == f"Pets/{folder}"


@given(camera=st.text(max_size=300), name=st.text(max_size=60), inbox=st.text(max_size=60))
def test_no_camera_name_or_inbox_leads_out_of_the_library(camera: str, name: str, inbox: str) -> None:
    template = FolderTemplate.parse("{inbox}/{category}/{camera}/{taken:%Y}")
    folder = template.render(
        category="Pets", taken=None, modified=LATER, camera=camera, inbox=PurePath("/", inbox), name=name
    )
    parts = folder.split("/")
    assert len(parts) == 4
    for part in parts:
        assert part
        assert not part.startswith(".")
        assert len(part.encode("utf-8", "surrogateescape")) <= 255
        assert not any(unicodedata.category(character) == "Cc" for character in part)
    assert template.category_of(PurePath(folder)) == "Pets"


@pytest.mark.parametrize(
    ("template", "folder", "category"),
    [
        ("{category}", "Pets", "Pets"),
        ("{category}", "Pets/deeper", "Pets"),
        ("{category}", ".", None),
        ("{taken:%Y/%m}/{category}", "2024/01/Pets", "Pets"),
        ("{taken:%Y/%m}/{category}", "2024/01", None),
    ],
)
def test_the_category_of_a_folder(template: str, folder: str, category: str | None) -> None:
    assert FolderTemplate.parse(template).category_of(PurePath(folder)) == category


@pytest.mark.parametrize(
    ("taken", "name", "date"),
    [
        (JANUARY, "IMG_20200202.jpg", JANUARY),
        (None, "IMG_20200202_101112.jpg", datetime(2020, 2, 2)),
        (None, "2020-02-02 birthday.jpg", datetime(2020, 2, 2)),
        (None, "PXL_20200202_101112345.jpg", datetime(2020, 2, 2)),
        (None, "2020-0202.jpg", LATER),
        (None, "20200231.jpg", LATER),
        (None, "120200202.jpg", LATER),
        (None, "DSC_0001.jpg", LATER),
    ],
)
def test_when_a_photo_was_taken(taken: datetime | None, name: str, date: datetime) -> None:
    assert capture_date(taken, name, LATER, NOW) == date


@pytest.mark.parametrize("year", [1, 1601, 1825, 2027, 2300, 9999])
def test_a_date_that_no_photo_can_have_is_passed_over(year: int) -> None:
    impossible = datetime(year, 1, 1)
    assert capture_date(impossible, "DSC_0001.jpg", LATER, NOW) == LATER
    assert capture_date(impossible, "IMG_20200202.jpg", LATER, NOW) == datetime(2020, 2, 2)
    assert capture_date(None, "20990101.jpg", impossible, NOW) == NOW
    assert capture_date(None, "DSC_0001.jpg", None, NOW) == NOW


def test_old_scans_keep_their_date() -> None:
    assert capture_date(None, "grandmother.jpg", datetime(1931, 5, 1), NOW) == datetime(1931, 5, 1)
