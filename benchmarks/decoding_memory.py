"""Bytes of memory that decoding takes for each pixel, by kind of file, beside what is reserved for it.

    python benchmarks/decoding_memory.py [--megapixels 12] [KIND...]

Each kind is encoded here, and decoded in a process of its own. What is measured is how far its private
writable memory grows, which is what the vision process' limit counts (RLIMIT_DATA): sampled from outside as
fast as possible, and the peak of what was touched (VmHWM), whichever is larger. The exit code is 1 where less
is reserved than taken.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401 (registers itself with Pillow)
from PIL import Image

SIZE = 224

pillow_heif.register_heif_opener()


def photo(megapixels: float, mode: str = "RGB") -> Image.Image:
    """Something like a photo: smooth shapes with a sensor's noise, 3:2."""
    height = round((megapixels * 1_000_000 / 1.5) ** 0.5 / 16) * 16
    width = height * 3 // 2
    random = np.random.default_rng(1)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    shapes = np.stack([np.sin(x / 97 + k) * np.cos(y / 61 - k) for k in range(3)], axis=-1)
    noise = random.normal(0, 4, (height, width, 1)).astype(np.float32)
    image = Image.fromarray(np.clip(128 + 80 * shapes + noise, 0, 255).astype(np.uint8))
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
        return image
    return image.convert(mode)


def _saved(kind: str, mode: str = "RGB", **options: object) -> Callable[[float], bytes]:
    def encode(megapixels: float) -> bytes:
        file = io.BytesIO()
        photo(megapixels, mode).save(file, kind, **options)
        return file.getvalue()

    return encode


def _animated(kind: str, **options: object) -> Callable[[float], bytes]:
    def encode(megapixels: float) -> bytes:
        first = photo(megapixels)
        others = [first.rotate(180), first.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
        file = io.BytesIO()
        first.save(file, kind, save_all=True, append_images=others, duration=100, **options)
        return file.getvalue()

    return encode


def _deep_png(megapixels: float) -> bytes:
    deep = np.asarray(photo(megapixels))[..., ::-1].astype(np.uint16) * 257
    return bytes(cv2.imencode(".png", deep)[1])


def _jxl_of_jpeg(megapixels: float) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo.jpg")
        photo(megapixels).save(path, quality=90)
        with Image.open(path) as image:
            image.save(file := io.BytesIO(), "JXL", lossless_jpeg=True, effort=3)
    return file.getvalue()


def _broken_png(megapixels: float) -> bytes:
    """One whose second decoder is asked: the checksum of its pixels is wrong."""
    data = bytearray(_saved("PNG")(megapixels))
    at = data.index(b"IDAT")
    end = at + 4 + int.from_bytes(data[at - 4 : at])
    data[end] ^= 1
    return bytes(data)


KINDS: dict[str, Callable[[float], bytes]] = {
    "jpeg": _saved("JPEG", quality=90),
    "progressive jpeg": _saved("JPEG", quality=90, progressive=True),
    "cmyk jpeg": _saved("JPEG", "CMYK", quality=90),
    "jpeg without its end": lambda megapixels: _saved("JPEG", quality=90)(megapixels)[:-2],
    "png": _saved("PNG", compress_level=1),
    "png, alpha": _saved("PNG", "RGBA", compress_level=1),
    "png, palette": _saved("PNG", "P", compress_level=1),
    "png, 16 bits": _deep_png,
    "png, mended": _broken_png,
    "apng": _animated("PNG", compress_level=1),
    "gif": _saved("GIF"),
    "animated gif": _animated("GIF"),
    "webp": _saved("WEBP", quality=80, method=0),
    "webp, alpha": _saved("WEBP", "RGBA", quality=80, method=0),
    "lossless webp": _saved("WEBP", lossless=True, quality=0, method=0),
    "animated webp": _animated("WEBP", quality=80, method=0),
    "bmp": _saved("BMP"),
    "tiff": _saved("TIFF"),
    "lzw tiff": _saved("TIFF", compression="tiff_lzw"),
    "cmyk tiff": _saved("TIFF", "CMYK"),
    "avif": _saved("AVIF", quality=70, speed=10),
    "avif, alpha": _saved("AVIF", "RGBA", quality=70, speed=10),
    "animated avif": _animated("AVIF", quality=70, speed=10),
    "heic": _saved("HEIF", quality=60, enc_params={"preset": "ultrafast"}),
    "heic, alpha": _saved("HEIF", "RGBA", quality=60, enc_params={"preset": "ultrafast"}),
    "jpeg xl": _saved("JXL", quality=80, effort=1),
    "lossless jpeg xl": _saved("JXL", lossless=True, effort=1),
    "jpeg xl, alpha": _saved("JXL", "RGBA", quality=80, effort=1),
    "jpeg xl from jpeg": _jxl_of_jpeg,
    "jpeg 2000": _saved("JPEG2000", quality_mode="rates", quality_layers=[20]),
    "ppm": _saved("PPM"),
    "tga": _saved("TGA"),
    "pcx": _saved("PCX"),
    "sgi": _saved("SGI"),
}

_CHILD = """
import sys
from photo_organizer.vision.decode.decoder import decode
from photo_organizer.vision.decode.budget.limits import FixedLimits
from photo_organizer.vision.decode.budget.memory import MemoryGate, MemoryShare

small, large, size = open(sys.argv[1], "rb").read(), open(sys.argv[2], "rb").read(), int(sys.argv[3])
limits = FixedLimits(memory_megabytes=20_000)
decode(small, size, limits)
reserved = []
reserve = MemoryShare.reserve
MemoryShare.reserve = lambda self, wanted: (reserved.append(wanted), reserve(self, wanted))[1]
open("/proc/self/clear_refs", "w").write("5")
print("ready", flush=True)
sys.stdin.readline()
photo = decode(large, size, limits)
touched = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(photo.width * photo.height, max(reserved), int(touched) * 1024, photo.decoder, flush=True)
"""


def measure(kind: str, megapixels: float, size: int = SIZE) -> tuple[float, float, str]:
    """Bytes a pixel that decoding took, bytes a pixel reserved for it, and the decoder."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "small"), Path(folder, "large")
        small.write_bytes(KINDS[kind](0.05))
        large.write_bytes(KINDS[kind](megapixels))
        process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(small), str(large), str(size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        before, touched_before = _data_bytes(process.pid), _touched_bytes(process.pid)
        process.stdin.write("\n")
        process.stdin.flush()
        peak = before
        while process.poll() is None:
            peak = max(peak, _data_bytes(process.pid))
        pixels, reserved, started, decoder = process.stdout.read().split(maxsplit=3)
    taken = max(peak - before, int(started) - touched_before)
    return taken / int(pixels), int(reserved) / int(pixels), decoder.strip()


def _data_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _touched_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--megapixels", type=float, default=12.0)
    parser.add_argument("kinds", nargs="*", default=list(KINDS), metavar="KIND")
    arguments = parser.parse_args()
    too_much = False
    print(f"{'kind':<24}{'bytes a pixel':>14}{'reserved':>10}  decoder")
    for kind in arguments.kinds:
        taken, reserved, decoder = measure(kind, arguments.megapixels)
        too_much = too_much or taken > reserved
        print(f"{kind:<24}{taken:>14.1f}{reserved:>10.1f}  {decoder}{'  TOO LITTLE' * (taken > reserved)}")
    return 1 if too_much else 0


if __name__ == "__main__":
    sys.exit(main())
