"""The rule language reads what it should, refuses the rest by name, and tells each mistake of units in words."""

from __future__ import annotations

import doctest
import importlib
from datetime import date
from pathlib import Path

import pytest
import sqlglot

from khana_methods.rules.cases import CaseTableInvalid, cases_of, run_cases
from khana_methods.rules.check import ExpressionIncompatible, read_rule
from khana_methods.rules.compile import DialectUnknown, RulesOfTwoEntities, compile_count, compile_rules
from khana_methods.rules.explain import explain, in_words, reads
from khana_methods.rules.expression import text_of
from khana_methods.rules.parse import ExpressionRefused, ExpressionUnreadable, parse
from khana_methods.rules.reference import Situation, evaluate
from khana_methods.rules.rulebook import Rule, RuleFileInvalid, RuleNotInForce, RuleUnknown, load_rules

MODULES = ("expression", "parse", "quantity", "check", "reference", "explain", "compile", "rulebook", "cases")


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_the_docstrings_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"khana_methods.rules.{name}")).failed == 0


@pytest.mark.parametrize(
    "text",
    [
        "(select 1)",
        "exists (select 1 from household)",
        "rooms in (select 1)",
        "rooms::integer = 1",
        "cast(rooms as integer) = 1",
        "wall like 'm%'",
        "wall || 'x' = 'y'",
        "read_csv('/etc/passwd')",
        "round(rooms) = 1",
        "current_date > survey_date",
        'household."rooms" = 1',
        '"rooms" = 1',
        "h.rooms = 1",
        "rooms = null",
        "rooms is true",
        "rooms = 1 -- and has_tv",
        "rooms = 1 /* why */",
        "rooms = ?",
        "rooms = $1",
        "any_member(age > 1) over ()",
        "any_member(age > 1) filter (where worked)",
        "max_members(distinct age) = 1",
        "any_member(age > 1, worked)",
        "sum_members() = 1",
        "per_year(income_month, 2) > 1",
        "case rooms when 1 then 2 end = 2",
        "rooms % 2 = 0",
        "amount(10, 'list_period', 'person') = 1",
        "amount(10, 'year') = 1",
        "survey_date > date '2026-02-30'",
        "survey_date > date '26-1-1'",
        "rooms = 1e300",
        "rooms in (1, household_size)",
        "rooms as r",
        "insert into household values (1)",
    ],
)  # fmt: skip
def test_what_is_outside_the_language_is_refused(text: str) -> None:
    with pytest.raises(ExpressionRefused):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", "rooms = ", "rooms = 1; rooms = 2", ";", "1 from household"),
        *("(" * 900 + "rooms" + ")" * 900, "not " * 900 + "has_tv"),
        *("rooms = 1 or " * 400 + "has_tv", " + ".join(["rooms"] * 500)),
    ],
)
def test_what_is_no_expression_is_unreadable(text: str) -> None:
    with pytest.raises(ExpressionUnreadable):
        parse(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("income_month <= amount(10000, 'year', 'person')", "is money of one household and"),
        (
            "income_month <= amount(10000, 'year', 'person')",
            "Or use any_member(income_year …) instead of income_month.",
        ),
        ("any_member(income_year <= amount(8000, 'month', 'household'))", "Write sum_members(income_year)"),
        ("any_member(income_month <= amount(10000, 'year', 'person'))", "Or use income_year instead of income_month."),
        ("income_month <= amount(10000, 'year', 'household')", "Write per_year(income_month)."),
        ("any_member(income_year > income_month)", "is money of one person and"),
        ("income_per_person_year < amount(1, 'year', 'household')", "currency per person"),
        ("rooms = land_owned_acres", "'rooms' is in rooms and 'land_owned_acres' in acres."),
        ("rooms + household_size > 2", "is in rooms and"),
        ("any_member(sex = 'female')", "Write 'F'."),
        ("any_member(sex = 'Q')", "is no code of sex (M, F, O)."),
        ("any_member(sex < 'M')", "has no order"),
        ("any_member(sex = marital)", "hold it against one of its codes"),
        ("any_member(sex = 1)", "hold it against one of its codes"),
        ("rooms = 'two'", "they cannot be compared"),
        ("roms = 2", "Nearest: rooms"),
        ("age >= 65", "use it inside any_member"),
        ("amount > 2", "is of benefit"),
        ("rooms and has_tv", "where a condition must stand"),
        ("has_tv + 1 > 2", "where a number must stand"),
        ("any_member(birth_date = date '2000-01-01')", "Use age."),
        ("any_member(id_number = '1')", "only 'is null'"),
        ("any_member(count_members(age > 5) > 1)", "stands inside another aggregate"),
        ("per_year(herd_value) > 1", "has no period"),
        ("income_month * income_month > 1", "multiplies two amounts"),
        ("rooms / income_month > 1", "divides by something per month"),
        ("per_year(rooms) > 1", "has no period"),
        ("case when has_tv then rooms else household_size end > 1", "is in rooms and"),
        ("coalesce(rooms, 'none') = 1", "they cannot be compared"),
        ("survey_date = '2026-01-01'", "they cannot be compared"),
        ("least(has_tv, true)", "where a number must stand"),
        ("rooms * rooms * rooms * rooms * rooms * rooms * rooms * rooms * rooms > 1", "More than 8"),
    ],
)
def test_a_mistake_is_told_in_words(text: str, told: str) -> None:
    with pytest.raises(ExpressionIncompatible) as caught:
        read_rule(text)
    assert told in caught.value.message


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ExpressionIncompatible) as caught:
        read_rule("roms = 2 and rooms = land_owned_acres and any_member(sex = 'male')")
    assert len(caught.value.details["problems"]) == 3


