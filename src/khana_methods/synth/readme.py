"""The page that goes with a made-up country: what each file is, and what the words of its truth mean."""

from __future__ import annotations

from pathlib import Path

from khana_methods.synth.population import WORLD_DATE
from khana_methods.synth.programmes import CASH_CAP, LISTS, ListFile

_SHAPES = {
    "pipe": "text, `|` between cells, UTF-8; stray foreign bytes, header repeated, blank and TOTAL lines",
    "utf16": "text, `;` between cells, UTF-16 with byte-order mark; one row a child, the mother's number beside",
    "native": "text, commas, UTF-8 with byte-order mark; native headers and names, a third of the rows in native digits",
    "jsonl": "JSON lines; the holder nested in most rows, flat in some, the number as text or bare",
    "cp1252": "text, commas, cp1252; titles above the header, TOTAL below",
    "xlsx": "workbook, a sheet a province; titles, merged two-line header, merged districts, subtotals, a note",
    "parquet": "Parquet; area codes instead of names",
}
_PAGE = """# A made-up country ({country}, {households} households, seed {seed})

Nobody in it lives. Names are common ones put together by chance; places are invented; numbers are of a kind that no
authority issues, telephones of ranges that no operator holds, banks do not exist. World date {world}. The same country,
size and seed give the same bytes.

    khana sample load sample.yaml --data .

## What the authorities and ministries hold

`areas.csv`, `areas.geojson`: areas and outlines, and one file of outlines a level. `households.csv`, `persons.csv`,
`scores.csv`: the household register; some people and households stand in it twice. `residents.csv`: the population
register, also of people in no household. `national_id.csv`: the identity authority, 97 % of numbers issued; about a
fifth of recent deaths have not reached it. `mobiles.csv`: telephones and the numbers they are registered to.
`employees.csv`: public payrolls and pensions. `exits.csv`: recorded exits. `programmes.csv`, `programme_areas.csv`.

| list | programmes | periods | shape |
|---|---|---|---|
{lists}

## What is true: `truth/`

Persons carry a key: P on a form, X real but on none, N born after the interview, D dead before it, G invented by a clerk.
`list_rows.csv` has every data row of every list with its codes; `non_data_lines.csv` every other line; `planted.csv` one
line a row and reason with role, detail and group; `person_keys.csv` who stands on which line of which form, and the slips;
`cap.csv` payees at the cap of {cap} cash programmes or over it; `household_truth.csv` and `unserved.csv` what households
receive, truly and as numbers show it; `deaths.csv` deaths, and which of them the identity authority shows.

Codes come from the true world after everything was typed. A detail ends in a mark where more than one row or file
decides: `by_number` (exact matching shows it), `by_name_only` (true, but numbers do not show it),
`denied_by_name_only` (numbers show it, the true people deny it; never in `list_rows.csv`),
`register_does_not_show` (the files cannot settle it). Score the last three neither way.

* `line` is the physical line on which a row begins, the row of a sheet, or the number of a Parquet row, all from 1.
* Refused rows (ROW_MALFORMED) carry no other code and count in no other row's.
* DUP_NID, DUP_PERSON, DUP_HOUSEHOLD, DUP_MOBILE and DUP_ACCOUNT look at one programme and period.
* Cap, conflicts, prerequisites, employees and pensioners go by the payee; all periods of a list count together.
* DUP_MOBILE and DUP_ACCOUNT need payees of two households; a household is known from the payee's number in `persons.csv`.
* MOBILE_NOT_REGISTERED_TO_NID and NID_HAS_NO_SIM are asked where a row states a mobile and its payee's number is in
  `national_id.csv`; they and the two HOUSEHOLD codes stand in `list_rows.csv` only.
* WELL_OFF is true consumption in the richest fifth; the score shows it where it is over its own 80th percentile.
* A 17-digit NID and its last 13 digits are one number; NID_YEAR_PREFIX marks a known 13 with another year before them.
* GRADUATED_STILL_LISTED and DECEASED compare with the first day of the period.
"""


def write_readme(country: str, households: int, seed: int, out: Path) -> None:
    """Write ``README.md`` into the country's folder."""
    page = _PAGE.format(
        country=country,
        households=households,
        seed=seed,
        world=WORLD_DATE.isoformat(),
        cap=CASH_CAP,
        lists="\n".join(_line(item) for item in LISTS[country]),
    )
    (out / "README.md").write_text(page, encoding="utf-8")


def _line(item: ListFile) -> str:
    periods = ", ".join(p.code for p in item.periods)
    return f"| {item.name} | {' '.join(item.programmes)} | {periods} | {_SHAPES[item.shape]} |"
