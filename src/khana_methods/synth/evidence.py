"""What the judges look at: for each row the people, numbers, owners, places and periods behind it.

`Facts` also takes what they decide: a set of codes a row, and a reason a row and code with its
role, detail and group.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from khana_methods.synth.authorities import Extracts
from khana_methods.synth.clerk import Ledger, Rows
from khana_methods.synth.population import Array
from khana_methods.synth.programmes import LISTS
from khana_methods.synth.registry import Register
from khana_methods.synth.world import Block

CODES = (
    "NID_MISSING",
    "NID_MALFORMED",
    "NID_YEAR_PREFIX",
    "NID_NOT_FOUND",
    "NAME_MISMATCH",
    "NID_DOB_MISMATCH",
    "DUP_NID",
    "DUP_PERSON",
    "DUP_HOUSEHOLD",
    "DUP_MOBILE",
    "DUP_MOBILE_HOUSEHOLD",
    "DUP_ACCOUNT",
    "DUP_ACCOUNT_HOUSEHOLD",
    "MOBILE_NOT_REGISTERED_TO_NID",
    "NID_HAS_NO_SIM",
    "DECEASED",
    "GOVT_EMPLOYEE",
    "PENSIONER",
    "AGE_OUT_OF_RANGE",
    "OUT_OF_AREA",
    "PREREQUISITE_MISSING",
    "OTHER_PROGRAMME_CONFLICT",
    "CAP_EXCEEDED",
    "WELL_OFF",
    "GRADUATED_STILL_LISTED",
    "NOT_IN_SOCIAL_REGISTRY",
    "GHOST",
    "ROW_MALFORMED",
    "ROW_ODD",
    "FORMULA_TEXT",
)
SHOWN, UNSHOWN, DENIED, UNDECIDED = (
    "by_number",
    "by_name_only",
    "denied_by_name_only",
    "register_does_not_show",
)
STATES_ACCOUNT = ("pipe", "native", "xlsx", "parquet")


class Lookup:
    """From a number to a value; the first of equal keys counts. Absent keys give ``missing``."""

    def __init__(self, keys: Array, values: Array, missing: int = -1) -> None:
        """Sort once; zero keys are left out."""
        good = keys > 0
        keys, values = keys[good], values[good]
        order = np.argsort(keys, kind="stable")
        self._keys, self._values, self._missing = keys[order], values[order], missing

    def __call__(self, keys: Array) -> Array:
        """Look all keys up."""
        if self._keys.size == 0:
            return np.full(keys.shape, self._missing, dtype=np.int64)
        at = np.minimum(np.searchsorted(self._keys, keys), self._keys.size - 1)
        return np.where(self._keys[at] == keys, self._values[at], self._missing)


@dataclass
class Planted:
    """One element a row and reason, in pieces: row positions, code, role, details, groups."""

    rows: list[Array] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    role: list[str] = field(default_factory=list)
    detail: list[list[str]] = field(default_factory=list)
    group: list[list[str]] = field(default_factory=list)


@dataclass
class Facts:
    """What every judge needs of each row: people, numbers, owners, places and periods."""

    block: Block
    register: Register
    extracts: Extracts
    covered: dict[str, Array]
    rows: Rows
    live: Array
    programme: Array
    start: Array
    beneficiary: Array
    payee: Array
    own: Array
    key: Array
    payee_key: Array
    cause: Array
    payee_cause: Array
    phone: Array
    account: Array
    birth: Array
    owner: Lookup
    home: Array
    group: Array
    form_of: Lookup
    other_form_of: Lookup
    ambiguous: Array
    mask: Array
    planted: Planted

    def add(
        self,
        code: str,
        where: Array,
        role: str,
        detail: list[str] | str = "",
        group: list[str] | None = None,
        in_rows: Array | None = None,
        write: bool = True,
    ) -> None:
        """Give the rows a code; ``in_rows`` says which of them carry it in the list of rows (default all)."""
        carried = where if in_rows is None else where[in_rows]
        self.mask[carried] |= np.int64(1) << CODES.index(code)
        if write and where.size:
            self.planted.rows.append(where)
            self.planted.code.append(code)
            self.planted.role.append(role)
            self.planted.detail.append([detail] * where.size if isinstance(detail, str) else detail)
            self.planted.group.append(group or [""] * where.size)

    def both(
        self,
        code: str,
        true: Array,
        shown: Array,
        role: str,
        detail: Array | None = None,
        undecided: Array | None = None,
        unshown: str = UNSHOWN,
        group: Array | None = None,
    ) -> None:
        """Add a code judged twice; refused rows are left out of both."""
        true, shown = true & self.live, shown & self.live
        where = np.flatnonzero(true | shown)
        if where.size == 0:
            return
        t, s = true[where], shown[where]
        mark = np.where(t & s, SHOWN, np.where(t, unshown, DENIED))
        if undecided is not None:
            mark = np.where(undecided[where], UNDECIDED, mark)
        texts = (
            mark.tolist()
            if detail is None
            else [f"{d};{m}" if d else m for d, m in zip(detail[where].tolist(), mark.tolist(), strict=True)]
        )
        self.add(code, where, role, texts, None if group is None else group[where].tolist(), in_rows=t)


def gather(
    block: Block,
    register: Register,
    ledger: Ledger,
    rows: Rows,
    extracts: Extracts,
    covered: dict[str, Array],
) -> Facts:
    """Lay out what is needed of each row."""
    e, people, entry = ledger.enrolments, block.people, rows.entry
    lists = LISTS[block.country]
    most = max(len(item.periods) for item in lists)
    starts = np.zeros((len(lists), most), dtype=np.int64)
    for i, item in enumerate(lists):
        starts[i, : len(item.periods)] = [p.start.toordinal() for p in item.periods]
    ghost = people.kind == "G"
    home = np.where(ghost, -1 - np.arange(people.size), people.house)
    order = np.lexsort((register.form, register.copy_kind))
    form_of = Lookup(register.number[order], register.form[order])
    numbers, counts = np.unique(register.number[register.number > 0], return_counts=True)
    programme = e.programme[entry].astype(np.int64)
    paid_in = np.array([item.shape in STATES_ACCOUNT for item in lists])
    own = e.beneficiary[entry] == e.payee[entry]
    return Facts(
        block=block,
        register=register,
        extracts=extracts,
        covered=covered,
        rows=rows,
        live=rows.malformed == 0,
        programme=programme,
        start=starts[rows.list_no, rows.period],
        beneficiary=e.beneficiary[entry],
        payee=e.payee[entry],
        own=own,
        key=ledger.number.key[entry],
        payee_key=ledger.payee_number.key[entry],
        cause=ledger.number.cause[entry],
        payee_cause=ledger.payee_number.cause[entry],
        phone=ledger.phone[entry],
        account=np.where(paid_in[rows.list_no], ledger.account[entry], 0),
        birth=ledger.birth[entry],
        owner=Lookup(np.where(ghost, 0, people.number), np.arange(people.size)),
        home=home,
        group=programme * 64 + rows.period,
        form_of=form_of,
        other_form_of=Lookup(register.number[order[::-1]], register.form[order[::-1]]),
        ambiguous=numbers[counts > 1],
        mask=np.zeros(rows.size, dtype=np.int64),
        planted=Planted(),
    )
