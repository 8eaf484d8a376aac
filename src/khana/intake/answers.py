"""Read one filled form as it arrived: who it is, which entity it speaks of, and its answers by question.

The XML is hostile until read: no document type, no entities, no depth without end. What cannot be read raises one named
error; the bytes are kept by then.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from khana_methods.errors import InputError

MOST_BYTES = 5 << 20
_DEEPEST = 40
_MOST_ANSWERS = 50_000
_MEDIA = re.compile(
    r"^[\w.\- ()]{1,120}\.(?:jpg|jpeg|png|webp|gif|m4a|mp3|amr|wav|mp4|3gp|3gpp|pdf|csv)$", re.IGNORECASE
)


class SubmissionUnreadable(InputError):
    """The XML is cut, malformed, too large, or holds what a filled form never holds."""

    code: ClassVar[str] = "intake.submission.unreadable"


@dataclass(frozen=True)
class EntityPart:
    """What a filled form says of the household on the list: new or changed, and upon which version."""

    dataset: str
    uuid: uuid.UUID | None
    is_create: bool
    is_update: bool
    base_version: int | None
    trunk_version: int | None
    branch: str
    label: str


@dataclass(frozen=True)
class Instance:
    """One filled form: `answers` by path where it stands once, `rows` by path of the repeat."""

    form_code: str
    version: str
    instance_id: str
    deprecated_id: str
    instance_name: str
    answers: Mapping[str, str]
    rows: Mapping[str, tuple[Mapping[str, str], ...]]
    entity: EntityPart | None
    media: tuple[str, ...] = field(default=())


def read_instance(data: bytes, repeats: frozenset[str] = frozenset()) -> Instance:
    """Read the XML of one filled form.

    Args:
        data: The bytes.
        repeats: Paths of groups that repeat, as the form's version says; without them only the head is of use.

    Raises:
        SubmissionUnreadable: It is no filled form; the message says in what way and shows nothing of it.
    """
    if len(data) > MOST_BYTES:
        raise SubmissionUnreadable("The answers are larger than five megabytes: no questionnaire is.", bytes=len(data))
    try:
        root = ElementTree.fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise SubmissionUnreadable("The answers hold a document type or entities, which no telephone sends.") from error
    except (ParseError, ValueError, LookupError) as error:
        place = getattr(error, "position", (0, 0))[0]
        raise SubmissionUnreadable(
            f"The answers are no well-formed XML: cut or damaged at line {place}.", line=place
        ) from error
    reader = _Reader(repeats)
    for child in root:
        if _tag(child) != "meta":
            reader.walk(child, _tag(child), None, 1)
    meta = next((child for child in root if _tag(child) == "meta"), None)
    inner = {_tag(child): (child.text or "").strip() for child in meta} if meta is not None else {}
    instance_id = inner.get("instanceID", "") or root.get("instanceID", "")
    if not root.get("id") or not instance_id:
        raise SubmissionUnreadable("The answers name no form or no instance id.")
    if len(instance_id) > 200:
        raise SubmissionUnreadable("The instance id is longer than any telephone makes it.")
    return Instance(
        form_code=str(root.get("id")),
        version=root.get("version", ""),
        instance_id=instance_id,
        deprecated_id=inner.get("deprecatedID", ""),
        instance_name=inner.get("instanceName", ""),
        answers=reader.answers,
        rows={path: tuple(rows) for path, rows in reader.rows.items()},
        entity=_entity(meta),
        media=tuple(dict.fromkeys([*reader.media, *([inner["audit"]] if inner.get("audit") else [])])),
    )


def _tag(element: Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


class _Reader:
    """Collects leaves by path; a repeat's leaves by row."""

    def __init__(self, repeats: frozenset[str]) -> None:
        self._repeats = repeats
        self.answers: dict[str, str] = {}
        self.rows: dict[str, list[dict[str, str]]] = {}
        self.media: list[str] = []
        self._count = 0

    def walk(self, element: Element, path: str, row: dict[str, str] | None, depth: int) -> None:
        self._count += 1
        if depth > _DEEPEST or self._count > _MOST_ANSWERS:
            raise SubmissionUnreadable("The answers are deeper or more than any questionnaire asks.")
        if path in self._repeats:
            row = {}
            self.rows.setdefault(path, []).append(row)
        if len(element):
            for child in element:
                self.walk(child, f"{path}/{_tag(child)}", row, depth + 1)
            return
        text = (element.text or "").strip()
        if path in self._repeats or not text:
            return
        if _MEDIA.match(text):
            self.media.append(text)
        (self.answers if row is None else row)[path] = text


def _entity(meta: Element | None) -> EntityPart | None:
    for child in meta if meta is not None else ():
        if _tag(child) == "entity":
            label = next(((inner.text or "").strip() for inner in child if _tag(inner) == "label"), "")
            return EntityPart(
                dataset=child.get("dataset", ""),
                uuid=_uuid(child.get("id", "")),
                is_create=child.get("create", "") in ("1", "true"),
                is_update=child.get("update", "") in ("1", "true"),
                base_version=_whole(child.get("baseVersion", "")),
                trunk_version=_whole(child.get("trunkVersion", "")),
                branch=child.get("branchId", "")[:64],
                label=label,
            )
    return None


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text.removeprefix("uuid:"))
    except ValueError:
        return None


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def leaves(instance: Instance) -> Iterator[tuple[str, int, str]]:
    """Yield (path, row of its repeat from 1 or 0, answer) in the order of the questions."""
    for path, text in instance.answers.items():
        yield path, 0, text
    for rows in instance.rows.values():
        for number, row in enumerate(rows, start=1):
            for path, text in row.items():
                yield path, number, text
