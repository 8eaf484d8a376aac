"""What is true of every row: the codes, from the world and from what the files show by number.

A code is judged twice where more than one row or file decides it: by the true people, and by
the numbers as typed. Where both say yes the detail ends in ``by_number``; where only the truth
does, in ``by_name_only`` (or ``register_does_not_show``); where only the numbers do, in
``denied_by_name_only``, and the row's own codes leave it out. Refused rows carry and count in nothing.
"""

from __future__ import annotations

import numpy as np

from khana_methods.synth import clerk
from khana_methods.synth.authorities import Extracts
from khana_methods.synth.evidence import UNDECIDED, Facts, Lookup
from khana_methods.synth.population import WELL_OFF_PERCENTILE, Array, day_parts
from khana_methods.synth.programmes import CASH_CAP, LISTS, PROGRAMMES

YEAR_ONLY_LISTS = ("native",)
STATES_BIRTH = ("utf16", "native", "cp1252", "xlsx", "parquet")


def judge(facts: Facts) -> None:
    """Decide every code that one row and the registers decide, and those of programmes beside each other."""
    judge_breakage(facts)
    for role, person, key, cause, where in (
        ("beneficiary", facts.beneficiary, facts.key, facts.cause, facts.live),
        ("payee", facts.payee, facts.payee_key, facts.payee_cause, facts.live & ~facts.own),
    ):
        _judge_number(facts, role, person, key, cause, where)
        _judge_death(facts, role, person, key, where)
    _judge_birth(facts)
    _judge_registry(facts)
    _judge_posts(facts)
    _judge_ages(facts)
    _judge_rules(facts)
    _judge_programmes(facts)


def judge_breakage(f: Facts) -> None:
    """Name the broken, the odd and the dangerous rows."""
    for code, kinds, names in (
        ("ROW_MALFORMED", f.rows.malformed, clerk.MALFORMED),
        ("ROW_ODD", f.rows.odd, clerk.ODD),
        ("FORMULA_TEXT", f.rows.formula, tuple(text[:12] for text in clerk.FORMULAS)),
    ):
        where = np.flatnonzero(kinds > 0)
        f.add(code, where, "", [names[k].replace(",", " ").replace('"', "'") for k in kinds[where].tolist()])


def _known(f: Facts, key: Array) -> tuple[Array, Array]:
    """Return the owner of each number (-1 nobody) and whether the identity extract holds it."""
    owner = f.owner(key)
    return owner, (owner >= 0) & f.block.people.in_extract[np.maximum(owner, 0)]


def _judge_number(f: Facts, role: str, person: Array, key: Array, cause: Array, where: Array) -> None:
    owner, known = _known(f, key)
    names = np.array(clerk.CAUSES)

    def add(code: str, mask: Array) -> None:
        rows = np.flatnonzero(mask & where)
        detail = names[cause[rows]]
        if code == "NID_NOT_FOUND":
            detail = np.where(np.isin(cause[rows], (clerk.OK, clerk.YEAR)), "authority_gap", detail)
        f.add(code, rows, role, detail.tolist())

    add("NID_MISSING", np.isin(cause, (clerk.NONE_ISSUED, clerk.MISSING, clerk.WORD)))
    add("NID_MALFORMED", np.isin(cause, (clerk.LOST, clerk.EXTRA, clerk.REPEATED, clerk.SCIENTIFIC)))
    add("NID_YEAR_PREFIX", (cause == clerk.YEAR) & known)
    add("NID_NOT_FOUND", (key > 0) & ~known)
    add("NAME_MISMATCH", known & (owner != person))
    add("GHOST", (f.block.people.kind[person] == "G") & (f.beneficiary == person))


def _judge_death(f: Facts, role: str, person: Array, key: Array, where: Array) -> None:
    people = f.block.people
    owner, known = _known(f, key)
    of = np.maximum(owner, 0)
    named = where & (people.died[person] > 0) & (people.died[person] < f.start)
    shown = where & known & people.death_known[of] & (people.died[of] > 0) & (people.died[of] < f.start)
    rows = np.flatnonzero(named | shown)
    detail = np.where(
        named & shown, "named;by_number", np.where(named, f"named;{UNDECIDED}", "owner_of_number;by_number")
    )
    f.add("DECEASED", rows, role, detail[rows].tolist())


def _judge_birth(f: Facts) -> None:
    """Compare what the row states of the birth with the extract's date of the number's owner."""
    owner, known = _known(f, f.key)
    stated = states_birth(f)
    true = f.block.people.born[np.maximum(owner, 0)]
    differs = f.birth != true
    year_only = states_year_only(f)
    differs &= ~year_only | (day_parts(f.birth)[0] != day_parts(true)[0])
    rows = np.flatnonzero(f.live & stated & known & differs)
    same = owner[rows] == f.beneficiary[rows]
    f.add("NID_DOB_MISMATCH", rows, "beneficiary", np.where(same, "same_person", "other_person").tolist())


