"""Every setting, once: its type, default, description and example.

The commented sample file, the JSON Schema and the table in `docs/configuration.md` are made from these
definitions, so that none of them can disagree with what is accepted. `json_schema_extra["sample"]` is what
the sample file shows where that differs from the default.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)
from pydantic.json_schema import WithJsonSchema
from pydantic_core import PydanticCustomError

from photo_organizer.config.folders import FolderTemplate
from photo_organizer.config.paths import expand
from photo_organizer.config.plain_names import folder_name_fault
from photo_organizer.config.schedule_expression import AFTER_CORRECTIONS, cron_expression

STARTER_CATEGORIES = (
    "Family", "Friends", "Travel", "Nature", "Events", "Pets", "Food", "Hobbies", "Selfies", "Others",
)  # fmt: skip
FALLBACK_THRESHOLD = 0.5


def _path(value: object, info: ValidationInfo) -> object:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("path_type", "not a path")
    return expand(value, info.context["base"] if info.context else Path.cwd())


def _backbone(value: object, info: ValidationInfo) -> object:
    return value if value in ("starter", "imagenet") else _path(value, info)


def _folder_name(value: str) -> str:
    if fault := folder_name_fault(value):
        raise ValueError(f"{value!r} {fault}")
    return value


def check_template(value: str) -> str:
    try:
        FolderTemplate.parse(value)
    except ValueError as error:
        raise ValueError(f"{value!r} {error}") from error
    return value


def _schedule(value: str) -> str:
    if " ".join(value.split()).lower() == AFTER_CORRECTIONS:
        return AFTER_CORRECTIONS
    try:
        cron_expression(value)
    except ValueError as error:
        raise ValueError(
            f'{value!r} {error}; write "after corrections", "Sun 03:00", "daily 02:30" or a cron expression '
            'such as "0 3 * * 0"'
        ) from error
    return value


def _command(value: object, info: ValidationInfo) -> object:
    """A command's words; the program may be written as a path, with `~` and variables."""
    if isinstance(value, str):
        raise PydanticCustomError(
            "command_type", 'is not a list; write the program and each argument: [notify-send, "New photos"]'
        )
    if not isinstance(value, (list, tuple)) or not value or not isinstance(value[0], str):
        return value
    if not value[0].strip():
        raise PydanticCustomError("command_empty", "names no program; the first word is the program")
    if "/" in value[0]:
        return (str(_path(value[0], info)), *value[1:])
    return value


def _argument(value: str) -> str:
    if "\0" in value:
        raise ValueError("has a zero byte in it")
    return value


PathValue = Annotated[Path, BeforeValidator(_path), WithJsonSchema({"type": "string", "format": "path"})]
FolderName = Annotated[str, AfterValidator(_folder_name)]
Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Command = Annotated[
    Annotated[tuple[Annotated[str, AfterValidator(_argument)], ...], Field(min_length=1)],
    BeforeValidator(_command),
]
Seconds = Annotated[float, Field(ge=0.0, le=86_400.0, allow_inf_nan=False)]


class Section(BaseModel):
    """A part of the file: no key but those here, no value of another type, never changed once read."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ThresholdSettings(Section):
    """From which confidence on a photo is filed in its category."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)
    __pydantic_extra__: dict[str, Share]

    default: Share | None = Field(
        default=None,
        description="At or above this confidence a photo is filed in its category, below it goes to review. "
        "null takes the thresholds that the model's own evaluation found; a number such as 0.5 is the plain "
        "alternative.",
        examples=[0.5],
    )
    target_precision: Share | None = Field(
        default=None,
        description="Share of the filed photos that should be right. With a number, the model's thresholds, "
        "which each retraining adapts to it, override `default`; a category's own threshold overrides both. "
        "null aims at 0.95 and lets `default` count.",
        examples=[0.95],
    )

    @property
    def by_category(self) -> dict[str, float]:
        """The thresholds that the owner set for single categories."""
        return dict(self.__pydantic_extra__ or {})

    def for_category(self, name: str, suggested: dict[str, float] | None = None) -> float:
        """The threshold of the category `name`.

        Args:
            name: the category.
            suggested: the model's own thresholds by category, with "default" for the others.

        The owner's threshold for this category goes first; then, with `target_precision`, the model's;
        then the owner's `default`; then the model's; then 0.5.
        """
        own = self.by_category.get(name)
        if own is not None:
            return own
        model = suggested or {}
        of_model = model.get(name, model.get("default"))
        if self.target_precision is not None and of_model is not None:
            return of_model
        if self.default is not None:
            return self.default
        return FALLBACK_THRESHOLD if of_model is None else of_model


