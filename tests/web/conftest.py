"""A library with photos in Review, and the page on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.web.review_home import Page, ReviewHome


@pytest.fixture
def home(tmp_path: Path) -> ReviewHome:
    return ReviewHome(tmp_path / "home")


@pytest.fixture
def page(home: ReviewHome) -> Iterator[Page]:
    """The page on `home`, started when the test asks for it: fill the home before."""
    started = Page(home)
    yield started
    started.close()


@pytest.fixture
def page_of() -> Iterator[Callable[[ReviewHome], Page]]:
    """Starts pages, which end with the test."""
    with ExitStack() as stack:

        def start(home: ReviewHome) -> Page:
            page = Page(home)
            stack.callback(page.close)
            return page

        yield start
