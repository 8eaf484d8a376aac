"""The registry as programmes' rules read it: typed facts on a day, as they were known at a time, with places and scores.

Shared by the evaluation, the drawing of lists and their deriving again; everything that decides is read by both clocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from khana.assessment import frames as assessment
from khana.platform.frames import FrameSource
from khana.programmes import frames as programmes
from khana.registry import frames as registry
from khana_methods.engine.duckdb import Engine
from khana_methods.overlap import evaluate
from khana_methods.rules import snapshot
from khana_methods.rules.decide import Decidable

# what is asked of every household and person beside what rules read: who is paid, how many live there
ALWAYS = frozenset({"score", "household_size", "sex", "marital", "age"})


def read_facts(
    engine: Engine, source: FrameSource, rules: Iterable[Decidable], *, day: date, known_at: datetime
) -> None:
    """Make the tables `household`, `member` and `place`, and `upheld` appeals, as they stood on a day and were known at a time."""
    wanted = ALWAYS | {name for rule in rules for name in rule.facts}
    households = registry.household_text_frame(source, as_of=day, known_at=known_at)
    engine.register("household_text", households, schema=snapshot.household_text_frame)
    members = registry.member_text_frame(source, as_of=day, known_at=known_at)
    engine.register("member_text", members, schema=snapshot.member_text_frame)
    engine.register("score_in_force", assessment.score_frame_at(source, as_of=day, known_at=known_at))
    engine.register("place", registry.place_at_frame(source, as_of=day, known_at=known_at), schema=evaluate.place_frame)
    engine.register("upheld", programmes.upheld_frame(source, known_at=known_at), schema=evaluate.upheld_frame)
    snapshot.type_facts(engine, as_of=day, wanted=wanted)
    engine.run("CREATE OR REPLACE TABLE slip AS SELECT DISTINCT household_id, household_number FROM place")


def mark_of(engine: Engine) -> str:
    """Return one hash over the facts of every household and member that rules could read, whatever their order."""
    marks = [
        str(
            engine.value(
                f"""SELECT md5(CAST(count(*) AS VARCHAR) || ':' ||
                    CAST(coalesce(bit_xor(md5_number(CAST(t AS VARCHAR))), 0) AS VARCHAR)) FROM {table} t"""
            )
        )
        for table in ("household", "member")
    ]
    return "".join(marks)
