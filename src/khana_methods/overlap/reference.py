"""The consolidation as its definitions read, in plain Python: slow, obvious, for small frames.

Rows are dictionaries with the columns of `khana_methods.records`. Nothing is shared with the SQL
but the words, so that a property test may hold the two equal. Never call it on a country.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from khana_methods.overlap.parameters import Parameters
from khana_methods.overlap.reference_rules import (
    age_range,
    area_lies_in,
    birth_of,
    eligible_codes,
    is_out_of_range,
    quantile,
)

Row = Mapping[str, Any]
Found = tuple[int, str, str, str, int | None, int | None]


@dataclass
class Party:
    """One list row with the people that its numbers name."""

    row: Row
    beneficiary: Row | None
    payee: Row | None
    payee_token: bytes | None
    beneficiary_key: tuple[str, Any] | None
    payee_key: tuple[str, Any] | None

    @property
    def list_key(self) -> tuple[str, str, str]:
        """Name the list: source, programme, period."""
        return (self.row["source"], self.row["programme"], self.row["period"])


@dataclass
class World:
    """All frames of one question, with the few look-ups that definitions need."""

    frames: Mapping[str, Sequence[Row]]
    parameters: Parameters
    parties: list[Party] = field(default_factory=list)
    found: set[Found] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Link every row by its numbers."""
        self.programmes = {row["code"]: row for row in self.frames["programme_frame"]}
        self.persons = {row["person_id"]: row for row in self.frames["person_frame"]}
        self.scores = {row["household_id"]: row["score"] for row in self.frames["score_frame"]}
        self.well_off_score = quantile(
            [row["score"] for row in self.frames["score_frame"]], self.parameters.well_off_percentile
        )
        self.claims: dict[bytes, list[Row]] = defaultdict(list)
        for row in self.frames["identifier_frame"]:
            self.claims[row["token"]].append(row)
        self.extract: dict[bytes, list[Row]] = defaultdict(list)
        for row in self.frames["national_id_frame"]:
            self.extract[row["token"]].append(row)
        for row in self.frames["benefit_frame"]:
            other = row["payee_id_state"] != ""
            token = row["payee_token"] if other else row["id_token"]
            self.parties.append(
                Party(
                    row=row,
                    beneficiary=self.holder(row["id_token"]),
                    payee=self.holder(token),
                    payee_token=token,
                    beneficiary_key=self.key(row["id_token"]),
                    payee_key=self.key(token),
                )
            )
        connected = self.parameters.connected
        self.connected = {p.row["programme"] for p in self.parties} if connected is None else connected
        self.holdings = {(p.payee_key, p.row["programme"]) for p in self.parties if p.payee_key is not None}

    def holder(self, token: bytes | None) -> Row | None:
        """Find who holds a number: of all who claim it, the person registered first."""
        if token is None or token not in self.claims:
            return None
        return min(self.claims[token], key=lambda c: (c["person_id"], c["household_id"], c["line_no"]))

    def key(self, token: bytes | None) -> tuple[str, Any] | None:
        """Name one human as far as is known: by person, else by number."""
        if token is None:
            return None
        person = self.holder(token)
        return ("number", token) if person is None else ("person", person["person_id"])

    def in_extract(self, token: bytes | None, column: str) -> Any:
        """Read one column of the extract for a number; the least where it stands twice."""
        values = [r[column] for r in self.extract.get(token or b"", []) if r[column] is not None]
        return min(values) if values else None

    def start(self, party: Party) -> date:
        """Give the first day of the list's period, the day of the question where none is stated."""
        days = [p.row["period_start"] for p in self.parties if p.list_key == party.list_key and p.row["period_start"]]
        return min(days) if days else self.parameters.as_of

    def add(self, party: Party, code: str, role: str, detail: str = "", group: int | None = None) -> None:
        """Write one finding down, with the person whose fact it is."""
        person = party.payee if role == "payee" else party.beneficiary
        self.found.add(
            (party.row["benefit_id"], code, role, detail, group, None if person is None else person["person_id"])
        )


