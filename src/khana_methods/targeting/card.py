"""The model card: what a model was fitted on, how wrong it is and for whom, and what its authors know to be weak.

The card is plain data made from a fitted model; `card_text` prints it as Markdown, plain text or HTML. It has
places for two signatures and signs nothing itself.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from khana_methods.pmt.fit import Fitted, Tell
from khana_methods.pmt.model import PmtModel
from khana_methods.pmt.spec import FitSpec
from khana_methods.targeting.trial import comparison_table, equity_table, error_table, robustness

FORMATS = ("markdown", "text", "html")


def make_card(fitted: Fitted, *, tell: Tell | None = None) -> dict[str, Any]:
    """Make the card of a fitted model.

    Args:
        fitted: By `pmt.fit.fit_model`.
        tell: Told of progress: done, total, what.

    Returns:
        Plain data as JSON knows it (days as days). `r2` is inside the sample, `r2_out_of_sample` by folds; `errors`,
        `equity`, `comparison` and `robustness` are lists of rows as `targeting.trial` makes them; `model` is the
        model's own document, of which `pmt.read.read_model` makes the model that scores.
    """
    tell = tell or (lambda _done, _total, _what: None)
    spec, survey = fitted.spec, fitted.survey
    y = np.log(survey.welfare)
    tell(1, 4, "errors")
    card: dict[str, Any] = {
        "code": spec.code, "version": spec.version, "title": spec.title, "method": _method(spec),
        "welfare": _welfare(spec), "valid_from": spec.valid_from, "valid_to": spec.valid_to,
        "n": len(y), "r2": fitted.r2(fitted.inside), "r2_adjusted": _adjusted(fitted),
        "r2_out_of_sample": fitted.r2(fitted.outside),
        "rmse": _rmse(fitted, fitted.inside), "rmse_out_of_sample": _rmse(fitted, fitted.outside),
        "survey": {
            "data": spec.data, "currency": spec.currency, "price_year": str(spec.price_year),
            "households_read": survey.read, "households": len(y),
            "left_out": [{"reason": reason, "households": count} for reason, count in survey.left_out],
            "weighted_by": spec.weight, "strata": len(np.unique(survey.stratum)), "units": len(np.unique(survey.unit)),
            "basis_of_errors": "persons" if spec.basis == "population" and spec.size else "households",
        },
        "folds": {"folds": spec.folds, "over": spec.psu or "households", "seed": spec.seed},
        "coefficients": [
            {"part": c.part, "variable": c.variable, "level": c.level, "coefficient": c.value,
             "standard_error": c.standard_error, "t": c.t, "p": c.p}
            for c in fitted.coefficients
        ],
        "screening": [{"variable": s.variable, "outcome": s.outcome, "reason": s.reason} for s in fitted.screened],
        "missing": _missing(fitted.model), "ties": spec.ties,
        "errors": error_table(fitted),
    }  # fmt: skip
    tell(2, 4, "equity")
    card["equity"] = equity_table(fitted)
    tell(3, 4, "comparison")
    card["comparison"] = comparison_table(fitted) if spec.benchmark else []
    tell(4, 4, "robustness")
    card["robustness"] = robustness(fitted) if spec.robustness else {}
    card["weaknesses"] = list(_weaknesses(card, fitted))
    card["signatures"] = [{"role": role, "name": "", "date": ""} for role in ("fitted by", "checked by")]
    return card | {"model": fitted.document}


def _method(spec: FitSpec) -> str:
    return {
        "ols": "ordinary least squares",
        "wls": "least squares weighted by the survey",
        "quantile": f"quantile regression at {spec.quantile if spec.quantile is not None else spec.poor_share:g}",
        "poverty_weighted": f"least squares on the poor share and those up to {spec.fade:.0%} above it, fading out",
    }[spec.method] + (f", one formula for each {spec.separate}" if spec.separate else "")


def _welfare(spec: FitSpec) -> str:
    per = "per adult equivalent" if spec.equivalence else "per head"
    return (
        f"log of {spec.welfare} {per}" if spec.welfare_is != "log_per_head" else f"{spec.welfare}, a logarithm per head"
    )


def _adjusted(fitted: Fitted) -> float:
    """Return R² less what as many idle variables would give."""
    n = int((fitted.weights > 0).sum())
    used = sum(1 for c in fitted.coefficients if c.standard_error is not None)
    return 1 - (1 - fitted.r2(fitted.inside)) * (n - 1) / max(1, n - used)


def _rmse(fitted: Fitted, predicted: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    left = predicted - np.log(fitted.survey.welfare)
    return float(np.sqrt(np.average(left**2, weights=fitted.weights)))


def _missing(model: PmtModel) -> list[dict[str, Any]]:
    """Return what is done where a variable is missing, by variable."""
    found = {v.code: v for part in (model, *model.parts.values()) for v in part.variables}
    said = {
        "reject": "the household gets no score", "lowest": "counted as the answer that scores lowest",
        "highest": "counted as the answer that scores highest", "reference": "counted as the value here",
    }  # fmt: skip
    return [
        {"variable": v.code, "policy": v.missing, "meaning": said[v.missing],
         "value": v.reference if v.missing == "reference" else None}
        for v in found.values()
    ]  # fmt: skip


def _weaknesses(card: Mapping[str, Any], fitted: Fitted) -> Iterable[str]:
    """Yield what is known to be weak, in sentences, from the figures of the card itself."""
    own = [r for r in card["errors"] if r["sample"] == "out" and r["mode"] == "quantile"]
    nearest = min(own, key=lambda r: abs(r["poor_share"] - fitted.spec.poor_share))
    missed, wrong = nearest["exclusion_error"], nearest["inclusion_error"]
    if missed is not None:
        yield (
            f"Of the poorest {nearest['poor_share']:.0%}, {missed:.0%} would be left out when as many are taken as are poor "
            f"(outside the sample); of those taken {wrong:.0%} are not among them."
        )
    gap = card["r2"] - card["r2_out_of_sample"]
    if gap > 0.03:
        yield f"R² falls by {gap:.2f} outside the sample: the model is fitted to this survey more than to the country."
    if card["n"] < 1000:
        yield f"{card['n']} households are few: targeting errors of models fitted on under 1,000 grow quickly."
    if card["survey"]["units"] < 30:
        yield f"{card['survey']['units']} sampling units are few: standard errors are rough."
    left_out = sum(r["households"] for r in card["survey"]["left_out"])
    if left_out > 0.05 * card["survey"]["households_read"]:
        yield f"{left_out / card['survey']['households_read']:.0%} of the survey's households were left out of the fit."
    for row in card["equity"]:
        error = row["exclusion_error"]
        if missed is not None and error is not None and row["households"] >= 100 and error > missed + 0.15:
            yield f"Worse for {row['by']} {row['group']}: {error:.0%} of its poor would be left out."
    best = [r for r in card["comparison"] if not r["is_fitted"]]
    own_row = next((r for r in card["comparison"] if r["is_fitted"]), None)
    if best and own_row:
        trees = best[-1]
        yield (
            f"A learner that bends freely ({trees['method']}) misses {trees['error_20_out']:.1%} of the poorest fifth, this "
            f"formula {own_row['error_20_out']:.1%}: the difference is what a formula that can be explained costs."
        )
    if fitted.spec.method == "poverty_weighted":
        yield "Predictions above the poor are too low by design: use its ranks, not its amounts."
    age = card["robustness"].get("age", {}) if card["robustness"] else {}
    if not age.get("measured"):
        yield "How fast the model ages is not known from this survey alone."


def card_text(card: Mapping[str, Any], format_: str = "markdown") -> str:
    """Print a card.

    Args:
        card: As `make_card` gives it, or as JSON gives it back.
        format_: One of FORMATS.
    """
    sections = list(_sections(card))
    if format_ == "html":
        return _html(card, sections)
    heading, row = ("## ", _markdown_table) if format_ == "markdown" else ("", _plain_table)
    lines = [f"{'# ' if format_ == 'markdown' else ''}{_name(card)}", ""]
    for title, words, rows in sections:
        lines += [f"{heading}{title}", ""]
        lines += [*words, ""] if words else []
        lines += [*row(rows), ""] if rows else []
    return "\n".join(lines).rstrip() + "\n"


def _name(card: Mapping[str, Any]) -> str:
    return f"Model card: {card['code']} version {card['version']}" + (f", {card['title']}" if card.get("title") else "")


Section = tuple[str, list[str], list[dict[str, Any]]]


def _sections(card: Mapping[str, Any]) -> Iterable[Section]:
    """Yield title, sentences and table of each section."""
    survey = card["survey"]
    out = "; ".join(f"{row['households']:,} left out: {row['reason']}" for row in survey["left_out"])
    yield "Data", [
        f"{survey['data'] or 'A survey that is not named'}: {survey['households']:,} of {survey['households_read']:,} households"
        + (f" ({out})" if out else "") + ".",
        f"{survey['units']:,} sampling units in {survey['strata']:,} strata; weighted by {survey['weighted_by'] or 'nothing'}; "
        f"errors count {survey['basis_of_errors']}.",
        f"Welfare: {card['welfare']} {survey['currency']} {survey['price_year']}".rstrip() + ".",
    ], []  # fmt: skip
    yield "Fit", [
        f"By {card['method']}. n {card['n']:,}; R² {card['r2']:.4f} in the sample, {card['r2_out_of_sample']:.4f} by "
        f"{card['folds']['folds']} folds over {card['folds']['over']}; adjusted {card['r2_adjusted']:.4f}; root mean square error "
        f"{card['rmse']:.4f} and {card['rmse_out_of_sample']:.4f}.",
    ], []  # fmt: skip
    yield "Errors at every cut-off", [
        f"Quantile: as many are chosen as are poor, ties at the margin: {card.get('ties', 'split')}. Absolute: whoever is "
        "predicted under the line. 'out' is by folds: the "
        "figure to expect. Standard errors by the survey's design; the line and the cut-off are taken as given.",
    ], [_error_row(row) for row in card["errors"]]  # fmt: skip
    yield "Coefficients", [], [
        {"variable": (f"{r['part']}: " if r["part"] else "") + r["variable"] + (f" = {r['level']}" if r["level"] else ""),
         "coefficient": _f(r["coefficient"], 5), "standard error": _f(r["standard_error"], 5), "t": _f(r["t"], 2),
         "p": _f(r["p"], 4)}
        for r in card["coefficients"]
    ]  # fmt: skip
    dropped = [r for r in card["screening"] if r["reason"]]
    yield "Variables screened", [] if dropped else ["Every candidate is in, as it came."], dropped
    yield "Where an answer is missing", [], [
        {"variable": r["variable"], "what is done": r["meaning"], "value": r["value"] if r["value"] is not None else ""}
        for r in card["missing"]
    ]  # fmt: skip
    if card["equity"]:
        yield "For whom it fails", ["Outside the sample, as many chosen as are poor. Bias is predicted less true log welfare."], [
            {"by": r["by"], "group": r["group"], "households": r["households"], "poor": _p(r["poor_share"]), "bias": _f(r["bias"], 3),
             "left out": _p(r["exclusion_error"]), "wrongly in": _p(r["inclusion_error"])}
            for r in card["equity"]
        ]  # fmt: skip
    if card["comparison"]:
        yield "Beside other methods", ["Share of the poor who are left out when as many are chosen as are poor; same rows, variables and folds."], [
            {"method": r["method"] + (" (this one)" if r["is_fitted"] else ""), "R² in": _f(r["r2_in"], 3), "R² out": _f(r["r2_out"], 3)}
            | {f"{at} % {s}": _p(r[f"error_{at}_{s}"]) for at in (10, 20, 30) for s in ("in", "out")}
            for r in card["comparison"]
        ]  # fmt: skip
    if card["robustness"]:
        yield from _robustness(card["robustness"])
    yield "Known weaknesses", [f"- {line}" for line in card["weaknesses"]], []
    yield (
        "Signatures",
        [],
        [{"role": r["role"], "name": r["name"] or "…", "date": r["date"] or "…"} for r in card["signatures"]],
    )


def _robustness(found: Mapping[str, Any]) -> Iterable[Section]:
    if found["households"]:
        yield "With fewer households", ["Five draws of whole sampling units each, judged on all other households."], [
            {"households": r["households"], "R² out": _f(r["r2_out"], 3), "left out": _p(r["exclusion_error"]),
             "spread": _p(r["exclusion_error_spread"])}
            for r in found["households"]
        ]  # fmt: skip
    yield "With one variable less", ["By least squares and folds; the twelve that matter most."], [
        {"without": r["without"], "R² lost": _f(r["r2_lost"], 4), "more left out": _p(r["exclusion_error_added"])}
        for r in found["variables"][:12]
    ]  # fmt: skip
    age = found["age"]
    if age["measured"]:
        words = [
            f"Fitted on the earlier {age['households_earlier']:,} households by {age['by']}, the later {age['households_later']:,} have "
            f"an error of {_p(age['exclusion_error_by_earlier'])}, by folds {_p(age['exclusion_error_by_folds'])}; predictions are "
            f"off by {age['bias_by_earlier']:+.3f} in log welfare."
        ]
    else:
        words = [f"Not measured: {age['why']}."]
    yield "As the survey ages", words, []


def _error_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "poor": _p(row["poor_share"]), "line": f"{row['line']:,.0f}", "cut-off": row["mode"], "sample": row["sample"],
        "score": _f(row["cut_off_score"], 2), "chosen": _p(row["coverage"]),
        "left out": _p(row["exclusion_error"]), "± se": _p(row["exclusion_error_se"]),
        "wrongly in": _p(row["inclusion_error"]), "± se ": _p(row["inclusion_error_se"]), "AUC": _f(row["auc"], 3),
    }  # fmt: skip


def _f(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _p(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _markdown_table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    cell: Callable[[Any], str] = lambda value: str(value).replace("|", "\\|")  # noqa: E731
    lines = [f"| {' | '.join(map(cell, rows[0]))} |", f"|{'---|' * len(rows[0])}"]
    return [*lines, *(f"| {' | '.join(map(cell, row.values()))} |" for row in rows)]


def _plain_table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    table = [list(map(str, rows[0])), *(list(map(str, row.values())) for row in rows)]
    widths = [max(len(line[at]) for line in table) for at in range(len(table[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in table]


def _html(card: Mapping[str, Any], sections: Sequence[Section]) -> str:
    """Print a page of its own, without scripts, that reads on paper too."""
    parts = []
    for title, words, rows in sections:
        parts.append(f"<h2>{html.escape(title)}</h2>")
        if words and words[0].startswith("- "):
            parts.append("<ul>" + "".join(f"<li>{html.escape(word[2:])}</li>" for word in words) + "</ul>")
        else:
            parts += [f"<p>{html.escape(word)}</p>" for word in words]
        if rows:
            head = "".join(f'<th scope="col">{html.escape(str(name))}</th>' for name in rows[0])
            body = "".join(
                "<tr>" + "".join(f"<td>{html.escape(str(v))}</td>" for v in row.values()) + "</tr>" for row in rows
            )
            parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    style = "body{font:16px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse}td,th{border:1px solid #777;padding:.2rem .5rem;text-align:left}"
    name = html.escape(_name(card))
    return f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title><style>{style}</style></head><body><h1>{name}</h1>{"".join(parts)}</body></html>\n'
