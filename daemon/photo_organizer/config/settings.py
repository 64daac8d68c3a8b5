"""The definition of every setting: type, default, description and example.

The commented sample file, the JSON Schema and the table in `docs/configuration.md` are generated from these
definitions, so they cannot disagree with what is accepted. `json_schema_extra["sample"]` is the value in the
sample file where it differs from the default.
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
    """Return a command with its program expanded; a program given as a path may use `~` and variables."""
    if isinstance(value, str):
        raise PydanticCustomError(
            "command_type",
            'is not a list; write the program and its arguments as a list: [notify-send, "New photos"]',
        )
    if not isinstance(value, (list, tuple)) or not value or not isinstance(value[0], str):
        return value
    if not value[0].strip():
        raise PydanticCustomError(
            "command_empty", "has no program; the first item of the list is the program"
        )
    if "/" in value[0]:
        return (str(_path(value[0], info)), *value[1:])
    return value


def _argument(value: str) -> str:
    if "\0" in value:
        raise ValueError("contains a null byte")
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
    """A section of the file. Unknown keys and wrong types are errors; instances are immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ThresholdSettings(Section):
    """Minimum confidence for filing a photo in its category."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)
    __pydantic_extra__: dict[str, Share]

    default: Share | None = Field(
        default=None,
        description="Minimum confidence, from 0 to 1. Photos at or above it are filed in their category, "
        "photos below it go to the review folder. null = use the thresholds from the model's evaluation.",
        examples=[0.5],
    )
    target_precision: Share | None = Field(
        default=None,
        description="Share of filed photos, from 0 to 1, that should be in the right category. Each "
        "retraining sets the model's thresholds to reach it. If you set a number here, those thresholds "
        "override `default`; a category's own threshold overrides both. null = 0.95, and `default` takes "
        "precedence.",
        examples=[0.95],
    )

    @property
    def by_category(self) -> dict[str, float]:
        """Return the thresholds that the owner set for individual categories."""
        return dict(self.__pydantic_extra__ or {})

    def for_category(self, name: str, suggested: dict[str, float] | None = None) -> float:
        """Return the threshold of the category `name`.

        The first of these that is set applies: the owner's threshold for this category; with
        `target_precision`, the model's; the owner's `default`; the model's; 0.5.

        Args:
            name: the category.
            suggested: the model's own thresholds by category, with "default" for the others.
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
    """Watching the inboxes."""

    mode: Literal["auto", "inotify", "polling"] = Field(
        default="auto",
        description="How to detect new files. `inotify` uses kernel notifications; `polling` lists the "
        "folders at regular intervals; `auto` uses inotify, and polling for inboxes on network shares.",
        examples=["polling"],
    )
    settle_seconds: Seconds = Field(
        default=2.0,
        description="Seconds without a change after which a file counts as complete.",
        examples=[2.0],
    )
    rescan_seconds: Annotated[float, Field(ge=1.0, le=86_400.0, allow_inf_nan=False)] = Field(
        default=300.0,
        description="Seconds between full scans of the inboxes, which find files that no notification "
        "reported.",
        examples=[300.0],
    )
    incomplete_minutes: Annotated[float, Field(ge=0.0, le=10_080.0, allow_inf_nan=False)] = Field(
        default=10.0,
        description="Minutes to wait for the rest of an empty or truncated file, counted from its last "
        "change. After that it is moved to quarantine.",
        examples=[10.0],
    )
    recursive: bool = Field(
        default=True, description="Also file photos in subfolders of the inboxes.", examples=[True]
    )
    remove_empty_folders: bool = Field(
        default=False,
        description="Remove subfolders of an inbox that are empty after their photos have been filed.",
        examples=[True],
    )
    ignore: tuple[str, ...] = Field(
        default=(),
        description="Glob patterns (in quotes) of additional files and folders to ignore; folder patterns "
        "end in `/`. A folder with a `.nophotos` file in it is ignored. Hidden and unfinished files, trash, "
        "snapshots and other programs' libraries (`*.photoslibrary`, `@eaDir`, `LOST.DIR`, ...) are always "
        "ignored.",
        examples=[["*.draft.jpg", "export-*", "DCIM/.thumbnails/"]],
    )


class BatchSettings(Section):
    """Classifying photos in batches."""

    size: Annotated[int, Field(ge=1, le=256)] = Field(
        default=16, description="Maximum number of photos in a batch.", examples=[16]
    )
    max_wait_seconds: Annotated[float, Field(ge=0.0, le=60.0, allow_inf_nan=False)] = Field(
        default=0.5,
        description="Maximum number of seconds that a classified photo waits to be filed with others.",
        examples=[0.5],
    )


