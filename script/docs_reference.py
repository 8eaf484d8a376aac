#!/usr/bin/env python3
"""Write docs/reference/ from the data that runs: facts, finding codes, programmes of each country.

`--check` changes nothing and exits 1 when a page has drifted. Needs Khana's environment (PyYAML).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "src"))

from khana_country.load import list_countries, load_pack  # noqa: E402
from khana_country.pack import Programme  # noqa: E402
from khana_country.questionnaire import AskedIn, questions_by_fact  # noqa: E402
from khana_methods.overlap.finding_codes import load_finding_codes  # noqa: E402
from khana_methods.quality.check_list import load_checks  # noqa: E402
from khana_methods.rules.facts import load_facts  # noqa: E402

FOLDER = REPOSITORY / "docs" / "reference"
WRITTEN = "*Written by `script/docs_reference.py`; do not edit.*"


def facts_page() -> str:
    """Return the catalogue of facts, register by register."""
    catalogue = load_facts()
    asked = {country: questions_by_fact(country) for country in list_countries()}
    lines = ["# Facts", "", WRITTEN, "", "What a contract may map a column onto, and what rules may read.", ""]
    lines += [
        "*Good for*: months from the day it was stated after which it is asked again; nothing where no interview states it.",
        "*Missing*: what stands where nobody stated it; a rule that needs an unknown fact is unknown. *Question*: its name in",
        "the questionnaires that ask it; a fact without one comes from a contract alone.",
        "",
    ]
    for entity in catalogue.entities:
        head = "| fact | type | unit | per | question | good for | missing | meaning |"
        lines += [f"## {entity}", "", head, "|---|---|---|---|---|---|---|---|"]
        for fact in catalogue.of_entity(entity):
            codes = f" Codes: {', '.join(f'`{code}` {word}' for code, word in fact.codes.items())}."
            meaning = fact.meaning + (codes if fact.codes else "")
            months = "" if fact.good_for_months is None else f"{fact.good_for_months:g}"
            cells = (fact.type, fact.unit, fact.period, _asked(fact.name, asked), months, fact.missing_policy, meaning)
            lines.append(f"| `{fact.name}` | {' | '.join(cells)} |")
        lines.append("")
    lines += ["## How long facts are good", "", "| facts | months | source |", "|---|---|---|"]
    rules = {f"all others ({name})": rule for name, rule in catalogue.freshness.groups.items()}
    rules |= {f"`{name}`": rule for name, rule in catalogue.freshness.facts.items()}
    lines += [f"| {name} | {rule.months:g} | ({rule.mark}) {rule.source} |" for name, rule in rules.items()]
    return "\n".join([*lines, ""])


def _asked(fact: str, asked: Mapping[str, Mapping[str, tuple[AskedIn, ...]]]) -> str:
    """Name the questions of a fact, with the country where not every one asks it."""
    where: dict[str, list[str]] = {}
    for country, questions in asked.items():
        for question in questions.get(fact, ()):
            where.setdefault(question.name, []).append(country)
    return ", ".join(f"`{n}`" + ("" if len(c) == len(asked) else f" ({', '.join(c)})") for n, c in where.items())


def findings_page() -> str:
    """Return the vocabulary of findings in English."""
    lines = [
        "# Finding codes",
        "",
        WRITTEN,
        "",
        "A finding is data about one row of a list. REFUSE: do not pay before it",
    ]
    lines[-1] += " is settled. WARN: look at it. NOTE: harmless alone."
    lines += ["", "| code | severity | of | meaning | what to do |", "|---|---|---|---|---|"]
    for code in load_finding_codes().values():
        words = (code.meaning["en"], code.what_to_do["en"])
        lines.append(f"| `{code.code}` | {code.severity} | {', '.join(code.roles)} | {' | '.join(words)} |")
    return "\n".join([*lines, ""])


def checks_page() -> str:
    """Return the checks of a roster in English."""
    lines = [
        "# Checks of a roster",
        "",
        WRITTEN,
        "",
        "What `khana checks run` looks for. REFUSE: cannot be registered so.",
    ]
    lines[-1] += " WARN: ask again. NOTE: good to know. Marks as in the programmes' pages."
    lines += ["", "| code | severity | says | condition | reason may set aside | source |", "|---|---|---|---|---|---|"]
    for check in load_checks().values():
        numbers = ", ".join(f"{key} {value}" for key, value in check.numbers.items())
        said = (
            f"`{check.rule.text}`" if check.rule is not None else f"{check.method.replace('_', ' ')} {numbers}".strip()
        )
        waived = "yes" if check.can_be_waived else "no"
        cells = (f"`{check.code}`", check.severity, check.text["en"], said, waived, f"({check.mark}) {check.source}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def programmes_page(country: str) -> str:
    """Return the catalogue of one country with amounts, cut-offs, exclusions and sources."""
    pack = load_pack(country)
    lines = [f"# Programmes of {pack.names['en']}", "", WRITTEN, ""]
    lines += [
        "Marks: V primary document, N official site or press, U unofficial, G general knowledge, A assumption.",
        "",
    ]
    for programme in pack.programmes.values():
        lines += [f"## {programme.code} {programme.names['en']}", "", programme.rule, ""]
        lines += ["| | |", "|---|---|"]
        lines += [f"| {label} | {value} |" for label, value in _programme_rows(programme, country) if value]
        lines.append("")
    lines += ["## Cap", ""]
    for rule in pack.cap_rules:
        counted = ", ".join(str(kind) for kind in sorted(rule.counts))
        lines.append(
            f"From {rule.valid_from}: at most {rule.max_programmes} programmes of benefit type {counted} for one "
            f"{rule.per}. Source ({rule.mark}): {rule.source}"
        )
    return "\n".join([*lines, ""])


def _programme_rows(programme: Programme, country: str) -> list[tuple[str, str]]:
    pack = load_pack(country)
    ages = f"{programme.min_age or ''}-{programme.max_age or ''}".strip("-")
    if programme.min_age and not programme.max_age:
        ages = f"{programme.min_age} and older"
    if programme.min_age_female:
        ages += f" (women {programme.min_age_female} and older)"
    names = ", ".join(name for language, name in programme.names.items() if language != "en")
    amounts = "; ".join(
        " ".join(
            str(part)
            for part in (
                f"{amount.valid_from}:",
                amount.currency,
                f"{amount.amount:,}",
                "once" if amount.per == "once" else f"a {amount.per}",
                programme.variants.get(amount.variant, ""),
                {"M": "boy", "F": "girl"}.get(amount.sex, ""),
            )
            if part
        )
        for amount in programme.amounts
    )
    cuts = "; ".join(
        f"{cut.valid_from}: {cut.max_score} {cut.when.replace('_', ' ')}".strip()
        for cut in pack.cut_offs
        if cut.programme == programme.code
    )
    pairs = ", ".join(
        other
        for pair in pack.exclusion_pairs
        if programme.code in pair.programmes
        for other in pair.programmes
        if other != programme.code
    )
    return [
        ("name", names),
        ("agency", pack.agencies[programme.agency].names["en"]),
        ("benefit", f"{programme.kind} ({programme.benefit_type}), {programme.frequency}, to a {programme.unit}"),
        ("counts to the cap", "yes" if programme.counts_to_cap else "no"),
        ("ages", ages),
        ("sex", programme.sex),
        ("score at most", cuts),
        ("requires", programme.requires),
        ("not together with", pairs),
        ("areas", ", ".join(programme.areas)),
        ("amounts", amounts or programme.no_amount),
        ("source", f"({programme.mark}) {programme.source}"),
    ]


def pages() -> dict[Path, str]:
    """Return every page with its text."""
    found = {FOLDER / "facts.md": facts_page(), FOLDER / "finding-codes.md": findings_page()}
    found[FOLDER / "roster-checks.md"] = checks_page()
    return found | {FOLDER / f"programmes-{c}.md": programmes_page(c) for c in list_countries()}


def main() -> int:
    """Write the pages, or with `--check` tell which have drifted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 on drift")
    check = parser.parse_args().check
    drifted = [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in drifted:
        if check:
            print(f"{path.relative_to(REPOSITORY)} has drifted. Run script/docs_reference.py.", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(pages()[path], encoding="utf-8")
    return 1 if check and drifted else 0


if __name__ == "__main__":
    raise SystemExit(main())
