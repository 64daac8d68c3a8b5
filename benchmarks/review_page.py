"""The review page in a browser: photos sorted by keyboard, and the page with 10,000 photos in Review.

    python benchmarks/review_page.py --photos DIR

`DIR` holds a folder of photos for each category. They are sorted by the model until `--count` wait in Review.
A script that knows each photo's category then works through them as the page offers them: Enter where the
suggestion is right, a category's key where it is not, groups as they are selected, and of a mixed group the
photos of its commonest category first, the others taken out by arrow and space. Without `--photos` only the
second part is measured. Playwright and a Chromium are needed (`pip install playwright`).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from harness.arguments import parser
from harness.processes import memory
from harness.report import Figure, Report, Target

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.append(str(CHECKOUT / "tests"))


from photo_organizer.library import Library  # noqa: E402
from photo_organizer.photo import Action  # noqa: E402
from support.web.browser import chromium  # noqa: E402
from support.web.review_home import ReviewHome  # noqa: E402

STARTER = CHECKOUT / "models" / "starter"
_KINDS = {".jpg", ".jpeg", ".png", ".webp"}
_SIZE = {"width": 1360, "height": 850}
_PAUSE = 120  # milliseconds between two keys: a person in a hurry
_KEYS = ("ArrowRight", "ArrowDown", "1", "Space", "j")
_GAPS = (3, 30, 4000, 90_000)  # seconds between two photos: the files of a collection of photos have no times
_ON_A_FILE_MANAGER = 10
"""Operations a photo: to it (arrow), look at it (Enter), close that (Escape), cut, one folder up, the first
letters of the category, into it (Enter), paste, one folder up, into Review."""

_TIME_KEYS = """() => {
  window.keyTimes = [];
  window.keyTimer && document.removeEventListener('keydown', window.keyTimer, { capture: true });
  window.keyTimer = () => {
    const begin = performance.now();
    requestAnimationFrame(() => setTimeout(() => window.keyTimes.push(performance.now() - begin)));
  };
  document.addEventListener('keydown', window.keyTimer, { capture: true });
}"""
_SCROLL = """async () => {
  const grid = document.querySelector('.grid');
  const frames = [];
  let last = performance.now();
  for (let number = 0; number < 240; number += 1) {
    grid.scrollTop += 400;
    await new Promise(requestAnimationFrame);
    frames.push(performance.now() - last);
    last = performance.now();
  }
  return frames;
}"""
_CURRENT = """() => {
  const tiles = [...document.querySelectorAll('.photo-group.current .tile')];
  return {
    names: tiles.map((tile) => tile.title),
    focused: tiles.findIndex((tile) => tile.classList.contains('focused')),
    suggestion: document.querySelector('.palette .suggested span')?.textContent ?? null,
    keys: Object.fromEntries([...document.querySelectorAll('.palette button[aria-keyshortcuts]')]
      .map((button) => [button.querySelector('span').textContent, button.getAttribute('aria-keyshortcuts')])),
  };
}"""


@dataclass(frozen=True)
class Page:
    """The page's process, and the address that it printed."""

    process: subprocess.Popen[str]
    address: str


@dataclass
class Sorting:
    """What it took to sort photos by keyboard."""

    photos: int = 0
    decisions: int = 0
    accepted: int = 0
    seconds: float = 0.0
    keys: Counter[str] = field(default_factory=Counter)
    key_times: list[float] = field(default_factory=list)  # milliseconds to the next frame


def main() -> None:
    """Measures, prints and writes the results."""
    options = parser(__doc__ or "")
    options.add_argument("--photos", type=Path, help="folder with a folder of photos for each category")
    options.add_argument("--count", type=int, default=300, help="photos in Review to sort by keyboard")
    options.add_argument("--many", type=int, default=10_000, help="photos in Review for the second part")
    arguments = options.parse_args()
    report = Report("review_page")
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="review-", dir=arguments.scratch) as scratch,
        chromium() as browser,
    ):
        if arguments.photos is not None:
            home = ReviewHome(Path(scratch) / "real")
            truth = fill_with_real(home, arguments.photos, arguments.count, arguments.model or STARTER)
            report_sorting(report, sort_by_keyboard(browser, home, truth))
        many = ReviewHome(Path(scratch) / "many")
        fill_with_drawn(many, arguments.many)
        measure_many(report, browser, many, arguments.many)
    report.publish(directory=arguments.results)


