"""The contract: how one kind of file is read, column by column, onto the catalogue of facts.

A *fact rule* says where a fact comes from: a column (with other headers or JSON paths that mean
the same), a position, or a constant; and how its values translate. A *layout* says where in the
file the table is; *not data* and *blocks* say which lines are no rows and what titles tell of the
rows below them. Unknown keys are refused: a misspelt key would otherwise be silently without
effect. May call the facts catalogue only.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from khana_methods.errors import KhanaError
from khana_methods.rules.facts import load_facts

Entity = Literal[
    "benefit",
    "household",
    "person",
    "identity",
    "resident",
    "score",
    "employee",
    "mobile",
    "exit",
    "programme",
]
DateOrder = Literal["dmy", "mdy", "ymd"]
Due = Literal["", "weekly", "fortnightly", "monthly", "quarterly", "half_yearly", "yearly", "once"]
BenefitKind = Literal["", "cash", "voucher", "in_kind", "training", "workfare", "insurance"]
CodeText = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
AREA_FACTS = ("province_name", "district_name", "tehsil_name", "union_name")
REQUIRED: dict[str, tuple[str, ...]] = {
    "benefit": ("beneficiary_id_number|beneficiary_name",),
    "household": ("household_number",),
    "person": ("household_number", "line_no"),
    "identity": ("id_number",),
    "resident": ("resident_number",),
    "score": ("household_number", "score"),
    "employee": ("employee_number|id_number|name",),
    "mobile": ("mobile_number",),
    "exit": ("id_number|name", "programme"),
    "programme": ("programme",),
}


class _Strict(BaseModel):
    """A part of a contract: unknown keys refused, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FactRule(_Strict):
    """Where one fact comes from and how its values translate.

    In YAML a bare text or list stands for `column`. Several columns are alternatives: of those
    that the file has, the first that is filled in a row counts.
    """

    column: tuple[str, ...] = Field(default=(), description="header texts, or JSON paths with dots; alternatives")
    position: int | None = Field(default=None, ge=1, description="1-based column, where there is no header to name")
    constant: str | None = Field(default=None, description="the same value in every row")
    values: dict[str, str | None] = Field(default_factory=dict, description="what the file writes: what it means")
    optional: bool = Field(default=False, description="the file may lack the column")
    order: DateOrder | None = Field(default=None, description="order of day, month and year in this column")
    decimal: Literal[".", ","] = Field(default=".", description="the sign before the decimals: ',' reads 1.234,50")
    scale: float | None = Field(default=None, description="factor into the fact's unit, such as 0.01 for per cent")
    missing: tuple[str, ...] = Field(default=(), description="words that mean 'not stated' in this column")
    number_type: str = Field(default="", description="type of personal number, such as BRN, where the column says it")

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, str | list | tuple):
            value = {"column": value}
        if isinstance(value, dict) and isinstance(value.get("column"), str):
            value = {**value, "column": [part.strip() for part in value["column"].split("|")]}
        if isinstance(value, dict) and isinstance(value.get("values"), dict):
            texts = {_text(key): _text(item) for key, item in value["values"].items()}
            value = {**value, "values": texts}
        if isinstance(value, dict) and isinstance(value.get("constant"), int | float | bool):
            value = {**value, "constant": _text(value["constant"])}
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> FactRule:
        origins = [bool(self.column), self.position is not None, self.constant is not None]
        if sum(origins) != 1:
            raise ValueError("say exactly one of column, position or constant")
        return self


class Header(_Strict):
    """Where the header stands. Lines above it are titles and no data."""

    line: int | None = Field(default=None, ge=1, description="1-based line or sheet row; absent: it is searched")
    lines: Literal[1, 2] = Field(default=1, description="2 where a merged line of groups stands above the names")
    search: int = Field(default=50, ge=1, le=1000, description="how many lines to search for the header")
    none: bool = Field(default=False, description="the file has no header; facts go by position")


class Layout(_Strict):
    """What kind of file it is and where in it the table stands."""

    format: Literal["csv", "xlsx", "jsonl", "parquet"]
    compression: Literal["auto", "none", "gzip"] = "auto"
    encoding: str = Field(default="auto", description="utf-8, utf-16, cp1252 ...; auto looks at the bytes")
    delimiter: str = Field(default=",", description="one character, 'tab', or auto")
    quote: str = Field(default='"', max_length=1, description="empty where quotes mean nothing")
    header: Header = Header()
    sheets: Literal["all"] | tuple[str, ...] = Field(default="all", description="names of sheets, or all")
    sheet_pattern: str = Field(default="", description="pattern on the sheet's name; named groups become facts")

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str) -> str:
        value = {"tab": "\t", "semicolon": ";", "comma": ",", "pipe": "|"}.get(value, value)
        if value != "auto" and len(value) != 1:
            raise ValueError("a delimiter is one character, 'tab' or 'auto'")
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        if value != "auto":
            try:
                "".encode(value)
            except LookupError as error:
                raise ValueError(f"there is no encoding '{value}'; write utf-8, utf-16 or cp1252") from error
        return value

    @field_validator("sheet_pattern")
    @classmethod
    def _is_pattern(cls, value: str) -> str:
        return _pattern(value)


