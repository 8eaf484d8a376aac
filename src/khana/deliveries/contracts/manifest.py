"""The manifest: which files make up one country's set, and under which contract each is read.

Paths of data are relative to the folder given with `--data`, paths of contracts to the manifest
itself. Its programmes, programme areas and parameters override those of the country pack.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from khana.deliveries.contracts.schema import CodeText, Due, Entity


class _Strict(BaseModel):
    """A part of a manifest: unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AreaFile(_Strict):
    """One file of areas of one level: GeoJSON with outlines, or CSV without."""

    file: str
    level: int = Field(ge=0, le=6, description="0 country, 1 province or division, 2 district, 3 tehsil or upazila")
    code: str = Field(description="property or column that holds the code")
    name: str = Field(description="property or column that holds the name")
    parent: str = Field(default="", description="property or column that holds the parent's code")
    parent_prefix: int | None = Field(default=None, ge=1, description="the parent's code is this many characters of it")
    names: dict[str, str] = Field(default_factory=dict, description="language: property or column")
    aliases: str = Field(default="", description="property or column with other spellings, parted by semicolons")


class Areas(_Strict):
    """The areas of the country, from the country down, under one scheme of codes."""

    scheme: str = Field(description="which vintage of codes, such as cod-ab-v03")
    valid_from: dt.date
    files: tuple[AreaFile, ...] = Field(min_length=1)


class Register(_Strict):
    """One register: read as a whole, in the order given."""

    entity: Entity
    file: str
    contract: str = Field(description="path of the contract, from the manifest")


class ProgrammeAreas(_Strict):
    """Where each programme runs: one line a programme and area. A programme without lines runs everywhere."""

    file: str
    programme: str = "programme"
    area_code: str = "area_code"


class SourceEntry(_Strict):
    """One ministry's MIS: its programmes, how often it delivers, the files at hand and their contract."""

    code: CodeText
    title: str
    agency: str
    programmes: tuple[str, ...] = Field(min_length=1)
    frequency: Due = ""
    files: tuple[str, ...] = Field(min_length=1)
    contract: str

    @model_validator(mode="before")
    @classmethod
    def _one_file(cls, value: Any) -> Any:
        if isinstance(value, dict) and "file" in value and "files" not in value:
            value = {key: item for key, item in value.items() if key != "file"} | {"files": [value["file"]]}
        return value


class Parameters(_Strict):
    """The numbers that the five answers turn on."""

    cut_off: float = Field(default=32, description="highest score that is poor")
    well_off_percentile: float = Field(default=80, ge=0, le=100, description="scores above it are well off")
    cap: int = Field(default=3, ge=1, description="most cash programmes one person may draw")


class Manifest(_Strict):
    """Everything that is loaded for one country in one go."""

    version: Literal[1] = 1
    country: str = Field(pattern="^[a-z]{3}$", description="country pack, such as pak")
    title: str = ""
    world_date: dt.date = Field(description="the day that 'today' stands for")
    areas: Areas | None = None
    programmes: Register | None = Field(default=None, description="catalogue; overrides the country pack's")
    programme_areas: ProgrammeAreas | None = None
    registers: tuple[Register, ...] = ()
    sources: tuple[SourceEntry, ...] = ()
    parameters: Parameters = Parameters()

    @model_validator(mode="after")
    def _codes_once(self) -> Manifest:
        codes = [source.code for source in self.sources]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise ValueError(f"these sources stand twice: {', '.join(twice)}")
        return self
