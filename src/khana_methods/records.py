"""The vocabulary of the methods: frame schemas shared by more than one of them.

A frame is an Arrow table whose name ends in `_frame`; the first line above each schema says
what one row is. Tokens are 32-byte HMACs of canonical numbers and are compared for equality
only. `FRAMES` lists all by name: a caller may send a frame with fewer optional rows, never
with other columns.
"""

from __future__ import annotations

import pyarrow as pa


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in columns.items()])


# One row of one ministry's list. `id_state` is OK, MISSING or MALFORMED; `payee_id_state` is ''
# where the payee is the beneficiary. Tokens are null unless the state is OK. `area_code` may be ''.
# `id_year_prefix_number`: first four digits of a 17-digit number, null otherwise.
benefit_frame = _schema(
    benefit_id=pa.int64(),
    source=pa.string(),
    agency=pa.string(),
    programme=pa.string(),
    period=pa.string(),
    period_start=pa.date32(),
    period_end=pa.date32(),
    area_code=pa.string(),
    id_state=pa.string(),
    id_type=pa.string(),
    id_token=pa.binary(),
    birth_year=pa.int32(),
    birth_month=pa.int32(),
    birth_day=pa.int32(),
    sex=pa.string(),
    payee_id_state=pa.string(),
    payee_token=pa.binary(),
    mobile_token=pa.binary(),
    account_token=pa.binary(),
    amount=pa.float64(),
    id_year_prefix_number=pa.int32(),
)

# One number claimed by one registered person: verified, claimed and disputed claims alike, so one
# token may stand on several rows. The lowest `person_id` is taken as the holder.
identifier_frame = _schema(
    token=pa.binary(),
    person_id=pa.int64(),
    household_id=pa.int64(),
    household_number=pa.string(),
    line_no=pa.int32(),
    area_code=pa.string(),
)

# One registered person. Birth parts are null from the right. `marital` in SPDCI's letters.
person_frame = _schema(
    person_id=pa.int64(),
    household_id=pa.int64(),
    sex=pa.string(),
    birth_year=pa.int32(),
    birth_month=pa.int32(),
    birth_day=pa.int32(),
    marital=pa.string(),
    is_member=pa.bool_(),
    pregnant=pa.bool_(),
    disability=pa.bool_(),
    family_no=pa.int32(),
)

# One registered household. `members`: persons counted as members.
household_frame = _schema(
    household_id=pa.int64(),
    household_number=pa.string(),
    area_code=pa.string(),
    members=pa.int32(),
)

# One household's poverty score in force: 0 poorest to 100.
score_frame = _schema(household_id=pa.int64(), score=pa.float64())

# One number that the identity authority issued. `year_prefix`: year that stands before a 13-digit number.
national_id_frame = _schema(
    token=pa.binary(),
    birth_date=pa.date32(),
    status=pa.string(),
    death_date=pa.date32(),
    sex=pa.string(),
    spouse_token=pa.binary(),
    type=pa.string(),
    year_prefix=pa.int32(),
)

# One number known to the population register.
resident_frame = _schema(token=pa.binary())

# One mobile number and the identifier that it is registered to.
sim_frame = _schema(mobile_token=pa.binary(), id_token=pa.binary())

# One public employee (SERVING) or pensioner (PENSIONER).
employee_frame = _schema(id_token=pa.binary(), status=pa.string())

# One recorded exit of one person from one programme.
exit_frame = _schema(
    programme=pa.string(),
    id_token=pa.binary(),
    exit_date=pa.date32(),
    exit_reason=pa.string(),
)

# One benefit that a rule between programmes has stopped, by the number of whom it was paid to.
stop_frame = _schema(programme=pa.string(), id_token=pa.binary(), stop_date=pa.date32(), rule=pa.string())

# One programme of the catalogue. Ages in completed years, inclusive; `max_score` null: no cut-off of
# its own; `requires` '' or a programme code; empty `areas`: everywhere.
programme_frame = _schema(
    code=pa.string(),
    agency=pa.string(),
    benefit_type=pa.int32(),
    counts_to_cap=pa.bool_(),
    min_age=pa.int32(),
    max_age=pa.int32(),
    min_age_female=pa.int32(),
    sex=pa.string(),
    max_score=pa.float64(),
    poverty_targeted=pa.bool_(),
    one_per_household=pa.bool_(),
    requires=pa.string(),
    incompatible_with=pa.list_(pa.string()),
    areas=pa.list_(pa.string()),
)

# One area with its parent ('' at the top). Optional: without it an area lies under every shorter code
# that it starts with.
area_frame = _schema(area_code=pa.string(), parent_code=pa.string(), level=pa.int32())

FRAMES: dict[str, pa.Schema] = {
    "benefit_frame": benefit_frame,
    "identifier_frame": identifier_frame,
    "person_frame": person_frame,
    "household_frame": household_frame,
    "score_frame": score_frame,
    "national_id_frame": national_id_frame,
    "resident_frame": resident_frame,
    "sim_frame": sim_frame,
    "employee_frame": employee_frame,
    "exit_frame": exit_frame,
    "stop_frame": stop_frame,
    "programme_frame": programme_frame,
    "area_frame": area_frame,
}
