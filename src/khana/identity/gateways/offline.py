"""The authority's extract as it was loaded here, asked like a service: no network, the age of the extract counts.

Only numbers that somebody within the asker's area shows are looked up: the database's own function holds that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from khana.access import services as access
from khana.identity.gateways.protocol import Answer, Question, Record
from khana.identity.models import ExtractLoad
from khana_methods.errors import NotConfigured

REGISTER = "identity_nationalidrecord"


class NoExtract(NotConfigured):
    """No extract of the authority was ever loaded."""

    code = "identity.extract.none"


class OfflineExtract:
    """Asks the extract of `khana import identities`; inside the asker's scope."""

    def ask(self, questions: Sequence[Question], *, at: datetime) -> list[Answer]:
        """Return what the extract holds of each number.

        Raises:
            NoExtract: There is none.
        """
        newest = ExtractLoad.objects.filter(register=REGISTER).order_by("-id").first()
        if newest is None:
            raise NoExtract("No extract of the authority is loaded: `khana import identities FILE --contract C`.")
        tokens = [question.token for question in questions]
        found = {bytes(row[0]): row for row in access.call("identity_records", tokens)}
        return [self._answer(question, found.get(question.token), newest) for question in questions]

    def _answer(self, question: Question, row: tuple[object, ...] | None, newest: ExtractLoad) -> Answer:
        transaction = f"extract:{newest.batch_id}"
        if row is None:
            return Answer(question.reference, "NOT_FOUND", as_of=newest.as_of, transaction=transaction)
        _token, name, native, sex, born, status, died = row
        held = {
            "name": name,
            "name_native": native,
            "sex": sex,
            "birth_date": born,
            "status": status,
            "death_date": died,
        }
        record = Record(
            name=str(name), name_native=str(native), sex=str(sex), birth_year=born.year if born else None,  # type: ignore[attr-defined]
            is_dead=died is not None or status == "DECEASED", death_date=died,  # type: ignore[arg-type]
        )  # fmt: skip
        raw = json.dumps(held, default=str, ensure_ascii=False, sort_keys=True).encode()
        return Answer(question.reference, "RECORD", record, as_of=newest.as_of, transaction=transaction, raw=raw)