class ModelSettings(Section):
    """The model that classifies photos."""

    directory: PathValue | None = Field(
        default=None,
        description="Folder of the models. null = $XDG_DATA_HOME/photo-organizer/models.",
        examples=["~/models"],
    )
    engine: Literal["auto", "openvino", "tensorflow"] = Field(
        default="auto",
        description="Inference engine. `auto` uses OpenVINO if it is available, otherwise TensorFlow.",
        examples=["openvino"],
    )
    unload_after_minutes: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = Field(
        default=30.0,
        description="Minutes without a photo after which the model is unloaded from memory. null = never.",
        examples=[30.0],
    )
    backbone: Annotated[
        Literal["starter", "imagenet"] | Path, BeforeValidator(_backbone), WithJsonSchema({"type": "string"})
    ] = Field(
        default="starter",
        description="Network that new models are based on: `starter` (included), `imagenet` (Keras' VGG16 "
        "weights, downloaded once by `train`), or the path of a weights file.",
        examples=["starter"],
    )


class StateSettings(Section):
    """Where the organizer keeps its own data."""

    directory: PathValue | None = Field(
        default=None,
        description="Folder of the journal, ledger, status, locks and quarantine. "
        "null = $XDG_STATE_HOME/photo-organizer.",
        examples=["~/.local/state/photo-organizer"],
    )


class LedgerSettings(Section):
    """The ledger."""

    path: PathValue | None = Field(
        default=None,
        description="CSV file with one row for each photo and action. null = `predictions.csv` in the state "
        "folder.",
        examples=["~/Documents/photos.csv"],
    )


class RetrainingSettings(Section):
    """Learning from corrections."""

    enabled: bool = Field(
        default=True, description="Retrain automatically, as `schedule` says.", examples=[True]
    )
    schedule: Annotated[str, AfterValidator(_schedule)] = Field(
        default=AFTER_CORRECTIONS,
        description='When to retrain. "after corrections": as soon as there are `min_new_labels` new '
        'corrections and you have not moved a photo for 5 minutes (30 minutes at most). At a time: "Sun '
        '03:00", "Mon-Fri 02:30", "daily 02:30" or a cron expression, in local time. A retraining that '
        "was missed because the machine was off starts when the daemon runs again.",
        examples=["Sun 03:00", "daily 02:30", "0 3 * * 0"],
    )
    min_new_labels: Annotated[int, Field(ge=1)] = Field(
        default=20,
        description="Minimum number of new corrections for an automatic retraining.",
        examples=[20],
    )
    mode: Literal["head", "fine-tune"] = Field(
        default="head",
        description="`head` retrains only the classifier (seconds); `fine-tune` also retrains the last "
        "convolution block (minutes to hours), which is worth trying from some 300 corrections on.",
        examples=["fine-tune"],
    )
    min_photos_per_category: Annotated[int, Field(ge=2)] = Field(
        default=12, description="Minimum number of photos for a new category to be learned.", examples=[12]
    )
    untouched_weight: Share = Field(
        default=0.0,
        description="Weight in training, from 0 to 1, of photos that were filed and that you have not moved. "
        "0 = the model does not learn from its own predictions.",
        examples=[0.1],
    )
    max_load: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = Field(
        default=None,
        description="Postpone automatic retraining while the load average per core is above this. null = no "
        "limit.",
        examples=[0.7],
    )
    on_battery: bool = Field(
        default=False, description="Also retrain automatically while running on battery.", examples=[False]
    )


