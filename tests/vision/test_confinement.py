"""The vision process' limits, from outside."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False
    )


def test_a_decoder_that_wants_more_memory_than_allowed_gets_an_error() -> None:
    done = run("""
        from photo_organizer.vision.worker.confinement import limit_memory
        limit_memory(100_000_000)
        within = bytearray(50_000_000)
        try:
            bytearray(200_000_000)
        except MemoryError:
            print("refused")
    """)
    assert done.stdout == "refused\n", done.stderr


def test_inference_goes_on_after_a_photo_was_refused_for_its_memory() -> None:
    done = run("""
        import io
        import numpy as np
        from PIL import Image
        from photo_organizer.vision.worker.confinement import limit_memory
        from photo_organizer.vision.decode.decoder import decode
        from photo_organizer.vision.decode.limits import FixedLimits
        from photo_organizer.vision.outcome import UnreadablePhotoError
        file = io.BytesIO()
        Image.new("RGBA", (6000, 6000), "red").save(file, "PNG")
        limit_memory(60_000_000)
        try:
            decode(file.getvalue(), 32, FixedLimits(memory_megabytes=4000))
        except UnreadablePhotoError as error:
            print(error.reason)
        Image.new("RGB", (60, 60), "red").save(small := io.BytesIO(), "PNG")
        print(decode(small.getvalue(), 32).pixels[0, 0].tolist())
    """)
    assert "memory" in done.stdout or "cannot be decoded" in done.stdout, done.stderr
    assert done.stdout.endswith("[0, 0, 255]\n"), done.stderr


def test_crashes_leave_a_trace_and_libraries_are_quiet() -> None:
    done = run("""
        import os, sys
        from photo_organizer.vision.worker.confinement import quieten_libraries
        quieten_libraries()
        os.write(2, b"a library's chatter")
        print("ours", file=sys.stderr, flush=True)
        os.abort()
    """)
    assert "chatter" not in done.stderr
    assert "ours" in done.stderr
    assert "Fatal Python error: Aborted" in done.stderr
