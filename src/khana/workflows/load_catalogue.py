"""Bring the catalogue of a country pack into the room that keeps programmes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from khana.access import services as access
from khana.programmes import services as programmes
from khana.programmes.services import quotas
from khana_country.load import load_document, load_pack


def run(*, token: str, country: str, on: date | None = None, at: datetime) -> dict[str, Any]:
    """Write every programme of a pack as it stands on that day, with quotas and exclusion filters; return how many of each."""
    with access.scoped(token):
        return put_pack(country, on or at.date(), at)


def put_pack(country: str, on: date, at: datetime) -> dict[str, Any]:
    """Write a pack's catalogue within the open scope."""
    counts = programmes.put_programmes(entries=pack_entries(country, on), at=at)
    running = {code for code, programme in load_pack(country).programmes.items() if programme.is_in_force(on)}
    counts["quotas"] = quotas.put_quotas(rows=[row for row in _quotas(country) if row["programme"] in running], at=at)
    counts["filters"] = quotas.put_filters(rows=_filters(country), at=at)
    return counts


def _rules(country: str) -> dict[str, dict[str, Any]]:
    """Return the pack's rules by code, days as texts, as the catalogue keeps them."""
    kept = {}
    for entry in load_document(country, "eligibility")["rules"]:
        versions = [
            {
                name: value.isoformat() if isinstance(value, date) else " ".join(str(value).split())
                for name, value in version.items()
            }
            for version in entry["versions"]
        ]
        kept[entry["code"]] = {
            **{name: value for name, value in entry.items() if name != "cases"},
            "versions": versions,
        }
    return kept


def _quotas(country: str) -> list[dict[str, Any]]:
    """Return the pack's quotas; the whole country has no code."""
    pack = load_pack(country)
    return [
        {
            "programme": code, "area": "" if quota.area == pack.iso_alpha2 else quota.area, "from": quota.valid_from,
            "places": quota.places, "source": quota.source,
        }
        for code, programme in pack.programmes.items() for quota in programme.quotas
    ]  # fmt: skip


def _filters(country: str) -> list[dict[str, Any]]:
    pack, known = load_pack(country), _rules(country)
    return [
        {"code": one.code, "name": one.meaning["en"], "names": dict(one.meaning), "agency": pack.programmes[one.programmes[0]].agency,
         "programmes": list(one.programmes), "rule": known[one.code], "reported": dict(one.hits), "source": one.source}
        for one in pack.exclusion_filters
    ]  # fmt: skip


def pack_entries(country: str, on: date) -> list[dict[str, Any]]:
    """Return the programmes of a pack that run on a day, in the fields of the catalogue."""
    pack = load_pack(country)
    running = {code for code, programme in pack.programmes.items() if programme.is_in_force(on)}
    known = _rules(country)
    entries = []
    for code in sorted(running):
        programme = pack.programmes[code]
        cut_off = pack.cut_off(code, on)
        entries.append(
            {
                "code": code,
                "name": programme.names["en"],
                "names": dict(programme.names),
                "agency": programme.agency,
                "benefit_type": programme.benefit_type,
                "counts_to_cap": programme.counts_to_cap,
                "min_age": programme.min_age,
                "max_age": programme.max_age,
                "min_age_female": programme.min_age_female,
                "sex": programme.sex,
                "max_score": None if cut_off is None else str(cut_off.max_score),
                "poverty_targeted": programme.poverty_targeted,
                "one_per_household": programme.one_per_household,
                "requires": programme.requires if programme.requires in running else "",
                "incompatible_with": [c for c in pack.incompatible_with(code, on) if c in running],
                "areas": list(programme.areas),
                "amounts": [
                    {
                        "from": a.valid_from.isoformat(),
                        "amount": str(a.amount),
                        "currency": a.currency,
                        "per": a.per,
                        "variant": a.variant,
                        "sex": a.sex,
                        "source": a.source,
                    }
                    for a in programme.amounts
                ],
                "rule": programme.rule,
                "target_group": programme.target_group,
                "source": programme.source,
                "unit": programme.unit,
                "frequency": programme.frequency,
                "owner": pack.agencies[programme.agency].owner["en"],
                "owner_names": dict(pack.agencies[programme.agency].owner),
                "budget_head": pack.agencies[programme.agency].budget_head["en"],
                "conditions": list(programme.conditions),
                "eligibility": known.get(code, {}),
                "valid_from": programme.valid_from,
                "valid_to": programme.valid_to,
            }
        )
    return entries