def find_slowly(frames: Mapping[str, Sequence[Row]], parameters: Parameters) -> set[Found]:
    """Find everything that the checks should find.

    Args:
        frames: Every frame of `khana_methods.records` by name, rows as dictionaries.
        parameters: The policy values.

    Returns:
        Findings as `(benefit_id, code, role, detail, group_no, person_id)`.
    """
    world = World(frames, parameters)
    for party in world.parties:
        _check_numbers(world, party)
        _check_registers(world, party)
        _check_rules(world, party)
        _check_holdings(world, party)
    _check_duplicates(world)
    return world.found


def _check_numbers(world: World, party: Party) -> None:
    row = party.row
    for role, state in (("beneficiary", row["id_state"]), ("payee", row["payee_id_state"])):
        if state in ("MISSING", "MALFORMED"):
            world.add(party, f"NID_{state}", role)
    if not world.frames["national_id_frame"]:
        return
    token = row["id_token"]
    if token is not None and token not in world.extract and _extract_holds(world, row["id_type"]):
        world.add(party, "NID_NOT_FOUND", "beneficiary")
    other = row["payee_token"] if row["payee_id_state"] else None
    if other is not None and other not in world.extract:
        world.add(party, "NID_NOT_FOUND", "payee")
    prefix = row["id_year_prefix_number"]
    known = {
        r["year_prefix"] if r["year_prefix"] is not None else r["birth_date"].year
        for r in world.extract.get(token or b"", [])
        if r["year_prefix"] is not None or r["birth_date"] is not None
    }
    if prefix is not None and known and prefix not in (min(known), max(known)):
        world.add(party, "NID_YEAR_PREFIX", "beneficiary", str(prefix))
    born = world.in_extract(token, "birth_date")
    if born is not None:
        parts = [
            name
            for name in ("year", "month", "day")
            if row[f"birth_{name}"] is not None and row[f"birth_{name}"] != getattr(born, name)
        ]
        if parts:
            world.add(party, "NID_DOB_MISMATCH", "beneficiary", " ".join(parts))


def _extract_holds(world: World, kind: str) -> bool:
    """Tell whether the extract knows numbers of this type at all."""
    return (
        kind == ""
        or any(r["type"] == kind for r in world.frames["national_id_frame"])
        or any(p.row["id_type"] == kind and p.row["id_token"] in world.extract for p in world.parties)
    )


def _check_registers(world: World, party: Party) -> None:
    row, start = party.row, world.start(party)
    tokens = [("beneficiary", row["id_token"])]
    if row["payee_id_state"]:
        tokens.append(("payee", row["payee_token"]))
    for role, token in tokens:
        died = world.in_extract(token, "death_date")
        if died is not None and died < start:
            world.add(party, "DECEASED", role, died.isoformat())
    programme = world.programmes.get(row["programme"])
    employees = [e for e in world.frames["employee_frame"] if e["id_token"] is not None]
    if programme and programme["poverty_targeted"] and party.payee_key is not None:
        for one in employees:
            if world.key(one["id_token"]) == party.payee_key:
                world.add(party, "GOVT_EMPLOYEE" if one["status"] == "SERVING" else "PENSIONER", "payee")
        serving = {e["id_token"] for e in employees if e["status"] == "SERVING"}
        hers = {r["spouse_token"] for r in world.extract.get(party.payee_token or b"", [])}
        theirs = {r["spouse_token"] for token in serving for r in world.extract.get(token, [])}
        if hers & serving or party.payee_token in theirs:
            world.add(party, "GOVT_EMPLOYEE_SPOUSE", "payee")
    sims = world.frames["sim_frame"]
    if sims and party.payee_token is not None and row["mobile_token"] is not None:
        owners = {s["id_token"] for s in sims if s["mobile_token"] == row["mobile_token"]}
        if owners and party.payee_token not in owners:
            world.add(party, "MOBILE_NOT_REGISTERED_TO_NID", "payee")
        if party.payee_token not in {s["id_token"] for s in sims}:
            world.add(party, "NID_HAS_NO_SIM", "payee")
    if world.frames["identifier_frame"] and row["id_token"] is not None and party.beneficiary is None:
        world.add(party, "NOT_IN_SOCIAL_REGISTRY", "beneficiary")


