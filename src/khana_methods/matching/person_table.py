"""Any table of persons in, pairs out: the same model on a file, without a registry.

The caller says which column holds which fact; several columns may make one fact (`name=given+surname`).
Pairs are written in the columns that an evaluation reads, so that a truth file has the same shape.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.matching.blocking import BlockPoisoned, PassCount
from khana_methods.matching.evaluate import Quality, quality
from khana_methods.matching.link import find_duplicates
from khana_methods.matching.model import ModelCard
from khana_methods.matching.passes import FEW, PASSES, PASSES_OF_FEW, BlockingPass
from khana_methods.matching.prepare import linkage_frame, prepare
from khana_methods.matching.train import train
from khana_methods.standardise.dates import DateColumns, date_columns
from khana_methods.standardise.digits import ascii_digits, convert_unique
from khana_methods.standardise.phones import mobile_column

_FEWEST = 20  # rows of a table: with fewer there is nothing to learn from
_YEAR = re.compile(r"(?<!\d)(?:18[5-9]|19\d|20\d)\d(?!\d)")
FACTS = (
    "name", "native_name", "guardian_name", "sex", "birth_date", "id_number", "mobile_number", "district", "tehsil",
    "household_id", "line_no",
)  # fmt: skip
_PLACE = ("source", "file", "sheet", "line", "household_id", "line_no")
PAIR_COLUMNS = (
    *(f"left_{part}" for part in _PLACE), *(f"right_{part}" for part in _PLACE),
    "match_weight", "probability", "decision", "cluster",
)  # fmt: skip


class ColumnUnknown(InputError):
    """A named fact or column does not exist."""

    code: ClassVar[str] = "matching.column_unknown"


class PairsUnreadable(InputError):
    """A file of pairs lacks the columns that say which records it means."""

    code: ClassVar[str] = "matching.pairs_unreadable"


def records_of(table: pa.Table, columns: Mapping[str, str], *, country: str = "pak", order: str = "dmy") -> pa.Table:
    """Bring a table of persons into the shape of `linkage_frame`.

    Args:
        table: n rows of texts.
        columns: Fact to column, or to several with + between.
        country: Whose telephone numbers need no prefix.
        order: Order of day, month and year where the text does not show it.

    Returns:
        n records; `record_id` is the row's number from 1, in ten digits.

    Raises:
        ColumnUnknown: A fact or a column does not exist, or no column holds the name.
    """
    wrong = sorted(set(columns) - set(FACTS)) + sorted(
        {part for said in columns.values() for part in said.split("+")} - set(table.schema.names)
    )
    if wrong or "name" not in columns:
        raise ColumnUnknown(
            f"Say name=COLUMN at least; facts are {', '.join(FACTS)}, columns those of the file.", unknown=wrong
        )
    blank = pa.array([""] * table.num_rows, pa.string())

    def fact(name: str) -> pa.Array:
        if name not in columns:
            return blank
        parts = [table.column(part).combine_chunks() for part in columns[name].split("+")]
        return pc.utf8_trim_whitespace(pc.binary_join_element_wise(*parts, " ")) if len(parts) > 1 else parts[0]

    birth = date_columns(fact("birth_date"), order)
    mobiles = pc.fill_null(mobile_column(fact("mobile_number"), country, {}).column("number"), "")
    lists = pa.array([[]] * table.num_rows, pa.list_(pa.string()))
    made = {
        "record_id": pa.array([f"{row:010d}" for row in range(1, table.num_rows + 1)], pa.string()),
        "side": pa.array(["REGISTRY"] * table.num_rows, pa.string()),
        "household_id": fact("household_id"),
        "name": fact("name"),
        "native_name": fact("native_name"),
        "guardian_name": fact("guardian_name"),
        "guardian_kind": blank,
        "sex": pa.array(convert_unique(fact("sex"), _sex, {}), pa.string()),
        "birth_year": _years(birth, fact("birth_date")),
        "birth_month": birth.month.cast(pa.int32()),
        "birth_day": birth.day.cast(pa.int32()),
        "number": pa.array(convert_unique(fact("id_number"), _digits, {}), pa.string()),
        "mobile": mobiles,
        "household_mobile": blank,
        "district_code": fact("district"),
        "tehsil_code": fact("tehsil"),
        "kin_names": lists,
        "kin_numbers": lists,
    }
    return pa.table([made[name] for name in linkage_frame.names], schema=linkage_frame)


def _digits(text: str) -> str:
    return "".join(character for character in ascii_digits(text).removesuffix(".0") if character.isdigit())


def _learned(engine: Engine, passes: tuple[BlockingPass, ...]) -> ModelCard:
    """Train on `person_record`; a pass that is beside the others is left out where one name alone is borne by thousands."""
    try:
        return train(engine, "person_record", "plain_record", version="draft", passes=passes, fewest=_FEWEST).card
    except BlockPoisoned as error:
        fewer = tuple(one for one in passes if one.code != error.details["blocking_pass"] or one in PASSES)
        if len(fewer) == len(passes):
            raise
    return _learned(engine, fewer)


def _years(birth: DateColumns, texts: pa.Array) -> pa.Array:
    """Take the year of a date whose day and month cannot be read as they stand (01/21/1944), where it states just one."""
    years = birth.year.to_pylist()
    for row in birth.unreadable:
        stated = _YEAR.findall(ascii_digits(texts[row].as_py()))
        years[row] = int(stated[0]) if len(stated) == 1 else None
    return pa.array(years, pa.int32())


def _sex(text: str) -> str:
    return {"1": "M", "2": "F", "3": "O"}.get(text.strip(), text.strip()[:1].upper())


def dedupe(
    engine: Engine, table: pa.Table, columns: Mapping[str, str], *, file: str, country: str = "pak", order: str = "dmy"
) -> tuple[pa.Table, ModelCard, list[PassCount]]:
    """Train on a table of persons and find who stands in it twice.

    Args:
        engine: Where the work is done.
        table: n rows of texts, as `engine.files.read_texts` gives them.
        columns: As in `records_of`.
        file: Name written as `left_file` and `right_file`.
        country: As in `records_of`.
        order: As in `records_of`.

    Returns:
        Pairs linked or to be reviewed, with `PAIR_COLUMNS`, strongest first; `line` counts a header as line 1 and holds
        where no cell spans lines. The card, a draft. What the passes cost.
    """
    records = records_of(table, columns, country=country, order=order)
    prepare(engine, records, plain="plain_record")
    card = _learned(engine, PASSES_OF_FEW if table.num_rows <= FEW else PASSES)
    _, counts = find_duplicates(engine, "person_record", card)
    texts = pa.table(
        {
            "unique_id": pa.array(range(1, table.num_rows + 1), pa.int64()),
            "household_id": records.column("household_id"),
            "line_no": table.column(columns["line_no"]) if "line_no" in columns else [""] * table.num_rows,
        }
    )
    engine.register("told", texts)
    sides = ", ".join(
        f"'' AS {side}_source, $file AS {side}_file, '' AS {side}_sheet, ({side}.unique_id + 1)::VARCHAR AS {side}_line, "
        f"{side}.household_id AS {side}_household_id, {side}.line_no AS {side}_line_no"
        for side in ("left", "right")
    ).replace("left.", "l.").replace("right.", "r.")  # fmt: skip
    pairs = engine.table(
        f"SELECT {sides}, d.match_weight, d.probability, d.decision, coalesce((d.cluster + 1)::VARCHAR, '') AS cluster "
        "FROM decision d JOIN told l ON l.unique_id = d.left_id JOIN told r ON r.unique_id = d.right_id "
        "ORDER BY d.match_weight DESC, d.left_id, d.right_id",
        {"file": file},
    )
    engine.drop("told")
    return pairs, card, counts


class TruthUnknown(InputError):
    """The truth names records that nobody has: it belongs to another file, and a figure from it would be wrong."""

    code: ClassVar[str] = "matching.truth_unknown"


def judge(pairs: pa.Table, truth: pa.Table, *, records: pa.Table | None = None) -> Quality:
    """Hold pairs (those decided LINK, where they say) against true pairs.

    Records are told by household and line number where both files state them, by source, file, sheet and line otherwise.

    Args:
        pairs: Pairs found, with `PAIR_COLUMNS`.
        truth: True pairs, with the columns that say which records are meant.
        records: Every record that was matched, `household_id` and `line_no`, or `file`, `sheet` and `line`; the truth may name
            no others. None does not look.

    Raises:
        PairsUnreadable: Neither is there on both sides.
        TruthUnknown: The truth names records that are not among `records`, or a record with itself.
    """
    people = [f"{side}_{part}" for side in ("left", "right") for part in ("household_id", "line_no")]
    places = [f"{side}_{part}" for side in ("left", "right") for part in ("file", "sheet", "line")]
    for wanted in (people, places):
        if all(_says(one, wanted) for one in (pairs, truth)):
            break
    else:
        raise PairsUnreadable(f"Both files need {', '.join(people)}, or {', '.join(places)}.")
    true = _named(truth, wanted)
    _refuse_unknown(true, records, [column.removeprefix("left_") for column in wanted[: len(wanted) // 2]])
    if "decision" in pairs.schema.names:
        pairs = pairs.filter(pc.is_in(pairs.column("decision"), pa.array(["LINK", "LINKED"])))
    return quality(_named(pairs, wanted), true)


def _refuse_unknown(true: list[tuple[str, str]], records: pa.Table | None, columns: list[str]) -> None:
    """Refuse a truth that means other records; the message counts and gives the first line, never the ids."""
    known = None
    if records is not None and set(columns) <= set(records.schema.names):
        rows = zip(*(records.column(name).cast(pa.string()).to_pylist() for name in columns), strict=True)
        known = {"|".join(row) for row in rows}
    wrong = [
        place
        for place, (left, right) in enumerate(true, 2)
        if left == right or (known is not None and not {left, right} <= known)
    ]
    if wrong:
        raise TruthUnknown(
            f"{len(wrong)} of {len(true)} pairs of the truth name a record that is not there, or one with itself; the first "
            f"is on line {wrong[0]}. Send the truth of this file.",
            pairs=len(wrong),
            line=wrong[0],
        )


def _says(table: pa.Table, columns: list[str]) -> bool:
    if not set(columns) <= set(table.schema.names):
        return False
    last = columns[len(columns) // 2 - 1]
    return table.num_rows == 0 or bool(pc.any(pc.not_equal(table.column(last).cast(pa.string()), "")).as_py())


def _named(table: pa.Table, columns: list[str]) -> list[tuple[str, str]]:
    half = len(columns) // 2
    rows = zip(*(table.column(name).cast(pa.string()).to_pylist() for name in columns), strict=True)
    return [("|".join(row[:half]), "|".join(row[half:])) for row in rows]
