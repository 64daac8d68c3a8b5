"""The page in a real browser, used as its owner uses it."""

from __future__ import annotations

import http.server
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from photo_organizer.learning.labels.label_store import LABELS, FolderChoice, LabelStore
from photo_organizer.library import Library
from photo_organizer.photo import Action
from support.web.browser import chromium
from support.web.review_home import CATEGORIES, Page, ReviewHome, ask_about, real_photos


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def window(browser: Any) -> Iterator[Any]:
    """A window that reports what goes wrong in it."""
    context = browser.new_context(viewport={"width": 1300, "height": 850})
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    yield opened
    context.close()
    # a photo that cannot be shown is a 404 of its thumbnail; and some tests refuse or kill on purpose
    expected = ("status of 404", "status of 409", "net::ERR_")
    assert [text for text in troubles if not any(words in text for words in expected)] == []


def open_review(window: Any, page: Page, photos: int) -> None:
    window.goto(page.address)
    wait_for_title(window, f"Review · {photos} photo{'s' * (photos != 1)}")


def wait_for_title(window: Any, text: str) -> None:
    window.wait_for_function("text => document.querySelector('h1')?.textContent === text", arg=text)


def wait_for_folders(window: Any, home: ReviewHome, wanted: dict[str, int]) -> None:
    """Until the library is so: the page answers a key before the photos are moved."""
    for _ in range(400):
        if home.folders() == wanted:
            return
        window.wait_for_timeout(25)
    assert home.folders() == wanted


def test_by_keyboard_alone(home: ReviewHome, window: Any) -> None:
    home.sources = real_photos(60)  # drawn ones where there are none
    home.fill(60)
    before = home.contents()
    page = Page(home)
    try:
        open_review(window, page, 60)
        wanted: Counter[str] = Counter()
        for number in range(40):
            category = CATEGORIES[number % 10]
            window.keyboard.press("1234567890"[number % 10])
            wanted[category] += 1
        for _ in range(2):
            window.keyboard.press("z")
            wanted[CATEGORIES[9 if _ == 0 else 8]] -= 1
        wait_for_title(window, "Review · 22 photos")
        window.keyboard.press("n")
        window.keyboard.type("Garden")
        window.keyboard.press("Enter")
        window.keyboard.press("/")
        window.keyboard.type("trav")
        window.keyboard.press("Enter")
        suggestion = window.inner_text(".palette .suggested span")
        window.keyboard.press("Enter")
        wanted.update(["Garden", "Travel", suggestion])
        wait_for_folders(window, home, {**wanted, "Review": 19})
    finally:
        assert page.close() == 0
    assert home.contents() == before
    actions = Counter(row["action"] for row in home.ledger())
    assert actions == {"review": 60, "corrected": 43, "undone": 2}
    with Library.open(home.configuration) as library:
        assert library.verify_ledger().is_equal
        assert Counter(event.action for event in library.events()) == actions


def test_a_group_is_one_decision(home: ReviewHome, window: Any) -> None:
    burst = [home.draw(f"BURST_{number}.jpg") for number in range(4)]
    for number, path in enumerate(burst):
        path.write_bytes(burst[0].read_bytes() + bytes([number]))
        os.utime(path, (1_700_000_000 + number,) * 2)
    home.file(*(home.filing(path, Action.REVIEW) for path in burst))
    page = Page(home)
    try:
        open_review(window, page, 4)
        names = page.photos()
        from photo_organizer.vision.feature_store import FeatureStore

        home.configuration.feature_store_path.parent.mkdir(exist_ok=True)
        with FeatureStore(home.configuration.feature_store_path) as store:
            shas = [row["sha256"] for row in home.ledger()]
            store.put_facts((sha256, None, "0123456789abcdef") for sha256 in shas)
        (home.review / "another.txt").write_text("makes the folder change")
        (home.review / "another.txt").unlink()
        home.file(home.filing(home.draw("later.jpg"), Action.REVIEW))
        window.reload()
        window.wait_for_function("() => document.querySelectorAll('.photo-group').length === 2")
        burst_photo = window.locator(f"#p-{names['BURST_1.jpg']}")
        if window.locator(".photo-group.current").locator(f"#p-{names['BURST_1.jpg']}").count() == 0:
            burst_photo.click()
        assert window.locator(".tile[aria-selected=true]").count() == 4
        window.keyboard.press("Space")
        assert window.locator(".tile[aria-selected=true]").count() == 3
        window.keyboard.press("6")
        wait_for_folders(window, home, {"Pets": 3, "Review": 2})
        window.keyboard.press("z")
        wait_for_folders(window, home, {"Review": 5})
    finally:
        page.close()


