"""The results framework in force: that of the country's pack, and the values that its rules may name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache

from khana.platform import installation
from khana_country.due import due_on, standard_of
from khana_country.load import load_pack, pack_folder
from khana_methods.coverage.framework import Framework, read_framework

# an appeal has a standard of its own where the country has one
STEPS_OF = {"STOP_APPEAL": ("appeal", "grievance"), "FILTER_APPEAL": ("appeal", "grievance")}


@cache
def framework_of(country: str) -> Framework:
    """Return the framework of a country's pack; read and checked once a process, for a page asks for it each time."""
    return read_framework(pack_folder(country) / "results_framework.yaml")


def country_in_use() -> str:
    """Return the country of this installation."""
    return str(installation.read().get("country", "pak"))


def parameters_on(country: str, day: date) -> dict[str, float]:
    """Return the values that rules may name, in force on a day: the installation's own before the pack's."""
    pack, stated = load_pack(country), installation.read().get("parameters", {})
    found: dict[str, float] = {}
    line = next((one for one in pack.lines if one.name == "poor" and one.max_score is not None), None)
    if line is not None and line.max_score is not None:
        found["cut_off"] = float(line.max_score)
    if "cut_off" in stated:
        found["cut_off"] = float(stated["cut_off"])
    found["cap"] = float(stated.get("cap", pack.cap(day).max_programmes))
    line_of_poverty = next((one for one in pack.figures if one.name == "poverty_line_month"), None)
    if line_of_poverty is not None:
        found["poverty_line"] = float(line_of_poverty.value)
    payment = standard_of(pack, ("payment",), day)
    if payment is not None:
        found["payment_days"] = float(payment.days)
    for name in ("poverty_line", "payment_days"):
        if name in stated:
            found[name] = float(stated[name])
    return found


def due_by(country: str) -> Callable[[str, date], date]:
    """Return by which day a case of a kind, received on a day, should be decided; one without a standard never comes due."""
    pack = load_pack(country)

    def due(kind: str, received: date) -> date:
        standard = standard_of(pack, STEPS_OF.get(kind, ("grievance",)), received)
        return date.max if standard is None else due_on(pack, standard, received)

    return due
