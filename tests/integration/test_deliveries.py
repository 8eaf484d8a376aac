"""A file that two people bring: the second is told so in words, and learns nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from khana.access import services as access
from khana.deliveries import services as deliveries
from khana.geo import services as geo

AT = datetime(2026, 6, 30, tzinfo=UTC)
BODY = {"code": "persons", "entity": "person", "agency": "", "file": {"format": "csv"}, "facts": {"name": "name"}}


def bring(token: str, path: Path) -> deliveries.KeptBatch:
    with access.scoped(token):
        contract = deliveries.register_contract(body=BODY, at=AT)
        return deliveries.keep_delivery(path=path, name=path.name, contract=contract, source_code="", agency="", at=AT)


def test_a_file_that_somebody_else_has_brought(tokens, tmp_path: Path) -> None:
    path = tmp_path / "persons.csv"
    path.write_text("name\nAmna\n")
    steward = tokens("data_steward")
    first = bring(steward, path)
    assert bring(steward, path) == first
    with access.scoped(steward):
        rows = [geo.AreaRow("PK", "P", 0, ""), geo.AreaRow("PK1", "A", 1, "PK")]
        geo.put_areas(country="pak", scheme="t", valid_from=date(2020, 1, 1), rows=rows)
    with pytest.raises(deliveries.DeliveryOfOthers) as refused:
        bring(tokens("registrar", area_code="PK1"), path)
    assert "data steward" in refused.value.message
    assert refused.value.exit_code == 12