def test_by_mouse_and_touch(home: ReviewHome, browser: Any, window: Any) -> None:
    home.fill(5)
    page = Page(home)
    try:
        open_review(window, page, 5)
        window.locator(".tile").nth(1).drag_to(window.get_by_role("button", name="7 Food"))
        wait_for_folders(window, home, {"Food": 1, "Review": 4})
        window.get_by_role("button", name="Undo", exact=False).first.click()
        wait_for_folders(window, home, {"Review": 5})
        context = browser.new_context(viewport={"width": 360, "height": 720}, has_touch=True)
        phone = context.new_page()
        open_review(phone, page, 5)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 360
        phone.locator(".tile").nth(2).tap()
        phone.locator(".palette button", has_text="Nature").tap()
        wait_for_folders(phone, home, {"Nature": 1, "Review": 4})
        context.close()
    finally:
        page.close()


def test_two_windows_and_an_owner_at_the_file_manager(home: ReviewHome, browser: Any, window: Any) -> None:
    photos = home.fill(4)
    page = Page(home)
    try:
        open_review(window, page, 4)
        context = browser.new_context(viewport={"width": 1300, "height": 850})
        other = context.new_page()
        open_review(other, page, 4)
        ids = page.photos()
        for opened, name, key in ((window, "IMG_0000.jpg", "1"), (other, "IMG_0001.jpg", "2")):
            opened.click(f"#p-{ids[name]}")
            if opened.locator(f"#p-{ids[name]}[aria-selected=true]").count() == 0:
                opened.keyboard.press("Space")
            opened.keyboard.press(key)
        wait_for_folders(window, home, {"Family": 1, "Friends": 1, "Review": 2})
        window.keyboard.press("z")  # its own, and not what the other window did last
        wait_for_folders(window, home, {"Friends": 1, "Review": 3})
        context.close()
        photos[2].unlink()
        window.evaluate("document.querySelectorAll('.tile').forEach((tile) => tile.click())")
        page_ids = [ids["IMG_0002.jpg"], ids["IMG_0003.jpg"]]
        status, answer = page.post("/api/file", {"photos": page_ids, "category": "Pets"})
        assert status == 200
        assert [refusal["name"] for refusal in answer["refused"]] == ["IMG_0002.jpg"]
        assert answer["moved"] == [ids["IMG_0003.jpg"]]
    finally:
        page.close()


def test_filed_activity_and_learning(home: ReviewHome, window: Any) -> None:
    home.fill(6, Action.FILED, "FILED")
    home.file(home.filing(home.draw("broken.jpg"), Action.QUARANTINED))
    page = Page(home)
    try:
        window.goto(f"{page.address}#filed")
        wait_for_title(window, "Filed · 6 photos to check")
        window.keyboard.press("7")  # the photo in focus alone
        wait_for_title(window, "Filed · 5 photos to check")
        window.goto(f"{page.origin}/#activity")
        window.get_by_text("in quarantine").first.wait_for()
        window.get_by_role("button", name="Try broken.jpg again").click()
        window.get_by_text("Every photo could be read").wait_for()
        assert (home.root / "in" / "broken.jpg").exists()
        window.get_by_role("button", name="Undo batch").first.click()
        window.get_by_text("taken back", exact=False).first.wait_for()
        window.goto(f"{page.origin}/#learning")
        window.get_by_role("slider", name="Threshold").fill("0.5")
        window.get_by_text("At 0.50, 6 of your last 6 photos would be filed", exact=False).wait_for()
    finally:
        page.close()


