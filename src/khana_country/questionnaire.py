"""The household questionnaire of a country as rows of an XLSForm: common modules, the country's words, its own questions.

`country/common/questionnaire.yaml` holds what every country may ask, in three languages; a country's own file says which
modules, fills the words and adds questions. Here they become rows; writing a workbook is not this module's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from khana_country.load import _root, load_document, load_pack
from khana_methods.errors import NotConfigured
from khana_methods.yaml_text import read_yaml

ORDER = ("en", "ur", "bn")
Row = dict[str, str]


class QuestionnaireInvalid(NotConfigured):
    """A country's questionnaire lacks a language, names what is not there, or leaves a word open."""

    code: ClassVar[str] = "country.questionnaire.invalid"


@dataclass(frozen=True)
class Questionnaire:
    """Rows of the sheets survey, choices, settings and entities, in order; keys are the columns of an XLSForm."""

    form_id: str
    version: str
    survey: tuple[Row, ...]
    choices: tuple[Row, ...]
    settings: tuple[Row, ...]
    entities: tuple[Row, ...]


@cache
def load_questionnaire(country: str) -> Questionnaire:
    """Read and check the questionnaire of one country.

    Raises:
        QuestionnaireInvalid: A text lacks one of the three languages, or a word in braces is not given.
    """
    common: Mapping[str, Any] = read_yaml((_root() / "common" / "questionnaire.yaml").read_text(encoding="utf-8"))
    own = load_document(country, "questionnaire")
    return _Writer(country, common, own).questionnaire()


@dataclass(frozen=True)
class AskedIn:
    """One question that a fact comes from: its name, its module, and its words by language (none where it is reckoned)."""

    name: str
    module: str
    words: Mapping[str, str]


@cache
def questions_by_fact(country: str) -> Mapping[str, tuple[AskedIn, ...]]:
    """Return which questions of a country's questionnaire each fact comes from.

    A position gives several facts, a date of birth comes from several questions; a fact that is not there is not asked.
    """
    sheet = load_questionnaire(country).survey
    found: dict[str, list[AskedIn]] = {}
    module = ""
    for row in sheet:
        if row["type"] == "begin_group":
            module = row["name"].removesuffix("_group")
        for fact in row.get("fact", "").split():
            words = {
                code: text
                for code in ORDER
                for key, text in row.items()
                if key.endswith(f"({code})") and key[:5] == "label"
            }
            found.setdefault(fact, []).append(AskedIn(row["name"], module, words))
    return {fact: tuple(asked) for fact, asked in found.items()}


