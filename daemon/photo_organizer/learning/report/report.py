"""The report of a retraining: pictures, `metrics.csv`, `epochs.csv`, and one self-contained `index.html`."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import pandas as pd

from photo_organizer.learning.head.head import Floats, Labels
from photo_organizer.learning.judge.assessment import Assessment
from photo_organizer.learning.judge.evaluation import Evaluation
from photo_organizer.learning.labels.label_questions import LabelQuestion
from photo_organizer.learning.report import plots
from photo_organizer.learning.report.html_parts import STYLE, picture, table, text
from photo_organizer.learning.report.mistakes import Mistake, worst_mistakes
from photo_organizer.learning.training_plan import Judgement
from photo_organizer.models.manifest import COVERAGE, Manifest, read_manifest
from photo_organizer.models.store import Registry

_THRESHOLDS = 100
PICTURES = {
    "per_category.png": "Each category, before and after",
    "confusion_matrix.png": "Confusion matrix",
    "precision_coverage.png": "How much is filed, and how much of it is right",
    "reliability.png": "Does confidence mean what it says?",
    "accuracy_loss.png": "Training curves",
    "history.png": "All retrainings",
}
_MOST_QUESTIONS = 50
_CONFUSED = 0.05  # of a category's photos; less is not worth a sentence


def write_report(judgement: Judgement, folder: Path) -> None:
    """Write the report of a judged challenger.

    Args:
        judgement: what was found out.
        folder: made; takes the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scores = judgement.models.everything
    shown = photos_shown(judgement)
    plots.draw_curves(judgement.epochs, _curve_photos(judgement), folder / "accuracy_loss.png")
    plots.draw_confusion(judgement.champion, judgement.challenger, shown, folder / "confusion_matrix.png")
    plots.draw_categories(judgement.champion, judgement.challenger, shown, folder / "per_category.png")
    plots.draw_reliability(
        judgement.champion.reliability, judgement.challenger.reliability, shown, folder / "reliability.png"
    )
    plots.draw_coverage(
        [
            ("champion", scores.champion, scores.labels),
            ("challenger", scores.challenger, scores.labels),
        ],
        _marks(judgement),
        shown,
        folder / "precision_coverage.png",
    )
    plots.draw_history(_history(judgement), folder / "history.png")
    metrics_table(judgement).to_csv(folder / "metrics.csv", index=False, float_format="%.4f")
    coverage_table(scores.challenger, scores.labels).to_csv(
        folder / COVERAGE, index=False, float_format="%.4f"
    )
    epochs = pd.DataFrame([asdict(epoch) for epoch in judgement.epochs])
    epochs.to_csv(folder / "epochs.csv", index=False, float_format="%.4f")
    (folder / "index.html").write_text(_page(judgement, folder), encoding="utf-8")


