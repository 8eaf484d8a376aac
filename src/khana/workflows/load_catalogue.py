"""Bring the catalogue of a country pack into the room that keeps programmes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from khana.access import services as access
from khana.programmes import services as programmes
from khana_country.load import load_pack


def run(*, token: str, country: str, at: datetime) -> dict[str, Any]:
    """Write every programme of a pack as it stands on that day; return how many."""
    with access.scoped(token):
        return programmes.put_programmes(entries=pack_entries(country, at.date()), at=at)


def pack_entries(country: str, on: date) -> list[dict[str, Any]]:
    """Return the programmes of a pack that run on a day, in the fields of the catalogue."""
    pack = load_pack(country)
    running = {code for code, programme in pack.programmes.items() if programme.is_in_force(on)}
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
            }
        )
    return entries