def fill_with_real(home: ReviewHome, photos: Path, count: int, model: Path) -> dict[str, str]:
    """Sorts photos until `count` are in Review; the category of each by its name."""
    (home.root / "models").mkdir()
    (home.root / "models" / model.name).symlink_to(model)
    (home.root / "models" / "current").symlink_to(model.name)
    found = sorted(path for path in photos.glob("*/*") if path.suffix.lower() in _KINDS)
    chance = random.Random(1)
    chance.shuffle(found)
    moment = 1_700_000_000
    truth = {path.name: path.parent.name for path in found}
    while home.folders().get("Review", 0) < count and found:
        for path in found[:200]:
            copy = shutil.copy(path, home.root / "in" / path.name)
            moment += chance.choice(_GAPS)
            os.utime(copy, (moment, moment))
        del found[:200]
        words = ["--config", str(home.config), "sort", str(home.root / "in")]
        subprocess.run([sys.executable, "-P", "-m", "photo_organizer", *words], check=False)
    surplus = sorted(home.review.iterdir())[count:]
    for path in surplus:
        path.unlink()
    return truth


def sort_by_keyboard(browser: Any, home: ReviewHome, truth: dict[str, str]) -> Sorting:  # noqa: ANN401 (Playwright's)
    """Works through Review with the keyboard alone."""
    done = Sorting(photos=home.folders()["Review"])
    with opened(browser, home) as (page, window):
        wait_for_count(window, done.photos)
        window.wait_for_timeout(5000)  # the groups come a moment later
        window.evaluate(_TIME_KEYS)
        begin = time.perf_counter()
        while (current := window.evaluate(_CURRENT))["names"]:
            decide(window, current, truth, done)
        while home.folders().get("Review"):
            window.wait_for_timeout(20)
        done.seconds = time.perf_counter() - begin
        done.key_times = window.evaluate("() => window.keyTimes")
        assert page.process.poll() is None
    moved = moved_by_owner(home)
    wrong = [path.name for path in moved if path.parent.name != truth[path.name] or not path.exists()]
    if wrong or len(moved) != done.photos:
        raise SystemExit(f"{len(moved)} of {done.photos} photos were moved, {len(wrong)} of them wrongly")
    return done


def moved_by_owner(home: ReviewHome) -> list[Path]:
    """Where the photos that were filed by hand are, as the ledger has it."""
    return [Path(row["destination"]) for row in home.ledger() if row["action"] == "corrected"]


def decide(window: Any, current: dict[str, Any], truth: dict[str, str], done: Sorting) -> None:  # noqa: ANN401
    """Files the group that the page offers, or the larger part of it."""
    wanted = [truth[name] for name in current["names"]]
    category, _ = Counter(wanted).most_common(1)[0]
    at = current["focused"]
    for index, other in enumerate(wanted):
        if other != category:
            for _ in range(index - at):
                press(window, done, "ArrowRight")
            at = index
            press(window, done, "Space")
    accepted = category == current["suggestion"]
    press(window, done, "Enter" if accepted else current["keys"][category])
    done.decisions += 1
    done.accepted += accepted


def press(window: Any, done: Sorting, key: str) -> None:  # noqa: ANN401
    """One keystroke."""
    window.keyboard.press(key)
    kind = {"ArrowRight": "arrow", "Space": "space", "Enter": "enter"}.get(key, "category")
    done.keys[kind] += 1


def report_sorting(report: Report, done: Sorting) -> None:
    """The figures of the first part."""
    a_photo = done.keys.total() / done.photos
    goal = Target("peer", at_most=0.5)
    report.figures += [
        Figure("keystrokes (peer: file manager)", a_photo, "a photo", peer=_ON_A_FILE_MANAGER, target=goal),
        Figure("machine's time", done.seconds / done.photos, "s/photo"),
        Figure("key to next frame, median", median(done.key_times), "ms"),
        Figure(
            "... 95 of 100", quantiles(done.key_times, n=20)[-1], "ms", target=Target("value", at_most=100)
        ),
    ]
    kinds = ", ".join(f"{number} {kind}" for kind, number in done.keys.most_common())
    report.notes.append(
        f"{done.photos} photos in {done.decisions} decisions, {done.accepted} of them Enter; keys: {kinds}."
    )