class WatchSettings(Section):
    """How the inboxes are watched."""

    mode: Literal["auto", "inotify", "polling"] = Field(
        default="auto",
        description="`auto` lets the kernel wake the daemon and polls where an inbox is on a network share; "
        "`inotify` and `polling` insist on one.",
        examples=["polling"],
    )
    settle_seconds: Seconds = Field(
        default=2.0,
        description="A file that has not changed for this many seconds is complete.",
        examples=[2.0],
    )
    rescan_seconds: Annotated[float, Field(ge=1.0, le=86_400.0, allow_inf_nan=False)] = Field(
        default=300.0,
        description="Look through the inboxes at least this often, whatever the kernel reported.",
        examples=[300.0],
    )
    incomplete_minutes: Annotated[float, Field(ge=0.0, le=10_080.0, allow_inf_nan=False)] = Field(
        default=10.0,
        description="How long an empty file, or one that ends before its picture does, waits for the rest of "
        "an interrupted upload, counted from its last change. Then it goes to quarantine.",
        examples=[10.0],
    )
    recursive: bool = Field(
        default=True, description="Take photos from folders inside the inboxes too.", examples=[True]
    )
    remove_empty_folders: bool = Field(
        default=False,
        description="Remove a folder inside an inbox once its photos have been filed and it is empty. One "
        "that still holds anything stays.",
        examples=[True],
    )
    ignore: tuple[str, ...] = Field(
        default=(),
        description="More files and folders to leave alone, as glob patterns (quoted); folders end in `/`. "
        "A `.nophotos` file in a folder leaves all of it alone. Always left alone: hidden "
        "and unfinished files, trash and snapshots, and other programs' libraries (`*.photoslibrary`, "
        "`@eaDir`, `LOST.DIR`, ...).",
        examples=[["*.draft.jpg", "export-*", "DCIM/.thumbnails/"]],
    )


class BatchSettings(Section):
    """How many photos are looked at together."""

    size: Annotated[int, Field(ge=1, le=256)] = Field(
        default=16, description="Photos in a batch at most.", examples=[16]
    )
    max_wait_seconds: Annotated[float, Field(ge=0.0, le=60.0, allow_inf_nan=False)] = Field(
        default=0.5, description="How long a photo waits for others to fill its batch.", examples=[0.5]
    )


class ModelSettings(Section):
    """Which model looks at the photos, and with what."""

    directory: PathValue | None = Field(
        default=None,
        description="Folder of the models. null = $XDG_DATA_HOME/photo-organizer/models.",
        examples=["~/models"],
    )
    engine: Literal["auto", "openvino", "tensorflow"] = Field(
        default="auto",
        description="What computes: `auto` takes OpenVINO where it runs, else TensorFlow.",
        examples=["openvino"],
    )
    unload_after_minutes: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = Field(
        default=30.0,
        description="Give the model's memory back after this many minutes without a photo. null = never.",
        examples=[30.0],
    )
    backbone: Annotated[
        Literal["starter", "imagenet"] | Path, BeforeValidator(_backbone), WithJsonSchema({"type": "string"})
    ] = Field(
        default="starter",
        description="What new models are built on: `starter` (comes along), `imagenet` (Keras' VGG16 "
        "weights, downloaded once by `train`), or a weights file.",
        examples=["starter"],
    )


