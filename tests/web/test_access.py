"""Only its owner's browser, and only this very page in it, is answered."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from photo_organizer.photo import Action
from support.web.review_home import Page, ReviewHome


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> ReviewHome:
    made = ReviewHome(tmp_path_factory.mktemp("access") / "home")
    made.fill(2)
    made.file(made.filing(made.draw("bad.jpg"), Action.QUARANTINED))
    return made


@pytest.fixture(scope="module")
def page(home: ReviewHome) -> Iterator[Page]:
    started = Page(home)
    yield started
    started.close()


def act(page: Page, **changes: str | None) -> int:
    """The status of an action as the page itself asks for it, with some headers changed or left out."""
    headers: dict[str, str | None] = {
        "Cookie": page.cookie,
        "Origin": page.origin,
        "Content-Type": "application/json",
        "Sec-Fetch-Site": "same-origin",
    }
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    given = {name: value for name, value in headers.items() if value is not None}
    return page.request("POST", "/api/undo", body={"batch": "none"}, headers=given)[0]


def test_the_page_itself_is_answered(page: Page) -> None:
    assert act(page) == 409  # there is no such batch: it was let through


def test_without_the_token_nothing_is_answered(page: Page) -> None:
    for path in (
        "/",
        "/?token=",
        "/?token=wrong",
        f"/?token={page.token[:-1]}",
        "/api/review",
        "/static/main.js",
    ):
        status, headers, body = page.request("GET", path)
        assert status == 403, path
        assert b"photo-organizer review" in body
        assert headers["Set-Cookie"] is None


def test_the_token_opens_the_page_and_nothing_else(page: Page) -> None:
    assert page.request("GET", f"/?token={page.token}")[0] == 200
    assert page.request("GET", f"/api/review?token={page.token}")[0] == 403


def test_it_is_exchanged_for_a_cookie_that_no_other_site_can_send_along(page: Page) -> None:
    _, headers, body = page.request("GET", f"/?token={page.token}")
    cookie, _, attributes = headers["Set-Cookie"].partition(";")
    assert {part.strip() for part in attributes.split(";")} == {"Path=/", "HttpOnly", "SameSite=Strict"}
    assert page.token not in cookie
    assert page.token.encode() not in body


def test_another_cookie_is_refused(page: Page) -> None:
    name = page.cookie.partition("=")[0]
    for cookie in (f"{name}=", f"{name}=guess", "photo-organizer=x", ";;;=", f"{name}=\xe4"):
        assert page.request("GET", "/api/review", headers={"Cookie": cookie})[0] == 403


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "127.0.0.2", "[::2]", "", "localhost@evil"],
)
def test_a_rebinding_host_is_refused(page: Page, host: str) -> None:
    headers = {"Host": host, "Cookie": page.cookie}
    assert page.request("GET", "/api/review", headers=headers)[0] in {400, 403}
    assert page.request("GET", f"/?token={page.token}", headers={"Host": host})[0] in {400, 403}


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_names_are_answered_also_through_a_tunnel(page: Page, name: str) -> None:
    headers = {"Host": f"{name}:9000", "Cookie": page.cookie}
    assert page.request("GET", "/api/start", headers=headers)[0] == 200


@pytest.mark.parametrize(
    "origin",
    [None, "null", "http://evil.example", "http://127.0.0.1:1", "http://localhost", "https://127.0.0.1"],
)
def test_another_origin_cannot_act(page: Page, origin: str | None) -> None:
    assert act(page, Origin=origin) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_gets_nothing_but_the_page(page: Page, site: str) -> None:
    assert act(page, **{"Sec-Fetch-Site": site}) == 403
    headers = {"Cookie": page.cookie, "Sec-Fetch-Site": site}
    assert page.request("GET", "/api/review", headers=headers)[0] == 403
    headers["Sec-Fetch-Dest"] = "iframe"
    assert page.request("GET", "/", headers=headers)[0] == 403
    visit = {"Sec-Fetch-Site": site, "Sec-Fetch-Dest": "document"}
    assert page.request("GET", f"/?token={page.token}", headers=visit)[0] == 200


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_what_a_form_can_send_is_refused(page: Page, content_type: str | None) -> None:
    assert act(page, Content_Type=content_type) == 403


def test_actions_are_posts(page: Page) -> None:
    for path in ("/api/file", "/api/undo", "/api/train", "/api/use", "/api/confirm"):
        assert page.request("GET", path, headers={"Cookie": page.cookie})[0] == 405
    for method in ("PUT", "DELETE", "TRACE", "OPTIONS"):
        assert page.request(method, "/api/start", headers={"Cookie": page.cookie})[0] == 405


def test_every_answer_has_its_headers(page: Page) -> None:
    for path in (f"/?token={page.token}", "/api/review", "/static/main.js", "/nothing"):
        _, headers, _ = page.request("GET", path, headers={"Cookie": page.cookie})
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["img-src"] == "'self'"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in headers


def test_the_page_loads_from_here_only(page: Page) -> None:
    static = Path(__file__).parents[2] / "daemon/photo_organizer/web"
    for path in [
        *static.rglob("*.js"),
        *static.rglob("*.css"),
        *static.rglob("*.html"),
        *static.rglob("*.svg"),
    ]:
        text = path.read_text()
        for outside in ("https://", "//cdn", "innerHTML", "outerHTML", "insertAdjacentHTML", "eval("):
            assert outside not in text, (path, outside)
        assert text.replace("http://www.w3.org/2000/svg", "").count("http://") == 0, path


@pytest.mark.parametrize(
    "path",
    [
        "/thumbnail/..%2f..%2forganizer.yaml", "/thumbnail/%2fetc%2fpasswd", "/thumbnail/IMG_0000.jpg",
        "/picture/../../organizer.yaml", "/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/app.py",
        "/thumbnail/", "/state/journal.sqlite", "//etc/passwd", "/static//etc/passwd",
    ],
)  # fmt: skip
def test_no_path_leads_to_a_file(page: Page, path: str) -> None:
    status, headers, _ = page.request("GET", path, headers={"Cookie": page.cookie})
    assert status in {403, 404, 405}
    assert headers["Content-Type"] != "image/jpeg"


def test_requests_name_ids_and_no_paths(page: Page, home: ReviewHome) -> None:
    outside = home.root / "private.jpg"
    outside.write_bytes((home.review / "IMG_0000.jpg").read_bytes())
    for name in (
        str(outside),
        str(home.review / "IMG_0000.jpg"),
        "IMG_0000.jpg",
        "../private.jpg",
        "",
        "x" * 24,
    ):
        status, answer = page.post("/api/file", {"photos": [name], "category": "Pets"})
        assert (status, "error" in answer) == (404, True)
    assert home.folders() == {"Review": 2}


def test_a_category_is_a_plain_name(page: Page, home: ReviewHome) -> None:
    photo = page.photos()["IMG_0000.jpg"]
    for category in ("../outside", "a/b", "/etc", "..", ".hidden", "Duplicates", "new\nline", "\u202egnp"):
        status, _ = page.post("/api/file", {"photos": [photo], "category": category})
        assert status == 409, category
    assert home.folders() == {"Review": 2}


def test_what_is_not_json_of_the_right_kind_is_refused(page: Page) -> None:
    for body in (
        [],
        "text",
        {"photos": "x"},
        {"photos": [1]},
        {"photos": []},
        {"photos": [[]], "category": "Pets"},
    ):
        status, _ = page.post("/api/file", body)
        assert status == 400, body


def test_a_body_that_is_too_large_is_refused(page: Page) -> None:
    headers = {"Cookie": page.cookie, "Origin": page.origin, "Content-Type": "application/json"}
    assert page.request("POST", "/api/undo", headers={**headers, "Content-Length": "99999999999"})[0] == 403
    assert page.request("POST", "/api/undo", headers={**headers, "Transfer-Encoding": "chunked"})[0] == 403


def test_the_paths_of_photos_are_not_told(page: Page, home: ReviewHome) -> None:
    text = json.dumps(page.get("/api/review"))
    assert str(home.root) not in text


def test_it_listens_on_loopback_only(page: Page) -> None:
    inodes = [
        line.split()
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].split(":")[1], 16) == page.port
    ]
    assert [line[1].split(":")[0] for line in inodes] == ["0100007F"]
    with pytest.raises(OSError), socket.create_connection(("::1", page.port), timeout=2):
        pass


def test_the_address_is_its_owners_secret(page: Page, home: ReviewHome) -> None:
    for name in ("review-page.json", "review-page.log"):
        assert (home.state / name).stat().st_mode & 0o077 == 0
    assert json.loads((home.state / "review-page.json").read_text())["address"] == page.address