def test_questions_are_answered_by_keyboard(home: ReviewHome, window: Any) -> None:
    photos = home.fill(3, Action.FILED)
    ask_about(home, photos, "Others")
    with LabelStore(home.state / LABELS) as store:
        store.replace_found_folders({"Boats": 12})
    page = Page(home)
    try:
        window.goto(f"{page.address}#learning")
        window.get_by_text(f"{photos[0].name} is in", exact=False).wait_for()
        window.keyboard.press("y")
        window.get_by_text(f"{photos[1].name} is in", exact=False).wait_for()
        window.keyboard.press("Enter")
        window.get_by_text("Moved to Others").wait_for()
        assert (home.library / "Others" / photos[1].name).exists()
        window.keyboard.press("z")
        window.get_by_text(f"{photos[1].name} is in", exact=False).wait_for()
        window.keyboard.press("s")
        window.get_by_text(f"{photos[2].name} is in", exact=False).wait_for()
        window.keyboard.press("7")
        window.get_by_text("Moved to Food").wait_for()
        window.get_by_role("button", name="Make Boats a category").click()
        window.get_by_text("Boats is a category now", exact=False).wait_for()
        window.get_by_text("Are these categories?").wait_for(state="hidden")
    finally:
        page.close()
    assert (home.library / "Food" / photos[2].name).exists()
    assert photos[1].exists()
    with LabelStore(home.state / LABELS) as store:
        assert len(store.confirmed()) == 1
        assert store.folder_choices() == {"Boats": FolderChoice.ACCEPTED}


def test_a_screenful_is_confirmed_and_taken_back(home: ReviewHome, window: Any) -> None:
    home.fill(6, Action.FILED, "FILED")
    page = Page(home)
    try:
        window.goto(f"{page.address}#filed")
        wait_for_title(window, "Filed · 6 photos to check")
        window.keyboard.press("y")
        window.get_by_text("1 photo confirmed", exact=False).first.wait_for()
        window.keyboard.press("y")
        wait_for_title(window, "Filed · 4 photos to check")
        window.get_by_text("1 photo confirmed", exact=False).nth(1).wait_for()
        with LabelStore(home.state / "labels.sqlite") as store:
            assert len(store.confirmed()) == 2
        window.keyboard.press("z")
        wait_for_title(window, "Filed · 5 photos to check")
        window.reload()
        wait_for_title(window, "Filed · 5 photos to check")
        with LabelStore(home.state / "labels.sqlite") as store:
            ((sha256, confirmation),) = store.confirmed().items()
        place = {row["sha256"]: row["destination"] for row in home.ledger()}[sha256]
        assert Path(place).parent.name == confirmation.category
    finally:
        page.close()


def test_photos_that_come_meanwhile_are_offered(home: ReviewHome, window: Any) -> None:
    home.fill(3)
    page = Page(home)
    try:
        open_review(window, page, 3)
        window.keyboard.press("1")
        wait_for_folders(window, home, {"Family": 1, "Review": 2})
        home.fill(2, prefix="LATER")
        window.get_by_text("Show 2 more photos").wait_for()
        window.keyboard.press("r")
        wait_for_title(window, "Review · 4 photos")
        for number in range(4):
            window.keyboard.press("2")
            wait_for_title(
                window, "Review" if number == 3 else f"Review · {3 - number} photo{'s' * (number < 2)}"
            )
        wait_for_folders(window, home, {"Family": 1, "Friends": 4})
        window.get_by_text("Nothing waits in Review").wait_for()
        window.wait_for_timeout(300)
        assert (
            window.get_by_text("more photo").count() == 0 or not window.get_by_text("more photo").is_visible()
        )
    finally:
        page.close()


