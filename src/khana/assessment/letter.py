"""Say in words what a score was made of, variable by variable: the body of her letter.

In English, Urdu and Bangla. It shows a household's answers: for her file and her letter, never for a log.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from khana.assessment.model_store import KnownModel
from khana.assessment.one_household import Part, Reckoned
from khana.assessment.scores import KnownScore
from khana_methods.errors import KhanaError
from khana_methods.yaml_text import read_yaml

LANGUAGES = ("en", "ur", "bn")


@cache
def sentences(language: str) -> Mapping[str, str]:
    """Return the sentences of a language; English where it has none of its own."""
    document = read_yaml(Path(__file__).with_name("letter.yaml").read_text(encoding="utf-8"))
    return dict(document.get(language, document["en"]))


def write(score: KnownScore, known: KnownModel | None, reckoned: Reckoned | None, language: str) -> dict[str, Any]:
    """Write a score as sentences, with its parts as rows for a table.

    Args:
        score: What is recorded.
        known: The model that made it; None where the score arrived.
        reckoned: Its parts from the stored versions; None where the score arrived.
        language: en, ur or bn.

    Returns:
        score, value, model, lines (sentences in order), rows (variable, label, answer, points, most).
    """
    say = sentences(language)
    lines = [say["score"].format(score=f"{score.score:g}", top=f"{known.model.scale[1]:g}" if known else "100")]
    if score.percentile is not None:
        lines.append(say["place"].format(percentile=f"{score.percentile:.0f}"))
    if score.class_name:
        lines.append(say["class"].format(class_name=score.class_name))
    rows: list[dict[str, Any]] = []
    if known is None or reckoned is None:
        lines.append(say["arrived"].format(model=score.model_code or "–"))
    else:
        lines.append(say["model"].format(model=f"{known.code}/{known.version}", day=reckoned.survey_date.isoformat()))
        rows = [part_row(part, known, language) for part in reckoned.parts]
        if known.model.intercept:
            lines.append(say["start"].format(points=points(known.model.intercept)))
        lines += [row["sentence"] for row in rows]
        lines += _ending(score, known, reckoned, say)
    if score.due_on:
        lines.append(say["due"].format(day=score.due_on.isoformat()))
    if score.superseded_at:
        lines.append(say["superseded"].format(day=score.superseded_at.date().isoformat()))
    lines.append(say["wrong"])
    model = f"{known.code}/{known.version}" if known else score.model_code
    return {"score": score.id, "value": score.score, "model": model, "lines": lines, "rows": rows}


def _ending(score: KnownScore, known: KnownModel, reckoned: Reckoned, say: Mapping[str, str]) -> list[str]:
    lines = []
    if reckoned.raw is not None:
        lines.append(say["sum"].format(raw=f"{reckoned.raw:.6g}"))
        if known.model.rescale.kind != "identity":
            lines.append(say["rescaled"].format(score=f"{score.score:g}"))
        if known.model.link == "log":
            lines.append(say["welfare"])
    for line in known.model.likelihoods:
        try:
            percent = known.model.likelihood(line, float(score.score))
        except KhanaError:  # the published table has no entry for this score: nothing is said
            continue
        lines.append(say["likelihood"].format(percent=f"{percent:g}", line=line))
    lines.append(say["source"].format(source=" ".join(known.model.source.split())))
    return lines


def part_row(part: Part, known: KnownModel, language: str) -> dict[str, Any]:
    """Write one variable: its words, the answer, its points and a sentence."""
    say = sentences(language)
    label, answer = known.label(part.variable.code, language), answer_text(part.answer, say)
    most = "" if part.most is None or part.most <= 0 else say["of_at_most"].format(most=points(part.most))
    kind = "part"
    if part.points is None:
        kind = "refused"
    elif part.is_missing:
        kind = "missing"
    elif part.is_unseen:
        kind = "unseen"
    sentence = say[kind].format(
        label=label, answer=answer, points="" if part.points is None else points(part.points), most=most
    )
    return {
        "variable": part.variable.code, "label": label, "answer": "" if part.is_missing else answer, "points": part.points,
        "least": part.least, "most": part.most, "is_missing": part.is_missing, "is_unseen": part.is_unseen,
        "sentence": sentence,
    }  # fmt: skip


def points(value: float) -> str:
    """Write points without a long tail.

    Examples:
        >>> points(12.0), points(-0.1170000001)
        ('12', '-0.117')
    """
    value += 0.0  # no minus before a zero
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def answer_text(answer: object, say: Mapping[str, str]) -> str:
    """Write an answer: yes and no in words, a number without a tail, a code with spaces."""
    if isinstance(answer, bool):
        return say["yes"] if answer else say["no"]
    if isinstance(answer, float):
        return f"{answer:.4g}"
    return "" if answer is None else str(answer).replace("_", " ")
