"""The whole configuration, with the places that follow from it."""

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
        description="Folders that are watched; photos dropped there are filed. Each is a path, or a path "
        "with settings of its own, as in `{path: ~/Phone, action: copy}`.",
        examples=[["~/Pictures/Inbox"]],
        json_schema_extra={"sample": ["~/Pictures/Inbox"]},
    )
    library: PathValue = Field(
        description="The folder that holds the category folders.",
        examples=["~/Pictures/Library"],
        json_schema_extra={"sample": "~/Pictures/Library"},
    )
    categories: Annotated[tuple[FolderName, ...], Field(min_length=1)] = Field(
        default=STARTER_CATEGORIES,
        description="The categories, each a folder in the library. Add your own: it is predicted once it has "
        "photos to learn from. Leave one out, and its photos go where they fit best among the others.",
        examples=[["Family", "Pets", "Garden"]],
    )
    thresholds: ThresholdSettings = Field(
        default_factory=lambda: ThresholdSettings.model_validate({}),
        description="How sure the model must be; any category may have its own, as in `Food: 0.4`.",
        examples=[{"default": 0.5, "Food": 0.4}],
    )
    review: FolderName = Field(
        default="Review",
        description="Folder in the library for photos below the threshold.",
        examples=["Unsure"],
    )
    duplicates: FolderName = Field(
        default="Duplicates",
        description="What happens to a photo whose very bytes were filed before: a folder name (it goes "
        "there), `keep` (filed like any other) or `skip` (left in the inbox).",
        examples=["keep"],
    )
    folders: Annotated[str, AfterValidator(check_template)] = Field(
        default="{category}",
        description="Where in the library a photo goes: {category}, {taken:%Y} (and other strftime words), "
        "{camera}, {inbox}.",
        examples=["{category}/{taken:%Y}/{taken:%m}"],
    )
    videos: FolderName | None = Field(
        default=None,
        description="Folder in the library for videos that belong to no photo. null = they stay.",
        examples=["Videos"],
    )
    watch: WatchSettings = Field(default_factory=WatchSettings, description="How the inboxes are watched.")
    batch: BatchSettings = Field(
        default_factory=BatchSettings, description="How many photos are looked at together."
    )
    model: ModelSettings = Field(
        default_factory=ModelSettings, description="Which model looks, and with what."
    )
    state: StateSettings = Field(
        default_factory=StateSettings, description="Where the organizer keeps its memory."
    )
    ledger: LedgerSettings = Field(
        default_factory=LedgerSettings, description="The list of everything that was done."
    )
    retraining: RetrainingSettings = Field(
        default_factory=RetrainingSettings, description="When and how the model learns from your corrections."
    )
    logging: LoggingSettings = Field(
        default_factory=LoggingSettings, description="What is logged, and where."
    )
    metadata: MetadataSettings = Field(
        default_factory=MetadataSettings, description="What is written beside photos."
    )
    notify: NotifySettings = Field(default_factory=NotifySettings, description="What you are told.")
    hooks: HookSettings = Field(
        default_factory=HookSettings,
        description="Commands of your own, each a list of words. They get the facts as JSON on standard "
        "input; see docs/hooks.md.",
    )
    metrics: MetricsSettings = Field(default_factory=MetricsSettings, description="Figures for monitoring.")
    review_page: ReviewPageSettings = Field(
        default_factory=ReviewPageSettings, description="The review page in the browser."
    )
    limits: LimitSettings = Field(
        default_factory=LimitSettings,
        description="What one photo may cost; one that is beyond goes to quarantine with the reason.",
    )

    _path: Path = PrivateAttr(default=Path("organizer.yaml"))

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401 (pydantic's signature)
        """Keeps the path of the file, which the loader passes as `context`."""
        if context:
            self._path = context["path"]

    @property
    def path(self) -> Path:
        """The file this was read from."""
        return self._path

    @property
    def state_directory(self) -> Path:
        """Folder of journal, ledger, status and locks."""
        return self.state.directory or state_home()

    @property
    def ledger_path(self) -> Path:
        """The CSV ledger."""
        return self.ledger.path or self.state_directory / "predictions.csv"

    @property
    def model_directory(self) -> Path:
        """Folder of the models."""
        return self.model.directory or model_home()

    @property
    def feature_store_path(self) -> Path:
        """The cache of features, in its own folder, the only one that the vision process may write to."""
        return self.state_directory / "features" / "features.sqlite"

    @property
    def quarantine_directory(self) -> Path:
        """Folder of what cannot be read as an image."""
        return self.state_directory / "quarantine"

    @property
    def log_directory(self) -> Path | None:
        """Folder of the log file; None when there is none."""
        return self.logging.directory

    @property
    def folder_template(self) -> FolderTemplate:
        """`folders`, parsed."""
        return FolderTemplate.parse(self.folders)

    @property
    def duplicates_folder(self) -> str | None:
        """Folder in the library for duplicates; None when they are kept or skipped."""
        return self.general_rules.duplicates_folder

    @property
    def inbox_paths(self) -> tuple[Path, ...]:
        """The folders of the inboxes."""
        return tuple(inbox.path for inbox in self.inboxes)

    @property
    def libraries(self) -> tuple[Path, ...]:
        """Every library, that of `library` first."""
        own = (inbox.library for inbox in self.inboxes if inbox.library is not None)
        return tuple(dict.fromkeys((self.library, *own)))

    @property
    def all_categories(self) -> tuple[str, ...]:
        """The categories of all inboxes, the general ones first."""
        own = (name for inbox in self.inboxes for name in inbox.categories or ())
        return tuple(dict.fromkeys((*self.categories, *own)))

    @property
    def general_rules(self) -> FilingRules:
        """The rules for photos that come through no inbox."""
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
        """The review folder of each library."""
        return tuple(library / self.review for library in self.libraries)
