"""Connect sources with their contracts, and say which programmes nobody delivers yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from khana.access import services as access
from khana.beneficiaries import selectors as beneficiaries
from khana.beneficiaries.services.sources import add_source
from khana.deliveries import services as deliveries
from khana.deliveries.contracts.loading import load_contract
from khana.programmes import selectors as programmes


def add(
    *,
    token: str,
    code: str,
    title: str,
    agency: str,
    programmes: Sequence[str],
    contract: str = "",
    frequency: str = "",
    is_kept_here: bool = False,
    at: datetime,
) -> dict[str, Any]:
    """Connect a source; a contract given as a YAML file is kept with it.

    Raises:
        ContractInvalid: The contract says something that cannot be followed.
        ContractUnknown: There is no kept contract of that code.
    """
    with access.scoped(token):
        kept = None
        if contract.endswith((".yaml", ".yml")):
            body = load_contract(Path(contract)).model_dump(mode="json", exclude_defaults=True)
            kept = deliveries.register_contract(body=body, at=at)
        elif contract:
            kept = deliveries.get_contract(code=contract)
        source = add_source(
            code=code,
            title=title,
            agency=agency,
            programmes=programmes,
            contract_code=kept.code if kept else "",
            frequency=frequency or (kept.body.get("due", "") if kept else ""),
            is_kept_here=is_kept_here,
            at=at,
        )
        return {
            "code": source.code,
            "agency": source.agency,
            "programmes": source.programmes,
            "contract": source.contract_code,
            "frequency": source.frequency,
        }


def onboarding(*, token: str, at: datetime) -> list[dict[str, Any]]:
    """Rank the programmes of the catalogue that no source delivers: cash and poverty-targeted ones first.

    Returns:
        One entry a programme: rank, code, name, agency, benefit_type, reason.
    """
    with access.scoped(token):
        connected = beneficiaries.connected_programmes()
        found = [p for p in programmes.list_programmes() if p.code not in connected]
    found.sort(
        key=lambda p: (not p.counts_to_cap, not p.poverty_targeted, not (p.requires or p.incompatible_with), p.code)
    )
    return [
        {
            "rank": number,
            "code": p.code,
            "name": p.name,
            "agency": p.agency,
            "benefit_type": p.benefit_type,
            "reason": _reason(p.counts_to_cap, p.poverty_targeted, bool(p.incompatible_with)),
        }
        for number, p in enumerate(found, start=1)
    ]


def _reason(counts: bool, targeted: bool, excludes: bool) -> str:
    parts = []
    if counts:
        parts.append("counts against the cap")
    if excludes:
        parts.append("excludes other programmes")
    if targeted:
        parts.append("'served by nothing' is not certain without it")
    return ", ".join(parts) or "completes the list of recipients"