def states_birth(f: Facts) -> Array:
    """Say which rows state when the beneficiary was born."""
    shape = np.array([item.shape in STATES_BIRTH for item in LISTS[f.block.country]])[f.rows.list_no]
    stated: Array = np.logical_and(shape, ~own_benefit(f))
    return stated


def own_benefit(f: Facts) -> Array:
    """Mothers' own rows in a workbook of mothers and children state no birth."""
    books = np.array([item.shape == "xlsx" for item in LISTS[f.block.country]])[f.rows.list_no]
    infants = np.array([p.picker == "infants" for p in PROGRAMMES[f.block.country]])[f.programme]
    mothers: Array = books & infants & f.own
    return mothers


def states_year_only(f: Facts) -> Array:
    """Some rows of the native-script list state the year of birth alone; which ones hangs on the entry."""
    native = np.array([item.shape in YEAR_ONLY_LISTS for item in LISTS[f.block.country]])[f.rows.list_no]
    stated: Array = native & (f.rows.entry % 7 == 3)
    return stated


def _judge_registry(f: Facts) -> None:
    """Say who is on no form; well off by true consumption, and by the score that the forms show."""
    people, houses = f.block.people, f.block.houses
    kind = people.kind[f.beneficiary]
    true = (kind != "P") & (kind != "G")
    form = f.form_of(f.key)
    detail = np.where(kind == "N", "born_after_interview", "")
    f.both("NOT_IN_SOCIAL_REGISTRY", true, (f.key > 0) & (form < 0), "beneficiary", detail)
    targeted = np.array([p.poverty_targeted for p in PROGRAMMES[f.block.country]])[f.programme]
    percentile = houses.percentile[people.house[f.beneficiary]]
    true = targeted & (kind != "G") & (percentile >= WELL_OFF_PERCENTILE)
    # A child without a form, or without a number, is seen in her mother's household.
    form = np.where(form >= 0, form, f.form_of(f.payee_key))
    score = np.where(form >= 0, houses.score[f.register.form_house[np.maximum(form, 0)]], -1.0)
    twice = np.isin(f.key, f.ambiguous) | np.isin(f.payee_key, f.ambiguous)
    line = f.block.welfare.well_off_score
    close = np.abs(score - line) < f.block.welfare.well_off_margin
    f.both(
        "WELL_OFF",
        true,
        targeted & ((score > line - f.block.welfare.well_off_margin) | twice),
        "beneficiary",
        percentile.round(1).astype(str),
        undecided=close | twice,
        unshown=UNDECIDED,
    )


def _judge_posts(f: Facts) -> None:
    x = f.extracts
    targeted = np.array([p.poverty_targeted for p in PROGRAMMES[f.block.country]])[f.programme]
    post_of = np.zeros(f.block.people.size, dtype=np.int64)
    post_of[x.staff_person] = x.staff_post
    shown = Lookup(x.staff_number, x.staff_post.astype(np.int64), 0)(f.payee_key)
    for code, post in (("GOVT_EMPLOYEE", 1), ("PENSIONER", 2)):
        f.both(code, targeted & (post_of[f.payee] == post), targeted & (shown == post), "payee")


def _age(born: Array, day: Array) -> Array:
    year, month, date = day_parts(born)
    y, m, d = day_parts(day)
    return y - year - ((m * 32 + d) < (month * 32 + date))


def _judge_ages(f: Facts) -> None:
    """Compare ages on the period's first day: true, by the extract, and by what the row itself states.

    Where the number is not known the row's own date shows it; where the two disagree, or a bare
    year leaves it open, the files cannot settle it.
    """
    people, programmes = f.block.people, PROGRAMMES[f.block.country]
    owner, known = _known(f, f.key)
    holder = np.maximum(owner, 0)
    least = np.array([-1 if p.min_age is None else p.min_age for p in programmes])[f.programme]
    her = np.array([p.min_age_female or p.min_age or -1 for p in programmes])[f.programme]
    most = np.array([p.max_age or 200 for p in programmes])[f.programme]

    def outside(born: Array, person: Array) -> Array:
        age = _age(born, f.start)
        return np.logical_or(age < np.where(people.female[person], her, least), age > most)

    year = day_parts(f.birth)[0]
    january = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 719_163
    bare = states_year_only(f)
    first = outside(np.where(bare, january, f.birth), f.beneficiary)
    last = outside(np.where(bare, january + 364, f.birth), f.beneficiary)
    stated = states_birth(f)
    true = outside(people.born[f.beneficiary], f.beneficiary) & (people.kind[f.beneficiary] != "G")
    by_number = outside(people.born[holder], holder)
    shown = np.where(known, by_number, stated & first & last)
    open_ = stated & ((first != last) | (known & (first != by_number)))
    age = _age(people.born[f.beneficiary], f.start)
    f.both("AGE_OUT_OF_RANGE", true, shown, "beneficiary", age.astype(str), undecided=open_)


