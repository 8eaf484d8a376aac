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
from khana.programmes import selectors as catalogue_rows
from khana_methods.overlap.onboarding import Candidate, rank_unconnected

REASONS = {
    "COUNTS_TO_CAP": "counts against the cap",
    "POVERTY_TARGETED": "'served by nothing' is not certain without it",
    "TIED_TO_OTHERS": "excludes or requires other programmes",
    "SIZE_KNOWN": "its size is known",
}


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
    """Rank the programmes of the catalogue that no source delivers, the ones that blur the answers most first.

    Returns:
        One entry a programme: rank, code, name, agency, benefit_type, reasons.
    """
    with access.scoped(token):
        connected = beneficiaries.connected_programmes()
        catalogue = {p.code: p for p in catalogue_rows.list_programmes()}
    candidates = [
        Candidate(p.code, p.counts_to_cap, p.poverty_targeted, is_tied=bool(p.requires or p.incompatible_with))
        for p in catalogue.values()
    ]
    return [
        {
            "rank": one.rank,
            "code": one.code,
            "name": catalogue[one.code].name,
            "agency": catalogue[one.code].agency,
            "benefit_type": catalogue[one.code].benefit_type,
            "reasons": [REASONS[code] for code in one.reasons],
        }
        for one in rank_unconnected(candidates, connected)
    ]
