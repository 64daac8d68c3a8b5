"""The vision process' limits, from outside."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from photo_organizer.vision.worker.confinement import Confinement, available_confinement
from photo_organizer.vision.worker.readable_paths import linked_packages


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
        from photo_organizer.vision.decode.budget.limits import FixedLimits
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


def test_what_the_kernel_allows_is_said_in_words() -> None:
    assert str(Confinement(7, seccomp=True)) == "confined: files (Landlock 7) and system calls (seccomp)"
    assert str(Confinement(0, seccomp=True)) == (
        "confined: system calls (seccomp); the kernel offers no Landlock"
    )
    assert str(Confinement(0, seccomp=False)) == "not confined: the kernel offers no Landlock or seccomp"


@pytest.mark.skipif(available_confinement().landlock < 6, reason="this kernel has no newer Landlock to hide")
@pytest.mark.parametrize("version", [1, 2, 3, 4, 5, 6])
def test_an_older_kernel_closes_the_disk_as_well(version: int) -> None:
    done = run(f"""
        from pathlib import Path
        from photo_organizer.vision.worker import landlock
        landlock.landlock_version = lambda: {version}
        readable = [Path("/usr"), Path("/no/such/folder")]
        assert landlock.restrict_files(readable, [Path("/dev/null")]) == {version}
        open("/dev/null", "w").close()
        for path, mode in (("/etc/passwd", "r"), ("/tmp/photo-organizer-test", "w")):
            try:
                open(path, mode)
            except PermissionError:
                print("refused")
    """)
    assert done.stdout == "refused\nrefused\n", done.stderr


def test_a_kernel_without_both_changes_nothing_and_says_so() -> None:
    done = run("""
        from photo_organizer.vision.worker import confinement, landlock, seccomp
        landlock.landlock_version = lambda: 0
        seccomp.is_available = lambda: False
        confined = confinement.confine([], [])
        open("/etc/passwd").close()
        print(confined)
    """)
    assert done.stdout == "not confined: the kernel offers no Landlock or seccomp\n", done.stderr


def test_each_processors_filter_is_one_that_the_kernel_takes() -> None:
    from photo_organizer.vision.worker import seccomp

    for machine in seccomp._MACHINES.values():
        program = seccomp._program(machine, 1)
        assert len(program) % 8 == 0
        assert len(program) // 8 < 4096  # BPF_MAXINSNS


def test_packages_whose_files_are_links_are_readable_where_they_lie(tmp_path: Path) -> None:
    """As `uv --link-mode symlink` and distributions install them."""
    cache, packages = tmp_path / "cache", tmp_path / "site-packages"
    for package in ("by_file", "by_folder", "plain"):
        folder = (packages if package == "plain" else cache) / package
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
    (packages / "by_file").mkdir()
    (packages / "by_file/__init__.py").symlink_to(cache / "by_file/__init__.py")
    (packages / "by_folder").symlink_to(cache / "by_folder")
    assert set(linked_packages(packages)) == {cache / "by_file", cache / "by_folder"}
