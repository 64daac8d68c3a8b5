"""Who may talk to the page: its owner's browser on this machine, and no other page that it has open.

- Only a loopback name is answered in `Host`, so that no name of a stranger's can be bent to this address (DNS
  rebinding).
- The address that the command prints holds a random token; it is exchanged for a cookie that no other site's
  page can have sent along (SameSite=Strict) and no script can read (HttpOnly).
- What changes something is a POST of JSON whose `Origin` is this very page's (cross-site request forgery).
- Nothing but the page itself may be asked for by another site (`Sec-Fetch-Site`).
- The Content-Security-Policy lets the page load from here only, and be framed by nobody.
"""

from __future__ import annotations

import hmac
import re
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photo_organizer.typed_command import PROGRAM

_LOOPBACK = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
_LARGEST_BODY = 4_000_000  # bytes: the ids of a hundred thousand photos
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_STALE = (  # without the `--config` in use: whoever asks need not be its owner
    f"This address is not valid, or not any more. Open the one that `{PROGRAM} review` prints: its token is "
    "new for each start."
)


class Access:
    """Checks every request, and adds the security headers to every response.

    Args:
        app: the page.
        token: part of the address that is printed.
        port: part of the cookie's name, since cookies do not tell ports apart.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._token = token
        self._session = secrets.token_urlsafe(32)
        self._cookie = f"photo-organizer-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no websockets here
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        with_token = scope["path"] == "/" and self._has_token(scope)
        refusal = self._refusal(scope, headers, with_token=with_token)
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send))
            return
        await self._app(scope, receive, _with_headers(send, self._new_cookie() if with_token else None))

    def _refusal(self, scope: Scope, headers: Headers, *, with_token: bool) -> Response | None:
        """Return why the request is refused; None when it is allowed."""
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not _LOOPBACK.fullmatch(host):
            return PlainTextResponse("This page answers on the loopback address only.", 403)
        if not _comes_from_here(scope, headers):
            return PlainTextResponse("Another site asked for this.", 403)
        if scope["method"] == "POST" and (reason := _post_refusal(headers, host)):
            return PlainTextResponse(reason, 403)
        if not with_token and not self._has_cookie(headers):
            return PlainTextResponse(_STALE, 403)
        return None

    def _has_token(self, scope: Scope) -> bool:
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        return hmac.compare_digest(given.encode(), self._token.encode())

    def _has_cookie(self, headers: Headers) -> bool:
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        given = cookies[self._cookie].value if self._cookie in cookies else ""
        return hmac.compare_digest(given.encode(), self._session.encode())

    def _new_cookie(self) -> str:
        return f"{self._cookie}={self._session}; Path=/; HttpOnly; SameSite=Strict"


def _comes_from_here(scope: Scope, headers: Headers) -> bool:
    """Return whether no other site asks. The page itself may be opened from anywhere, with the token."""
    site = headers.get("sec-fetch-site", "none")
    is_visit = scope["path"] == "/" and headers.get("sec-fetch-dest", "document") == "document"
    return site in {"same-origin", "none"} or is_visit


def _post_refusal(headers: Headers, host: str) -> str:
    if headers.get("origin", "").lower() != f"http://{host}".lower():
        return "Another site asked for this."
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return "JSON only."
    length = headers.get("content-length", "")
    if not length.isdigit() or int(length) > _LARGEST_BODY:
        return "too large, or of unknown length"
    return ""


def _with_headers(send: Send, cookie: str | None = None) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
            if cookie is not None:
                headers.append("Set-Cookie", cookie)
        await send(message)

    return send_with_headers