class StateSettings(Section):
    """Where the organizer keeps what it remembers."""

    directory: PathValue | None = Field(
        default=None,
        description="Folder of journal, ledger, status, locks and quarantine. "
        "null = $XDG_STATE_HOME/photo-organizer.",
        examples=["~/.local/state/photo-organizer"],
    )


class LedgerSettings(Section):
    """The list of everything that was done."""

    path: PathValue | None = Field(
        default=None,
        description="The CSV file with a row for each photo and action. "
        "null = predictions.csv in the state folder.",
        examples=["~/Documents/photos.csv"],
    )


class RetrainingSettings(Section):
    """When and how the model learns from corrections."""

    enabled: bool = Field(default=True, description="Retrain by itself.", examples=[True])
    schedule: Annotated[str, AfterValidator(_schedule)] = Field(
        default=AFTER_CORRECTIONS,
        description='When: "after corrections" retrains once `min_new_labels` new corrections have come and '
        "you have not moved a photo for five minutes (half an hour at most). Or at a time: "
        '"Sun 03:00", "Mon-Fri 02:30", "daily 02:30" or a cron expression, in local time; a time when the '
        "machine was off is made up for.",
        examples=["Sun 03:00", "daily 02:30", "0 3 * * 0"],
    )
    min_new_labels: Annotated[int, Field(ge=1)] = Field(
        default=20, description="Fewer new corrections than this are not worth a retraining.", examples=[20]
    )
    mode: Literal["head", "fine-tune"] = Field(
        default="head",
        description="`head` retrains only the classifier (seconds); `fine-tune` also retrains the last "
        "convolution block (minutes to hours), which is worth trying from some 300 corrections on.",
        examples=["fine-tune"],
    )
    min_photos_per_category: Annotated[int, Field(ge=2)] = Field(
        default=12, description="A new category is learned once it has this many photos.", examples=[12]
    )
    untouched_weight: Share = Field(
        default=0.0,
        description="How much a photo counts that was filed and never moved by you. 0 = the model does not "
        "learn from its own guesses.",
        examples=[0.1],
    )
    max_load: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = Field(
        default=None,
        description="Skip a scheduled retraining while the machine's load average per core is above this. "
        "null = never skip.",
        examples=[0.7],
    )
    on_battery: bool = Field(
        default=False, description="Retrain by schedule also on battery.", examples=[False]
    )