class LoggingSettings(Section):
    """Logging."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Minimum severity of the messages to log.", examples=["debug"]
    )
    directory: PathValue | None = Field(
        default=None,
        description="Folder for log files (six of 2 MB at most). null = log only to the terminal or the "
        "systemd journal.",
        examples=["~/.local/state/photo-organizer/logs"],
    )


def _with_category(keyword: str) -> str:
    if "{category}" not in keyword:
        what = "does not contain {category}; write it where the category belongs"
        raise ValueError(f"{keyword!r} {what}")
    if any(not character.isprintable() for character in keyword):
        raise ValueError(f"{keyword!r} contains unprintable characters")
    return keyword


class MetadataSettings(Section):
    """Metadata files written next to photos."""

    xmp_sidecar: bool = Field(
        default=False,
        description="Write the category as a keyword to an XMP sidecar file next to the photo, for digiKam, "
        "darktable, Lightroom and Immich. Corrections update it and undo removes it. The photo itself is "
        "never modified. A photo that already has a sidecar from another program does not get one.",
        examples=[True],
    )
    keyword: Annotated[str, AfterValidator(_with_category)] = Field(
        default="{category}",
        description="Keyword to write; `{category}` is replaced with the category.",
        examples=["auto: {category}"],
    )
    keyword_hierarchy: Annotated[str, AfterValidator(_with_category)] | None = Field(
        default=None,
        description="Hierarchical keyword for digiKam and Lightroom, with `|` between its levels. null = "
        "none.",
        examples=["Photos|{category}"],
    )


class NotifySettings(Section):
    """Notifications."""

    desktop: bool = Field(
        default=False, description="Show a desktop notification for each batch.", examples=[True]
    )


class HookSettings(Section):
    """The owner's own commands to run on events."""

    on_batch: Command | None = Field(
        default=None,
        description="Command to run after a batch of photos has been filed.",
        examples=[["~/bin/photos-filed"]],
    )
    on_review: Command | None = Field(
        default=None,
        description="Command to run after a batch that put photos into the review folder.",
        examples=[["notify-send", "Photos to review"]],
    )
    on_error: Command | None = Field(
        default=None,
        description="Command to run when an error occurs; at most once an hour for the same error.",
        examples=[["~/bin/mail-error"]],
    )
    on_model: Command | None = Field(
        default=None,
        description="Command to run when the model in use changes, or when a retraining did not produce a "
        "better one.",
        examples=[["~/bin/model-changed"]],
    )
    on_ready: Command | None = Field(
        default=None,
        description="Command to run when the daemon is ready, and then every `ready_minutes` while photos "
        "can be filed. For monitoring services that raise an alarm when a ping is missing.",
        examples=[["curl", "-fsS", "-m", "10", "https://hc-ping.com/your-uuid"]],
    )
    ready_minutes: Annotated[float, Field(gt=0.0, le=10_080.0, allow_inf_nan=False)] = Field(
        default=5.0, description="Minutes between runs of `on_ready`.", examples=[5.0]
    )
    timeout_seconds: Annotated[float, Field(gt=0.0, le=3600.0, allow_inf_nan=False)] = Field(
        default=30.0, description="Seconds after which a command is killed.", examples=[30.0]
    )


class MetricsSettings(Section):
    """Metrics for monitoring."""

    textfile: PathValue | None = Field(
        default=None,
        description="File to write metrics to, for the textfile collector of Prometheus' node_exporter. "
        "Its name must end in `.prom`. null = none.",
        examples=["/var/lib/node_exporter/textfile_collector/photo_organizer.prom"],
    )

    @field_validator("textfile")
    @classmethod
    def _ends_in_prom(cls, value: Path | None) -> Path | None:
        if value is not None and value.suffix != ".prom":
            raise ValueError("must end in .prom; node_exporter reads no other files")
        return value


class ReviewPageSettings(Section):
    """The review page, served by the daemon."""

    enabled: bool = Field(
        default=False,
        description="Keep the review page running with the daemon. `photo-organizer review` opens it, and "
        "starts it if it is not running.",
        examples=[True],
    )
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(
        default=8420,
        description="TCP port of the review page, on the loopback address only.",
        examples=[8420],
    )


class LimitSettings(Section):
    """Limits for decoding one photo; a photo that exceeds one goes to quarantine."""

    max_pixels: Annotated[int, Field(ge=1_000_000)] = Field(
        default=400_000_000,
        description="Maximum number of pixels (width times height).",
        examples=[400_000_000],
    )
    max_file_megabytes: Annotated[int, Field(ge=1)] = Field(
        default=500, description="Maximum size of the file, in megabytes.", examples=[500]
    )
    decode_seconds: Annotated[float, Field(gt=0.0, le=3600.0, allow_inf_nan=False)] = Field(
        default=30.0,
        description="Maximum time to decode a photo, in seconds; extended on a busy machine.",
        examples=[30.0],
    )
    memory_megabytes: Annotated[int, Field(ge=256)] = Field(
        default=2048, description="Maximum memory to decode a photo, in megabytes.", examples=[2048]
    )


def section_in(annotation: object) -> type[BaseModel] | None:
    """Return the section that a value of this type is, or that a list of it holds; None for plain values."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(section_in, get_args(annotation))), None)


def schema_extra(section: type[BaseModel], name: str, key: str) -> Any:  # noqa: ANN401 (the sample may be any value)
    """Return the value of `key` in a field's `json_schema_extra`; None when it is not set."""
    extra = section.model_fields[name].json_schema_extra
    return extra.get(key) if isinstance(extra, dict) else None
