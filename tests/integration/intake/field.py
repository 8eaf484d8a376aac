"""One small country with the questionnaire of Pakistan, an enumerator, a registrar and the worker's journey."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from khana.access import services as access
from khana.geo import services as geo
from khana.intake import selectors
from khana.intake.models import Submission
from khana.intake.services import receive
from khana.intake.xlsform.definition import Definition
from khana.platform import embedded
from khana.workflows import add_form, register_household
from tests.conftest import acting_as

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)


@dataclass
class Field:
    """What a test of the journey needs."""

    form: Definition
    tokens: dict[str, str]
    database: str
    make: Callable[..., str]
    numbers: list[int] = field(default_factory=list)

    def send(
        self, xml: bytes, *, user: str = "enumerator", parts: Sequence[receive.Arrived] = (), at: datetime = AT
    ) -> receive.Receipt:
        with access.scoped(self.tokens[user]):
            return receive.receive(xml=xml, attachments=list(parts), device_id="d1", at=at)

    def work(self, user: str = "enumerator") -> dict[str, Any]:
        """Run the journey as the worker process does."""
        with acting_as("worker", self.database):
            return register_household.run(token=self.tokens[user], at=AT)

    def row(self, number: int, user: str = "steward") -> Submission:
        with access.scoped(self.tokens[user]):
            return selectors.get_submission_row(number)

    def states(self, number: int) -> list[str]:
        with access.scoped(self.tokens["steward"]):
            return [stamp.state for stamp in selectors.stamps_of(number)]

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask past row security."""
        import psycopg

        with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": self.database}) as owner:
            owner.execute("SELECT 1")
            return [tuple(row) for row in owner.execute(statement, values).fetchall()]  # type: ignore[arg-type]


def make_field(database: str, tokens: Callable[..., str]) -> Field:
    """Load areas and the questionnaire, and make the users."""
    steward = tokens("data_steward")
    with access.scoped(steward):
        rows = [
            geo.AreaRow("PK", "Pakistan", 0, ""),
            geo.AreaRow("PK1", "Punjab", 1, "PK"), geo.AreaRow("PK2", "Sindh", 1, "PK"),
            geo.AreaRow("PK101", "Lahore", 2, "PK1"), geo.AreaRow("PK102", "Multan", 2, "PK1"), geo.AreaRow("PK201", "Thatta", 2, "PK2"),
            geo.AreaRow("PK10101", "Lahore City", 3, "PK101"), geo.AreaRow("PK10201", "Multan City", 3, "PK102"),
            geo.AreaRow("PK20101", "Thatta", 3, "PK201"),
        ]  # fmt: skip
        geo.put_areas(country="PAK", scheme="t", valid_from=date(2020, 1, 1), rows=rows)
    data, name = add_form.of_country("pak")
    add_form.run(token=steward, data=data, name=name, valid_from=date(2026, 1, 1), at=AT)
    with access.scoped(steward):
        form = selectors.definition_of(selectors.get_version("khana_pak_household"))
    return Field(
        form=form,
        tokens={
            "steward": steward,
            "enumerator": tokens("enumerator", area_code="PK101"),
            "second": tokens("enumerator", area_code="PK101"),
            "registrar": tokens("registrar", area_code="PK101"),
            "elsewhere": tokens("registrar", area_code="PK201"),
        },
        database=database,
        make=tokens,
    )
