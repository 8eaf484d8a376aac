"""Frames of matching for the methods and for exports: pairs with their decisions, clusters."""

from __future__ import annotations

import pyarrow as pa

from khana.platform.frames import FrameSource


def pair_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per pair that anybody may have to look at or that is linked; drawn pairs apart are left out."""
    return source.query(
        """SELECT p.id AS pair_id, p.left_kind, p.left_id, p.left_role, p.right_kind, p.right_id, p.right_role, p.match_weight, p.probability, p.decision,
                  p.cluster, p.decided_by IS NOT NULL AS by_person
           FROM linkage_pair p WHERE p.decision <> 'APART'"""
    )


def cluster_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per file of a cluster of the last run: `person_id`, `cluster` (its smallest person)."""
    return source.query("SELECT person_id, cluster FROM linkage_clustermember")


def decided_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per pair of which a person said that it is one person, or is not: `left_…`, `right_…`, `is_same`, `decided_at`."""
    return source.query(
        """SELECT left_kind, left_id, left_role, right_kind, right_id, right_role, decision = 'LINKED' AS is_same, decided_at
           FROM linkage_pair
           WHERE decided_by IS NOT NULL AND decision IN ('LINKED', 'REJECTED')"""
    )
