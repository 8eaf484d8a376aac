"""Try rules between programmes on the last run of the registry: whose benefit would stop; nothing does.

What each recipient draws is what the run found. How much and since when comes from the rows in force, brought to a
month, so that a quarter and a month can be compared. The trial is kept with every row: a notice, an appeal and an
effect take these rows and no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar

from khana.access import services as access
from khana.beneficiaries import frames as beneficiaries
from khana.beneficiaries import results
from khana.beneficiaries.services import trials
from khana.deliveries import selectors as deliveries
from khana.platform import installation
from khana.platform.frames import FrameSource, open_source
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana.programmes.selectors import get_programme_frame
from khana.registry import frames as registry
from khana_country.load import load_pack
from khana_methods.engine.duckdb import Engine
from khana_methods.errors import NotConfigured
from khana_methods.overlap import cross_rules
from khana_methods.overlap.crossrules import CrossRule, CrossRulesInvalid, try_rules

MEMORY_MIB = 3072
_STEPS = 5
_AREA_LEVEL = 2


class NoRunYet(NotConfigured):
    """Nothing was consolidated: there is nothing to try rules on."""

    code: ClassVar[str] = "workflows.crossrules.no_run_yet"


def rules_of_country(country: str) -> tuple[CrossRule, ...]:
    """Return the exclusions and the cap of a country's pack as rules, exclusions first.

    Raises:
        CrossRulesInvalid: The pack has none.
    """
    pack = load_pack(country)
    entries: list[dict[str, Any]] = [
        {"code": "-".join((*pair.programmes,)), "kind": "exclude", "programmes": list(pair.programmes),
         "valid_from": pair.valid_from, "source": pair.source}
        for pair in pack.exclusion_pairs
    ]  # fmt: skip
    caps = sorted(pack.cap_rules, key=lambda rule: rule.valid_from)
    entries += [
        {"code": f"cap-{rule.max_programmes}-{rule.valid_from}", "kind": "cap", "most": rule.max_programmes, "unit": rule.per,
         "valid_from": rule.valid_from, "valid_to": later.valid_from if later else None, "source": rule.source}
        for rule, later in zip(caps, [*caps[1:], None], strict=True)
    ]  # fmt: skip
    return cross_rules.parse_cross_rules(entries, where=f"the pack of {country}")


def run(
    *,
    token: str,
    rules: Sequence[CrossRule | Mapping[str, Any]] = (),
    on: date | None = None,
    poor_below: float | None = None,
    progress: Progress = silent,
    at: datetime,
    memory_mib: int = MEMORY_MIB,
) -> dict[str, Any]:
    """Try rules on the last run of the registry and keep the trial.

    Args:
        token: In whose name; it needs `crossrules.write` for the whole country.
        rules: In the order of application, read or as entries of a file; those of the country's pack if empty.
        on: The day whose rules count; the installation's day if absent.
        poor_below: Score under which a person counts as poor; the run's own cut-off if absent.
        progress: Told phases.
        at: When.
        memory_mib: Memory that the engine may hold before it spills to disk.

    Returns:
        The number of the trial and its summary.

    Raises:
        NoRunYet: Nothing was consolidated.
        CrossRulesInvalid: No rule is in force on the day, or one contradicts another or the catalogue.
    """
    day = on or installation.today(at)
    given = _given(rules) or rules_of_country(installation.read().get("country", "pak"))
    with workplace("scratch") as folder, Engine(memory_mib=memory_mib, folder=folder) as engine, access.scoped(token):
        access.require("crossrules.write", everywhere=True)
        last = results.latest_run()
        if last is None:
            raise NoRunYet("Nothing was consolidated yet: run `khana consolidate` first.")
        programmes = get_programme_frame()
        _check(given, day, {row["code"]: row["requires"] for row in programmes.to_pylist() if row["requires"]})
        engine.register("crossrule_programme", programmes)
        progress(0, _STEPS, "reading")
        with open_source() as source:
            homes = _read(engine, source, last.id, given, day)
        progress(2, _STEPS, "preparing")
        _lay_out(engine)
        progress(3, _STEPS, "checking")
        poor = poor_below if poor_below is not None else float(last.parameters.get("poor_cutoff", 0)) or None
        summary = try_rules(engine, rules=given, on=day, poor_below=poor, area_level=_AREA_LEVEL)
        summary["persons_in_two_households"] = homes
        progress(4, _STEPS, "writing")
        trial = trials.record_trial(
            run_id=last.id, on=day, rules=[rule.as_entry() for rule in given], parameters={"poor_below": poor},
            summary=summary, stops=lambda: engine.reader(_STOPS), at=at,
        )  # fmt: skip
        progress(_STEPS, _STEPS, "done")
        return {"trial": trial, "run": last.id, "on": day.isoformat(), **summary}


def _given(rules: Sequence[CrossRule | Mapping[str, Any]]) -> tuple[CrossRule, ...]:
    read = [rule.as_entry() if isinstance(rule, CrossRule) else dict(rule) for rule in rules]
    return cross_rules.parse_cross_rules(read) if read else ()


_STOPS = """SELECT t.person AS recipient_id, t.programme, coalesce(c.agency, '') AS agency, t.rule, round(t.amount, 2) AS amount,
    t.poverty FROM crossrule_told t LEFT JOIN crossrule_programme c ON c.code = t.programme WHERE t.rule <> ''"""


def _check(rules: Sequence[CrossRule], day: date, requires: dict[str, str]) -> None:
    found = list(cross_rules.contradictions(rules, requires))
    if found:
        raise CrossRulesInvalid(f"The rules contradict the catalogue: {'; '.join(found)}.", mistakes=len(found))
    if not any(rule.is_in_force(day) for rule in rules):
        when = ", ".join(f"{rule.code} from {rule.valid_from} to {rule.valid_to or 'further notice'}" for rule in rules)
        raise CrossRulesInvalid(f"No rule is in force on {day}: {when}.")


def _read(engine: Engine, source: FrameSource, run_id: int, rules: Sequence[CrossRule], day: date) -> int:
    """Take everything from one snapshot of the registry; return how many persons stand in two households."""
    replaced = deliveries.replaced_batch_ids()
    engine.register("drawn", beneficiaries.drawn_frame(source, run_id=run_id))
    engine.register("drawn_row", beneficiaries.drawn_amount_frame(source, without_batches=replaced))
    engine.register("person_sex", registry.sex_frame(source))
    engine.register("chosen", beneficiaries.chosen_frame(source))
    engine.register("two_homes", registry.two_homes_frame(source))
    engine.run("""CREATE OR REPLACE TABLE drawn_sum AS
        WITH period AS (
            SELECT token, programme, period_start, max(period_end) AS period_end, sum(amount) AS amount,
                   min(TRY_CAST(start_date AS DATE)) AS start_date
            FROM drawn_row GROUP BY token, programme, period_start)
        SELECT token, programme, least(min(start_date), min(period_start)) AS since,
               arg_max(amount * 30.4375 / greatest(coalesce(period_end - period_start + 1, 30.4375), 1), period_start) AS amount
        FROM period GROUP BY token, programme""")
    engine.run(
        "CREATE OR REPLACE TABLE token_of AS SELECT DISTINCT recipient_id, id_token AS token FROM drawn WHERE id_token IS NOT NULL"
    )
    lacking = engine.value("""SELECT count(*) FROM drawn d ANTI JOIN drawn_sum s ON s.token = d.id_token AND s.programme = d.programme
        WHERE d.person_id IS NOT NULL""")
    if lacking:  # rows under another number of the same person
        engine.register("number", registry.number_frame(source))
        engine.run("""INSERT INTO token_of SELECT DISTINCT d.recipient_id, n.token FROM (
                SELECT DISTINCT recipient_id, person_id, id_token FROM drawn WHERE person_id IS NOT NULL) d
            JOIN number n USING (person_id) WHERE n.token <> d.id_token""")
    looked = {code for rule in rules if rule.kind == "after" and rule.is_in_force(day) for code in rule.had}
    if looked:
        engine.register("ended", beneficiaries.ended_frame(source, programmes=sorted(looked)))
    else:
        engine.run("CREATE OR REPLACE TABLE ended (token BLOB, programme VARCHAR, ended DATE)")
    return int(engine.value("SELECT count(DISTINCT d.person_id) FROM drawn d JOIN two_homes h USING (person_id)"))


# a programme counts to the cap where the catalogue says so, whatever it gives
_KIND = """CASE WHEN c.counts_to_cap THEN 'cash' WHEN c.benefit_type = 1 THEN 'cash_outside_cap' WHEN c.benefit_type = 2 THEN 'voucher'
    WHEN c.benefit_type = 3 THEN 'in_kind' WHEN c.benefit_type = 4 THEN 'training' WHEN c.benefit_type = 5 THEN 'work'
    WHEN c.benefit_type = 6 THEN 'insurance' ELSE 'unknown' END"""


def _lay_out(engine: Engine) -> None:
    """Write the rows that rules are tried on: one a recipient and programme, as the run found them."""
    engine.run(f"""CREATE OR REPLACE TABLE crossrule_row AS
        WITH paid AS (
            SELECT t.recipient_id, s.programme, sum(s.amount) AS amount, min(s.since) AS since
            FROM token_of t JOIN drawn_sum s USING (token) GROUP BY ALL),
        said AS (SELECT DISTINCT t.recipient_id, k.programme FROM token_of t JOIN chosen k USING (token))
        SELECT row_number() OVER (ORDER BY d.recipient_id, d.programme) AS number, d.recipient_id AS person, d.programme,
               d.household_number AS household, {_KIND} AS kind, p.amount, p.since, coalesce(x.sex, '') AS sex,
               d.area_path AS area, d.score, k.recipient_id IS NOT NULL AS is_chosen, ''::VARCHAR AS rule
        FROM drawn d LEFT JOIN crossrule_programme c ON c.code = d.programme
        LEFT JOIN paid p ON p.recipient_id = d.recipient_id AND p.programme = d.programme
        LEFT JOIN said k ON k.recipient_id = d.recipient_id AND k.programme = d.programme
        LEFT JOIN person_sex x ON x.person_id = d.person_id""")
    engine.run("""CREATE OR REPLACE TABLE crossrule_past AS
        SELECT t.recipient_id AS person, d.household_number AS household, e.programme, e.ended
        FROM ended e JOIN token_of t USING (token)
        JOIN (SELECT DISTINCT recipient_id, household_number FROM drawn) d USING (recipient_id)""")
    engine.drop("drawn", "drawn_row", "drawn_sum", "token_of")
