"""A library with photos in Review, as the daemon would have put them there; and the page that shows it."""

from __future__ import annotations

import csv
import hashlib
import http.client
import json
import os
import re
import signal
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from photo_organizer.config import Configuration, load_configuration
from photo_organizer.learning.labels.label_questions import LabelQuestion, write_questions
from photo_organizer.library import Filing, Library
from photo_organizer.photo import Action, AssetGroup, Decision, FileIdentity, Photo, Prediction
from support.small_models import CATEGORIES
from support.web import page_process

DAY = 86_400


@dataclass
class ReviewHome:
    """The folders of one person."""

    root: Path
    more_config: str = ""
    sources: tuple[Path, ...] = ()
    count: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        for folder in ("in", "lib"):
            (self.root / folder).mkdir(parents=True)
        self.config.write_text(
            "inboxes: [in]\nlibrary: lib\nstate: {directory: state}\nmodel: {directory: models}\n"
            "watch: {settle_seconds: 0}\nretraining: {enabled: false}\n" + self.more_config
        )

    @property
    def config(self) -> Path:
        return self.root / "organizer.yaml"

    @property
    def library(self) -> Path:
        return self.root / "lib"

    @property
    def review(self) -> Path:
        return self.library / "Review"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def configuration(self) -> Configuration:
        return load_configuration(self.config)

    def draw(self, name: str, *, width: int = 96, height: int = 64) -> Path:
        """A photo in the inbox, unlike all others, a day after the one before: of `sources`, if any."""
        path = self.root / "in" / name
        if self.sources:
            path.write_bytes(self.sources[self.count].read_bytes())
        else:
            pixels = np.random.default_rng(self.count + 1).integers(0, 255, (height, width, 3), np.uint8)
            encoded = cv2.imencode(".jpg", cv2.GaussianBlur(pixels, (9, 9), 0))[1]
            path.write_bytes(encoded.tobytes())
        self.count += 1
        moment = 1_700_000_000 + DAY * self.count
        os.utime(path, (moment, moment))
        return path

    def filing(self, path: Path, action: Action, confidence: float = 0.6, *companions: Path) -> Filing:
        """What the daemon would ask the library for."""
        group = AssetGroup(self.root / "in", _seen(path), tuple(_seen(companion) for companion in companions))
        if action is Action.QUARANTINED:
            return Filing(group, action, reason="the file ends before the picture does")
        first = CATEGORIES[self.count % len(CATEGORIES)]
        rest = (1 - confidence) / (len(CATEGORIES) - 1)
        probabilities = tuple(confidence if name == first else rest for name in CATEGORIES)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        prediction = Prediction(sha256, "starter", "test", CATEGORIES, probabilities, "jpeg")
        second = next(name for name in CATEGORIES if name != first)
        decision = Decision(action, first, confidence, second, rest, 0.85)
        return Filing(group, action, "Review" if action is Action.REVIEW else first, prediction, decision)

    def fill(self, photos: int, action: Action = Action.REVIEW, prefix: str = "IMG") -> list[Path]:
        """Files so many photos, in one batch."""
        filings = [self.filing(self.draw(f"{prefix}_{number:04}.jpg"), action) for number in range(photos)]
        return self.file(*filings)

    def file(self, *filings: Filing) -> list[Path]:
        with Library.open(self.configuration) as library:
            report = library.file(filings)
        assert not report.set_aside
        return [placed.destination for placed in report.filed]

    def ledger(self) -> list[dict[str, str]]:
        with (self.state / "predictions.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def folders(self) -> dict[str, int]:
        """How many photos lie in each folder of the library."""
        counts = {}
        for folder in self.library.iterdir():
            if folder.is_dir():
                counts[folder.name] = sum(1 for path in folder.iterdir() if path.suffix == ".jpg")
        return {name: count for name, count in counts.items() if count}

    def contents(self) -> list[str]:
        """The hash of every photo, wherever it is."""
        paths = [path for path in self.root.rglob("*.jpg") if "thumbnails" not in path.parts]
        return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)


def ask_about(home: ReviewHome, photos: list[Path], looks_like: str) -> None:
    """What a training writes for photos whose label it doubts."""
    hashes = {row["destination"]: row["sha256"] for row in home.ledger()}
    questions = [
        LabelQuestion(hashes[str(path)], str(path), path.parent.name, looks_like, 0.93) for path in photos
    ]
    write_questions(home.state, questions, model="m", time=datetime.now(UTC))


def real_photos(count: int) -> tuple[Path, ...]:
    """So many photos of people's, from beside the checkout; none where they are not."""
    folder = Path(__file__).resolve().parents[4] / "shared" / "photos"
    found = sorted(folder.glob("*/*.jpg"), key=lambda path: path.name)[:count]
    return tuple(found) if len(found) == count else ()


class Page:
    """`photo-organizer review --no-browser`, as a process of its own."""

    def __init__(self, home: ReviewHome, *options: str) -> None:
        command = ["--config", str(home.config), "review", "--no-browser", "--port", "0"]
        self.process, self.address = page_process.start([*command, *options])
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", self.address)
        assert found, self.address
        self.port, self.token = int(found[1]), found[2]
        self._cookie: str | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def request(
        self, method: str, path: str, *, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """One request with exactly these headers; status, headers and body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            data = b"" if body is None else json.dumps(body).encode()
            wanted = {
                "Host": f"127.0.0.1:{self.port}",
                **({"Content-Length": str(len(data))} if data else {}),
            }
            for name, value in {**wanted, **(headers or {})}.items():
                connection.putheader(name, value)
            connection.endheaders(data)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    @property
    def cookie(self) -> str:
        """The cookie that the token is exchanged for."""
        if self._cookie is None:
            _, headers, _ = self.request("GET", f"/?token={self.token}")
            self._cookie = headers["Set-Cookie"].partition(";")[0]
        return self._cookie

    def get(self, path: str) -> Any:
        """What the page itself would be answered, JSON."""
        status, _, body = self.request("GET", path, headers={"Cookie": self.cookie})
        assert status == 200, body
        return json.loads(body)

    def post(self, path: str, body: object) -> tuple[int, Any]:
        """What the page itself would be answered, JSON."""
        headers = {"Cookie": self.cookie, "Origin": self.origin, "Content-Type": "application/json"}
        status, _, answer = self.request("POST", path, body=body, headers=headers)
        return status, json.loads(answer)

    def photos(self) -> dict[str, str]:
        """The ids of the photos in Review, by name."""
        return {photo["name"]: name for name, photo in self.get("/api/review")["photos"].items()}

    def close(self) -> int | None:
        """Ends it as Ctrl-C does; its exit code."""
        if self.process.is_alive() and self.process.pid is not None:
            os.kill(self.process.pid, signal.SIGINT)
        return self.wait()

    def wait(self) -> int | None:
        """Its exit code, once it has ended by itself."""
        self.process.join(20)
        return self.process.exitcode


def _seen(path: Path) -> Photo:
    return Photo(path, FileIdentity.of(path.lstat()))