@pytest.mark.parametrize(
    "text",
    [
        "any_member(age >= 65 and sex = 'F')",
        "rooms / household_size < 0.5",
        "per_year(income_month) / household_size < amount(36000, 'year', 'per_person')",
        "sum_members(income_year) <= per_year(income_month)",
        "income_per_person_year < amount(3000, 'month', 'per_person') * 12 or per_year(amount(3000, 'month', 'per_person')) > income_per_person_year",
        "count_members(age < 5) / count_members() >= 0.4",
        "area_code in ('PK5', 'PK6') and survey_date between date '2024-01-01' and date '2024-12-31'",
        "any_member(id_number is not null) and household_number is null",
        "case when has_tv then rooms else 2 * rooms end > 3",
        "abs(least(rooms, 3)) >= greatest(rooms, coalesce(rooms, 0)) - 1",
        "any_member(income_year > 5) and -rooms < 0 and has_tv <> true",
    ],
)
def test_sound_rules_are_taken_and_compile_everywhere(text: str) -> None:
    """Spark is compiled and read back; no Spark runs here."""
    if "* 12" in text:
        with pytest.raises(ExpressionIncompatible):
            read_rule(text)
        return
    rule = read_rule(text, gives="boolean")
    assert rule.quantity.kind == "boolean"
    assert text_of(parse(text_of(rule.tree))) == text_of(rule.tree)
    for dialect in ("duckdb", "postgres", "spark"):
        for sql in (compile_rules({"r": rule}, dialect=dialect), compile_count(rule, dialect=dialect)):
            assert len(sqlglot.parse(sql, read=dialect)) == 1
    assert "DOUBLE PRECISION" in compile_rules({"r": read_rule("rooms < 3")}, dialect="postgres")
    assert "`rooms`" in compile_rules({"r": read_rule("rooms < 3")}, dialect="spark")


def test_compiling_refuses_what_it_cannot_join() -> None:
    with pytest.raises(DialectUnknown):
        compile_rules({"r": read_rule("rooms < 3")}, dialect="oracle")
    with pytest.raises(RulesOfTwoEntities):
        compile_rules({"a": read_rule("rooms < 3"), "b": read_rule("age < 3", entity="person")})
    with pytest.raises(ExpressionIncompatible):
        read_rule("rooms", gives="boolean")


@pytest.mark.parametrize(
    "text",
    [
        "rooms < 3 or (has_tv and not has_car)",
        "household_number is not null and not (rooms < 3)",
        "rooms / household_size < 0.5",
        "-(rooms + 1) < -(2 - 3)",
        "(rooms - 1) * 2 = 4",
    ],
)
def test_a_rule_is_written_as_it_is_read(text: str) -> None:
    assert text_of(parse(text)) == text


def test_text_of_a_household_cannot_leave_its_quotes() -> None:
    rule = read_rule("area_code = 'it''s'' or true or '''")
    assert "'it''s'' or true or '''" in compile_rules({"r": rule})


