"""Compare a survey with its re-interviews, question by question: error rates by enumerator, team and question.

Each question has a type. Type 1 does not change and is hard to get wrong: a difference asks for action. Type 2 is
hard to get right: a difference asks for training. Type 3 may change between visits: only its stability is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import yaml
from scipy.stats import ttest_rel, wilcoxon

from khana_methods.errors import InputError
from khana_methods.quality.spot_checks.reliability import (
    bootstrap,
    kappa,
    reliability_ratio,
    response_variance,
    wilson,
)
from khana_methods.yaml_text import read_yaml

_KEYS = frozenset({"name", "type", "within", "within_share", "same", "leave_out", "ignore_case", "trim"})
OK_RATE = 0.10


class QuestionsInvalid(InputError):
    """The list of questions to compare contradicts itself or the files."""

    code: ClassVar[str] = "quality.compare.questions_invalid"


class PairsNotFound(InputError):
    """Survey and re-interviews share no key, or a key stands twice."""

    code: ClassVar[str] = "quality.compare.pairs_not_found"


@dataclass(frozen=True)
class Question:
    """One question to compare.

    Attributes:
        kind: 1, 2 or 3; see the module.
        within: Differences up to this much are none (numbers).
        within_share: Differences up to this share of the first answer are none.
        same: Groups of answers that count as one answer.
        leave_out: Answers that are not compared, such as "refused".
    """

    name: str
    kind: int
    within: float = 0.0
    within_share: float = 0.0
    same: tuple[tuple[str, ...], ...] = ()
    leave_out: tuple[str, ...] = ()
    ignore_case: bool = True
    trim: bool = True

    def read(self, value: object) -> str | None:
        """Return an answer in the form that is compared; None where it is not."""
        if value is None:
            return None
        text = str(value).strip() if self.trim else str(value)
        text = text.lower() if self.ignore_case else text
        if not text or text in self.leave_out:
            return None
        return next((group[0] for group in self.same if text in group), text)

    def differs(self, first: str, second: str) -> bool:
        """Tell whether two answers differ by more than is allowed.

        Examples:
            >>> Question("acres", 2, within=0.5).differs("2", "2.5"), Question("acres", 2).differs("2", "2.0")
            (False, False)
            >>> Question("herd", 2, within_share=0.1).differs("100", "111"), Question("roof", 1).differs("a", "b")
            (True, True)
        """
        one, two = _number(first), _number(second)
        if one is None or two is None:
            return first != second
        return abs(one - two) > max(self.within, self.within_share * abs(one)) + 1e-12


@dataclass(frozen=True)
class Comparison:
    """What the re-interviews show.

    Attributes:
        differences: One row per answer that differs: key, the groups, `question`, `type`, `survey`, `again`. Personal.
        questions: One row per question: compared, differences, rate with interval, and by kind of answer kappa, or
            response variance, reliability ratio with bootstrap intervals, mean difference, p of paired tests.
        groups: One row per group and type: `by`, `name`, `type`, compared, differences, rate with interval, `over_limit`.
        households: One row per household compared: key, groups, `compared`, `type_1` to `type_3` differences.
        unpaired: Re-interviews whose key the survey does not have.
    """

    differences: pa.Table
    questions: pa.Table
    groups: pa.Table
    households: pa.Table
    unpaired: int


def load_questions(path: Path) -> tuple[Question, ...]:
    """Read the questions to compare: a list `questions` of name, type and options.

    Raises:
        QuestionsInvalid: All that is wrong, in one message.
    """
    try:
        document = read_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise QuestionsInvalid(f"{path.name} is not YAML in UTF-8.", questions=[]) from error
    entries = document.get("questions") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise QuestionsInvalid(f"{path.name} has no list 'questions'.", questions=[])
    problems = [problem for entry in entries for problem in _problems(entry)]
    if problems:
        raise QuestionsInvalid(f"{path.name}: {'; '.join(problems)}.", questions=problems)
    return tuple(_question(entry) for entry in entries)


def _problems(entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict) or not entry.get("name"):
        yield "a question has no name"
        return
    name = entry["name"]
    yield from (f"{name}: '{key}' is no key; there are {', '.join(sorted(_KEYS))}" for key in entry if key not in _KEYS)
    if entry.get("type") not in (1, 2, 3):
        yield f"{name}: type is 1, 2 or 3"
    for key in ("within", "within_share"):
        if not isinstance(entry.get(key, 0), int | float) or entry.get(key, 0) < 0:
            yield f"{name}: {key} is a number from 0"


def _question(entry: Mapping[str, Any]) -> Question:
    def form(value: object) -> str:
        text = str(value).strip() if entry.get("trim", True) else str(value)
        return text.lower() if entry.get("ignore_case", True) else text

    return Question(
        name=str(entry["name"]),
        kind=int(entry["type"]),
        within=float(entry.get("within", 0)),
        within_share=float(entry.get("within_share", 0)),
        same=tuple(tuple(form(value) for value in group) for group in entry.get("same") or ()),
        leave_out=tuple(form(value) for value in entry.get("leave_out") or ()),
        ignore_case=bool(entry.get("ignore_case", True)),
        trim=bool(entry.get("trim", True)),
    )


def compare(
    survey: pa.Table, again: pa.Table, key: str, questions: Sequence[Question], *, by: Sequence[str] = (),
    ok_rate: float = OK_RATE, seed: int = 1,
) -> Comparison:  # fmt: skip
    """Compare every re-interview with the interview of the same key.

    Args:
        survey: One row per interview.
        again: One row per re-interview.
        key: Column of both that names the household.
        questions: What to compare, named as in both files.
        by: Columns by which error rates are given (enumerator, team, back-checker); of the survey, else of the re-interviews.
        ok_rate: Rate of difference above which a group of type 1 or 2 is marked.
        seed: Of the bootstrap.

    Returns:
        The comparison.

    Raises:
        PairsNotFound: No key is in both, or one stands twice.
        QuestionsInvalid: A question or group is no column.

    Source:
        Innovations for Poverty Action, bcstats and ipabcstats: types, tolerances, 10 per cent, SRV and reliability.
    """
    wanted = [q.name for q in questions if q.name not in survey.schema.names or q.name not in again.schema.names]
    wanted += [name for name in by if name not in survey.schema.names and name not in again.schema.names]
    if wanted or not all(key in table.schema.names for table in (survey, again)):
        raise QuestionsInvalid(f"Not a column of both files: {', '.join(wanted) or key}.", questions=wanted or [key])
    first, second = _by_key(survey, key), _by_key(again, key)
    pairs = [(name, first[name], second[name]) for name in second if name in first]
    if not pairs:
        raise PairsNotFound(f"No value of '{key}' is in both files.", key=key)
    answers = {q.name: [(q.read(one[q.name]), q.read(two[q.name])) for _n, one, two in pairs] for q in questions}
    groups = {name: [str(one.get(name, two.get(name)) or "") for _n, one, two in pairs] for name in by}
    names = [name for name, _one, _two in pairs]
    return Comparison(
        differences=_differences(names, groups, questions, answers, key),
        questions=pa.Table.from_pylist([_measure(q, answers[q.name], seed) for q in questions], schema=QUESTION_SCHEMA),
        groups=_group_rates(groups, questions, answers, ok_rate),
        households=_households(names, groups, questions, answers, key),
        unpaired=len(second) - len(pairs),
    )


def _by_key(table: pa.Table, key: str) -> dict[str, dict[str, Any]]:
    rows = {str(row[key]).strip(): row for row in table.to_pylist() if row[key] is not None}
    if len(rows) < table.num_rows - table.column(key).null_count:
        raise PairsNotFound(f"The column '{key}' has the same value twice; compare one interview a household.", key=key)
    return rows


Answers = Mapping[str, Sequence[tuple[str | None, str | None]]]
QUESTION_SCHEMA = pa.schema(
    [("question", pa.string()), ("type", pa.int64()), ("compared", pa.int64()), ("differences", pa.int64())]
    + [
        (name, pa.float64())
        for name in (
            "rate", "rate_low", "rate_high", "kappa", "srv", "srv_low", "srv_high", "reliability", "reliability_low",
            "reliability_high", "mean_difference", "t_test_p", "signed_rank_p",
        )
    ]
)  # fmt: skip


def _measure(question: Question, answers: Sequence[tuple[str | None, str | None]], seed: int) -> dict[str, Any]:
    """Measure one question over all pairs in which both interviews answered."""
    both = [(a, b) for a, b in answers if a is not None and b is not None]
    count = sum(question.differs(a, b) for a, b in both)
    rate = wilson(count, len(both))
    row: dict[str, Any] = {
        "question": question.name, "type": question.kind, "compared": len(both), "differences": count,
        "rate": rate.value, "rate_low": rate.low, "rate_high": rate.high,
    }  # fmt: skip
    numbers = [(_number(a), _number(b)) for a, b in both]
    if not both or any(a is None or b is None for a, b in numbers):
        return row | {"kappa": kappa([a for a, _b in both], [b for _a, b in both])}
    one, two = np.array([a for a, _b in numbers], dtype=float), np.array([b for _a, b in numbers], dtype=float)
    srv, ratio = bootstrap(response_variance, one, two, seed=seed), bootstrap(reliability_ratio, one, two, seed=seed)
    row |= {"srv": srv.value, "srv_low": srv.low, "srv_high": srv.high, "reliability": ratio.value}
    row |= {"reliability_low": ratio.low, "reliability_high": ratio.high, "mean_difference": float((one - two).mean())}
    if len(np.unique(one)) <= 10:
        row["kappa"] = kappa([a for a, _b in both], [b for _a, b in both])
    if len(both) > 2 and (one != two).any() and np.std(one - two) > 0:
        row |= {"t_test_p": float(ttest_rel(one, two).pvalue), "signed_rank_p": float(wilcoxon(one, two).pvalue)}
    return row


def _number(text: str | None) -> float | None:
    try:
        value = float((text or "").replace(",", ""))
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _differences(
    names: Sequence[str], groups: Mapping[str, Sequence[str]], questions: Sequence[Question], answers: Answers, key: str
) -> pa.Table:
    rows = [
        {
            key: names[n],
            **{by: values[n] for by, values in groups.items()},
            "question": q.name,
            "type": q.kind,
            "survey": a,
            "again": b,
        }
        for q in questions
        for n, (a, b) in enumerate(answers[q.name])
        if a is not None and b is not None and q.differs(a, b)
    ]
    texts = [(name, pa.string()) for name in (key, *groups, "question")]
    schema = pa.schema([*texts, ("type", pa.int64()), ("survey", pa.string()), ("again", pa.string())])
    return pa.Table.from_pylist(rows, schema=schema)


def _group_rates(
    groups: Mapping[str, Sequence[str]], questions: Sequence[Question], answers: Answers, ok_rate: float
) -> pa.Table:
    counts: dict[tuple[str, str, int], list[int]] = {}
    for by, values in groups.items():
        for q in questions:
            for n, (a, b) in enumerate(answers[q.name]):
                if a is not None and b is not None:
                    seen = counts.setdefault((by, values[n], q.kind), [0, 0])
                    seen[0] += 1
                    seen[1] += q.differs(a, b)
    rows = []
    for (by, name, kind), (compared, differing) in sorted(counts.items()):
        rate = wilson(differing, compared)
        rows.append(
            {"by": by, "name": name, "type": kind, "compared": compared, "differences": differing, "rate": rate.value,
             "rate_low": rate.low, "rate_high": rate.high, "over_limit": kind < 3 and (rate.value or 0) > ok_rate}
        )  # fmt: skip
    schema = pa.schema(
        [("by", pa.string()), ("name", pa.string()), ("type", pa.int64()), ("compared", pa.int64()), ("differences", pa.int64()),
         ("rate", pa.float64()), ("rate_low", pa.float64()), ("rate_high", pa.float64()), ("over_limit", pa.bool_())]
    )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=schema)


def _households(
    names: Sequence[str], groups: Mapping[str, Sequence[str]], questions: Sequence[Question], answers: Answers, key: str
) -> pa.Table:
    rows = []
    for n, name in enumerate(names):
        both = [(q, a, b) for q in questions for a, b in [answers[q.name][n]] if a is not None and b is not None]
        row: dict[str, Any] = {key: name, **{by: values[n] for by, values in groups.items()}, "compared": len(both)}
        rows.append(
            row | {f"type_{kind}": sum(q.kind == kind and q.differs(a, b) for q, a, b in both) for kind in (1, 2, 3)}
        )
    texts = [(name, pa.string()) for name in (key, *groups)]
    counts = [(name, pa.int64()) for name in ("compared", "type_1", "type_2", "type_3")]
    return pa.Table.from_pylist(rows, schema=pa.schema([*texts, *counts]))
