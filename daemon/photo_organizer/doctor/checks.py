"""What `doctor` looks at, one function a subject: what it found, and what to do where that is not well."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from photo_organizer.errors import OrganizerError, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from photo_organizer.config import Configuration
    from photo_organizer.doctor.machine import Finding

LEAST_FREE_BYTES = 1 << 30
MOST_FILES_LOOKED_AT = 100_000
MOST_FILES_NAMED = 5
EXTRA_MODULES = {"heif": ("pillow_heif", "HEIC"), "raw": ("rawpy", "RAW"), "jxl": ("pillow_jxl", "JPEG XL")}
FAST_CPU_FLAGS = ("avx512_vnni", "avx_vnni", "amx_int8", "avx512_bf16", "asimddp")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's: "ok", a "hint" (works without), or something to "fix"."""

    name: str
    mark: Literal["ok", "hint", "fix"]
    found: str
    remedy: str = ""


def checks(configuration: Configuration) -> Iterator[Check]:
    """Everything, cheap things first."""
    from photo_organizer.doctor import machine as health
    from photo_organizer.service.systemd.systemctl import UserManager

    yield Check("settings", "ok", printable(configuration.path))
    yield from of_findings("folders", "all there and writable", health.folder_findings(configuration))
    yield from disk_space(configuration)
    yield moves(configuration)
    yield from of_findings("watching", watching(configuration), health.inotify_findings(configuration))
    yield journal(configuration)
    yield model(configuration)
    yield engine(configuration)
    yield confinement()
    yield from extras()
    yield from of_findings("packages", "nothing is missing", health.package_findings())
    yield from of_findings(
        "service", "installed and running", health.service_findings(configuration, UserManager())
    )
    yield daemon(configuration)
    yield extensions(configuration)


def of_findings(name: str, well: str, findings: Iterable[Finding]) -> Iterator[Check]:
    """What the service's own health checks say; `well` when they say nothing."""
    found = list(findings)
    for finding in found:
        yield Check(name, "hint" if finding.optional else "fix", finding.problem, finding.remedy)
    if not found:
        yield Check(name, "ok", well)


def watching(configuration: Configuration) -> str:
    """How the inboxes are watched, when nothing is wrong with it."""
    mode = configuration.watch.mode
    return "by polling, as configured" if mode == "polling" else f"{mode}, the kernel allows enough"


def disk_space(configuration: Configuration) -> Iterator[Check]:
    """Room for photos that come from another disk, for the journal and for models."""
    for name, folder in (("library", configuration.library), ("state", configuration.state_directory)):
        existing = next((place for place in (folder, *folder.parents) if place.is_dir()), Path("/"))
        free = shutil.disk_usage(existing).free
        words = f"{free / 1e9:,.1f} GB free for the {name}"
        if free < LEAST_FREE_BYTES:
            yield Check("disk", "fix", words, f"free some space on the disk of {printable(existing)}")
        else:
            yield Check("disk", "ok", words)


def moves(configuration: Configuration) -> Check:
    """Whether photos can be renamed into the library, or must be copied from another disk."""
    if not configuration.library.is_dir():
        return Check("moves", "hint", "unknown while the library is missing")
    device = configuration.library.stat().st_dev
    elsewhere = [
        printable(inbox)
        for inbox in configuration.inboxes
        if inbox.is_dir() and inbox.stat().st_dev != device
    ]
    if elsewhere:
        what = f"{', '.join(elsewhere)} is on another disk than the library"
        return Check("moves", "ok", f"{what}: photos are copied, compared, and then removed there")
    return Check("moves", "ok", "within one disk: a photo is renamed, never copied")


def journal(configuration: Configuration) -> Check:
    """Whether the journal is sound."""
    from photo_organizer.library.journal_state import journal_problem

    problem = journal_problem(configuration)
    if problem:
        remedy = "restart the daemon, or run `photo-organizer sort`: the journal is set aside and restored"
        return Check("journal", "fix", problem, remedy)
    return Check("journal", "ok", "sound")


def model(configuration: Configuration) -> Check:
    """Whether the model in use is complete and unchanged."""
    from photo_organizer.models.store import Registry

    registry = Registry(configuration.model_directory)
    chosen = registry.current_id()
    if chosen is None:
        return Check(
            "model", "hint", "none is installed yet", "the starter model is installed at the first start"
        )
    try:
        manifest = registry.verify(registry.directory / chosen)
    except OrganizerError as error:
        return Check("model", "fix", str(error), "choose another with `photo-organizer models use ID`")
    unknown = [name for name in configuration.categories if name not in manifest.categories]
    if unknown:
        needed = configuration.retraining.min_photos_per_category
        return Check(
            "model",
            "hint",
            f"{chosen} does not know {', '.join(unknown)} yet",
            f"put {needed} photos or more in each of their folders, then run `photo-organizer train`",
        )
    return Check("model", "ok", f"{chosen}, complete and unchanged")


