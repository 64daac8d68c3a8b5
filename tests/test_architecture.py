"""Which package may import which, and what the light path never imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from support.heavy_packages import HEAVY

PACKAGE = Path(__file__).parents[1] / "daemon/photo_organizer"
GROUND = {
    "photo", "errors", "fsops", "formats", "boxes", "ignored_names", "files", "sqlite", "crash_log", "config",
    "typed_command",
}  # fmt: skip
MAY_IMPORT = {
    "errors": set(),
    "photo": set(),
    "fsops": {"errors"},
    "formats": set(),
    "boxes": set(),
    "ignored_names": set(),
    "files": set(),
    "sqlite": {"files"},
    "crash_log": {"errors"},
    "typed_command": set(),
    "config": {"errors", "files", "typed_command"},
    "companions": GROUND,
    "models": GROUND,
    "inbox": GROUND | {"companions"},
    "vision": GROUND | {"models"},
    "library": GROUND | {"companions"},
    "learning": GROUND | {"companions", "models", "vision", "library"},
    "statistics": GROUND | {"library"},
    "service": GROUND | {"companions", "models", "inbox", "vision", "library", "learning"},
    "doctor": GROUND | {"companions", "models", "inbox", "vision", "library", "learning", "service"},
    "cluster": GROUND | {"models", "vision"},
    "web": GROUND | {"companions", "models", "inbox", "vision", "library", "learning", "service"},
    "cli": GROUND
    | {"companions", "models", "inbox", "vision", "library", "learning"}
    | {"statistics", "service", "doctor", "web", "cluster"},
    "__main__": {"cli"},
    "__init__": set(),
}
# folder of a package: what else of that package it may import
MAY_IMPORT_OF_PACKAGE = {
    "vision/decode": {"outcome"},
    "vision/backbone": {"decode", "labelled_photos", "outcome"},
    "vision/client": {"decode", "feature_location", "outcome", "protocol"},
    "vision/worker": {"backbone", "decode", "feature_store", "outcome", "protocol"},
    "learning/labels": set(),
    "service/requests": set(),
    "service/systemd": set(),
}
# part of a package: the packages outside of it that may import it, with the modules that they use
MAY_BE_IMPORTED_BY = {
    "vision/worker": {
        "doctor": {"confinement"},  # reports what the kernel allows
        "cli": {"confinement", "readable_paths"},  # for the thumbnails of the contact sheet
    },
    "vision/backbone": {
        "learning": {"classifier", "cores", "engine", "quantise", "weights"},
        "cluster": {"cores", "engine"},
        "doctor": {"cores"},
        "cli": {"engine", "heatmap"},
    },
    "library/move": {},
    "library/plan": {},
}
LIGHT = {"config", "companions", "models", "inbox", "library", "service", "doctor", "web", "cli"} | GROUND
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


def package_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[str, int, bool]]:
    """Each imported module's full name, its line, and whether the import is at the top of the file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = ["photo_organizer", *path.relative_to(PACKAGE).parent.parts]
    found = []
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            names = [".".join([*base, *([node.module] if node.module else [])])]
        found += [(name, getattr(node, "lineno", 0), id(node) in top) for name in names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_package_imports_what_is_not_below_it(path: Path) -> None:
    package = package_of(path)
    wrong = []
    for name, line, _ in imports(path):
        parts = name.split(".")
        if parts[0] != "photo_organizer" or len(parts) < 2:
            continue
        if parts[1] != package and parts[1] not in MAY_IMPORT[package]:
            wrong.append(f"line {line}: {name}")
    assert not wrong


@pytest.mark.parametrize("folder", MAY_IMPORT_OF_PACKAGE)
def test_no_folder_imports_what_is_not_below_it_in_its_package(folder: str) -> None:
    package, own = folder.split("/")
    allowed = MAY_IMPORT_OF_PACKAGE[folder] | {own}
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line}: {name}"
        for path in (PACKAGE / folder).rglob("*.py")
        for name, line, _ in imports(path)
        if name.startswith(f"photo_organizer.{package}.") and name.split(".")[2] not in allowed
    ]
    assert not wrong


@pytest.mark.parametrize("folder", MAY_BE_IMPORTED_BY)
def test_the_inner_parts_of_a_package_are_imported_only_where_it_is_stated(folder: str) -> None:
    prefix = f"photo_organizer.{folder.replace('/', '.')}."
    allowed = MAY_BE_IMPORTED_BY[folder]
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line}: {name}"
        for path in MODULES
        if package_of(path) != folder.split("/", maxsplit=1)[0]
        for name, line, _ in imports(path)
        if name.startswith(prefix)
        and name.removeprefix(prefix).split(".")[0] not in allowed.get(package_of(path), set())
    ]
    assert not wrong


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if package_of(path) in LIGHT],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_the_light_packages_import_nothing_heavy_at_their_top(path: Path) -> None:
    heavy = [
        f"line {line}: {name}"
        for name, line, at_top in imports(path)
        if at_top and name.split(".")[0] in HEAVY
    ]
    assert not heavy


@pytest.mark.parametrize(
    "module", ["cli", "config", "library", "inbox", "service.daemon", "vision.client.client"]
)
def test_what_the_daemon_lives_on_stays_light(module: str) -> None:
    loaded = f"[name for name in {sorted(HEAVY)} if name in sys.modules]"
    code = f"import sys, photo_organizer.{module}; print({loaded})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "[]\n"
