"""The page's addresses, and what each answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from photo_organizer import __version__
from photo_organizer.errors import OrganizerError
from photo_organizer.typed_command import typed
from photo_organizer.web.page_service import PageService
from photo_organizer.web.services.photos import UnknownPhotoError
from photo_organizer.web.services.thumbnails import NoThumbnailError, Thumbnails

log = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_PAGE = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True)

_STATIC = _HERE / "static"
_MODULES = sorted(str(path.relative_to(_STATIC)) for path in _STATIC.rglob("*.js"))  # fetched side by side
_MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

Answer = Callable[[Request], Awaitable[Response]]


class BadRequestError(OrganizerError):
    """A request that the page itself never sends."""


def make_app(service: PageService) -> Starlette:
    """Return the page as an ASGI application, without its access control (`Access`).

    Args:
        service: does what is asked for.
    """
    routes = [
        Route("/", _page),
        Route("/thumbnail/{id}", _picture_from(service, service.thumbnails)),
        Route("/picture/{id}", _picture_from(service, service.pictures)),
        Route("/api/events", _events_of(service)),
        *_reading(service),
        *_acting(service),
        Route("/static/{path:path}", _static_file()),
    ]

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        watching = asyncio.create_task(service.watch())
        try:
            yield
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            await run_in_threadpool(service.close)

    return Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={OrganizerError: _error, Exception: _defect},
    )


def _reading(service: PageService) -> list[Route]:
    async def start(_request: Request) -> Response:
        return JSONResponse(await service.start())

    async def review(request: Request) -> Response:
        everything = "first" not in request.query_params
        return JSONResponse(await service.review(everything=everything))

    async def filed(request: Request) -> Response:
        query = request.query_params
        return JSONResponse(await service.filed(query.get("category") or None, query.get("batch") or None))

    async def activity(_request: Request) -> Response:
        return JSONResponse(await service.activity())

    async def learning(_request: Request) -> Response:
        return JSONResponse(await service.learning())

    return [
        Route("/api/start", start),
        Route("/api/review", review),
        Route("/api/filed", filed),
        Route("/api/activity", activity),
        Route("/api/learning", learning),
    ]


def _acting(service: PageService) -> list[Route]:
    async def file(request: Request) -> Response:
        body = await _body(request)
        return JSONResponse(await service.file(_texts(body, "photos"), _text(body, "category")))

    async def undo(request: Request) -> Response:
        return JSONResponse(await service.undo(_text(await _body(request), "batch")))

    async def confirm(request: Request) -> Response:
        return JSONResponse(await service.confirm(_texts(await _body(request), "photos")))

    async def withdraw(request: Request) -> Response:
        return JSONResponse(await service.withdraw_confirmation(_texts(await _body(request), "photos")))

    async def retry(request: Request) -> Response:
        return JSONResponse(await service.try_again(_texts(await _body(request), "photos")))

    async def choose_folder(request: Request) -> Response:
        body = await _body(request)
        return JSONResponse(await service.choose_folder(_text(body, "folder"), accept=_truth(body, "accept")))

    async def train(request: Request) -> Response:
        await _body(request)
        return JSONResponse(await service.train())

    async def use_model(request: Request) -> Response:
        return JSONResponse(await service.use_model(_text(await _body(request), "model")))

    async def closing(request: Request) -> Response:
        await _body(request)
        service.window_closes()
        return JSONResponse({})

    return [
        Route("/api/file", file, methods=["POST"]),
        Route("/api/undo", undo, methods=["POST"]),
        Route("/api/confirm", confirm, methods=["POST"]),
        Route("/api/withdraw", withdraw, methods=["POST"]),
        Route("/api/retry", retry, methods=["POST"]),
        Route("/api/folder", choose_folder, methods=["POST"]),
        Route("/api/train", train, methods=["POST"]),
        Route("/api/use", use_model, methods=["POST"]),
        Route("/api/closing", closing, methods=["POST"]),
    ]


async def _page(_request: Request) -> Response:
    template = _PAGE.get_template("page.html")
    values = {"version": __version__, "modules": _MODULES, "review": typed("review"), "run": typed("run")}
    return HTMLResponse(await run_in_threadpool(template.render, values))


def _static_file() -> Answer:
    """Return the handler of the page's own files; all (100 kB) are read once, at start."""
    found = [path for path in _STATIC.rglob("*") if path.suffix in _MEDIA_TYPES]
    files = {str(path.relative_to(_STATIC)): (path.read_bytes(), _MEDIA_TYPES[path.suffix]) for path in found}

    async def static_file(request: Request) -> Response:
        known = files.get(request.path_params["path"])
        if known is None:
            return JSONResponse({"error": "there is no such file"}, 404)
        content, media_type = known
        return Response(content, media_type=media_type)

    return static_file


def _events_of(service: PageService) -> Answer:
    async def events(_request: Request) -> Response:
        return StreamingResponse(service.windows.listen(), media_type="text/event-stream")

    return events


def _picture_from(service: PageService, thumbnails: Thumbnails) -> Answer:
    async def picture(request: Request) -> Response:
        service.is_used()
        shown = service.photos.shown.get(request.path_params["id"])
        try:
            jpeg = await run_in_threadpool(thumbnails.cached, shown)
            if jpeg is None:
                jpeg = await asyncio.wrap_future(thumbnails.make(shown))
        except NoThumbnailError as error:
            return JSONResponse({"error": error.what}, 404)
        return Response(jpeg, media_type="image/jpeg", headers=_FOR_EVER)

    return picture


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise BadRequestError("not JSON") from error
    if not isinstance(body, dict):
        raise BadRequestError("not an object")
    return body


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise BadRequestError(f"{key} is missing")
    return value


def _truth(body: dict[str, Any], key: str) -> bool:
    value = body.get(key)
    if not isinstance(value, bool):
        raise BadRequestError(f"{key} is missing")
    return value


def _texts(body: dict[str, Any], key: str) -> list[str]:
    value = body.get(key)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRequestError(f"{key} is missing")
    return value


async def _error(_request: Request, error: Exception) -> Response:
    unknown = isinstance(error, UnknownPhotoError)
    code = 400 if isinstance(error, BadRequestError) else 404 if unknown else 409
    return JSONResponse({"error": str(error)}, code)


async def _defect(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return JSONResponse({"error": "this should not happen; see review-page.log in the state directory"}, 500)
