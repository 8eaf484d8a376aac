"""By which day a complaint is to be answered: the country's own deadline, as `khana_country.due` counts it."""

from __future__ import annotations

from datetime import date, timedelta

from khana.platform import installation
from khana_country import due
from khana_country.load import load_pack

STEP = "grievance"
UNSTATED_DAYS = 30


def due_on(lodged: date) -> date:
    """Return the day by which a complaint of a day is to be answered in this installation's country."""
    pack = load_pack(str(installation.read().get("country", "pak")))
    standard = due.standard_of(pack, (STEP,), lodged)
    return lodged + timedelta(days=UNSTATED_DAYS) if standard is None else due.due_on(pack, standard, lodged)
