"""A survey held against the registry by the model of the linkage room: who is registered though no number finds her.

The model in use links a person of the survey as it links a row of a list: name, birth, family and place, under the thresholds that
two people approved. What comes back is households of the survey; pairs are not kept, because the survey is not.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from khana.linkage import records
from khana.linkage import selectors as linkage
from khana.platform.frames import open_source
from khana.platform.workplaces import workplace
from khana_methods.coverage.match_files import household_keys
from khana_methods.engine.duckdb import Engine
from khana_methods.matching.link import link_list
from khana_methods.matching.person_table import records_of
from khana_methods.surveys.tables import texts

MEMORY_MIB = 2048
_OWN = (
    "household_id",
    "line_no",
    "mobile",
)  # a survey's own codes are not the registry's; telephones stand as tokens there


def found_by_model(
    survey: pa.Table, columns: Mapping[str, str], *, household: str, country: str
) -> tuple[set[str], str] | None:
    """Return the households of a survey of which the model in use links somebody, and the model's version.

    Args:
        survey: n rows, a row a household or a person.
        columns: Fact to column of the survey; `name` at least.
        household: Column of the household; empty where a row is one.
        country: Of telephone numbers.

    Returns:
        None where no model is in use. The caller has opened a scope with `registry.read` for the whole country.
    """
    active = linkage.find_active_card()
    if active is None:
        return None
    card = active[1]
    plain = {fact: column.split("+")[0] for fact, column in columns.items() if fact not in _OWN}
    ours = pa.table({name: pc.fill_null(texts(survey, name), "") for name in survey.schema.names})
    listed = records_of(ours, plain, country=country)
    listed = listed.set_column(1, "side", pa.array(["LIST"] * ours.num_rows))
    listed = listed.set_column(0, "record_id", pa.array([f"S{row:012d}" for row in range(ours.num_rows)]))
    with workplace("scratch") as folder, Engine(memory_mib=MEMORY_MIB, folder=folder) as engine:
        with open_source() as source:
            records.read_registry(engine, source)
        records.no_rows(engine)
        records.open_numbers(engine)
        records.prepare_with_survey(engine, listed)
        link_list(engine, "person_record", card)
        rows = engine.rows(
            "SELECT l.record_id, r.record_id FROM decision d JOIN person_record l ON l.unique_id = d.left_id "
            "JOIN person_record r ON r.unique_id = d.right_id WHERE d.probability >= $link AND d.contradiction = ''",
            {"link": card.thresholds.link},
        )
    keys = household_keys(survey, household)
    of_survey = (one for pair in rows for one in map(str, pair) if one.startswith("S"))
    return {keys[int(one[1:])] for one in of_survey}, card.version
