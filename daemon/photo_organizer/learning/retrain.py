"""One retraining from beginning to end: labels, features, a challenger, its judgement, and perhaps its
promotion.

Killed at any moment it leaves the champion in use and no half-made model: the challenger is written into a
hidden draft and appears by one rename, the champion is replaced by another.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from photo_organizer.config import Configuration
from photo_organizer.errors import OrganizerError
from photo_organizer.learning.challenger import CandidateTrainer
from photo_organizer.learning.data.base_model import needs_new_backbone
from photo_organizer.learning.data.filing_state import FiledIn
from photo_organizer.learning.data.training_data import exemplar_categories
from photo_organizer.learning.events import Listener, Progress, TrainingOutcome
from photo_organizer.learning.finetune.requirements import require_packages
from photo_organizer.learning.judge.promotion import PromotionVerdict
from photo_organizer.learning.labels.category_folders import accepted_folders
from photo_organizer.learning.labels.journal_history import read_history
from photo_organizer.learning.labels.label_questions import write_questions
from photo_organizer.learning.labels.label_store import LABELS, Label, LabelStore, Provenance
from photo_organizer.learning.labels.labels import Scan, scan_dataset, scan_library
from photo_organizer.learning.training_plan import TrainingPlan
from photo_organizer.library import Library
from photo_organizer.models.categories import trainable_categories
from photo_organizer.models.staging import StagedModel
from photo_organizer.models.store import Registry, verify


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What is wanted: `mode` "head" or "fine-tune"; `photos` a data set instead of the library; `scheduled`
    says that nobody waits for it, so that too few new labels are a reason not to begin.
    """

    mode: str
    photos: Path | None = None
    scheduled: bool = False


def retrain(config: Configuration, request: TrainingRequest, listener: Listener) -> TrainingOutcome:
    """Train a challenger and promote it unless it is worse.

    Args:
        config: the library, the models, the rules.
        request: what is wanted.
        listener: hears how far it is.

    Returns:
        What came of it; also when nothing was to be done.

    Raises:
        OrganizerError: it could not be done; the champion is what it was.
    """
    registry = Registry(config.model_directory)
    champion = registry.current()
    manifest = verify(champion)
    if request.mode == "fine-tune" or needs_new_backbone(config, manifest):
        require_packages()
    config.state_directory.mkdir(parents=True, exist_ok=True)
    now = datetime.now().astimezone()
    with LabelStore(config.state_directory / LABELS) as store:
        scan, filed_in = _scan(config, request, store, now, listener)
        labels = _trainable(config, scan)
        too_few = _too_few(config, request, labels, store)
        if too_few is not None:
            return TrainingOutcome(promoted=False, reason=too_few)
        known = () if needs_new_backbone(config, manifest) else exemplar_categories(manifest)
        photos = Counter(label.category for label in labels)
        least = 2 if request.photos is not None else config.retraining.min_photos_per_category
        categories, few = trainable_categories(
            config, photos, [scan.renamed.get(name, name) for name in known], least=least
        )
        model_id = registry.free_id(f"{now:%Y%m%d-%H%M%S}-{request.mode}")
        plan = TrainingPlan(
            config, request.mode, model_id, champion, categories, few, scan, filed_in, labels, now
        )
        with registry.draft() as draft:
            verdict, questions = CandidateTrainer(plan, draft, store, listener).make()
            listener(Progress("installing", text=model_id))
            outcome = _install(registry, draft, verdict, now)
        if request.photos is None:
            write_questions(config.state_directory, questions, model=model_id, time=now)
        store.mark_trained({label.sha256: label.category for label in labels}, model_id)
        return outcome


def _scan(
    config: Configuration, request: TrainingRequest, store: LabelStore, now: datetime, listener: Listener
) -> tuple[Scan, FiledIn]:
    def found(count: int) -> None:
        listener(Progress("looking", count, 0, f"{count} photos found"))

    listener(Progress("looking", text="where the photos lie"))
    if request.photos is not None:
        scan = scan_dataset(request.photos, store, now=now, progress=found)
        _refuse_unlisted(config, request.photos, scan)
        return scan, {}
    with closing(Library.open(config)) as library:
        scan = scan_library(config, store, library, now=now, progress=found)
        filed = read_history(library).filed
        return scan, {sha256: filing.category for sha256, filing in filed.items()}


def _refuse_unlisted(config: Configuration, root: Path, scan: Scan) -> None:
    """Refuse a data set before hours are spent on categories that no photo would be filed in.

    Raises:
        OrganizerError: it has classes that are not categories.
    """
    listed = {*config.all_categories, *accepted_folders(config)}
    unlisted = sorted({label.category for label in scan.labels} - listed)
    if unlisted:
        remedy = f"list them in {config.path} (`categories: [{', '.join([*config.categories, *unlisted])}]`)"
        what = f"has {'a class' if len(unlisted) == 1 else 'classes'} that the config does not list"
        raise OrganizerError(f"{what}: {', '.join(unlisted)}", where=root, remedy=remedy)


def _trainable(config: Configuration, scan: Scan) -> tuple[Label, ...]:
    weight = config.retraining.untouched_weight
    return tuple(label for label in scan.labels if weight > 0 or label.provenance is not Provenance.UNTOUCHED)


def _too_few(
    config: Configuration, request: TrainingRequest, labels: tuple[Label, ...], store: LabelStore
) -> str | None:
    """Return why there is nothing to learn, or None."""
    if all(label.provenance is Provenance.UNTOUCHED for label in labels):
        return "there is nothing to learn from yet: move photos that were filed wrongly to where they belong"
    fresh = store.new_labels().total()
    if request.scheduled and fresh < config.retraining.min_new_labels:
        wanted = config.retraining.min_new_labels
        return f"skipped: {fresh} new labels since the last training, retraining.min_new_labels is {wanted}"
    return None


def _install(
    registry: Registry, draft: StagedModel, verdict: PromotionVerdict, now: datetime
) -> TrainingOutcome:
    path = draft.publish()
    if verdict.promoted:
        registry.use(path.name)
    else:
        registry.reject(path, verdict.reason, now)
    report = path / "report" / "index.html"
    return TrainingOutcome(promoted=verdict.promoted, reason=verdict.reason, model=path.name, report=report)
