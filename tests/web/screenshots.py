"""Make the pictures of the review page in the documentation, of drawn scenes or of photos that may be shown.

    PYTHONPATH=tests .venv/bin/python tests/web/screenshots.py docs/images [PHOTOS]

The photos are sorted by the starter model into a library of its own, which is thrown away.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from support.web.browser import chromium
from support.web.review_home import Page, ReviewHome
from support.web.scenes import draw_scene

PHOTOS = 240
PICTURES = (
    ("review", "review", (1360, 860), "light"),
    ("review-phone", "review", (360, 740), "dark"),
    ("learning", "learning", (1360, 860), "light"),
)


def prepare(home: ReviewHome, photos: Path | None) -> None:
    """Sort some photos, as if they were taken in bursts over some weeks."""
    old = home.root / "old"
    old.mkdir()
    moment, scene, shot = 1_760_000_000, 0, 0
    for number in range(PHOTOS):
        target = old / f"IMG_{2000 + number}.jpg"
        scene, shot = (scene, shot + 1) if shot < scene % 4 else (scene + 1, 0)
        if photos is None:
            draw_scene(target, scene, shot)
        else:
            shutil.copyfile(chosen_from(photos)[number], target)
        moment += 3 if shot else 40_000
        os.utime(target, (moment, moment))
    command = [sys.executable, "-P", "-m", "photo_organizer", "--config", str(home.config), "sort", str(old)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def chosen_from(folder: Path) -> list[Path]:
    """Return some photos of a folder, the same ones each time."""
    photos = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg"})
    random.Random(3).shuffle(photos)
    return photos


def main() -> None:
    """Make all of them."""
    folder = Path(sys.argv[1])
    photos = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as root, chromium() as browser:
        home = ReviewHome(Path(root) / "Pictures")
        prepare(home, photos)
        page = Page(home)
        try:
            for name, view, (width, height), scheme in PICTURES:
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-GB"
                )
                window = context.new_page()
                window.goto(f"{page.address}#{view}")
                window.wait_for_function(
                    "view => document.querySelector('h1')?.textContent.toLowerCase().startsWith(view)",
                    arg=view,
                )
                if view == "review":
                    window.wait_for_selector(".tile + .tile", timeout=120_000)  # look-alikes are found
                window.wait_for_timeout(2500)  # thumbnails
                window.screenshot(path=folder / f"{name}.png")
                context.close()
        finally:
            page.close()


if __name__ == "__main__":
    main()