def test_names_are_text(home: ReviewHome, window: Any) -> None:
    names = [
        "<img src=x onerror=alert(1)>.jpg", "\"'><script>alert(2)<\u2215script>.jpg", "{{7*7}}.jpg",
        "a\nb.jpg", "\u202egpj.exe.jpg", "%2e%2e%2f.jpg", os.fsdecode(b"\xff\xfe.jpg"), "=cmd().jpg",
    ]  # fmt: skip
    home.file(*(home.filing(home.draw(name), Action.REVIEW) for name in names))
    page = Page(home)
    try:
        window.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        open_review(window, page, len(names))
        window.wait_for_function("() => document.querySelectorAll('.tile img.here').length === 8")
        assert window.locator("main script, main img[src=x]").count() == 0
        shown = window.eval_on_selector_all(".tile", "tiles => tiles.map(tile => tile.title)")
        assert names[0] in shown
        assert "a\\nb.jpg" in shown
        window.keyboard.press("n")
        window.keyboard.type("<b>Odd & Ends</b>")
        window.keyboard.press("Enter")
        window.get_by_text("Not moved", exact=False).or_(
            window.get_by_text("cannot be a category", exact=False)
        ).first.wait_for()
        window.keyboard.press("n")
        window.keyboard.type("<b>Odd & Ends")
        window.keyboard.press("Enter")
        wait_for_folders(window, home, {"<b>Odd & Ends": 1, "Review": 7})
        assert window.locator(".palette b").count() == 0
    finally:
        page.close()


HOSTILE = """<!DOCTYPE html><title>hostile</title><iframe src="{page}/"></iframe><script>
window.seen = [];
window.addEventListener('securitypolicyviolation', () => {{}});
const attempt = (name, promise) => promise
  .then((value) => window.seen.push(name + ' ' + value))
  .catch(() => window.seen.push(name + ' failed'));
const headers = {{ 'Content-Type': 'application/json' }};
const body = JSON.stringify({{ photos: ['{photo}'], category: 'Pets' }});
const send = {{ method: 'POST', credentials: 'include', body }};
const picture = (path) => new Promise((good, bad) => {{
  const image = new Image();
  image.onload = () => good('shown');
  image.onerror = bad;
  image.src = '{page}' + path;
}});
Promise.all([
  attempt('read', fetch('{page}/api/review', {{ credentials: 'include' }}).then((answer) => answer.text())),
  attempt('blind', fetch('{page}/api/file', {{ ...send, mode: 'no-cors' }}).then(() => 'sent')),
  attempt('json', fetch('{page}/api/file', {{ ...send, headers }}).then(() => 'sent')),
  attempt('thumbnail', picture('/thumbnail/{photo}')),
]).then(() => {{ document.title = 'done'; }});
</script>"""


def test_a_hostile_page_in_another_tab(home: ReviewHome, browser: Any) -> None:
    """One of the same site even: another port of this machine."""
    home.fill(2)
    page = Page(home)
    context = browser.new_context()
    try:
        window = context.new_page()
        open_review(window, page, 2)
        photo = page.photos()["IMG_0000.jpg"]
        text = HOSTILE.format(page=page.origin, photo=photo)
        with serving(text) as address:
            other = context.new_page()
            other.goto(address)
            other.wait_for_function("() => document.title === 'done'")
            seen = other.evaluate("window.seen")
            frame = next(frame for frame in other.frames if frame is not other.main_frame)
            assert "Photo Organizer" not in frame.content()
        assert {"read failed", "json failed", "thumbnail failed"} <= set(seen)
        assert home.folders() == {"Review": 2}
        status, _ = page.post("/api/file", {"photos": [photo], "category": "Pets"})
        assert (status, home.folders()) == (200, {"Pets": 1, "Review": 1})  # the page itself still can
    finally:
        context.close()
        page.close()


