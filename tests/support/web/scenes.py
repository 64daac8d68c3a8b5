"""Drawn scenes for the pictures in the documentation: nobody's photo is in the repository."""

from __future__ import annotations

import colorsys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = (420, 560)  # height, width
KINDS = ("hills", "sea", "hills", "town", "flowers", "sea", "hills")


Random = np.random.Generator
Picture = NDArray[np.float64]


def draw_scene(path: Path, scene: int, shot: int) -> None:
    """Draws the `shot`th picture of a scene: nearly the same as the others."""
    random = np.random.default_rng(scene)
    sky, horizon, ground = _palette(random)
    height, width = SIZE
    share = np.linspace(0, 1, height)[:, None, None]
    picture = np.ascontiguousarray(np.broadcast_to(sky * (1 - share) + horizon * share, (height, width, 3)))
    moved = 4 * shot
    sun = (int(random.uniform(90, width - 90)) + moved, int(random.uniform(70, 190)))
    cv2.circle(picture, sun, int(random.uniform(22, 46)), (255, 244, 214), -1, cv2.LINE_AA)
    kind = KINDS[scene % len(KINDS)]
    {"hills": _hills, "sea": _sea, "town": _town, "flowers": _flowers}[kind](picture, random, ground, moved)
    noisy = picture + np.random.default_rng(1000 * scene + shot).normal(0, 3, picture.shape)
    cv2.imwrite(str(path), np.clip(noisy, 0, 255).astype(np.uint8)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])


def _palette(random: Random) -> tuple[Picture, Picture, Picture]:
    """Sky, horizon and ground that go together."""
    hue = random.uniform(0, 1)
    light = random.choice([0.35, 0.75, 0.9])
    tones = (
        (hue, 0.45, light),
        (hue + random.choice([0.08, 0.45, -0.1]), 0.25, min(1.0, light + 0.2)),
        (hue + random.uniform(0.05, 0.3), 0.4, 0.36),
    )
    sky, horizon, ground = (255 * np.array(colorsys.hsv_to_rgb(h % 1, s, v)) for h, s, v in tones)
    return sky, horizon, ground


def _hills(picture: Picture, random: Random, ground: Picture, moved: int) -> None:
    height, width = SIZE
    across = np.arange(width)
    for layer in range(4):
        waves = sum(
            random.uniform(8, 34) * np.sin((across + moved) / random.uniform(50, 120) + random.uniform(0, 6))
            for _ in range(3)
        )
        top = (height * (0.5 + 0.13 * layer) + waves).astype(int)
        tone = ground * (1.5 - 0.3 * layer)
        points = np.stack([np.r_[across, width, 0], np.r_[top, height, height]], axis=1).astype(np.int32)
        cv2.fillPoly(picture, [points], tone.tolist(), cv2.LINE_AA)


def _sea(picture: Picture, random: Random, ground: Picture, moved: int) -> None:
    height, width = SIZE
    level = int(height * 0.62)
    picture[level:] = ground * 1.4
    for _ in range(60):
        y, x = int(random.uniform(level, height)), int(random.uniform(0, width)) + moved
        length = int(8 + 50 * (y - level) / (height - level))
        cv2.line(picture, (x, y), (x + length, y), (ground * 1.9).tolist(), 2, cv2.LINE_AA)
    boat = int(random.uniform(100, width - 160)) + moved
    cv2.fillPoly(
        picture,
        [
            np.array(
                [
                    (boat, level + 22),
                    (boat + 90, level + 22),
                    (boat + 70, level + 46),
                    (boat + 14, level + 46),
                ]
            )
        ],
        (70, 45, 40),
    )
    cv2.fillPoly(
        picture,
        [np.array([(boat + 42, level - 70), (boat + 42, level + 16), (boat + 92, level + 16)])],
        (250, 246, 238),
        cv2.LINE_AA,
    )


def _town(picture: Picture, random: Random, ground: Picture, moved: int) -> None:
    height, width = SIZE
    x = -40 + moved
    while x < width:
        wide, tall = int(random.uniform(40, 95)), int(random.uniform(110, 280))
        tone = ground * random.uniform(0.8, 1.6)
        cv2.rectangle(picture, (x, height - tall), (x + wide, height), tone.tolist(), -1)
        for window_y in range(height - tall + 14, height - 18, 26):
            for window_x in range(x + 8, x + wide - 12, 20):
                if random.uniform() < 0.45:
                    cv2.rectangle(
                        picture, (window_x, window_y), (window_x + 9, window_y + 13), (255, 226, 150), -1
                    )
        x += wide + 3


def _flowers(picture: Picture, random: Random, ground: Picture, moved: int) -> None:
    height, width = SIZE
    picture[int(height * 0.55) :] = ground * 1.5
    for _ in range(26):
        x, y = int(random.uniform(0, width)) + moved, int(random.uniform(height * 0.45, height * 0.95))
        size = int(8 + 22 * (y / height - 0.4))
        cv2.line(picture, (x, y), (x, y + 4 * size), (60, 120, 70), 3, cv2.LINE_AA)
        colour = [int(random.uniform(150, 255)) for _ in range(3)]
        for petal in range(6):
            angle = petal * np.pi / 3
            centre = (int(x + size * np.cos(angle)), int(y + size * np.sin(angle)))
            cv2.circle(picture, centre, int(size * 0.62), colour, -1, cv2.LINE_AA)
        cv2.circle(picture, (x, y), int(size * 0.6), (250, 215, 90), -1, cv2.LINE_AA)