def test_an_explanation_names_the_clause_and_what_is_missing() -> None:
    rule = read_rule("(rooms < 3 or has_tv) and not any_member(worked) and income_month / household_size < 500")
    at = Situation(
        {"rooms": 5, "has_tv": None, "income_month": 900, "household_size": 0}, [{"worked": False}, {"worked": None}]
    )
    why = explain(rule, at)
    assert why.outcome == "unknown"
    assert why.missing == ("has_tv", "worked")
    words = in_words(why)
    assert "fails: rooms < 3 (rooms is 5)" in words
    assert "unknown: has_tv (has_tv is missing)" in words
    assert "worked of member 2 is missing" in words
    assert "household_size is zero in income_month / household_size" in words
    assert reads(rule) == ("rooms", "has_tv", "worked", "income_month", "household_size")


def test_an_explanation_numbers_the_members_for_whom_it_holds() -> None:
    why = explain(read_rule("any_member(age >= 65)"), Situation({}, [{"age": 3}, {"age": 70}]))
    assert (why.outcome, why.members, why.because) == ("holds", (2,), ("member 2 of 2",))
    none = explain(read_rule("any_member(age >= 65)"), Situation({}, []))
    assert none.because == ("no members",)
    case = explain(read_rule("case when rooms = 1 then 2 end > 1"), Situation({"rooms": 2}))
    assert case.because == ("no branch of case when rooms = 1 then 2 end holds",)
    first = explain(read_rule("min_members(age) > 1"), Situation({}, []))
    assert first.because == ("min_members(age) has no members",)
    number = explain(read_rule("count_members(age < 5) >= 2"), Situation({}, [{"age": 1}]))
    assert number.because == ("count_members(age < 5) is 1",)


def test_three_valued_logic() -> None:
    def held(text: str, **facts: object) -> object:
        return evaluate(read_rule(text).tree, Situation(facts))

    assert held("has_tv and rooms > 1", rooms=1) is False
    assert held("has_tv and rooms > 1", rooms=2) is None
    assert held("has_tv or rooms > 1", rooms=2) is True
    assert held("not has_tv") is None
    assert held("rooms is null") is True
    assert held("rooms in (1, 2)") is None
    assert held("rooms / household_size > 1 or has_tv", rooms=1, household_size=0, has_tv=True) is True


def write(folder: Path, text: str) -> Path:
    path = folder / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return path