def engine(configuration: Configuration) -> Check:
    """Which engine can serve, and what the processor has for it."""
    wanted = configuration.model.engine
    has_openvino = importlib.util.find_spec("openvino") is not None
    flags = [flag for flag in cpu_flags() if flag in FAST_CPU_FLAGS]
    processor = f"{platform.machine()}, {os.cpu_count()} cores" + (f", {' '.join(flags)}" if flags else "")
    if wanted == "openvino" and not has_openvino:
        return Check(
            "engine", "fix", "openvino is not installed", "install it, or set `model: {engine: auto}`"
        )
    if wanted == "tensorflow" or not has_openvino:
        return Check(
            "engine", "hint", f"tensorflow ({processor})", "openvino classifies several times as fast"
        )
    return Check("engine", "ok", f"openvino ({processor})")


def confinement() -> Check:
    """Whether the kernel lets the vision process give up the rights that it can do without."""
    from photo_organizer.vision.worker.confinement import available_confinement

    available = available_confinement()
    if available.is_complete:
        return Check("decoders", "ok", str(available))
    remedy = "photos are decoded with your own rights; a kernel from 5.13 on with Landlock switched on helps"
    return Check("decoders", "hint", str(available), remedy)


def cpu_flags() -> tuple[str, ...]:
    """The processor's features as Linux names them; none where it does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    line = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return tuple(line.partition(":")[2].split())


def extras() -> Iterator[Check]:
    """The decoders of formats that not everybody has."""
    missing = {
        name: words
        for name, (module, words) in EXTRA_MODULES.items()
        if importlib.util.find_spec(module) is None
    }
    if not missing:
        yield Check("formats", "ok", "all, with " + ", ".join(words for _, words in EXTRA_MODULES.values()))
    for name, words in missing.items():
        remedy = f"pip install 'smart-photo-organizer[{name}]'"
        yield Check(
            "formats", "hint", f"{words} photos wait in the inbox: their decoder is not installed", remedy
        )


def daemon(configuration: Configuration) -> Check:
    """Whether a daemon runs, and what it complains about."""
    from photo_organizer.service.running_daemon import read_status

    status = read_status(configuration)
    if not status["running"]:
        return Check(
            "daemon", "hint", "not running", "photo-organizer run, or photo-organizer service install"
        )
    if status.get("is_old"):
        remedy = "make room in the state directory, or make it writable"
        return Check("daemon", "fix", "its status cannot be written", remedy)
    if status["state"] == "paused":
        return Check(
            "daemon", "fix", f"paused: {status.get('reason')}", "it goes on by itself once that is over"
        )
    if status.get("config_error"):
        return Check(
            "daemon", "fix", f"refused the settings: {status['config_error']}", "put them right and save"
        )
    return Check("daemon", "ok", f"{status['state']} (process {status['pid']})")


def extensions(configuration: Configuration) -> Check:
    """Photos whose name promises another format than their content has."""
    looked_at = 0
    wrong: list[str] = []
    for path in islice(photos_below(configuration.library, *configuration.inboxes), MOST_FILES_LOOKED_AT):
        looked_at += 1
        if kind := other_format(path):
            wrong.append(f"{printable(path)} is {kind}")
    if not wrong:
        return Check("names", "ok", f"{looked_at:,} photos have the extension of their format")
    named = "; ".join(wrong[:MOST_FILES_NAMED])
    more = f" and {len(wrong) - MOST_FILES_NAMED:,} more" if len(wrong) > MOST_FILES_NAMED else ""
    remedy = "they are filed all the same; rename them if other programs stumble"
    return Check("names", "hint", f"wrong extensions: {named}{more}", remedy)


def photos_below(*folders: Path) -> Iterator[Path]:
    """Files with a photo's extension in `folders`; symbolic links and hidden folders are passed over."""
    from photo_organizer.formats import by_extension

    for top in folders:
        for folder, inner, names in os.walk(top):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith(".") and by_extension(name) is not None:
                    yield Path(folder, name)


def other_format(path: Path) -> str:
    """The format that `path` really has; empty when its extension is right, or it cannot be read."""
    from photo_organizer.formats import HEAD_SIZE, by_extension, identify
    from photo_organizer.fsops import open_photo

    try:
        descriptor = open_photo(path)
    except OSError:
        return ""
    try:
        told = identify(os.pread(descriptor, HEAD_SIZE, 0), path)
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    promised = by_extension(path)
    # one family: every RAW maker writes TIFF, and HEIF's brands are used for each other's
    if told is None or promised is None or told is promised or (told.is_raw and promised.is_raw):
        return ""
    return told.name
