"""The whole configuration, and the paths derived from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PrivateAttr

from photo_organizer.config.folders import FolderTemplate
from photo_organizer.config.inboxes import FilingRules, InboxSettings, InboxValue, overlaid
from photo_organizer.config.paths import model_home, state_home
from photo_organizer.config.settings import (
    STARTER_CATEGORIES,
    BatchSettings,
    FolderName,
    HookSettings,
    LedgerSettings,
    LimitSettings,
    LoggingSettings,
    MetadataSettings,
    MetricsSettings,
    ModelSettings,
    NotifySettings,
    PathValue,
    RetrainingSettings,
    ReviewPageSettings,
    Section,
    StateSettings,
    ThresholdSettings,
    WatchSettings,
    check_template,
)


class Configuration(Section):
    """One `organizer.yaml`, validated. Fields have the names of its keys; paths are absolute."""

    inboxes: Annotated[tuple[InboxValue, ...], Field(min_length=1)] = Field(
        description="Folders to watch; photos that appear in them are filed. Each is a path, or a mapping "
        "with its own settings, such as `{path: ~/Phone, action: copy}`.",
        examples=[["~/Pictures/Inbox"]],
        json_schema_extra={"sample": ["~/Pictures/Inbox"]},
    )
    library: PathValue = Field(
        description="Folder that contains the category folders.",
        examples=["~/Pictures/Library"],
        json_schema_extra={"sample": "~/Pictures/Library"},
    )
    categories: Annotated[tuple[FolderName, ...], Field(min_length=1)] = Field(
        default=STARTER_CATEGORIES,
        description="Categories; each one is a folder in the library. You can add your own: the model "
        "predicts a new category once it has photos to learn from (`retraining.min_photos_per_category`). "
        "Photos of a category that you leave out go to the best match among the others.",
        examples=[["Family", "Pets", "Garden"]],
    )
    thresholds: ThresholdSettings = Field(
        default_factory=lambda: ThresholdSettings.model_validate({}),
        description="Minimum confidence, from 0 to 1, for filing a photo in its category. A category can "
        "have its own, as in `Food: 0.4`.",
        examples=[{"default": 0.5, "Food": 0.4}],
    )
    review: FolderName = Field(
        default="Review",
        description="Folder in the library for photos below the threshold.",
        examples=["Unsure"],
    )
    duplicates: FolderName = Field(
        default="Duplicates",
        description="What to do with exact copies of photos that are already filed: a folder name (move "
        "them to that folder in the library), `keep` (file them like any other photo) or `skip` (leave "
        "them in the inbox).",
        examples=["keep"],
    )
    folders: Annotated[str, AfterValidator(check_template)] = Field(
        default="{category}",
        description="Path of a photo's folder inside the library, made of `{category}`, `{taken:%Y}` "
        "(date taken, in any strftime format), `{camera}`, `{inbox}` (name of the inbox folder) and plain "
        "text.",
        examples=["{category}/{taken:%Y}/{taken:%m}"],
    )
    videos: FolderName | None = Field(
        default=None,
        description="Folder in the library for videos that are not part of a live photo. null = leave "
        "them in the inbox.",
        examples=["Videos"],
    )
    watch: WatchSettings = Field(default_factory=WatchSettings, description="Watching the inboxes.")
    batch: BatchSettings = Field(default_factory=BatchSettings, description="Classifying photos in batches.")
    model: ModelSettings = Field(
        default_factory=ModelSettings, description="The model that classifies photos."
    )
    state: StateSettings = Field(
        default_factory=StateSettings, description="Where the organizer keeps its own data."
    )
    ledger: LedgerSettings = Field(
        default_factory=LedgerSettings, description="The ledger: a CSV file of everything that was done."
    )
    retraining: RetrainingSettings = Field(
        default_factory=RetrainingSettings, description="Learning from your corrections."
    )
    logging: LoggingSettings = Field(default_factory=LoggingSettings, description="Logging.")
    metadata: MetadataSettings = Field(
        default_factory=MetadataSettings, description="Metadata files (XMP) written next to photos."
    )
    notify: NotifySettings = Field(default_factory=NotifySettings, description="Notifications.")
    hooks: HookSettings = Field(
        default_factory=HookSettings,
        description="Your own commands to run on events. Each is a list: the program, then its arguments. A "
        "command receives the event as JSON on standard input; see docs/hooks.md.",
    )
    metrics: MetricsSettings = Field(default_factory=MetricsSettings, description="Metrics for monitoring.")
    review_page: ReviewPageSettings = Field(
        default_factory=ReviewPageSettings, description="The review page in the browser."
    )
    limits: LimitSettings = Field(
        default_factory=LimitSettings,
        description="Limits for decoding one photo. A photo that exceeds one is moved to quarantine, with "
        "the reason in a text file beside it.",
    )

    _path: Path = PrivateAttr(default=Path("organizer.yaml"))

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401 (pydantic's signature)
        """Keep the path of the file, which the loader passes as `context`."""
        if context:
            self._path = context["path"]

    @property
    def path(self) -> Path:
        """Return the file this was read from."""
        return self._path

    @property
    def state_directory(self) -> Path:
        """Return the folder of the journal, ledger, status and locks."""
        return self.state.directory or state_home()

    @property
    def ledger_path(self) -> Path:
        """Return the path of the CSV ledger."""
        return self.ledger.path or self.state_directory / "predictions.csv"

    @property
    def model_directory(self) -> Path:
        """Return the folder of the models."""
        return self.model.directory or model_home()

    @property
    def feature_store_path(self) -> Path:
        """Return the path of the feature cache, in the only folder that the vision process may write to."""
        return self.state_directory / "features" / "features.sqlite"

    @property
    def quarantine_directory(self) -> Path:
        """Return the folder for files that cannot be read as an image."""
        return self.state_directory / "quarantine"

    @property
    def log_directory(self) -> Path | None:
        """Return the folder of the log file; None when there is none."""
        return self.logging.directory

    @property
    def folder_template(self) -> FolderTemplate:
        """Return `folders`, parsed."""
        return FolderTemplate.parse(self.folders)

    @property
    def duplicates_folder(self) -> str | None:
        """Return the folder in the library for duplicates; None when they are kept or skipped."""
        return self.general_rules.duplicates_folder

    @property
    def inbox_paths(self) -> tuple[Path, ...]:
        """Return the folders of the inboxes."""
        return tuple(inbox.path for inbox in self.inboxes)

    @property
    def libraries(self) -> tuple[Path, ...]:
        """Every library, that of `library` first."""
        own = (inbox.library for inbox in self.inboxes if inbox.library is not None)
        return tuple(dict.fromkeys((self.library, *own)))

    @property
    def all_categories(self) -> tuple[str, ...]:
        """Return the categories of all inboxes, the general ones first."""
        own = (name for inbox in self.inboxes for name in inbox.categories or ())
        return tuple(dict.fromkeys((*self.categories, *own)))

    @property
    def general_rules(self) -> FilingRules:
        """Return the rules for photos that are not in an inbox."""
        return FilingRules(self.library, None, self.thresholds, self.folder_template, self.duplicates)

    def rules_of(self, inbox: InboxSettings) -> FilingRules:
        """Return the rules for the photos of an inbox."""
        return FilingRules(
            inbox.library or self.library,
            inbox.categories,
            overlaid(self.thresholds, inbox.thresholds),
            self.folder_template if inbox.folders is None else FolderTemplate.parse(inbox.folders),
            inbox.duplicates or self.duplicates,
            inbox.action,
        )

    def inbox_of(self, path: Path) -> InboxSettings | None:
        """Return the inbox that `path` is in or is; None when it is in none."""
        return next((inbox for inbox in self.inboxes if path.is_relative_to(inbox.path)), None)

    def rules_for(self, path: Path) -> FilingRules:
        """Return the rules for a photo at `path`: those of its inbox, else the general ones."""
        inbox = self.inbox_of(path)
        return self.general_rules if inbox is None else self.rules_of(inbox)

    def library_of(self, path: Path) -> Path | None:
        """Return the library that `path` is in or is; None when it is in none."""
        return next((library for library in self.libraries if path.is_relative_to(library)), None)

    def library_template(self, library: Path) -> FolderTemplate:
        """Return a template by which the category of a folder in `library` is told.

        All templates of a library have the category at one depth.
        """
        own = (self.rules_of(inbox) for inbox in self.inboxes)
        rules = (self.general_rules, *own)
        return next((rule.template for rule in rules if rule.library == library), self.folder_template)

    @property
    def own_folder_names(self) -> frozenset[str]:
        """Names of the folders in a library that stand for no category: review, duplicates and videos."""
        rules = (self.general_rules, *(self.rules_of(inbox) for inbox in self.inboxes))
        names = (self.review, self.videos, *(rule.duplicates_folder for rule in rules))
        return frozenset(name for name in names if name is not None)

    @property
    def review_folders(self) -> tuple[Path, ...]:
        """Return the review folder of each library."""
        return tuple(library / self.review for library in self.libraries)
