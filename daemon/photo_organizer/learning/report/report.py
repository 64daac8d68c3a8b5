"""The report of a retraining: pictures, `metrics.csv`, `epochs.csv`, and one self-contained `index.html`."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import pandas as pd

from photo_organizer.learning.head.head import Floats, Labels
from photo_organizer.learning.judge.evaluation import Evaluation
from photo_organizer.learning.report import plots
from photo_organizer.learning.report.mistakes import Mistake, worst_mistakes
from photo_organizer.learning.training_plan import Judgement
from photo_organizer.models.manifest import COVERAGE
from photo_organizer.models.store import Registry

_THRESHOLDS = 100
PICTURES = {
    "per_category.png": "Each category, before and after",
    "confusion_matrix.png": "What is taken for what",
    "precision_coverage.png": "How much is filed, and how much of it is right",
    "reliability.png": "Does confidence mean what it says?",
    "accuracy_loss.png": "The training",
    "history.png": "All retrainings",
}


def write_report(judgement: Judgement, folder: Path) -> None:
    """Writes the report of a judged challenger.

    Args:
        judgement: what was found out.
        folder: made; takes the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scores = judgement.jury.everything
    plots.draw_curves(judgement.epochs, folder / "accuracy_loss.png")
    plots.draw_confusion(judgement.champion, judgement.challenger, folder / "confusion_matrix.png")
    plots.draw_categories(judgement.champion, judgement.challenger, folder / "per_category.png")
    plots.draw_reliability(
        judgement.champion.reliability, judgement.challenger.reliability, folder / "reliability.png"
    )
    plots.draw_coverage(
        [
            ("champion", scores.champion, scores.labels),
            ("challenger", scores.challenger, scores.labels),
        ],
        _marks(judgement),
        folder / "precision_coverage.png",
    )
    plots.draw_history(_history(judgement), folder / "history.png")
    metrics_table(judgement).to_csv(folder / "metrics.csv", index=False, float_format="%.4f")
    coverage_table(scores.challenger, scores.labels).to_csv(
        folder / COVERAGE, index=False, float_format="%.4f"
    )
    epochs = pd.DataFrame([asdict(it) for it in judgement.epochs])
    epochs.to_csv(folder / "epochs.csv", index=False, float_format="%.4f")
    (folder / "index.html").write_text(_page(judgement, folder), encoding="utf-8")


def coverage_table(probabilities: Floats, labels: Labels) -> pd.DataFrame:
    """For each threshold, the share of photos at or above it, and the share of those that is right.

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


def metrics_table(judgement: Judgement) -> pd.DataFrame:
    """A row for each model and category, and one for each model over all ("(all)")."""
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
    for index, it in enumerate(evaluation.per_category):
        row: dict[str, object] = {"model": model, **asdict(it)}
        for target, suggestions in evaluation.suggestions.items():
            suggestion = suggestions[index]
            row[f"threshold_for_{target:.0%}"] = suggestion.threshold
            row[f"share_filed_at_{target:.0%}"] = suggestion.filed_share
        yield row


def _marks(judgement: Judgement) -> list[tuple[str, float, float]]:
    """The thresholds in force, and the suggestions, as points of share and precision."""
    scores = judgement.jury.everything
    confidence, predicted = scores.challenger.max(axis=1), scores.challenger.argmax(axis=1)
    right = predicted == scores.labels
    marks = [("in force", judgement.challenger.coverage, judgement.challenger.filed_precision)]
    for target, suggestions in judgement.challenger.suggestions.items():
        thresholds = pd.Series([it.threshold for it in suggestions]).to_numpy()
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
        )
        for record in Registry(judgement.plan.config.model_directory).list()
        if record.manifest is not None and {"accuracy", "macro_f1"} <= record.manifest.metrics.keys()
    ]
    mine = judgement.challenger
    present = plots.PastModel(
        judgement.plan.model_id, judgement.plan.now, mine.accuracy, mine.macro_f1, judgement.verdict.promoted
    )
    return [*past[-30:], present]


def _page(judgement: Judgement, folder: Path) -> str:
    verdict = judgement.verdict
    look, word = ("good", "is in use now") if verdict.promoted else ("bad", "was not promoted")
    parts = [
        f"<h1>Retraining of {judgement.plan.now:%d %B %Y, %H:%M}</h1>",
        f'<p class="{look}"><b>{_text(judgement.plan.model_id)} {word}:</b></p>',
        "<ul>" + "".join(f"<li>{_text(reason)}</li>" for reason in verdict.reasons) + "</ul>",
        _learned_from(judgement),
        "<h2>Before and after</h2>",
        _summary_table(judgement),
        *(_picture(folder / name, title) for name, title in PICTURES.items()),
        "<h2>Suggested thresholds</h2>",
        _threshold_table(judgement.challenger),
        "<h2>The photos that it got most wrong</h2>",
        _mistakes(worst_mistakes(judgement)),
    ]
    title = _text(judgement.plan.model_id)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{title}</title><style>{_STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _learned_from(judgement: Judgement) -> str:
    plan = judgement.plan
    owner, rest = len(judgement.jury.owner.labels), len(judgement.jury.rest.labels)
    sentences = [
        f"It learned from {sum(judgement.training_photos.values())} photos of yours and was judged on "
        f"{owner} of yours and {rest} of the starter's; no prediction that judged had learned the photo."
    ]
    if plan.few:
        names = ", ".join(f"{_text(name)} ({count})" for name, count in plan.few.items())
        needed = plan.config.retraining.min_photos_per_category
        sentences.append(f"Too few photos yet (they need {needed}): {names}.")
    if plan.scan.ambiguous:
        sentences.append(f"{plan.scan.ambiguous} photos lie in two categories and were left out.")
    if judgement.photos.failed:
        sentences.append(f"{len(judgement.photos.failed)} photos could not be looked at.")
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
    return _table(("", "champion", "challenger"), rows)


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
    return _table(head, rows)


def _mistakes(mistakes: Sequence[Mistake]) -> str:
    if not mistakes:
        return "<p>None of your photos that judged was put in a wrong category.</p>"
    cells = [
        '<figure><img alt="" src="data:image/jpeg;base64,'
        f'{base64.b64encode(it.thumbnail).decode()}"><figcaption>{_text(it.name)}<br>'
        f"is <b>{_text(it.category)}</b>, taken for <b>{_text(it.taken_for)}</b> ({it.confidence:.0%})"
        "</figcaption></figure>"
        for it in mistakes
    ]
    return '<div class="grid">' + "".join(cells) + "</div>"


def _picture(path: Path, title: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<h2>{_text(title)}</h2><img alt="{_text(title)}" src="data:image/png;base64,{data}">'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{_text(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _text(text: str) -> str:
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222;"
    "background:#fff}img{max-width:100%}table{border-collapse:collapse}th,td{padding:.25rem .9rem;"
    "border-bottom:1px solid #ddd;text-align:right}th:first-child,td:first-child{text-align:left}"
    ".good,.bad{padding:.5rem 1rem;border-left:.4rem solid #0072B2;background:#f2f7fb}"
    ".bad{border-color:#D55E00;background:#fdf5f0}.grid{display:flex;flex-wrap:wrap;gap:1rem}"
    "figure{margin:0;width:11rem;font-size:.8rem;overflow-wrap:anywhere}"
    "figure img{height:9rem;width:11rem;object-fit:contain;background:#eee}"
)
