"""Wrong versions of the safety code: a text, what stands in its place, and the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass

NEAR = ("tests/library/test_promises.py", "tests/reliability/test_synced.py")
RACES = ("tests/reliability/test_races.py", *NEAR)
POWER = ("tests/reliability/test_power_cut.py", *NEAR)
KILLS = ("tests/reliability/test_any_order.py", "tests/reliability/test_stopped_anywhere.py", *NEAR)
COPIES = ("tests/library/test_manners.py", *NEAR)
ERRORS = ("tests/reliability/test_every_error.py", *NEAR)
NAMES = ("tests/reliability/test_reserved_names.py", *NEAR)
SIDECAR_TESTS = ("tests/service/test_sidecars.py",)

STEPS = "fsops.py"
ATOMIC = "library/move/atomic_steps.py"
COPYING = "library/move/copying.py"
LINKS = "library/move/links.py"
MOVER = "library/move/mover.py"
OPEN = "library/move/open_folders.py"
REMOVAL = "library/move/removal.py"
FILE_RECOVERY = "library/move/file_recovery.py"
RECOVERY = "library/recovery.py"
LEDGER = "library/record/ledger.py"
SIDECARS = "library/xmp/sidecars.py"
SAME = "if same_state and (same_inode or has_content(operations, move, name, folder)):"
EQUAL = "(one.st_ino, one.st_size, one.st_mtime_ns) == (other.st_ino, other.st_size, other.st_mtime_ns)"
UNTOUCHED = "if _is_untouched(operations, captured, expected) and is_safe():"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong version.

    Attributes:
        name: what is wrong.
        file: below the package.
        old: a text that is there just once.
        new: what stands there instead.
        tests: paths below the checkout.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = NEAR


_STEPS = (
    Mutant("O_EXCL dropped", STEPS, "os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW", "os.O_CREAT | os.O_NOFOLLOW"),
    Mutant("open_folder follows links", STEPS, "os.O_DIRECTORY | os.O_NOFOLLOW | _CLOEXEC", "os.O_DIRECTORY | _CLOEXEC"),
    Mutant("open_file follows links", STEPS, "flags = os.O_RDONLY | os.O_NOFOLLOW", "flags = os.O_RDONLY"),
    Mutant("open_ledger follows links", STEPS, "os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK", "os.O_CREAT | os.O_NONBLOCK"),
    Mutant("open_photo follows links", STEPS, "os.open(path, os.O_RDONLY | os.O_NOFOLLOW", "os.open(path, os.O_RDONLY"),
    Mutant("anything is a regular file", STEPS, "if stat.S_ISREG(os.fstat(descriptor).st_mode):", "if True:"),
    Mutant("no lease", STEPS, "return error.errno != errno.EAGAIN", "return True"),
    Mutant("the rename replaces", STEPS, "_RENAME_NOREPLACE = 1 ", "_RENAME_NOREPLACE = 0 ", RACES),
    Mutant("contents compared by size", ATOMIC, "and digest(operations, descriptor) == move.sha256", ""),
    Mutant("size and time are enough", ATOMIC, SAME, "if same_state:"),
    Mutant("the inode is enough", ATOMIC, SAME, "if same_inode:"),
    Mutant("captured and removed unseen", ATOMIC, UNTOUCHED, "if is_safe():"),
    Mutant("the last word is not asked", ATOMIC, UNTOUCHED, "if _is_untouched(operations, captured, expected):"),
    Mutant("removed without a lease", ATOMIC, "return operations.hold_against_writers(descriptor) and _equal(", "return _equal("),
    Mutant("captured: inode not compared", ATOMIC, EQUAL, "(one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)"),
    Mutant("captured: size not compared", ATOMIC, EQUAL, "(one.st_ino, one.st_mtime_ns) == (other.st_ino, other.st_mtime_ns)"),
    Mutant("captured: time not compared", ATOMIC, EQUAL, "(one.st_ino, one.st_size) == (other.st_ino, other.st_size)"),
    Mutant(
        "the captured file is not put back", ATOMIC,
        "    put_back(operations, captured, spot, hidden)\n    return False\n\n\ndef _is_gone",
        "    return False\n\n\ndef _is_gone",
    ),
    Mutant(
        "a second link goes before the new name lasts", ATOMIC,
        "operations.sync(new.folder)  # the new name must last before the old one goes", "pass", POWER,
    ),
    Mutant(
        "the last resort takes a name that is taken", ATOMIC,
        "    except FileExistsError:\n        return False\n    operations.close(reserved)",
        "    except FileExistsError:\n        reserved = operations.open_file(*candidate)\n    operations.close(reserved)",
        (*RACES, *NAMES),
    ),
)  # fmt: skip
_MOVES = (
    Mutant(
        "the source may change while it is copied", COPYING,
        "if (after.st_ctime_ns, after.st_size) != (before.st_ctime_ns, before.st_size):", "if False:", RACES,
    ),
    Mutant("the copy may have other bytes", COPYING, "if sha256.digest() != move.sha256:", "if False:", RACES),
    Mutant(
        "the copy is not read back", COPYING, "if digest(self._operations, writing) != move.sha256:", "if False:",
        ("tests/reliability/test_of_the_tests.py",),
    ),
    Mutant("the copy is not synced", COPYING, "                self._operations.sync(writing)\n", "", POWER),
    Mutant(
        "the published name is not synced", COPYING,
        "        with at_destination(operation.destination):\n            self._operations.sync(destination)\n        return operation",
        "        return operation", POWER,
    ),
    Mutant("error handling removes the last copy", COPYING, "if copy.published and here is not Found.SAME:", "if False:"),
    Mutant(
        "error handling removes what is there now", COPYING,
        "if status.st_ino == copy.made.st_ino:\n            remove_if(self._operations, spot, copy.hidden, copy.made)",
        "self._operations.unlink(*spot)", (*RACES, *ERRORS),
    ),
    Mutant(
        "captured sources stay captured after an error", COPYING,
        "        put_back(self._operations, Spot(hidden, source), wanted, hidden)\n\n    def _remove_published",
        "        return\n\n    def _remove_published", ERRORS,
    ),
    Mutant("undo of a copy: another original", LINKS, "if digest(operations, original) != entry.move.sha256:", "if False:", COPIES),
    Mutant("undo of a copy: another copy", LINKS, "if digest_named(operations, *entry.spot) != entry.move.sha256:", "if False:", COPIES),
    Mutant("undo of a copy: original being written", LINKS, "if not operations.hold_against_writers(original):", "if False:", COPIES),
    Mutant("undo of a link: the last name goes", LINKS, "if made.st_nlink < 2:", "if False:", COPIES),
    Mutant("undo of a copy: original not synced", LINKS, "            _make_lasting(operations, descriptor)\n", "", (*COPIES, *POWER)),
    Mutant(
        "a swapped photo stays in the library", MOVER,
        "                put_back(self._operations, Spot(new_name, destination), Spot(name, source), hidden)\n                raise changed",
        "                raise changed",
    ),
    Mutant("no look behind the rename", MOVER, "if find(self._operations, move, new_name, destination) is not Found.SAME:", "if False:"),
    Mutant(
        "taking back is not synced", MOVER,
        "            self._operations.sync(source)\n            self._operations.sync(destination)\n", "            pass\n",
    ),
    Mutant(
        "taking back: the source is not synced", MOVER,
        "            self._operations.sync(source)\n            self._operations.sync(destination)\n",
        "            self._operations.sync(destination)\n",
    ),
    Mutant(
        "taking back: copies are not compared", MOVER,
        "if not os.path.samestat(here, there) and not has_content(", "if False and not has_content(", (*RACES, *KILLS),
    ),
    Mutant(
        "removed copies are not synced", MOVER,
        'self.hidden(operation, move, "part"))\n        self._operations.sync(destination)', 'self.hidden(operation, move, "part"))',
        ERRORS,
    ),
    Mutant("names may lead upwards", OPEN, 'if part in {b".", b".."}:', "if False:"),
    Mutant("new folders are not synced", OPEN, "        self.operations.sync(folder)\n        return True", "        return True", POWER),
    Mutant(
        "the folder is never looked at again", OPEN,
        "            return os.path.samestat(\n                self.operations.status_of(again), self.operations.status_of(self._open[place])\n            )",
        "            return True", RACES,
    ),
    Mutant(
        "a withdrawal is not checked first", REMOVAL,
        "            with removable(self.operations, Entry.withdrawn_by(operation, move, folder, originals)):\n                pass",
        "            pass", COPIES,
    ),
    Mutant("a finished withdrawal is not synced", REMOVAL, "        self.operations.sync(folder)\n        return True", "        return True", (*NEAR, *POWER)),
)  # fmt: skip
_RECOVERY = (
    Mutant(
        "recovery removes the last copy", FILE_RECOVERY,
        "if source_is_gone and move.sha256 and has_content(self.operations, move, part, sides.destination):", "if False:",
    ),
    Mutant(
        "recovery leaves captured sources", FILE_RECOVERY,
        "            put_back(self.operations, Spot(captured, sides.source), wanted, captured)", "            return",
    ),
    Mutant(
        "recovery removes captured sources", FILE_RECOVERY,
        "            put_back(self.operations, Spot(captured, sides.source), wanted, captured)",
        "            self.operations.unlink(captured, sides.source)",
    ),
    Mutant(
        "recovery removes a source by its name", FILE_RECOVERY,
        "if os.path.samestat(status, there) or has_content(self.operations, move, old, sides.source):", "if True:", KILLS,
    ),
    Mutant("recovery: the copy's folder is not synced", FILE_RECOVERY, "        self.operations.sync(sides.destination)\n        part", "        part", POWER),
    Mutant("recovery removes a foreign reserved name", FILE_RECOVERY, "if not (is_empty or is_known):", "if False:", NAMES),
    Mutant(
        "recovery trusts the inode of a reserved name", FILE_RECOVERY,
        "status.st_ino == operation.reserved and self._is_part_of_source(move, name, sides)", "status.st_ino == operation.reserved", NAMES,
    ),
    Mutant("recovery does not sync", RECOVERY, "            if folder is not None:\n                self.operations.sync(folder)", "            pass", (*NEAR, *POWER)),
    Mutant("another photo follows its companions", RECOVERY, "if not is_same and move.position == 0:", "if False:", KILLS),
)  # fmt: skip
_RECORD = (
    Mutant("the ledger is not synced", LEDGER, "        self._operations.sync(ledger)\n        if position == 0:", "        if position == 0:"),
    Mutant(
        "the ledger's name is not synced", LEDGER,
        "        if position == 0:  # a new file: its name must last as well\n            self._operations.sync(folder)\n", "",
    ),
    Mutant("a rebuilt ledger is not synced", LEDGER, "block), position)\n                self._operations.sync(descriptor)\n", "block), position)\n"),
    Mutant(
        "a rebuilt ledger's name is not synced", LEDGER,
        "            self._operations.rename_own(part, folder, self._name, folder)\n            self._operations.sync(folder)",
        "            self._operations.rename_own(part, folder, self._name, folder)",
    ),
    Mutant(
        "the repair drops the last good row", "library/record/ledger_rows.py", "        if at >= 0:\n",
        '        if at >= 0:\n            at = block.rfind(b"\\n", 0, at) if block[at + 1 :] else at\n',
    ),
    Mutant("the journal may forget", "library/record/journal.py", 'synchronous="FULL"', 'synchronous="NORMAL"'),
    Mutant("no write-ahead log", "sqlite.py", "PRAGMA journal_mode = WAL", "PRAGMA journal_mode = OFF"),
    Mutant("synchronous is not set", "sqlite.py", 'f"PRAGMA synchronous = {synchronous}"', '"PRAGMA synchronous = OFF"'),
    Mutant("opening a database drops its locks", "sqlite.py", "os.O_CREAT | os.O_EXCL", "os.O_CREAT", ("tests/test_sqlite.py",)),
    Mutant("locks are shared", "files.py", "fcntl.LOCK_EX | fcntl.LOCK_NB", "fcntl.LOCK_SH | fcntl.LOCK_NB"),
    Mutant(
        "a sidecar of another program is replaced", SIDECARS,
        "        if not is_own_sidecar(self.operations, name, folder):\n            return False\n", "", SIDECAR_TESTS,
    ),
    Mutant("a sidecar that changes is replaced", SIDECARS, "status, is_still_ours)", "status)", SIDECAR_TESTS),
    Mutant("a sidecar is not synced", SIDECARS, "            self.operations.sync(draft)\n", "", (*SIDECAR_TESTS, *NEAR)),
    Mutant(
        "anything is a sidecar of ours", "library/xmp/keywords.py",
        "return (_OURS.fullmatch(text) or _EARLIER.fullmatch(text)) is not None", "return True", SIDECAR_TESTS,
    ),
)  # fmt: skip
MUTANTS = _STEPS + _MOVES + _RECOVERY + _RECORD