def _check_rules(world: World, party: Party) -> None:
    row, start = party.row, world.start(party)
    programme = world.programmes.get(row["programme"])
    if programme is None:
        return
    person = world.persons.get(party.beneficiary["person_id"]) if party.beneficiary else None
    sex = row["sex"] or world.in_extract(row["id_token"], "sex") or (person["sex"] if person else "") or ""
    least, most = age_range(programme, sex)
    stated, proven = birth_of(row), world.in_extract(row["id_token"], "birth_date")
    if stated is None and proven is None and person is not None:
        stated = birth_of(person)
    out, age = is_out_of_range(stated, proven, start, least, most)
    if out:
        world.add(party, "AGE_OUT_OF_RANGE", "beneficiary", str(age))
    places = [c["area_code"] for c in (party.beneficiary, party.payee) if c is not None]
    area = next((place for place in [*places, row["area_code"]] if place), "")
    if area and programme["areas"] and not area_lies_in(area, programme["areas"], world.frames["area_frame"]):
        world.add(party, "OUT_OF_AREA", "beneficiary", area)
    homes = [c["household_id"] for c in (party.beneficiary, party.payee) if c is not None]
    score = world.scores.get(homes[0]) if homes else None
    payee = world.persons.get(party.payee["person_id"]) if party.payee else None
    exempt = payee is not None and payee["sex"] in world.parameters.exempt_sexes
    if (
        programme["poverty_targeted"]
        and score is not None
        and world.well_off_score is not None
        and score > world.well_off_score
        and not exempt
    ):
        world.add(party, "WELL_OFF", "beneficiary", f"{score:.2f}")
    gone = [
        f"{x['exit_date'].isoformat()} {x['exit_reason']}"
        for x in world.frames["exit_frame"]
        if x["programme"] == row["programme"]
        and x["exit_date"] < start
        and party.beneficiary_key is not None
        and world.key(x["id_token"]) == party.beneficiary_key
    ]
    if gone:
        world.add(party, "GRADUATED_STILL_LISTED", "beneficiary", max(gone))
    stopped = [
        f"{x['stop_date'].isoformat()} {x['rule']}"
        for x in world.frames.get("stop_frame", ())
        if x["programme"] == row["programme"]
        and x["stop_date"] < start
        and party.payee_key is not None
        and world.key(x["id_token"]) == party.payee_key
    ]
    if stopped and row["payee_id_state"]:
        world.add(party, "STOPPED_STILL_LISTED", "payee", max(stopped))


def _check_holdings(world: World, party: Party) -> None:
    programme = world.programmes.get(party.row["programme"])
    if party.payee_key is None:
        return
    held = {code for key, code in world.holdings if key == party.payee_key}
    if programme is not None:
        needed = programme["requires"]
        if needed and needed in world.connected and needed not in held:
            world.add(party, "PREREQUISITE_MISSING", "payee", needed)
        counted = {code for code in held if code in world.programmes and world.programmes[code]["counts_to_cap"]}
        if programme["counts_to_cap"] and len(counted) > world.parameters.cap:
            world.add(party, "CAP_EXCEEDED", "payee", "+".join(sorted(counted)))
    code = party.row["programme"]
    clashes = {
        other
        for other in held - {code}
        if other in (world.programmes.get(code) or {}).get("incompatible_with", [])
        or code in (world.programmes.get(other) or {}).get("incompatible_with", [])
    }
    if clashes:
        world.add(party, "OTHER_PROGRAMME_CONFLICT", "payee", "+".join(sorted(clashes)))


def _check_duplicates(world: World) -> None:
    same_number: dict[Any, list[Party]] = defaultdict(list)
    same_home: dict[Any, list[Party]] = defaultdict(list)
    for party in world.parties:
        if party.row["id_token"] is not None:
            same_number[party.list_key, party.row["id_token"]].append(party)
        programme = world.programmes.get(party.row["programme"])
        if programme and programme["one_per_household"] and party.beneficiary is not None:
            same_home[party.list_key, party.beneficiary["household_id"]].append(party)
    for group in same_number.values():
        for party in group if len(group) > 1 else []:
            world.add(party, "DUP_NID", "beneficiary", f"{len(group)} rows", _first(group))
    for group in same_home.values():
        people = {party.beneficiary_key for party in group}
        for party in group if len(people) > 1 else []:
            world.add(party, "DUP_HOUSEHOLD", "beneficiary", f"{len(people)} recipients", _first(group))
    for kind in ("mobile", "account"):
        shared: dict[Any, list[Party]] = defaultdict(list)
        for party in world.parties:
            if party.row[f"{kind}_token"] is not None:
                shared[party.list_key, party.row[f"{kind}_token"]].append(party)
        for group in shared.values():
            _check_shared(world, group, f"DUP_{kind.upper()}")


