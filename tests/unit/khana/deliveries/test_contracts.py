"""Contracts and manifests: what is misspelt is told with the place and the nearest that exists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from khana.deliveries.contracts.loading import (
    ContractInvalid,
    DocumentMissing,
    ManifestInvalid,
    contract_json_schema,
    load_contract,
    load_manifest,
    manifest_json_schema,
    parse_contract,
)

REPOSITORY = Path(__file__).resolve().parents[4]
SAMPLE = REPOSITORY / "tests" / "data" / "pk-sample"
BODY: dict[str, Any] = {
    "code": "t",
    "entity": "benefit",
    "file": {"format": "csv"},
    "facts": {"beneficiary_name": "Name"},
}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"entty": "benefit"}, "did you mean 'entity'"),
        ({"file": {"format": "csv", "delimeter": ";"}}, "did you mean 'delimiter'"),
        ({"facts": {"beneficiary_nam": "Name"}}, "beneficiary_name"),
        ({"facts": {"score": "Score"}}, "belongs to score"),
        ({"facts": {"amount": "Rs"}}, "beneficiary_id_number or beneficiary_name"),
        ({"facts": {"beneficiary_name": {"column": "A", "constant": "B"}}}, "exactly one of"),
        ({"file": {"format": "csv", "encoding": "utf-88"}}, "utf-88"),
        ({"file": {"format": "csv", "delimiter": "::"}}, "one character"),
        ({"file": {"format": "xls"}}, "xlsx"),
        ({"blocks": ["("]}, "no regular expression"),
        ({"blocks": ["(?P<distict_name>.*)"]}, "district_name"),
        ({"carry_down": ["district_name"]}, "which no column gives"),
        ({"code": "a b"}, "code"),
    ],
)
def test_mistakes_are_told_with_what_to_do(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ContractInvalid) as caught:
        parse_contract({**BODY, **change})
    assert told in caught.value.message


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ContractInvalid) as caught:
        parse_contract({**BODY, "entty": 1, "carrydown": 2})
    assert len(caught.value.details["problems"]) == 2


def test_no_yaml_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("code: [", encoding="utf-8")
    with pytest.raises(ContractInvalid, match="no YAML"):
        load_contract(tmp_path / "c.yaml")
    with pytest.raises(DocumentMissing):
        load_contract(tmp_path / "d.yaml")
    with pytest.raises(ContractInvalid, match="mapping"):
        parse_contract("text")


def test_short_forms_mean_the_same() -> None:
    short = parse_contract({**BODY, "facts": {"beneficiary_name": "Name|Full name", "programme": {"constant": 7}}})
    assert short.facts["beneficiary_name"].column == ("Name", "Full name")
    assert short.facts["programme"].constant == "7"


def test_a_contract_survives_the_database() -> None:
    for path in (SAMPLE / "contracts").glob("*.yaml"):
        contract = load_contract(path)
        assert parse_contract(contract.model_dump(mode="json", exclude_defaults=True)) == contract


def test_the_sample_manifest_names_files_that_exist() -> None:
    manifest = load_manifest(SAMPLE / "sample.yaml")
    assert [source.code for source in manifest.sources] == ["KFL", "NSH", "TLW", "ZKT-PBM", "RTN", "PWP"]
    contracts = [entry.contract for entry in (*manifest.registers, *manifest.sources)]
    assert all((SAMPLE / contract).is_file() for contract in contracts)


def test_a_source_twice_is_refused(tmp_path: Path) -> None:
    source = "{code: A, title: A, agency: A, programmes: [A], file: a.csv, contract: a.yaml}"
    (tmp_path / "m.yaml").write_text(f"country: pak\nworld_date: 2026-06-30\nsources: [{source}, {source}]\n")
    with pytest.raises(ManifestInvalid, match="twice"):
        load_manifest(tmp_path / "m.yaml")


def test_the_schemas_are_schemas() -> None:
    assert "facts" in contract_json_schema()["properties"]
    assert contract_json_schema()["additionalProperties"] is False
    assert "sources" in manifest_json_schema()["properties"]
