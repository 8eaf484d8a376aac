"""Draw a selection list from the registry, and derive a kept one again: the same code by the terms that the list keeps.

Terms hold everything: the rules and filters in their wording, who draws already and is left out, quotas, tie rule and seed,
day and time of both clocks. So a list that was drawn is derived again from the registry as it was known then, whatever
changed since, and its bytes are held against the hash that was kept.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

import pyarrow as pa

from khana.access import services as access
from khana.beneficiaries import frames as beneficiaries
from khana.beneficiaries import selectors as registry_of_benefits
from khana.beneficiaries import standing_frames
from khana.geo import selectors as geo
from khana.identity import frames as identity
from khana.platform import installation
from khana.platform.frames import FrameSource, open_source
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana.programmes import catalogue, lists
from khana.programmes import frames as programmes
from khana.programmes.services import lists as list_services
from khana.registry import frames as registry
from khana.workflows.programme_facts import mark_of, read_facts
from khana_methods.engine.duckdb import Engine
from khana_methods.errors import Conflict, InputError, NotConfigured
from khana_methods.overlap import evaluate
from khana_methods.rules.decide import decidable
from khana_methods.rules.rulebook import read_rules
from khana_methods.targeting.selection import Terms, bytes_of, candidate_frame, check_quotas, draw, quota_frame, settle

MEMORY_MIB = 2048


class RuleNotInForce(NotConfigured):
    """The programme, or its rule, is not in force on the day: nobody may be drawn by it."""

    code: ClassVar[str] = "workflows.draw_list.rule_not_in_force"


class ListDiffers(Conflict):
    """A list that is derived again is not what was kept."""

    code: ClassVar[str] = "workflows.draw_list.differs"


class UnitUnsuited(InputError):
    """The rule is about persons and the benefit about households, or the other way about."""

    code: ClassVar[str] = "workflows.draw_list.unit_unsuited"


@dataclass(frozen=True)
class Wish:
    """What somebody wants drawn."""

    programme: str
    title: str = ""
    code: str = ""
    places: int | None = None
    budget: float | None = None
    cost: float | None = None
    quotas: Sequence[Mapping[str, Any]] = ()
    ties: str = "lottery"
    seed: str = ""
    reserve: float = 0.1
    only_proposed: bool = False
    leave_out_recipients: bool = True
    rule: str = ""


def run(
    *, token: str, wish: Wish, as_of: date | None = None, event: str = "", progress: Progress = silent, at: datetime
) -> dict[str, Any]:
    """Draw a list and keep it open; return its code, hashes and counts.

    Args:
        token: In whose name; it needs `lists.draw` for the whole country.
        wish: Programme, places or budget, quotas by area, tie rule and seed.
        as_of: The day for which facts and ages are read; the installation's world date, or today.
        event: A disaster: only families of its areas, one benefit a family.
        progress: Told phases.
        at: When; what was known at this time is used.

    Raises:
        RuleNotInForce: Nobody may be drawn by the programme on that day.
        QuotaInvalid: The quotas contradict each other.
        TermsInvalid: The tie rule settles nothing.
    """
    day = as_of or installation.today(at)
    with access.scoped(token), open_source() as source:
        access.require("lists.draw", everywhere=True)
        kept = _terms(source, wish, day, event, at)
        known_event = lists.get_event(event) if event else None
        progress(0, 3, "reading")
        derived = derive(source, kept, day=day, known_at=at, blocked=None)
        progress(2, 3, "writing")
        kept = {**kept, "blocked": derived.blocked}
        code = wish.code or f"{wish.programme}-{day:%Y%m%d}-{at:%H%M%S}"
        drawn_hash = hashlib.sha256(derived.content).hexdigest()
        list_services.record_list(
            code=code, title=wish.title, programme=wish.programme, agency=kept["entry"]["agency"],
            event_id=known_event.id if known_event else None, as_of=day, known_at=at, terms=kept, snapshot=derived.snapshot,
            drawn_hash=drawn_hash, drawn=derived.drawn, summary=derived.counts, at=at,
        )  # fmt: skip
        progress(3, 3, "done")
        return {
            "list": code,
            "as_of": day.isoformat(),
            **derived.counts,
            "drawn_hash": drawn_hash,
            "snapshot": derived.snapshot,
        }


def rederive(*, token: str, code: str, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Derive a kept list again from the registry as it was known, and hold it against what was kept, byte for byte.

    Returns:
        `is_same`, with the hashes found and kept; `content` is the list's bytes.
    """
    with access.scoped(token), open_source() as source:
        access.require("lists.draw", everywhere=True)
        known = lists.get_list(code)
        progress(0, 2, "reading")
        derived = derive(source, known.terms, day=known.as_of, known_at=known.known_at, blocked=known.terms["blocked"])
        progress(1, 2, "comparing")
        moves = programmes.move_frame(source, list_id=known.id).read_all().to_pylist()
        final = bytes_of(settle(derived.drawn, [(move["unit"], move["to_state"]) for move in moves]))
        stored = bytes_of(programmes.entry_frame(source, list_id=known.id).read_all())
        drawn_hash, final_hash = (hashlib.sha256(content).hexdigest() for content in (derived.content, final))
        is_same = drawn_hash == known.drawn_hash and final == stored and derived.snapshot == known.snapshot
        if known.frozen_hash:
            is_same = is_same and final_hash == known.frozen_hash
        progress(2, 2, "done")
        return {
            "list": code, "state": known.state, "is_same": is_same, "as_of": known.as_of.isoformat(),
            "known_at": known.known_at.isoformat(), "drawn_hash": drawn_hash, "drawn_hash_kept": known.drawn_hash,
            "list_hash": final_hash, "frozen_hash_kept": known.frozen_hash, "snapshot": derived.snapshot,
            "snapshot_kept": known.snapshot, "rows": derived.drawn.num_rows, "head_hash": known.head_hash, "content": final,
        }  # fmt: skip