def coverage_table(probabilities: Floats, labels: Labels) -> pd.DataFrame:
    """Return, for each threshold, the share of photos at or above it, and the share of those that is right.

    Args:
        probabilities: (N, C) of photos that were not trained on.
        labels: (N,) positions of the true categories.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    rows = []
    for step in range(_THRESHOLDS + 1):
        filed = confidence >= step / _THRESHOLDS
        precision = float(right[filed].mean()) if filed.any() else 1.0
        share = float(filed.mean()) if len(filed) else 0.0
        rows.append({"threshold": step / _THRESHOLDS, "coverage": share, "precision": precision})
    return pd.DataFrame(rows)


def photos_shown(judgement: Judgement) -> str:
    """Return which photos the figures of the report count."""
    owner, rest = len(judgement.models.sample.labelled), len(judgement.models.elsewhere)
    yours = f"{owner} photos that you sorted, each predicted by heads that had not seen it"
    return f"{yours}, and {rest} of the starter's that are never trained on" if rest else yours


def _curve_photos(judgement: Judgement) -> plots.CurvePhotos:
    rest = len(judgement.models.elsewhere)
    return plots.CurvePhotos(
        training=f"the {sum(judgement.training_photos.values())} photos of yours that it learns from",
        validation=f"{rest} other photos (the starter's), which it never learns from",
    )


def metrics_table(judgement: Judgement) -> pd.DataFrame:
    """Return a row for each model and category, and one for each model over all ("(all)")."""
    rows = [
        row
        for name, evaluation in (("champion", judgement.champion), ("challenger", judgement.challenger))
        for row in _rows(name, evaluation)
    ]
    return pd.DataFrame(rows)


def _rows(model: str, evaluation: Evaluation) -> Iterable[dict[str, object]]:
    yield {
        "model": model,
        "category": "(all)",
        "photos": evaluation.photos,
        "accuracy": evaluation.accuracy,
        "f1": evaluation.macro_f1,
        "recall": evaluation.macro_recall,
        "log_loss": evaluation.log_loss,
        "calibration_error": evaluation.calibration_error,
        "filed_share": evaluation.coverage,
        "filed_precision": evaluation.filed_precision,
    }
    for index, figures in enumerate(evaluation.per_category):
        row: dict[str, object] = {"model": model, **asdict(figures)}
        for target, suggestions in evaluation.suggestions.items():
            suggestion = suggestions[index]
            row[f"threshold_for_{target:.0%}"] = suggestion.threshold
            row[f"share_filed_at_{target:.0%}"] = suggestion.filed_share
        yield row


def _marks(judgement: Judgement) -> list[tuple[str, float, float]]:
    """Return the thresholds in force, and the suggestions, as points of share and precision."""
    scores = judgement.models.everything
    confidence, predicted = scores.challenger.max(axis=1), scores.challenger.argmax(axis=1)
    right = predicted == scores.labels
    marks = [("in force", judgement.challenger.coverage, judgement.challenger.filed_precision)]
    for target, suggestions in judgement.challenger.suggestions.items():
        thresholds = pd.Series([suggestion.threshold for suggestion in suggestions]).to_numpy()
        filed = confidence >= thresholds[predicted]
        if filed.any():
            marks.append((f"{target:.0%}", float(filed.mean()), float(right[filed].mean())))
    return marks


def _history(judgement: Judgement) -> list[plots.PastModel]:
    past = [
        plots.PastModel(
            record.id,
            datetime.fromisoformat(record.manifest.made),
            float(record.manifest.metrics["accuracy"]),
            float(record.manifest.metrics["macro_f1"]),
            record.rejected is None,
            _corrected_share(record.manifest),
        )
        for record in Registry(judgement.plan.config.model_directory).list()
        if record.manifest is not None and {"accuracy", "macro_f1"} <= record.manifest.metrics.keys()
    ]
    mine = judgement.challenger
    present = plots.PastModel(
        judgement.plan.model_id,
        judgement.plan.now,
        mine.accuracy,
        mine.macro_f1,
        judgement.verdict.promoted,
        judgement.plan.corrected_share,
    )
    return [*past[-30:], present]


def _corrected_share(manifest: Manifest) -> float | None:
    value = manifest.data.get("corrected_share")
    return float(value) if isinstance(value, (int, float)) else None


def _page(judgement: Judgement, folder: Path) -> str:
    verdict = judgement.verdict
    look, word = ("good", "is in use") if verdict.promoted else ("bad", "was not promoted")
    parts = [
        f"<h1>Retraining of {judgement.plan.now:%d %B %Y, %H:%M}</h1>",
        f'<p class="{look}"><b>{text(judgement.plan.model_id)} {word}:</b></p>',
        "<ul>" + "".join(f"<li>{text(reason)}</li>" for reason in verdict.reasons) + "</ul>",
        _learned_from(judgement),
        "<h2>Before and after, on all of your photos (estimated)</h2>",
        _estimate_table(judgement.assessment),
        f"<h2>Before and after, on {text(photos_shown(judgement))}</h2>",
        _summary_table(judgement),
        _confusions(judgement),
        *_question_list(judgement.questions),
        *(picture(folder / name, title) for name, title in PICTURES.items()),
        "<h2>Suggested thresholds</h2>",
        _threshold_table(judgement.challenger),
        "<h2>The photos that it got most wrong</h2>",
        _mistakes(worst_mistakes(judgement)),
    ]
    title = text(judgement.plan.model_id)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{title}</title><style>{STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _learned_from(judgement: Judgement) -> str:
    plan = judgement.plan
    sentences = [
        f"It learned from {sum(judgement.training_photos.values())} photos of yours. The figures count "
        f"{photos_shown(judgement)}."
    ]
    if plan.few:
        names = ", ".join(f"{text(name)} ({count})" for name, count in plan.few.items())
        needed = plan.config.retraining.min_photos_per_category
        sentences.append(f"Too few photos yet (they need {needed}): {names}.")
    if plan.scan.ambiguous:
        sentences.append(f"{plan.scan.ambiguous} photos lie in two categories and were left out.")
    if judgement.photos.failed:
        sentences.append(f"{len(judgement.photos.failed)} photos could not be read.")
    return "<p>" + " ".join(sentences) + "</p>"


def _summary_table(judgement: Judgement) -> str:
    before, after = judgement.champion.summary(), judgement.challenger.summary()
    names = {
        "accuracy": "right",
        "macro_f1": "macro F1",
        "macro_recall": "mean recall of the categories",
        "log_loss": "log-loss",
        "calibration_error": "calibration error",
        "coverage": "filed at the thresholds",
        "filed_precision": "right of the filed",
    }
    rows = [(name, _figure(key, before[key]), _figure(key, after[key])) for key, name in names.items()]
    return table(("", "champion", "challenger"), rows)


def _estimate_table(assessment: Assessment) -> str:
    before, after = assessment.before, assessment.after
    rows = [
        ("filed", f"{before.filed_share:.0%}", f"{after.filed_share:.0%}"),
        ("right of the filed", f"{before.filed_precision:.0%}", f"{after.filed_precision:.0%}"),
        ("right of all", f"{before.right_share:.0%}", f"{after.right_share:.0%}"),
    ]
    return table(("", "champion", "challenger"), rows)


def _confusions(judgement: Judgement) -> str:
    """Return which categories the new ones, and those learned most, are confused with."""
    evaluation = judgement.challenger
    known = set(read_manifest(judgement.plan.champion).categories)
    new = [name for name in evaluation.categories if name not in known]
    sentences = []
    for name in (*new, *(category for category in judgement.assessment.learned if category not in new)):
        index = evaluation.categories.index(name)
        figures = evaluation.per_category[index]
        taken = evaluation.confusion[index].copy()
        taken[index] = 0
        most = [place for place in taken.argsort()[::-1][:2].tolist() if taken[place]]
        others = [
            evaluation.categories[place] for place in most if taken[place] >= _CONFUSED * figures.photos
        ]
        word = "New category" if name in new else "Category"
        confused = f"confused with {' and '.join(others)}" if others else "hardly ever confused with another"
        sentences.append(
            f"{word} {text(name)}: {figures.recall:.0%} of {figures.photos} photos recognised, "
            f"{figures.precision:.0%} of what is called so belongs there; {text(confused)}."
        )
    return "".join(f"<p>{sentence}</p>" for sentence in sentences)


def _question_list(questions: Sequence[LabelQuestion]) -> Iterable[str]:
    if questions:
        yield "<h2>Are these where you want them?</h2>"
        yield "<p>They count less in the training, because the other photos say otherwise.</p>"
        yield (
            "<ul>"
            + "".join(f"<li>{text(question.text)}</li>" for question in questions[:_MOST_QUESTIONS])
            + "</ul>"
        )


def _figure(key: str, value: float) -> str:
    return f"{value:.3f}" if key in {"log_loss", "calibration_error", "macro_f1"} else f"{value:.1%}"


def _threshold_table(evaluation: Evaluation) -> str:
    targets = list(evaluation.suggestions)
    head = ("category", *(f"{target:.0%} right at" for target in targets))
    rows = [
        (
            name,
            *(
                f"{evaluation.suggestions[target][index].threshold:.3f} "
                f"(files {evaluation.suggestions[target][index].filed_share:.0%})"
                for target in targets
            ),
        )
        for index, name in enumerate(evaluation.categories)
    ]
    return table(head, rows)


def _mistakes(mistakes: Sequence[Mistake]) -> str:
    if not mistakes:
        return "<p>None of your photos that judged was put in a wrong category.</p>"
    cells = [
        '<figure><img alt="" src="data:image/jpeg;base64,'
        f'{base64.b64encode(mistake.thumbnail).decode()}"><figcaption>{text(mistake.name)}<br>'
        f"is <b>{text(mistake.category)}</b>, taken for <b>{text(mistake.taken_for)}</b> "
        f"({mistake.confidence:.0%})"
        "</figcaption></figure>"
        for mistake in mistakes
    ]
    return '<div class="grid">' + "".join(cells) + "</div>"
