"""The view of what is learned: the models, training, and how much a threshold would file."""

from __future__ import annotations

import csv
import logging
from pathlib import Path
from typing import Any

from photo_organizer.config import Configuration
from photo_organizer.errors import OrganizerError
from photo_organizer.models.manifest import COVERAGE, METRICS, REPORT
from photo_organizer.models.store import ModelRecord, Registry
from photo_organizer.web.services.training import Tell, TrainingRun

log = logging.getLogger(__name__)

_SHOWN_METRICS = ("accuracy", "macro_f1", "coverage", "filed_precision", "photos", "calibration_error")


class ModelService:
    """The models of one configuration.

    Args:
        configuration: whose.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._models = Registry(configuration.model_directory)
        self._run: TrainingRun | None = None

    @property
    def is_training(self) -> bool:
        """Return whether a retraining started from the page is running."""
        return self._run is not None and self._run.is_running

    def overview(self) -> dict[str, Any]:
        """Return everything that the view shows."""
        records = self._models.list()
        current = next((record for record in records if record.current), None)
        thresholds = self._configuration.thresholds
        return {
            "models": [_described(record) for record in records[::-1]],
            "curve": _curve(current.path) if current else [],
            "categories": _by_category(current.path) if current else [],
            "report": str(_report(current)) if current and _report(current).is_file() else "",
            "threshold": thresholds.default,
            "training": self.is_training,
        }

    def train(self, tell: Tell) -> bool:
        """Start a retraining; return False when one is already running.

        Raises:
            OrganizerError: it cannot be started.
        """
        if self.is_training:
            return False
        try:
            self._run = TrainingRun(self._configuration, tell)
        except OSError as error:
            raise OrganizerError(f"the retraining cannot be started: {error.strerror}") from error
        return True

    def use(self, model: str) -> str:
        """Switch to a model; a running daemon loads it by itself.

        Raises:
            ModelError: there is no such model, or it is damaged.
        """
        return self._models.use(model).name

    def close(self) -> None:
        """Stop a running retraining."""
        if self._run is not None and self._run.is_running:
            self._run.stop()


def _described(record: ModelRecord) -> dict[str, Any]:
    manifest = record.manifest
    metrics = manifest.metrics if manifest else {}
    held_out = metrics.get("same_sources")
    figures = held_out if isinstance(held_out, dict) else metrics
    return {
        "id": record.id,
        "current": record.current,
        "made": manifest.made if manifest else "",
        "parent": (manifest.parent or "") if manifest else "",
        "metrics": {
            name: figures[name] for name in _SHOWN_METRICS if isinstance(figures.get(name), int | float)
        },
        "problem": record.problem or "",
        "rejected": record.rejected or "",
    }


def _report(record: ModelRecord) -> Path:
    return record.path / REPORT / "index.html"


def _by_category(model: Path) -> list[dict[str, Any]]:
    """Return the figures of each category from the model's report."""
    try:
        with (model / REPORT / METRICS).open(encoding="utf-8", newline="") as file:
            return [
                {
                    "category": row["category"],
                    "photos": int(float(row["photos"])),
                    **{name: float(row[name]) for name in ("precision", "recall", "filed_share")},
                }
                for row in csv.DictReader(file)
                if row["model"] == "challenger" and row["category"] != "(all)"
            ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError) as error:
        log.warning("the report of %s cannot be read: %s", model.name, error)
        return []


def _curve(model: Path) -> list[list[float]]:
    """Return rows of threshold, share of held-out photos filed, and share of those that is right."""
    try:
        with (model / REPORT / COVERAGE).open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            return [
                [float(row["threshold"]), float(row["coverage"]), float(row["precision"])] for row in rows
            ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError) as error:
        log.warning("the curve of %s cannot be read: %s", model.name, error)
        return []
