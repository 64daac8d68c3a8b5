"""Run tests against mutants: each in a forked process whose imports give it the changed module.

Nothing is written to the checkout. pytest and the libraries are imported once; a mutant costs little more
than the tests that run its function, the quickest first, until one of them fails.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.util
import json
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

import pytest

from mutation.mutants import Mutant

CHECKOUT = Path(__file__).parents[2]
PACKAGE = CHECKOUT / "daemon" / "photo_organizer"
_OPTIONS = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", "--no-header", "-W", "ignore"]
_SLOWEST = 20.0  # seconds that the tests of a mutant may take beyond three times what they need


@dataclass(frozen=True)
class Coverage:
    """Which tests run which functions.

    Args:
        seconds: what each test takes.
        tests: the tests that run a function, by its module and first line.
    """

    seconds: dict[str, float]
    tests: dict[tuple[str, int], list[str]]

    def of(self, mutant: Mutant) -> list[str]:
        """Return the tests that can notice the mutant, the quickest first."""
        if not mutant.first_line:  # a constant of the module: any of its functions may use it
            tests = {
                test for (module, _), found in self.tests.items() if module == mutant.module for test in found
            }
        else:
            tests = set(self.tests.get((mutant.module, mutant.first_line), ()))
        return sorted(tests, key=lambda test: self.seconds.get(test, 0.0))


@dataclass
class _Recorder:
    """A pytest plugin that notes which functions of the package each test calls."""

    path: Path
    calls: dict[str, set[tuple[str, int]]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        called: set[CodeType] = set()

        def profile(frame: FrameType, event: str, _: Any) -> None:
            if event == "call":
                called.add(frame.f_code)

        began = time.perf_counter()
        sys.setprofile(profile)
        try:
            return (yield)
        finally:
            sys.setprofile(None)
            self.seconds[item.nodeid] = time.perf_counter() - began
            root = f"{PACKAGE}/"
            self.calls[item.nodeid] = {
                (code.co_filename.removeprefix(root), code.co_firstlineno)
                for code in called
                if code.co_filename.startswith(root)
            }

    def pytest_sessionfinish(self) -> None:
        calls = {test: sorted(called) for test, called in self.calls.items()}
        self.path.write_text(json.dumps({"calls": calls, "seconds": self.seconds}))


def measure(tests: Sequence[str], path: Path) -> Coverage:
    """Run `tests` on the code as it is, and return what they cover.

    Raises:
        RuntimeError: they fail, or the package is imported here already, so that it could not be changed.
    """
    if "photo_organizer" in sys.modules:
        raise RuntimeError("run this in a process that has not imported photo_organizer")
    child = _fork(lambda: pytest.main([*_OPTIONS, *tests], plugins=[_Recorder(path)]))
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise RuntimeError("the tests fail on the code as it is; run them with pytest")
    return _loaded(path)


def _loaded(path: Path) -> Coverage:
    data = json.loads(path.read_text())
    tests: dict[tuple[str, int], list[str]] = {}
    for test, called in data["calls"].items():
        for module, line in called:
            tests.setdefault((module, line), []).append(test)
    return Coverage(data["seconds"], tests)


def survivors(mutants: Iterable[Mutant], coverage: Coverage, jobs: int = 2) -> Iterator[tuple[Mutant, bool]]:
    """Yield each mutant, and whether no test noticed it."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda mutant: (mutant, _survives(mutant, coverage)), mutants)


def _survives(mutant: Mutant, coverage: Coverage) -> bool:
    tests = coverage.of(mutant)
    if not tests:
        return True
    seconds = sum(coverage.seconds.get(test, 0.0) for test in tests)

    def run() -> int:
        sys.meta_path.insert(0, _Changed(mutant))
        return pytest.main([*_OPTIONS, *tests])

    child = _fork(run)
    code = _waited_for(child, time.monotonic() + 3 * seconds + _SLOWEST)
    return code == 0


def _waited_for(child: int, deadline: float) -> int | None:
    """Return the exit code; None for a process that had to be killed, as one that never ends."""
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _fork(run: Any) -> int:
    """Run `run` in a forked process, in a process group of its own and without output."""
    child = os.fork()
    if child:
        return child
    try:
        os.setpgid(0, 0)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        os.chdir(CHECKOUT)
        code = int(run())
    except BaseException:  # noqa: BLE001 (the parent's work must not go on in the child)
        code = 70
    os._exit(code)


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutant in the place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        parts = ("photo_organizer", *Path(mutant.module).with_suffix("").parts)
        self._name = ".".join(part for part in parts if part != "__init__")

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self._name:
            return None
        return importlib.util.spec_from_file_location(name, PACKAGE / self._mutant.module, loader=self)

    def create_module(self, spec: ModuleSpec) -> None:
        """The default one."""

    def exec_module(self, module: ModuleType) -> None:
        tree: ast.Module = self._mutant.tree
        exec(compile(tree, str(PACKAGE / self._mutant.module), "exec"), vars(module))  # noqa: S102