@contextmanager
def serving(text: str) -> Iterator[str]:
    """A server of one page, on another port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            return None

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_axe_finds_nothing(home: ReviewHome, browser: Any) -> None:
    axe = pytest.importorskip(
        "axe_core_python.sync_playwright", reason="axe-core-python is not installed"
    ).Axe()
    home.fill(12)
    filed = home.fill(5, Action.FILED, "FILED")
    ask_about(home, filed[:2], "Others")
    home.file(home.filing(home.draw("broken.jpg"), Action.QUARANTINED))
    with LabelStore(home.state / LABELS) as store:
        store.replace_found_folders({"Boats": 12})
    page = Page(home)
    try:
        found = [
            f"{scheme} {view}: {violation['id']}: {node['html'][:150]} {node['failureSummary'][:200]}"
            for scheme, width in (("light", 1300), ("dark", 360))
            for view, several in axe_violations(axe, browser, page, scheme, width).items()
            for violation in several
            for node in violation["nodes"]
        ]
    finally:
        page.close()
    assert found == []


def axe_violations(axe: Any, browser: Any, page: Page, scheme: str, width: int) -> dict[str, Any]:
    """What axe says of each view and dialog."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    try:
        window = context.new_page()
        open_review(window, page, 12)
        window.wait_for_selector(".tile img.here")
        violations = {"review": axe.run(window)["violations"]}
        for key in "?/":
            window.keyboard.press(key)
            violations[key] = axe.run(window, "dialog[open]")["violations"]
            window.keyboard.press("Escape")
        for view in ("filed", "activity", "learning"):
            window.goto(f"{page.origin}/#{view}")
            window.wait_for_function(
                "view => document.querySelector('h1')?.textContent.toLowerCase().startsWith(view)", arg=view
            )
            violations[view] = axe.run(window)["violations"]
    finally:
        context.close()
    return violations


def test_many_photos_are_few_elements(home: ReviewHome, window: Any) -> None:
    home.fill(400)
    page = Page(home)
    try:
        open_review(window, page, 400)
        assert window.locator(".tile").count() < 120
        first = window.locator(".tile.focused").bounding_box()
        window.keyboard.press("ArrowDown")
        below = window.locator(".tile.focused").bounding_box()
        assert (below["x"], below["y"] > first["y"]) == (first["x"], True)
        window.keyboard.press("ArrowUp")
        assert window.locator(".tile.focused").bounding_box() == first
        window.keyboard.press("End")
        window.wait_for_function("() => document.querySelector('.tile.focused') !== null")
        assert window.locator(".tile").count() < 120
        last = window.locator(".tile.focused").get_attribute("title")
        window.keyboard.press("1")
        wait_for_title(window, "Review · 399 photos")
        wait_for_folders(window, home, {"Family": 1, "Review": 399})
        assert (home.library / "Family" / str(last)).exists()
    finally:
        page.close()


def test_the_first_screen_does_not_wait_for_the_rest(home: ReviewHome, window: Any) -> None:
    photos = home.fill(200)
    home.draw("hand.jpg").rename(home.review / "hand.jpg")  # not in the journal: found with the rest
    page = Page(home)
    held: list[Any] = []
    window.route("**/api/review", lambda route: held.append(route))  # noqa: PLW0108 (Playwright marks it)
    try:
        open_review(window, page, 120)
        window.locator(".photo-group.current .tile[aria-selected=true]").first.wait_for()
        window.keyboard.press("1")
        wait_for_folders(window, home, {"Family": 1, "Review": 200})
        while not held:
            window.wait_for_timeout(10)
        held[0].continue_()
        wait_for_title(window, f"Review · {len(photos)} photos")  # one is filed, one was put there by hand
        assert page.get("/api/review?first")["complete"] is False
    finally:
        page.close()


def test_it_ends_when_its_window_is_closed(home: ReviewHome, browser: Any) -> None:
    home.fill(1)
    page = Page(home)
    context = browser.new_context()
    window = context.new_page()
    open_review(window, page, 1)
    window.reload()  # is no end
    open_review(window, page, 1)
    window.close(run_before_unload=True)
    assert page.wait() == 0
    page.close()
    context.close()
    assert not Path(home.state / "review-page.json").exists()