def _judge_rules(f: Facts) -> None:
    """The programme's districts, and recorded exits."""
    programmes = PROGRAMMES[f.block.country]
    district = f.block.geography.district_of
    here = district[f.block.tehsil_of(f.beneficiary)]
    inside = np.zeros((len(programmes), int(district.max()) + 1), dtype=bool)
    for i, p in enumerate(programmes):
        inside[i, f.covered[p.code]] = True
    form = f.form_of(f.key)
    there = district[f.register.form_tehsil[np.maximum(form, 0)]]
    out = ~inside[f.programme, here]
    codes = np.array([a.code for a in f.block.geography.districts])
    # The row states the place; where the number stands on a form elsewhere, the two may disagree.
    by_form = np.where(form >= 0, ~inside[f.programme, there], out)
    everywhere = np.asarray(inside.all(axis=1))
    twice = np.isin(f.key, f.ambiguous) & ~everywhere[f.programme]
    unsettled = (by_form != out) | twice
    f.both("OUT_OF_AREA", out, by_form | twice, "beneficiary", codes[here], undecided=unsettled)
    _judge_exits(f, f.extracts)


def _judge_exits(f: Facts, x: Extracts) -> None:
    wide = np.int64(64)
    first = np.lexsort((x.exit_day,))
    by_person = Lookup((x.exit_person[first] + 1) * wide + x.exit_programme[first], x.exit_day[first], 10**7)
    true = by_person((f.beneficiary + 1) * wide + f.programme) < f.start
    shown = np.zeros(f.rows.size, dtype=bool)
    for programme in np.unique(x.exit_programme):
        mine = first[x.exit_programme[first] == programme]
        day = Lookup(x.exit_number[mine], x.exit_day[mine], 10**7)(f.key)
        shown |= (f.programme == programme) & (day < f.start)
    f.both("GRADUATED_STILL_LISTED", true, shown, "beneficiary")


def programme_bits(who: Array, programme: Array, live: Array) -> tuple[Array, Array]:
    """Return the distinct payees (or numbers) of live rows and the set of their programmes as bits."""
    good = live & (who > 0)
    keys, where = np.unique(who[good], return_inverse=True)
    bits = np.zeros(keys.size, dtype=np.int64)
    np.bitwise_or.at(bits, where, np.int64(1) << programme[good])
    return keys, bits


def _judge_programmes(f: Facts) -> None:
    """Cap, conflicts and prerequisites, by payee: all periods of a list together."""
    programmes = PROGRAMMES[f.block.country]
    true = Lookup(*programme_bits(f.payee + 1, f.programme, f.live), 0)(f.payee + 1)
    shown = Lookup(*programme_bits(f.payee_key, f.programme, f.live), 0)(f.payee_key)
    codes = [p.code for p in programmes]
    cash = sum(1 << i for i, p in enumerate(programmes) if p.is_cash)

    def names(bits: Array) -> Array:
        table = np.array(
            ["+".join(sorted(c for i, c in enumerate(codes) if b >> i & 1)) for b in range(1 << len(codes))]
        )
        return table[bits]

    count = np.array([bin(b).count("1") for b in range(1 << len(codes))])
    is_cash = np.array([p.is_cash for p in programmes])[f.programme]
    either = np.where(count[true & cash] > CASH_CAP, true, shown) & cash
    f.both(
        "CAP_EXCEEDED",
        is_cash & (count[true & cash] > CASH_CAP),
        is_cash & (count[shown & cash] > CASH_CAP),
        "payee",
        names(either),
    )
    against = np.array([sum(1 << codes.index(c) for c in p.incompatible) for p in programmes])[f.programme]
    clash, seen = true & against, shown & against
    f.both("OTHER_PROGRAMME_CONFLICT", clash > 0, seen > 0, "payee", names(np.where(clash > 0, clash, seen)))
    needed = np.array([1 << codes.index(p.requires) if p.requires else 0 for p in programmes])[f.programme]
    lacks, unseen = (
        (needed > 0) & (true & needed == 0),
        (needed > 0) & (shown & needed == 0) & (f.payee_key > 0),
    )
    f.both(
        "PREREQUISITE_MISSING",
        lacks,
        unseen,
        "payee",
        np.array([p.requires for p in programmes])[f.programme],
    )
