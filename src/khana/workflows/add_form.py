"""Add a questionnaire: read, checked by ODK Validate, held against the models and rules in use, kept as a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from khana.access import services as access
from khana.intake import lists
from khana.intake.services import forms
from khana.intake.xlsform.read import FormInvalid, read_xlsform
from khana.intake.xlsform.validate import check_xform
from khana.intake.xlsform.write import workbook_bytes
from khana.platform import installation
from khana.workflows import facts_in_use
from khana_country.questionnaire import load_questionnaire
from khana_methods.yaml_text import read_yaml


def run(
    *,
    token: str,
    data: bytes,
    name: str,
    valid_from: date,
    mapping: Mapping[str, Any] | None = None,
    let_go: Mapping[str, str] | None = None,
    at: datetime,
) -> dict[str, Any]:
    """Add one version of a form.

    Args:
        token: In whose name.
        data: The workbook.
        name: The name it came with.
        valid_from: The first day on which it is to be filled.
        mapping: Question -> fact, where the workbook has no column `fact`.
        let_go: Fact -> why it is no longer asked, for facts in use.
        at: When.

    Returns:
        form, version, state, questions, languages, facts, checked_by, warnings, dropped.

    Raises:
        FormInvalid, FormRefusedByValidate: It cannot be used; the sentence says where.
        FormDropsFacts: It would let go in silence what models or rules read.
    """
    with access.scoped(token):  # who may not is told so before the long checks
        access.require("forms.write")
    definition = read_xlsform(data, name=name, mapping=mapping)
    checked_by = check_xform(definition.xform)
    uses = facts_in_use.run(country=installation.read().get("country", "pak"))
    with access.scoped(token):
        added = forms.add_version(
            definition=definition, source=data, name=name, valid_from=valid_from, checked_by=checked_by, uses=uses,
            let_go=let_go or {}, at=at,
        )  # fmt: skip
    return {
        "form": added.code,
        "version": added.version,
        "state": added.state if added.is_new else "UNCHANGED",
        "valid_from": valid_from,
        "questions": definition.asked(),
        "languages": list(definition.languages),
        "facts": len(definition.facts()),
        "checked_by": checked_by,
        "warnings": [*definition.warnings, *_not_carried(definition.media)],
        "dropped": list(added.dropped),
    }


def _not_carried(media: Sequence[str]) -> list[str]:
    """Say which lists and pictures of its own a form asks for that phones will not get from here."""
    own = sorted(set(media) - {lists.HOUSEHOLDS, lists.AREAS})
    said = (
        "The form asks for {}, which is not kept here: phones open it without. Put such a list on the sheet 'choices'."
    )
    return [said.format(", ".join(own))] if own else []


def of_country(country: str) -> tuple[bytes, str]:
    """Return the questionnaire of a country pack as a workbook, and its name."""
    questionnaire = load_questionnaire(country)
    return workbook_bytes(questionnaire), f"{questionnaire.form_id}.xlsx"


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a file question -> fact.

    Raises:
        FormInvalid: It is no such file.
    """
    try:
        found = read_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FormInvalid("The mapping is no YAML file of question: fact.") from error
    if not isinstance(found, dict):
        raise FormInvalid("The mapping is no YAML file of question: fact.")
    return found
