"""Codes that several rows of one list and period make together: same number, person, household, telephone.

Rows are grouped by programme and period. Households of payees are told apart twice: by the true
people, and by the forms on which their numbers stand.
"""

from __future__ import annotations

import numpy as np

from khana_methods.synth.evidence import Facts
from khana_methods.synth.population import Array
from khana_methods.synth.programmes import PROGRAMMES


def judge_repeats(f: Facts) -> None:
    """Decide the codes of rows that belong together."""
    _same_number(f)
    _same_person(f)
    _same_household(f)
    _shared(f, f.phone, "DUP_MOBILE", "M")
    _shared(f, f.account, "DUP_ACCOUNT", "A")
    _telephones(f)


def _groups(f: Facts, value: Array, good: Array) -> tuple[Array, Array]:
    """Number the groups of rows with one value in one list and period; -1 where alone or not good."""
    where = np.flatnonzero(good & f.live)
    pairs = np.stack([f.group[where], value[where]], axis=1)
    _, group, count = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    keep = count[group] > 1
    _, dense = np.unique(group[keep], return_inverse=True)
    return where[keep], dense.reshape(-1)


def _distinct(group: Array, value: Array, size: int) -> Array:
    """Count distinct values in each group; negative values count as nothing known."""
    good = value != -1
    pairs = np.unique(np.stack([group[good], value[good]], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=size)


def _any(group: Array, mark: Array) -> Array:
    """Say of each row whether any row of its group is marked."""
    marked: Array = np.bincount(group, weights=mark) > 0
    return np.take(marked, group)


def _labels(f: Facts, letter: str, group: Array) -> list[str]:
    first = f.block.counters.groups
    f.block.counters.groups += int(group.max()) + 1 if group.size else 0
    return [f"{letter}{first + g}" for g in group.tolist()]


def _numbered(group: Array) -> list[str]:
    """Write 1/3, 2/3, 3/3 for the members of each group, in row order."""
    count = np.bincount(group)
    seen = np.zeros(count.size, dtype=np.int64)
    texts: list[str] = []
    for g in group.tolist():
        seen[g] += 1
        texts.append(f"{seen[g]}/{count[g]}")
    return texts


def _same_number(f: Facts) -> None:
    rows, group = _groups(f, f.key, f.key > 0)
    f.add("DUP_NID", rows, "beneficiary", _numbered(group), _labels(f, "D", group))


def _same_person(f: Facts) -> None:
    rows, group = _groups(f, f.beneficiary, np.ones(f.rows.size, dtype=bool))
    if rows.size == 0:
        return
    size = int(group.max()) + 1
    unique = np.where(f.key[rows] > 0, f.key[rows], -10 - np.arange(rows.size))
    several = _distinct(group, unique, size)[group] > 1
    rows, group = rows[several], np.unique(group[several], return_inverse=True)[1].reshape(-1)
    f.add("DUP_PERSON", rows, "beneficiary", _numbered(group), _labels(f, "P", group))


def _same_household(f: Facts) -> None:
    single = np.array([p.one_per_household for p in PROGRAMMES[f.block.country]])[f.programme]
    home = f.home[f.beneficiary]
    rows, group = _groups(f, home, single)
    true = np.zeros(f.rows.size, dtype=bool)
    label = np.full(f.rows.size, "", dtype="U12")
    twice = np.isin(f.key, f.ambiguous)
    unsettled = twice.copy()
    if rows.size:
        unsettled[rows] |= _any(group, twice[rows])
        two = _distinct(group, f.beneficiary[rows], int(group.max()) + 1)[group] > 1
        true[rows[two]] = True
        label[rows] = _labels(f, "H", group)
    shown = np.zeros(f.rows.size, dtype=bool)
    # A number on two forms may be taken for the one or the other.
    for form in (f.form_of(f.key), f.other_form_of(f.key)):
        rows, group = _groups(f, form, single & (form >= 0))
        if rows.size:
            unsettled[rows] |= _any(group, twice[rows])
            two = _distinct(group, f.key[rows], int(group.max()) + 1)[group] > 1
            shown[rows[two]] = True
            blank = label[rows] == ""
            label[rows[blank]] = np.array(_labels(f, "H", group))[blank]
    f.both("DUP_HOUSEHOLD", true, shown, "beneficiary", undecided=unsettled, group=label)


def _shared(f: Facts, value: Array, code: str, letter: str) -> None:
    """One telephone or account on several rows: of several households, or of several people of one."""
    rows, group = _groups(f, value, value > 0)
    if rows.size == 0:
        return
    size = int(group.max()) + 1
    homes = _distinct(group, f.home[f.payee[rows]], size)
    people = _distinct(group, f.payee[rows], size)
    one, other = (_distinct(group, form_of(f.payee_key[rows]), size) for form_of in (f.form_of, f.other_form_of))
    forms = np.maximum(one, other)
    unclear = np.bincount(group, weights=np.isin(f.payee_key[rows], f.ambiguous), minlength=size) > 0
    true, shown = np.zeros(f.rows.size, dtype=bool), np.zeros(f.rows.size, dtype=bool)
    undecided = np.zeros(f.rows.size, dtype=bool)
    true[rows], shown[rows], undecided[rows] = homes[group] > 1, forms[group] > 1, unclear[group]
    detail, label = np.full(f.rows.size, "", dtype="U20"), np.full(f.rows.size, "", dtype="U12")
    detail[rows] = [f"{n} people" for n in people[group].tolist()]
    label[rows] = _labels(f, letter, group)
    f.both(code, true, shown, "payee", detail, undecided=undecided, group=label)
    benign = rows[(homes[group] == 1) & (people[group] > 1)]
    f.add(f"{code}_HOUSEHOLD", benign, "payee", write=False)


def _telephones(f: Facts) -> None:
    """What the telephone authority says of each stated mobile whose payee's number is a known one."""
    x = f.extracts
    owner = f.owner(f.payee_key)
    known = (owner >= 0) & f.block.people.in_extract[np.maximum(owner, 0)]
    asked = np.flatnonzero(f.live & known & (f.phone > 0))
    order = np.argsort(x.sim_phone)
    at = np.minimum(np.searchsorted(x.sim_phone[order], f.phone[asked]), max(order.size - 1, 0))
    filed = x.sim_phone[order][at] == f.phone[asked]
    other = filed & (x.sim_number[order][at] != f.payee_key[asked])
    f.add("MOBILE_NOT_REGISTERED_TO_NID", asked[other], "payee", write=False)
    f.add("NID_HAS_NO_SIM", asked[~np.isin(f.payee_key[asked], x.sim_number)], "payee", write=False)