def fill_with_drawn(home: ReviewHome, count: int) -> None:
    """So many small photos in Review, each for itself."""
    filings = [home.filing(home.draw(f"IMG_{number:05}.jpg"), Action.REVIEW) for number in range(count)]
    with Library.open(home.configuration) as library:
        for start in range(0, count, 500):
            library.file(filings[start : start + 500])


def measure_many(report: Report, browser: Any, home: ReviewHome, count: int) -> None:  # noqa: ANN401
    """First screen, keys, scrolling and memory."""
    first = [first_screen(browser, home) for _ in range(3)]
    with opened(browser, home) as (page, window):
        wait_for_count(window, count)
        window.wait_for_timeout(8000)  # grouping
        frames = window.evaluate(_SCROLL)
        window.keyboard.press("Home")
        keys = time_keys(window, pause=_PAUSE)
        burst = time_keys(window, pause=0)
        used = memory(page.process.pid)
    soon = Target("value", at_most=1.0)
    at_once = Target("value", at_most=100)
    report.figures += [
        Figure(f"{count:,} photos: first screen, server just started", median(first), "s", target=soon),
        Figure("... key to next frame, median", median(keys), "ms"),
        Figure("... 95 of 100", quantiles(keys, n=20)[-1], "ms", target=at_once),
        Figure("... as fast as a script presses keys, median", median(burst), "ms"),
        Figure("... 95 of 100", quantiles(burst, n=20)[-1], "ms", target=at_once),
        Figure("... scrolling, a frame, median", median(frames), "ms"),
        Figure("... 95 of 100", quantiles(frames, n=20)[-1], "ms"),
        Figure("... page process, resident", used.rss, "MB", target=Target("value", at_most=120)),
    ]


def time_keys(window: Any, *, pause: int) -> list[float]:  # noqa: ANN401 (Playwright's)
    """Milliseconds from each of 60 keys to the frame after it."""
    window.evaluate(_TIME_KEYS)
    for number in range(60):
        window.keyboard.press(_KEYS[number % len(_KEYS)])
        if pause:
            window.wait_for_timeout(pause)
    window.wait_for_timeout(1500)
    times: list[float] = window.evaluate("() => window.keyTimes")
    return times


def first_screen(browser: Any, home: ReviewHome) -> float:  # noqa: ANN401
    """Seconds from opening the address to the first photo's picture."""
    with opened(browser, home, visit=False) as (page, window):
        begin = time.perf_counter()
        window.goto(page.address, wait_until="commit")
        window.wait_for_selector(".tile img.here")
        return time.perf_counter() - begin


@contextmanager
def opened(browser: Any, home: ReviewHome, *, visit: bool = True) -> Iterator[tuple[Page, Any]]:  # noqa: ANN401
    """A page that runs, in a window."""
    with serving(home) as page:
        context = browser.new_context(viewport=_SIZE)
        try:
            window = context.new_page()
            if visit:
                window.goto(page.address)
            yield page, window
        finally:
            context.close()


@contextmanager
def serving(home: ReviewHome) -> Iterator[Page]:
    """Run the command as it is installed, so that its memory is its own."""
    words = ["--config", str(home.config), "review", "--no-browser", "--port", "0"]
    command = [sys.executable, "-P", "-m", "photo_organizer", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Page(process, process.stdout.readline().strip() if process.stdout else "")
        finally:
            process.send_signal(signal.SIGINT)


def wait_for_count(window: Any, count: int) -> None:  # noqa: ANN401
    """Until the page shows so many photos."""
    text = f"Review · {count:,} photo{'s' * (count != 1)}"
    window.wait_for_function("text => document.querySelector('h1')?.textContent === text", arg=text)


if __name__ == "__main__":
    main()
