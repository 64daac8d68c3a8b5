"""The kinds of BMP, XPM and Radiance whose encodings no library here writes."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from PIL import Image

from photo_organizer.vision.decode.colour.colour_space import BT709, rgb_to_xyz
from support.pictures.kinds import HEIGHT, WIDTH, Kind, Shares, codes, eight, grey, light, photo, rounded

_STOPS_AT = 40
"""The row, counted from the bottom, where an encoding stops early."""
_SKIPPED = range(20, 30)


def encoded_kinds() -> Iterator[Kind]:
    """All of them."""
    yield from _bmp()
    yield from _xpm()
    yield from _radiance()


def _bmp() -> Iterator[Kind]:
    for bits in (4, 8):
        seen, skipped, stopped = (rounded(grey(), bits).copy() for _ in range(3))
        skipped[[HEIGHT - 1 - row for row in _SKIPPED]] = 0
        stopped[: HEIGHT - _STOPS_AT] = 0
        rows = list(codes(grey(), bits)[::-1, :, 0].astype(int))
        whole = [_rle_row(row, bits) for row in rows]
        named = {
            "": (b"".join(whole) + b"\0\1", seen),
            " without its last mark": (b"".join(whole)[:-2], seen),
            " that stops early": (b"".join(whole[:_STOPS_AT]) + b"\0\1", stopped),
            " with rows skipped one by one": (
                b"".join(b"\0\0" if at in _SKIPPED else row for at, row in enumerate(whole)),
                skipped,
            ),
            " with rows skipped at once": (
                b"".join(whole[: _SKIPPED.start])
                + bytes((0, 2, 0, len(_SKIPPED)))
                + b"".join(whole[_SKIPPED.stop :]),
                skipped,
            ),
        }
        for name, (data, wanted) in named.items():
            file = rle_bmp(data, bits)
            yield Kind(f"bmp rle {bits}{name}", lambda f=file: f, lambda w=wanted: w)


def _rle_row(row: np.ndarray, bits: int) -> bytes:
    """The left half as literals of even length, the right one as runs; then the end of the line."""
    half = len(row) // 2
    literal = row[:half].astype(np.uint8)
    packed = literal if bits == 8 else literal[::2] << 4 | literal[1::2]
    runs = b"".join(bytes((1, value if bits == 8 else value << 4)) for value in row[half:].tolist())
    return bytes((0, half)) + packed.tobytes() + bytes(len(packed) % 2) + runs + b"\0\0"


def rle_bmp(data: bytes, bits: int) -> bytes:
    """A BMP in RLE4 or RLE8 with a palette of greys."""
    shades = np.linspace(0, 255, 1 << bits).round().astype(np.uint8)
    palette = np.stack([shades, shades, shades, shades * 0], axis=1).tobytes()
    start = 14 + 40 + len(palette)
    compression = 1 if bits == 8 else 2
    header = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, bits, compression, len(data), 0, 0, 0, 0)
    return struct.pack("<2sIII", b"BM", start + len(data), 0, start) + header + palette + data


def _xpm() -> Iterator[Kind]:
    image = Image.fromarray(eight(photo())).quantize(60)
    palette = np.asarray(image.getpalette()).reshape(-1, 3)
    seen = palette[np.asarray(image)] / 255
    numbers = [f"#{red:02x}{green:02X}{blue:02x}" for red, green, blue in palette.tolist()]
    deep = [f"#{red:02x}00{green:02x}00{blue:02x}00" for red, green, blue in palette.tolist()]
    plain = _xpm_file(np.asarray(image), numbers)
    lines = plain.replace("\n", ' /* one "comment" */\n')
    named = {
        "": plain,
        " with comments": lines.replace("/* XPM */ /* one", "/* XPM */\n/* one", 1),
        " in one line": plain[:9] + "\n" + plain[9:].replace("\n", ""),
        " of 12 digits": _xpm_file(np.asarray(image), deep),
        " with all kinds of colours": _xpm_file(
            np.asarray(image), [f"s x m black g gray c {n}" for n in numbers]
        ),
    }
    for name, text in named.items():
        yield Kind(f"xpm{name}", lambda t=text: t.encode(), lambda: seen)
    shades = codes(grey()[..., 0], 2).astype(int)
    names = ["black", "gray33", "Dark Orange", "None"]
    table = np.array([(0, 0, 0), (84, 84, 84), (255, 140, 0), (255, 255, 255)])
    file = _xpm_file(shades, names).encode()
    yield Kind("xpm of named colours", lambda: file, lambda: table[shades] / 255)


def _xpm_file(indices: np.ndarray, colours: list[str]) -> str:
    names = [f"{chr(65 + at // 8)}{' .+@#$%&'[at % 8]}" for at in range(len(colours))]
    rows = ["".join(names[index] for index in row) for row in indices.tolist()]
    described = [
        f"{name} {colour if colour.startswith('s ') else 'c ' + colour}"
        for name, colour in zip(names, colours, strict=True)
    ]
    strings = [f"{WIDTH} {HEIGHT} {len(colours)} 2", *described, *rows]
    body = ",\n".join(f'"{text}"' for text in strings)
    return f"/* XPM */\nstatic char * picture[] = {{\n{body}\n}};\n"


def _radiance() -> Iterator[Kind]:
    linear = light(photo())
    flat = _rgbe(linear)
    yield Kind("radiance without encoding", lambda: _hdr(flat.tobytes()), photo, 3)
    repeated = np.repeat(flat[:, ::8], 8, axis=1)
    wanted: Shares = np.repeat(photo()[:, ::8], 8, axis=1)
    runs = np.stack([flat[:, ::8], np.broadcast_to([1, 1, 1, 7], flat[:, ::8].shape)], axis=2).astype(
        np.uint8
    )
    yield Kind("radiance in the old encoding", lambda: _hdr(runs.tobytes()), lambda: wanted, 3)
    lines = b"".join(
        bytes((2, 2, 0, WIDTH)) + b"".join(_channel_runs(line[:, channel]) for channel in range(4))
        for line in repeated
    )
    yield Kind("radiance in runs", lambda: _hdr(lines), lambda: wanted, 3)
    xyz = _rgbe(linear @ rgb_to_xyz(BT709).T)
    yield Kind("radiance in xyz", lambda: _hdr(xyz.tobytes(), "xyze"), photo, 3)


def _channel_runs(values: np.ndarray) -> bytes:
    return b"".join(bytes((128 + 8, value)) for value in values[::8].tolist())


def _rgbe(samples: Shares) -> np.ndarray:
    fraction, exponent = np.frexp(np.maximum(samples.max(axis=-1), 1e-9))
    mantissas = samples * (fraction / np.maximum(samples.max(axis=-1), 1e-9) * 256)[..., None]
    return np.concatenate([mantissas, exponent[..., None] + 128], axis=-1).clip(0, 255).astype(np.uint8)


def _hdr(data: bytes, space: str = "rgbe") -> bytes:
    head = f"#?RADIANCE\nFORMAT=32-bit_rle_{space}\nEXPOSURE=1\n\n-Y {HEIGHT} +X {WIDTH}\n"
    return head.encode() + data
