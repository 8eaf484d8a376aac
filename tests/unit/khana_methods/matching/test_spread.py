"""One cluster of separate worker processes for the module: the same card gives the same pairs as in one process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.factories import java
from tests.factories.linked_people import frame, people

from khana_methods.engine.duckdb import Engine
from khana_methods.engine.spark import Cluster
from khana_methods.matching.blocking import BlockPoisoned, Cutting, candidate_pairs
from khana_methods.matching.link import find_duplicates
from khana_methods.matching.model import ModelCard
from khana_methods.matching.prepare import prepare
from khana_methods.matching.train import train


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=512, threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def card(engine: Engine) -> ModelCard:
    records, _ = people()
    prepare(engine, frame(records), plain="plain_record")
    return train(engine, "person_record", "plain_record", version="T-S", max_pairs=2e5).card


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    pytest.importorskip("pyspark")
    with java.short_lived(), Cluster(folder=Path(tmp_path_factory.mktemp("spark")), partitions=2) as opened:
        yield opened


def test_both_engines_give_the_same_pairs(engine: Engine, card: ModelCard, cluster: Cluster) -> None:
    records, _ = people(800, 80)
    prepare(engine, frame(records))
    uncut = candidate_pairs(engine, "person_record", card.passes)
    cutting = Cutting(largest=8, smallest=2, pairs_per_record=0.1)  # passes at different sizes, some blocks cut twice
    here, counts = find_duplicates(engine, "person_record", card, into="here", cutting=cutting)
    assert sum(one.pairs for one in counts) < sum(one.pairs for one in uncut)  # some block was cut
    made = engine.value("SELECT pairs FROM candidate_count")
    there, counts_there = find_duplicates(engine, "person_record", card, into="there", cluster=cluster, cutting=cutting)
    assert counts_there == counts
    assert engine.value("SELECT pairs FROM candidate_count") == made
    assert there.pairs() == here.pairs()
    assert len(here.pairs()) > 60
    columns = "left_id, right_id, match_weight, probability, contradiction, decision, cluster"
    one, other = (engine.rows(f"SELECT {columns} FROM {name} ORDER BY 1, 2") for name in ("here", "there"))
    assert one == other


def test_workers_are_processes_of_their_own(engine: Engine, cluster: Cluster) -> None:
    engine.run(
        f"COPY (SELECT range AS n FROM range(1000)) TO '{cluster.place('numbers')}' (FORMAT parquet, ROW_GROUP_SIZE 100)"
    )
    cluster.register_parquet("numbers", cluster.place("numbers"))
    assert cluster.workers() == 2
    cluster.run_rowwise("doubled", "numbers", "SELECT n * 2 AS twice FROM batch")
    assert cluster.rows("SELECT count(*), sum(twice) FROM doubled") == [(1000, 999000)]


def test_a_poisoned_block_is_named_before_anything_is_compared(
    engine: Engine, card: ModelCard, cluster: Cluster
) -> None:
    records = [one | {"number": "3520112345671"} for one in people(60, 0)[0]]
    prepare(engine, frame(records))
    with pytest.raises(BlockPoisoned, match="number"):
        find_duplicates(engine, "person_record", card, cluster=cluster, max_block_pairs=1000)