class NotData(_Strict):
    """Which lines are no rows: counted, and neither read nor quarantined."""

    repeated_header: bool = Field(default=True, description="the header again, in the middle of the file")
    totals: bool = Field(default=True, description="total and subtotal lines in English, Urdu or Bangla")
    patterns: tuple[str, ...] = Field(
        default=(), description="patterns on the first filled cell of lines without identity: notes, signatures"
    )

    @field_validator("patterns")
    @classmethod
    def _are_patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_pattern(text) for text in value)


class Contract(_Strict):
    """How one kind of file is read onto the facts of one entity."""

    code: CodeText
    title: str = ""
    entity: Entity
    country: str = ""
    source: str = Field(default="", description="code of the source whose file this is")
    agency: str = ""
    benefit_kind: BenefitKind = ""
    due: Due = Field(default="", description="how often a file is due")
    file: Layout
    not_data: NotData = NotData()
    blocks: tuple[str, ...] = Field(
        default=(), description="patterns on title lines; named groups become facts of the rows below"
    )
    carry_down: tuple[str, ...] = Field(default=(), description="facts whose blank cells repeat the one above")
    facts: dict[str, FactRule] = Field(min_length=1)
    own_benefit_when_blank: tuple[str, ...] = Field(
        default=(), description="where all these facts are blank the payee is the beneficiary herself"
    )
    required: tuple[str, ...] = Field(
        default=(), description="facts without which a row is refused; a|b: one of them is enough"
    )
    date_order: DateOrder = "dmy"
    century_pivot: int | None = Field(
        default=None, ge=0, le=99, description="two-digit years up to this are 20xx; absent: births by the period"
    )
    fiscal_year_starts: int = Field(default=7, ge=1, le=12, description="month in which the fiscal year begins")
    keep_unmapped: bool = Field(default=False, description="keep the columns not mapped, as they came")

    @model_validator(mode="before")
    @classmethod
    def _bare_texts(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        value = dict(value)
        for key in ("blocks", "carry_down", "required", "own_benefit_when_blank"):
            if isinstance(value.get(key), str):
                value[key] = [value[key]]
        return value

    @field_validator("blocks")
    @classmethod
    def _are_patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_pattern(text) for text in value)

    @field_validator("facts")
    @classmethod
    def _known_facts(cls, value: dict[str, FactRule], info: ValidationInfo) -> dict[str, FactRule]:
        for name in value:
            _check_fact(name, str(info.data.get("entity", "")))
        return value

    @model_validator(mode="after")
    def _facts_agree(self) -> Contract:
        given = self.given_facts()
        for key in ("carry_down", "own_benefit_when_blank"):
            for name in getattr(self, key):
                if name not in given:
                    raise ValueError(f"{key} names '{name}', which no column gives")
        for name in self.block_facts():
            _check_fact(name, self.entity)
        for choice in self.required_facts():
            if not set(choice) & given:
                raise ValueError(f"a {self.entity} contract must map {' or '.join(choice)}")
        return self

    def block_facts(self) -> frozenset[str]:
        """Return the facts that title lines and sheet names give."""
        names: set[str] = set()
        for text in (*self.blocks, self.file.sheet_pattern):
            names |= set(re.compile(text).groupindex)
        return frozenset(names)

    def given_facts(self) -> frozenset[str]:
        """Return every fact that this contract gives a value to."""
        return frozenset(self.facts) | self.block_facts()

    def required_facts(self) -> tuple[tuple[str, ...], ...]:
        """Return the groups of facts of which each row must have one."""
        return tuple(tuple(text.split("|")) for text in (self.required or REQUIRED[self.entity]))

    def fact_type(self, name: str) -> str:
        """Return the catalogue's type of a fact."""
        return load_facts().get(name, self.entity).type


def _check_fact(name: str, entity: str) -> None:
    """Refuse a fact that the catalogue does not have for the entity, with its own message."""
    try:
        load_facts().get(name, entity)
    except KhanaError as error:
        raise ValueError(error.message) from error


def _pattern(text: str) -> str:
    """Refuse a pattern that is no regular expression."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"'{text}' is no regular expression: {error}") from error
    return text


def _text(value: Any) -> str | None:
    """Write YAML's own true, false and numbers back as the text they stand for."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