class _Writer:
    """Fills one country's words into rows."""

    def __init__(self, country: str, common: Mapping[str, Any], own: Mapping[str, Any]) -> None:
        self._country, self._common, self._own = country, common, own
        self._languages = {code: f"{common['languages'][code]} ({code})" for code in ORDER}
        self._words = [
            {name: str(word[place] if isinstance(word, list) else word) for name, word in own["words"].items()}
            for place in range(len(ORDER))
        ]

    def _texts(self, column: str, texts: Sequence[str], where: str) -> Row:
        if len(texts) != len(ORDER) or not all(isinstance(text, str) and text.strip() for text in texts):
            raise QuestionnaireInvalid(f"'{where}' of '{self._country}' lacks one of {', '.join(ORDER)}.", where=where)
        row = {}
        for place, code in enumerate(ORDER):
            row[f"{column}::{self._languages[code]}"] = self._fill(texts[place], place, where)
        return row

    def _fill(self, text: str, place: int, where: str) -> str:
        for name, word in self._words[place].items():
            text = text.replace("{" + name + "}", word)
        if "{" in text.replace("${", "").replace("$${", "") and any(
            "{" + name + "}" in text for name in ("card", "land", "currency", "id_pattern", "script")
        ):
            raise QuestionnaireInvalid(f"'{where}' of '{self._country}' leaves a word open.", where=where)
        return text

    def questionnaire(self) -> Questionnaire:
        survey = [*_META]
        for name in self._own["modules"]:
            survey += self._module(name)
        survey += _ENTITY_ROWS
        return Questionnaire(
            form_id=self._own["form_id"],
            version=str(self._own["version"]),
            survey=tuple(survey),
            choices=tuple(self._choices()),
            settings=(
                {
                    "form_title": self._own["title"][0],
                    "form_id": self._own["form_id"],
                    "version": str(self._own["version"]),
                    "default_language": self._languages[load_pack(self._country).languages[0].code],
                    "instance_name": "concat(${entity_label}, ' ', format-date(${survey_date}, '%Y-%m-%d'))",
                    "style": "pages",
                },
            ),
            entities=(
                {
                    "list_name": "households",
                    "label": "${entity_label}",
                    "entity_id": "coalesce(${household}, ${new_household})",
                    "create_if": "${visit} = 'new' and ${consent} = 'yes'",
                    "update_if": "${visit} = 'known' and ${consent} = 'yes'",
                },
            ),
        )

    def _module(self, name: str) -> Iterator[Row]:
        module = self._common["modules"].get(name)
        if module is None:
            raise QuestionnaireInvalid(f"There is no module '{name}'.", module=name)
        questions = [*module["questions"], *self._own.get("questions", {}).get(name, [])]
        repeat = module.get("repeat")
        labels = self._texts("label", module["label"], name)
        relevant = {} if name in ("visit", "consent") else {"relevant": "${consent} = 'yes'"}
        yield (
            {"type": "begin_group", "name": f"{name}_group", "appearance": "" if repeat else "field-list"}
            | labels
            | relevant
        )
        if repeat:
            yield {"type": "begin_repeat", "name": repeat} | labels
        for question in questions:
            yield self._question(question)
        if repeat:
            yield {"type": "end_repeat"}
        yield {"type": "end_group"}

    def _question(self, question: Mapping[str, Any]) -> Row:
        name, kind = question["q"], question["t"]
        row: Row = {"type": "select_one yes_no" if kind == "yes_no" else kind, "name": name}
        if kind == "calculate":
            row["calculation"] = question["calc"]
        else:
            row |= self._texts("label", [question.get(code, "") for code in ORDER], name)
        for key, column in (("hint", "hint"), ("say", "constraint_message")):
            if key in question:
                row |= self._texts(column, question[key], name)
        plain = {"when": "relevant", "check": "constraint", "filter": "choice_filter", "look": "appearance",
                 "f": "fact", "unit": "unit", "part": "part"}  # fmt: skip
        for key, column in plain.items():
            if key in question:
                row[column] = self._fill(str(question[key]), 0, name)
        if kind == "image":
            row["parameters"] = "max-pixels=1600"
        if question.get("must"):
            row["required"] = "yes"
        return row

    def _choices(self) -> Iterator[Row]:
        for name, entries in self._common["choices"].items():
            for value, texts in entries.items():
                yield {"list_name": name, "name": value} | self._texts("label", texts, f"{name}.{value}")
        for code, programme in load_pack(self._country).programmes.items():
            texts = [programme.names[language] for language in ORDER]
            yield {"list_name": "programmes", "name": code} | self._texts("label", texts, code)
        yield {"list_name": "programmes", "name": "other"} | self._texts(
            "label", ["Another", "کوئی اور", "অন্য কোনো"], "o"
        )
        yield {"list_name": "programmes", "name": "none"} | self._texts(
            "label", ["None", "کوئی نہیں", "কোনোটি নয়"], "n"
        )


_META: list[Row] = [
    {"type": "start", "name": "start"},
    {"type": "end", "name": "end"},
    {"type": "today", "name": "survey_date", "fact": "survey_date"},
    {"type": "deviceid", "name": "deviceid"},
    {
        "type": "audit",
        "name": "audit",
        "parameters": "location-priority=balanced location-min-interval=60 location-max-age=120",
    },
]
_ENTITY_ROWS: list[Row] = [
    {"type": "calculate", "name": "new_household", "calculation": "once(uuid())"},
    {
        "type": "calculate",
        "name": "household_number",
        "fact": "household_number",
        "save_to": "household_number",
        "calculation": "if(${visit} = 'known', instance('households')/root/item[name=${household}]/household_number, '')",
    },
    {
        "type": "calculate",
        "name": "entity_label",
        "save_to": "head_name",
        "calculation": "coalesce(indexed-repeat(${name}, ${member}, 1), 'household')",
    },
    {"type": "calculate", "name": "entity_village", "save_to": "village_name", "calculation": "${village_name}"},
    {"type": "calculate", "name": "entity_size", "save_to": "members", "calculation": "count(${member})"},
]