def freeze(*, token: str, code: str, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Derive an open, twice approved list again and freeze it with the hash of its bytes.

    Raises:
        ListDiffers: What was being written while it was drawn has come in since: draw again.
        ApprovalsMissing: Fewer than two people have approved it as it stands.
    """
    found = rederive(token=token, code=code, progress=progress, at=at)
    if not found["is_same"]:
        raise ListDiffers(
            f"The list {code} cannot be derived again from what was known when it was drawn: rows were being written just "
            "then. Withdraw it and draw again.", list=code,
        )  # fmt: skip
    with access.scoped(token):
        list_services.freeze(code=code, head_hash=found["head_hash"], frozen_hash=found["list_hash"], at=at)
    return {"list": code, "rows": found["rows"], "frozen_hash": found["list_hash"], "snapshot": found["snapshot"]}


@dataclass(frozen=True)
class Derived:
    """A list as its terms give it: rows, bytes, hash over the facts, counts, and who was left out as drawing already."""

    drawn: pa.Table
    content: bytes
    snapshot: str
    counts: dict[str, Any]
    blocked: str


def _terms(source: FrameSource, wish: Wish, day: date, event: str, at: datetime) -> dict[str, Any]:
    """Gather everything that the list is drawn by."""
    entry = catalogue.entry_of(wish.programme)
    if wish.rule:
        entry = {**entry, "rule": _own_rule(entry, wish.rule, day)}
    elif not catalogue.is_in_force(entry, day):
        raise RuleNotInForce(
            f"Programme {wish.programme} has no rule in force on {day}: nobody may be drawn by it.",
            programme=wish.programme,
        )
    quotas = list(wish.quotas) or catalogue.quotas_on(wish.programme, day)
    if wish.places is not None or wish.budget is not None:
        quotas = [{"area": "", "places": wish.places, "budget": wish.budget}]
    paths = geo.paths_of([row["area"] for row in quotas if row["area"]])
    limits = [
        {"area_path": geo.get_path(row["area"]) if row["area"] and row["area"] not in paths else paths.get(row["area"], ""),
         "places": None if row.get("places") is None else int(row["places"]),
         "budget": None if row.get("budget") is None else float(row["budget"])} for row in quotas
    ]  # fmt: skip
    terms = Terms(wish.ties, wish.seed, wish.reserve)
    terms.check()
    check_quotas(pa.Table.from_pylist(limits, schema=quota_frame), wish.ties)
    areas = list(lists.get_event(event).areas) if event else []
    filters = [one for one in catalogue.filter_entries() if wish.programme in one["programmes"]]
    return {
        "entry": entry, "filters": filters, **(_payroll(source, at) if any(one["filter"] == catalogue.PAYROLL for one in filters) else {}),
        "quotas": limits, "limited": bool(limits), "ties": wish.ties, "seed": wish.seed, "reserve": wish.reserve,
        "cost": wish.cost if wish.cost is not None else catalogue.amount_on(wish.programme, day),
        "only": list(lists.accepted_households(wish.programme)) if wish.only_proposed else None,
        "leave_out": wish.leave_out_recipients, "event": event,
        "event_paths": sorted(geo.paths_of(areas).values()), **(_served(source, event) if event else {}),
    }  # fmt: skip


def _served(source: FrameSource, event: str) -> dict[str, str]:
    """Return who has a benefit for a disaster by another list already, families and persons, packed."""
    rows = programmes.event_served_frame(source, event_id=lists.get_event(event).id).read_all().to_pylist()
    return {
        "served_families": packed(sorted({row["family"] for row in rows})),
        "served_persons": packed(sorted({row["person_id"] for row in rows if row["person_id"] is not None})),
    }


def _payroll(source: FrameSource, at: datetime) -> dict[str, str]:
    """Return whom the payrolls of the state tell, by current files, packed: payrolls are replaced, the list is derived again as it was."""
    with Engine(memory_mib=MEMORY_MIB) as engine:
        engine.register("employee", identity.employee_frame(source))
        engine.register("number", registry.number_frame(source, undisputed=True, known_at=at))
        rows = engine.rows("""SELECT DISTINCT n.person_id FROM employee e JOIN number n ON n.token = e.id_token
                              WHERE e.status = 'SERVING' ORDER BY 1""")
    return {"payroll": packed([row[0] for row in rows])}


def _own_rule(entry: Mapping[str, Any], text: str, day: date) -> dict[str, Any]:
    """Return a rule that was given for this list alone, kept whole in its terms."""
    code = f"{entry['programme']}_HERE"
    return {
        "code": code, "name": f"{entry['programme']} by the terms of this list",
        "entity": entry["rule"].get("entity", "household"), "kind": "eligibility", "gives": "boolean",
        "versions": [{"valid_from": day.isoformat(), "expression": text, "mark": "A", "source": "Terms of this list"}],
    }  # fmt: skip


def derive(
    source: FrameSource, terms: Mapping[str, Any], *, day: date, known_at: datetime, blocked: str | None
) -> Derived:
    """Draw by kept terms; `blocked` is who was left out then, None when it is drawn for the first time."""
    entry, filters = terms["entry"], terms["filters"]
    book = read_rules([entry["rule"], *(one["rule"] for one in filters)])
    one = evaluate.ProgrammeRule(
        entry["programme"], decidable(book.read(entry["rule"]["code"], day)), tuple(entry["areas"]), entry["requires"]
    )
    rules = [
        one.rule,
        *(decidable(book.read(f["rule"]["code"], day)) for f in filters if catalogue.is_in_force(f, day)),
    ]
    with workplace("scratch") as folder, Engine(memory_mib=MEMORY_MIB, folder=folder) as engine:
        read_facts(engine, source, rules, day=day, known_at=known_at)
        _holdings(engine, source, terms, blocked)
        evaluate.decide_programmes(engine, [one])
        figures = evaluate.count_answers(engine, [one])
        told = unpacked(terms["payroll"]) if terms.get("payroll") else []
        engine.register("payroll", pa.table({
            "person_id": pa.array(told, pa.int64()), "filter": pa.array([catalogue.PAYROLL] * len(told), pa.string()),
        }))  # fmt: skip
        reports = evaluate.exclude(engine, filters, book, on=day, registers="payroll")
        _candidates(engine, terms, is_of_persons=one.is_of_persons)
        out = _leave_out(engine, terms, blocked)
        counts = draw(
            engine, candidates="candidate", quotas=pa.Table.from_pylist(terms["quotas"], schema=quota_frame),
            terms=Terms(terms["ties"], terms["seed"], terms["reserve"]), into="drawn",
        )  # fmt: skip
        drawn = engine.table("""SELECT *, coalesce(nullif(split_part(rtrim(area_path, '.'), '.', -1), ''), '') AS area_code FROM drawn
                                ORDER BY quota_area, place, unit""")
        drawn = _cents(drawn)
        counts |= _told(figures, reports, entry["programme"])
        return Derived(drawn, bytes_of(drawn), mark_of(engine), counts, out)


def _cents(drawn: pa.Table) -> pa.Table:
    """Round scores to the two decimals that are kept."""
    scores = [None if value is None else round(value, 2) for value in drawn["score"].to_pylist()]
    return drawn.set_column(drawn.schema.get_field_index("score"), "score", pa.array(scores, pa.float64()))


def _told(figures: pa.Table, reports: Mapping[str, Any], programme: str) -> dict[str, Any]:
    outcomes: dict[str, int] = {}
    for outcome, units in zip(figures["outcome"].to_pylist(), figures["units"].to_pylist(), strict=True):
        outcomes[outcome] = outcomes.get(outcome, 0) + units
    report = reports.get(programme, {})
    return {
        "eligible_by_rule": outcomes.get("eligible", 0), "not_eligible": outcomes.get("not_eligible", 0),
        "unknown": outcomes.get("unknown", 0), "excluded": int(report.get("removed", 0)),
    }  # fmt: skip


def _holdings(engine: Engine, source: FrameSource, terms: Mapping[str, Any], blocked: str | None) -> None:
    """Read what households draw, by the newest run; only for a first draw, and where the programme requires another.

    Whom an earlier list has selected, or an officer enrolled, since that run is on it too.
    """
    engine.make_empty("holding", evaluate.holding_frame)
    if blocked is None:
        codes = [terms["entry"]["programme"], *terms["entry"]["incompatible_with"]]
        engine.register("on_it", standing_frames.on_it_frame(source, programmes=codes))
    run = registry_of_benefits.newest_run()
    if run is None:
        return
    if blocked is not None:
        if terms["entry"]["requires"]:
            held = pa.table({"household_id": pa.array(unpacked(terms["holders"]), pa.int64())})
            engine.register("held", held)
            engine.run(f"INSERT INTO holding SELECT household_id, '{terms['entry']['requires']}' FROM held")
        return
    engine.register("recipient", beneficiaries.recipient_frame(source, run_id=run.pk))
    engine.run("""INSERT INTO holding SELECT DISTINCT s.household_id, unnest(from_json(r.programmes, '["VARCHAR"]'))
                  FROM recipient r JOIN slip s USING (household_number)""")
    if terms["entry"]["requires"] and isinstance(terms, dict):
        rows = engine.rows(
            "SELECT DISTINCT household_id FROM holding WHERE programme = $p ORDER BY 1",
            {"p": terms["entry"]["requires"]},
        )
        terms["holders"] = packed([row[0] for row in rows])


def _candidates(engine: Engine, terms: Mapping[str, Any], *, is_of_persons: bool) -> None:
    """Write `candidate` of those who are eligible: persons, families with the one who would be paid, or households."""
    unit = terms["entry"]["unit"]
    cost = f"CAST({float(terms['cost'] or 0)} AS DOUBLE)"
    here = (
        " OR ".join(f"starts_with(h.area_path, '{path}')" for path in terms["event_paths"])
        or str(not terms["event"]).lower()
    )
    only = "" if terms["only"] is None else f" AND h.household_id IN ({', '.join(map(str, terms['only'])) or 'NULL'})"
    if is_of_persons:
        sql = f"""SELECT p.household_number || '/' || p.line_no AS unit, h.household_id, p.household_number, p.family_no, p.person_id,
                         h.area_path, h.score, {cost} AS cost
                  FROM eligible e JOIN household h USING (household_id)
                  JOIN place p ON p.household_id = e.household_id AND p.person_id = e.person_id WHERE ({here}){only}
                  QUALIFY row_number() OVER (PARTITION BY h.household_id, p.person_id ORDER BY p.line_no) = 1"""
    elif unit == "family" or terms["event"]:
        # one family, one payee: a woman who is or was married before all, then any adult, the oldest first
        sql = f"""SELECT p.household_number || '/f' || coalesce(p.family_no, 0) AS unit, h.household_id, p.household_number,
                         coalesce(p.family_no, 0) AS family_no, p.person_id, h.area_path, h.score, {cost} AS cost
                  FROM eligible e JOIN household h USING (household_id) JOIN place p USING (household_id)
                  JOIN member m ON m.household_id = p.household_id AND m.person_id = p.person_id WHERE ({here}){only}
                  QUALIFY row_number() OVER (PARTITION BY h.household_id, coalesce(p.family_no, 0) ORDER BY
                      CASE WHEN m.age >= 18 AND m.sex = 'F' AND m.marital <> 'S' THEN 0 WHEN m.age >= 18 THEN 1 ELSE 2 END,
                      m.age DESC NULLS LAST, p.line_no) = 1"""
    else:
        sql = f"""SELECT s.household_number AS unit, h.household_id, s.household_number, CAST(NULL AS INTEGER) AS family_no,
                         CAST(NULL AS BIGINT) AS person_id, h.area_path, h.score, {cost} AS cost
                  FROM eligible e JOIN household h USING (household_id) JOIN slip s USING (household_id) WHERE ({here}){only}"""
    engine.run(f"CREATE OR REPLACE TABLE candidate AS SELECT {', '.join(candidate_frame.names)} FROM ({sql})")


def _leave_out(engine: Engine, terms: Mapping[str, Any], blocked: str | None) -> str:
    """Take out households that draw the programme already, or one that excludes it; return who they are, packed."""
    if blocked is None:
        codes = [terms["entry"]["programme"], *terms["entry"]["incompatible_with"]] if terms["leave_out"] else []
        found = engine.rows(
            """SELECT DISTINCT household_id FROM candidate WHERE household_id IN (
                   SELECT household_id FROM holding WHERE list_contains($codes, programme)
                   UNION SELECT household_id FROM on_it JOIN slip USING (household_number) WHERE list_contains($codes, programme))
               ORDER BY 1""",
            {"codes": codes or [""]},
        )
        blocked = packed([row[0] for row in found])
    engine.register("blocked", pa.table({"household_id": pa.array(unpacked(blocked), pa.int64())}))
    engine.run("DELETE FROM candidate WHERE household_id IN (SELECT household_id FROM blocked)")
    if terms["event"]:
        for name, key in (
            ("served_families", "household_id * 1000 + coalesce(family_no, 0)"),
            ("served_persons", "person_id"),
        ):
            engine.register("served", pa.table({"key": pa.array(unpacked(terms[name]), pa.int64())}))
            engine.run(f"DELETE FROM candidate WHERE {key} IN (SELECT key FROM served)")
    return blocked


def packed(numbers: Sequence[int]) -> str:
    """Return ids, in order, as one short text.

    Examples:
        >>> unpacked(packed([3, 70000, 70001]))
        [3, 70000, 70001]
    """
    steps = [b - a for a, b in zip([0, *numbers], numbers, strict=False)]
    return base64.b64encode(zlib.compress(",".join(map(str, steps)).encode(), 9)).decode()


def unpacked(text: str) -> list[int]:
    """Return the ids of `packed`."""
    steps = zlib.decompress(base64.b64decode(text)).decode()
    out, last = [], 0
    for step in steps.split(",") if steps else []:
        last += int(step)
        out.append(last)
    return out
