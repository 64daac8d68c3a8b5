"""Coverage-guided fuzzing of what reads bytes that somebody else wrote: photos, the config, the ledger.

    python tests/fuzz/fuzz.py TARGET CORPUS [libFuzzer's options, as -max_total_time=600]

TARGET is `decode`, `config` or `ledger`; CORPUS a folder, filled with good files first when it is empty. Each
target lets only its own kind of error out: anything else ends the run with the input that did it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))

with atheris.instrument_imports(include=["photo_organizer"]):
    from photo_organizer.config import ConfigurationError, sample_configuration
    from photo_organizer.config.document import parse_document
    from photo_organizer.config.loading import validate
    from photo_organizer.library.record.ledger_rows import read_rows
    from photo_organizer.library.record.ledger_text import COLUMNS, escape, unescape
    from photo_organizer.vision.decode.budget.limits import FixedLimits
    from photo_organizer.vision.decode.decoder import decode
    from photo_organizer.vision.outcome import PhotoRejectedError

from support.pictures.drawn import saved, scene, with_exif

SIDE = 32
_LIMITS = FixedLimits(max_pixels=4_000_000, max_file_megabytes=8, memory_megabytes=256)


def fuzz_decode(data: bytes) -> None:
    """A photo is decoded to the wanted square, or turned away with a reason."""
    try:
        photo = decode(data, SIDE, _LIMITS)
    except PhotoRejectedError as rejection:
        assert str(rejection)
        return
    assert photo.pixels.shape == (SIDE, SIDE, 3)


def fuzz_config(data: bytes) -> None:
    """A configuration is taken, or refused line by line."""
    try:
        validate(parse_document(data.decode("utf-8", "replace"), Path("/nowhere/organizer.yaml")))
    except ConfigurationError as error:
        assert str(error)


def fuzz_ledger(data: bytes) -> None:
    """Whatever stands in the ledger is read to its end; every text survives its cell."""
    ledger = Path(sys.argv[2]).parent / "ledger-under-test.csv"
    ledger.write_bytes(data)
    for row in read_rows(ledger):
        assert isinstance(row, list)
    text = data.decode("utf-8", "surrogateescape")
    assert unescape(escape(text)) == text


def good_files(target: str) -> list[bytes]:
    """What mutation begins with."""
    if target == "config":
        return [sample_configuration().encode(), b"inboxes: [a]\nlibrary: b\nthresholds: {Food: 0.4}\n"]
    if target == "ledger":
        return [",".join(COLUMNS).encode() + b"\r\n", b'1,"a ""b""\nc",\\xff,d\r\n']
    kinds = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
    turned = saved(scene(), "JPEG", exif=with_exif(orientation=6))
    return [*(saved(scene(48, 32), kind) for kind in kinds), turned]


TARGETS: dict[str, Callable[[bytes], None]] = {
    "decode": fuzz_decode,
    "config": fuzz_config,
    "ledger": fuzz_ledger,
}


def main() -> None:
    target, corpus = sys.argv[1], Path(sys.argv[2])
    corpus.mkdir(parents=True, exist_ok=True)
    if not any(corpus.iterdir()):
        for number, content in enumerate(good_files(target)):
            (corpus / f"good-{number}").write_bytes(content)
    atheris.Setup([sys.argv[0], str(corpus), *sys.argv[3:]], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