RULE = """rules:
  - {{code: A, name: A, entity: household, kind: eligibility, gives: boolean, versions: [{versions}]{more}}}
"""
VERSION = "{{valid_from: 2020-01-01, expression: '{text}', source: S, mark: G}}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nothing: 1", "no list 'rules'"),
        ("rules: [", "is not YAML"),
        ("rules: [{code: A, name: A, entity: household, kind: quality, gives: boolean, versions: [1]}]", "list of mappings"),
        ("rules: [1]", "is no mapping"),
        ("rules: [{code: A}]", "A: name is missing"),
        (RULE.format(versions=VERSION.format(text="rooms"), more=""), "must give a boolean"),
        (RULE.format(versions=VERSION.format(text="roms < 2"), more=""), "Nearest: rooms"),
        (RULE.format(versions=VERSION.format(text="rooms < 2"), more=", colour: red"), "is no key of a rule"),
        (RULE.format(versions="{valid_from: soon, expression: has_tv, source: S, mark: G}", more=""), "are days"),
        (RULE.format(versions="{valid_from: 2020-01-01, expression: has_tv, source: S, mark: Z}", more=""), "mark is V"),
        (RULE.format(versions="{valid_from: 2020-01-01, expression: has_tv, mark: G}", more=""), "has no source"),
        (RULE.format(versions=", ".join([VERSION.format(text="has_tv")] * 2), more=""), "does not come after"),
        (RULE.format(versions=VERSION.format(text="has_tv"), more="") * 1 + "  - {code: A, name: B, entity: household, kind: quality, gives: boolean, versions: [" + VERSION.format(text="has_tv") + "]}\n", "stands twice"),
    ],
)  # fmt: skip
def test_a_file_of_rules_is_refused_with_its_mistakes(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(RuleFileInvalid) as caught:
        load_rules(write(tmp_path, text))
    assert told in caught.value.message


def test_a_rule_is_read_as_it_stood_on_a_day(tmp_path: Path) -> None:
    book = load_rules(
        write(
            tmp_path,
            """rules:
  - code: crowded
    name: Crowded
    entity: household
    kind: fact
    gives: boolean
    versions:
      - {valid_from: 2020-01-01, expression: rooms_per_head < 0.5, source: S, mark: A}
      - {valid_from: 2022-01-01, valid_to: 2024-01-01, expression: rooms_per_head < 0.3, source: S, mark: A}
  - code: POOR
    name: Poor
    entity: household
    kind: eligibility
    gives: boolean
    versions:
      - {valid_from: 2021-01-01, valid_to: 2023-01-01, expression: crowded or not has_tv, source: S, mark: A}
""",
        )
    )
    at = Situation({"rooms": 2, "household_size": 5, "has_tv": True})
    assert evaluate(book.read("POOR", date(2021, 6, 1)).tree, at) is True
    assert evaluate(book.read("POOR", date(2022, 6, 1)).tree, at) is False
    why = in_words(explain(book.read("POOR", date(2021, 6, 1)), at))
    assert "crowded: rooms_per_head < 0.5" in why
    for day in (date(2020, 1, 1), date(2023, 1, 1)):
        with pytest.raises(RuleNotInForce):
            book.read("POOR", day)
    with pytest.raises(RuleUnknown):
        book.get("RICH")


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"houses": ""}, "stand in a table"),
        ({"household": "| case | rooms |\n| a | 2 |"}, "needs the columns"),
        ({"household": "| case | expect |\n| a | holds | 3 |"}, "has 3 columns, not 2"),
        ({"household": "| case | roms | expect |\n| a | 1 | holds |"}, "Nearest: rooms"),
        ({"household": "| case | rooms | expect |\n| a | two | holds |"}, "rooms takes a number"),
        ({"household": "| case | has_tv | expect |\n| a | true | holds |"}, "takes yes or no"),
        ({"household": "| case | wall | expect |\n| a | gold | holds |"}, "wall takes one of"),
        ({"household": "| case | on | expect |\n| a | soon | holds |"}, "a day is written"),
        ({"household": "| case | expect |\n| a | holds |", "members": "| case | age |\n| b | 3 |"}, "are nowhere"),
    ],
)
def test_a_table_of_cases_is_refused_with_its_mistake(tables: dict[str, str], told: str) -> None:
    book = load_rules()
    rule = Rule("A", "A", "household", "quality", "boolean", book.get("rooms_per_head").versions, tables)
    with pytest.raises(CaseTableInvalid) as caught:
        cases_of(rule, book.catalogue)
    assert told in caught.value.message


def test_shipped_derived_facts_agree_with_their_cases() -> None:
    outcomes = run_cases(load_rules())
    assert len(outcomes) >= 12
    assert [(o.case.rule, o.case.name, o.got) for o in outcomes if not o.agrees] == []


def test_a_case_that_does_not_agree_is_told(tmp_path: Path) -> None:
    table = "| case | rooms | household_size | expect |\\n| a | 2 | 4 | {expect} |"
    for expect, agrees in (("0.5", True), ("0.6", False), ("holds", False), ("much", False)):
        text = (
            "rules:\n  - {code: x_y, name: X, entity: household, kind: fact, gives: number, versions: ["
            + VERSION.format(text="rooms_per_head")
            + f'], cases: {{household: "{table.format(expect=expect)}"}}}}\n'
        )
        (outcome,) = (o for o in run_cases(load_rules(write(tmp_path, text))) if o.case.rule == "x_y")
        assert outcome.agrees is agrees


def test_the_how_to_shows_what_happens() -> None:
    """The blocks of the page run, and print what the page says."""
    page = (Path(__file__).resolve().parents[4] / "docs" / "how-to" / "rules.md").read_text(encoding="utf-8")
    book = load_rules(Path(__file__).resolve().parents[3] / "spec" / "rules" / "pakistan.yaml")
    rule = book.read("PAK-KAFAALAT", on=date(2026, 1, 1))
    assert in_words(explain(rule, Situation({"score": 36}, [{"disability": None}]))) in page
    with pytest.raises(ExpressionIncompatible) as caught:
        read_rule("income_month <= amount(10000, 'year', 'person')")
    assert caught.value.message in " ".join(page.split())
    for name, found in book.rules.items():
        assert found.kind != "fact" or f"`{name}`" in page
