"""People registered twice in one province of pk-sample, found with the defaults; truth only judges."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench._pk_linkage import authority, registry, true_pairs

from khana_methods.engine.duckdb import Engine
from khana_methods.matching.evaluate import quality
from khana_methods.matching.link import find_duplicates
from khana_methods.matching.prepare import prepare
from khana_methods.matching.train import train

pytestmark = pytest.mark.shared_data
PROVINCE = "PK2"


def test_second_registrations_of_one_province(pk_sample: Path) -> None:
    numbers, subscribers = authority(pk_sample)
    with Engine(memory_mib=2048) as engine:
        people = registry(pk_sample, f"province_code = '{PROVINCE}'")
        prepare(engine, people, authority=numbers, subscribers=subscribers, plain="plain_record")
        card = train(engine, "person_record", "plain_record", version="province", max_pairs=1e6).card
        clusters, _ = find_duplicates(engine, "person_record", card)
        ids = dict(engine.rows("SELECT unique_id, record_id FROM person_record"))
        known = set(ids.values())
    truth = {pair for pair in true_pairs(pk_sample) if known.issuperset(pair)}
    found = quality([(ids[a], ids[b]) for a, b in clusters.pairs()], truth)
    print(len(known), found)
    assert len(truth) > 50
    assert found.precision.value >= 0.96, found
    assert found.recall.value >= 0.65, found