class LoggingSettings(Section):
    """What is logged, and where."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least serious lines that are logged.", examples=["debug"]
    )
    directory: PathValue | None = Field(
        default=None,
        description="Folder of a log file that is kept small. null = only the terminal or the journal.",
        examples=["~/.local/state/photo-organizer/logs"],
    )


def _with_category(keyword: str) -> str:
    if "{category}" not in keyword:
        raise ValueError(f"{keyword!r} names no category; write {{category}} where it belongs")
    if any(not character.isprintable() for character in keyword):
        raise ValueError(f"{keyword!r} has characters that cannot be shown")
    return keyword


class MetadataSettings(Section):
    """What is written beside photos."""

    xmp_sidecar: bool = Field(
        default=False,
        description="Write the category as a keyword in an XMP file beside the photo, for digiKam, "
        "darktable, Lightroom and Immich. It follows your corrections, and undo removes it. The photo itself "
        "is never changed, nor a sidecar of another program: such photos get none of ours.",
        examples=[True],
    )
    keyword: Annotated[str, AfterValidator(_with_category)] = Field(
        default="{category}",
        description="The keyword that is written; `{category}` stands for the category.",
        examples=["auto: {category}"],
    )
    keyword_hierarchy: Annotated[str, AfterValidator(_with_category)] | None = Field(
        default=None,
        description="The same as a tag in a tree, for digiKam and Lightroom, with `|` between its levels. "
        "null = only the plain keyword.",
        examples=["Photos|{category}"],
    )


class NotifySettings(Section):
    """What you are told."""

    desktop: bool = Field(default=False, description="One desktop notification a batch.", examples=[True])


class HookSettings(Section):
    """Commands of your own, run when something has happened."""

    on_batch: Command | None = Field(
        default=None,
        description="Command to run when a batch of photos has been filed.",
        examples=[["~/bin/photos-filed"]],
    )
    on_review: Command | None = Field(
        default=None,
        description="Command to run when a batch has put photos into Review.",
        examples=[["notify-send", "Photos to review"]],
    )
    on_error: Command | None = Field(
        default=None,
        description="Command to run when something went wrong; for the same error once an hour at most.",
        examples=[["~/bin/mail-error"]],
    )
    on_model: Command | None = Field(
        default=None,
        description="Command to run when another model classifies, or a retraining gave no better one.",
        examples=[["~/bin/model-changed"]],
    )
    on_ready: Command | None = Field(
        default=None,
        description="Command to run when the daemon is ready, and every `ready_minutes` while it is well: "
        "for services that raise an alarm when a ping does not come.",
        examples=[["curl", "-fsS", "-m", "10", "https://hc-ping.com/your-uuid"]],
    )
    ready_minutes: Annotated[float, Field(gt=0.0, le=10_080.0, allow_inf_nan=False)] = Field(
        default=5.0, description="Minutes between two runs of `on_ready`.", examples=[5.0]
    )
    timeout_seconds: Annotated[float, Field(gt=0.0, le=3600.0, allow_inf_nan=False)] = Field(
        default=30.0, description="A command that runs longer is ended.", examples=[30.0]
    )


class MetricsSettings(Section):
    """Figures for monitoring."""

    textfile: PathValue | None = Field(
        default=None,
        description="File for the textfile collector of Prometheus' node_exporter; its name must end in "
        "`.prom`. null = none.",
        examples=["/var/lib/node_exporter/textfile_collector/photo_organizer.prom"],
    )

    @field_validator("textfile")
    @classmethod
    def _ends_in_prom(cls, value: Path | None) -> Path | None:
        if value is not None and value.suffix != ".prom":
            raise ValueError("must end in .prom, or node_exporter does not read it")
        return value


class ReviewPageSettings(Section):
    """The review page, served by the daemon."""

    enabled: bool = Field(
        default=False,
        description="Serve the review page while the daemon runs. `photo-organizer review` opens it; without "
        "this it serves the page itself.",
        examples=[True],
    )
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(
        default=8420, description="Its port on the loopback address.", examples=[8420]
    )


class LimitSettings(Section):
    """What one photo may cost; a photo beyond goes to quarantine with the reason."""

    max_pixels: Annotated[int, Field(ge=1_000_000)] = Field(
        default=400_000_000, description="Largest picture, in pixels.", examples=[400_000_000]
    )
    max_file_megabytes: Annotated[int, Field(ge=1)] = Field(
        default=500, description="Largest file, in megabytes.", examples=[500]
    )
    decode_seconds: Annotated[float, Field(gt=0.0, le=3600.0, allow_inf_nan=False)] = Field(
        default=30.0,
        description="Longest time to decode a photo, in seconds; more on a busy machine.",
        examples=[30.0],
    )
    memory_megabytes: Annotated[int, Field(ge=256)] = Field(
        default=2048, description="Most memory to decode a photo, in megabytes.", examples=[2048]
    )


def section_in(annotation: object) -> type[BaseModel] | None:
    """Return the section that a value of this type is, or that a list of it holds; None for plain values."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(section_in, get_args(annotation))), None)


def schema_extra(section: type[BaseModel], name: str, key: str) -> Any:  # noqa: ANN401 (the sample may be any value)
    """What `json_schema_extra` of a field says under `key`; None when nothing."""
    extra = section.model_fields[name].json_schema_extra
    return extra.get(key) if isinstance(extra, dict) else None