def _check_shared(world: World, group: list[Party], code: str) -> None:
    """Decide whether one household holds every payee whose household is known."""
    homes: dict[Any, set[int]] = defaultdict(set)
    for party in group:
        for claim in world.claims.get(party.payee_token or b"", []):
            homes[party.payee_key].add(claim["household_id"])
    if len(homes) < 2:
        return
    everywhere = set().union(*homes.values())
    inside = any(all(home in places for places in homes.values()) for home in everywhere)
    detail = f"{len(homes)} payees" + ("" if inside else f", {len(everywhere)} households")
    for party in group:
        world.add(party, f"{code}_HOUSEHOLD" if inside else code, "payee", detail, _first(group))


def _first(group: list[Party]) -> int:
    return min(int(party.row["benefit_id"]) for party in group)


def answer_slowly(frames: Mapping[str, Sequence[Row]], parameters: Parameters) -> dict[str, Any]:
    """Give the five answers of small frames.

    Returns:
        `recipients`: (programmes, cash programmes, over the cap, rows, well off) of each payee, sorted;
        `pairs`: (programme, programme) to (persons, households); `unserved`: household ids in rank
        order with what each could get; `linked`: list rows linked.
    """
    world = World(frames, parameters)
    payees: dict[Any, list[Party]] = defaultdict(list)
    for party in world.parties:
        payees[party.payee_key or ("row", party.row["benefit_id"])].append(party)
    recipients = []
    for rows in payees.values():
        programmes = sorted({p.row["programme"] for p in rows})
        cash = [c for c in programmes if c in world.programmes and world.programmes[c]["counts_to_cap"]]
        payee = rows[0].payee
        score = world.scores.get(payee["household_id"]) if payee else None
        sex = (world.persons.get(payee["person_id"]) or {}).get("sex") if payee else None
        well_off = score is not None and world.well_off_score is not None and score > world.well_off_score
        recipients.append(
            (
                tuple(programmes),
                len(cash),
                len(cash) > parameters.cap,
                len(rows),
                well_off and sex not in parameters.exempt_sexes,
            )
        )
    return {
        "recipients": sorted(recipients),
        "pairs": _pairs(world),
        "unserved": _unserved(world),
        "linked": sum(p.beneficiary is not None or p.payee is not None for p in world.parties),
    }


def _pairs(world: World) -> dict[tuple[str, str], tuple[int, int]]:
    homes = {(p.payee["household_id"], p.row["programme"]) for p in world.parties if p.payee is not None}
    codes = sorted({p.row["programme"] for p in world.parties})
    pairs = {}
    for number, one in enumerate(codes):
        for two in codes[number + 1 :]:
            counts = tuple(
                len({who for who, code in held if code == one} & {who for who, code in held if code == two})
                for held in (world.holdings, homes)
            )
            if any(counts):
                pairs[one, two] = (counts[0], counts[1])
    return pairs


def _unserved(world: World) -> list[tuple[int, list[str]]]:
    tokens = {t for p in world.parties for t in (p.row["id_token"], p.payee_token) if t is not None}
    served = {claim["household_id"] for token in tokens for claim in world.claims.get(token, [])}
    poor = sorted(
        (world.scores[h["household_id"]], h["household_id"], h["area_code"])
        for h in world.frames["household_frame"]
        if h["household_id"] not in served
        and world.scores.get(h["household_id"], 101.0) <= world.parameters.poor_cutoff
    )
    return [
        (home, eligible_codes(world.frames, home, area, score, set(), world.parameters)) for score, home, area in poor
    ]
