"""Draw a sample that anybody can draw again: stratified, with chance proportional to size, by SHA-256.

First the hash of the frame and the hash of the seed are published; only then is the seed opened and the sample
drawn. Each unit's random number is a hash of seed, frame and its own key, so the draw can be repeated in any
language and no order of the file can change it. With clusters, areas are drawn first and households in them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from khana_methods.errors import Conflict, InputError

Floats = npt.NDArray[np.float64]


class FrameUnusable(InputError):
    """A frame has units without key, keys twice, or sizes that are no size."""

    code: ClassVar[str] = "quality.draw.frame_unusable"


class DrawNotAsAnnounced(Conflict):
    """Frame, seed or design are not those whose hashes were published; the draw would prove nothing."""

    code: ClassVar[str] = "quality.draw.not_as_announced"


@dataclass(frozen=True)
class Design:
    """How a sample is drawn.

    Attributes:
        key: Column that names a unit.
        size: Units to draw in all.
        stratum: Column; each stratum gets its share of `size`, by its number of units. Empty: one stratum.
        measure: Column of the size that the chance is proportional to. Empty: equal chances.
        cluster: Column of the area; areas are drawn with chance proportional to their units.
        take: Units to draw in each area drawn.
        least: Fewest units of a stratum, where it has so many.
        reserve: Further units in each stratum, to be visited where one of the sample is not found.
    """

    key: str
    size: int
    stratum: str = ""
    measure: str = ""
    cluster: str = ""
    take: int = 0
    least: int = 2
    reserve: int = 0


@dataclass(frozen=True)
class Announcement:
    """What is published before a draw."""

    frame_hash: str
    seed_hash: str
    units: int
    design: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        return asdict(self)


def hash_frame(frame: pa.Table, design: Design) -> str:
    """Hash what the draw depends on: key, stratum, size and cluster of every unit, whatever their order.

    Returns:
        SHA-256, hexadecimal, over sorted lines of the values with tabs between.

    Examples:
        >>> one = pa.table({"id": ["b", "a"], "village": ["x", "y"]})
        >>> two = pa.table({"id": ["a", "b"], "village": ["y", "x"]})
        >>> design = Design(key="id", size=1, stratum="village")
        >>> hash_frame(one, design) == hash_frame(two, design)
        True
    """
    names = [name for name in (design.key, design.stratum, design.measure, design.cluster) if name]
    columns = [["" if v is None else str(v) for v in frame.column(name).to_pylist()] for name in names]
    lines = sorted("\t".join(values) for values in zip(*columns, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def announce(frame: pa.Table, design: Design, seed: str) -> Announcement:
    """Make what is to be published before the draw.

    Raises:
        FrameUnusable: The frame cannot be drawn from.
    """
    _check(frame, design)
    return Announcement(hash_frame(frame, design), _sha(seed), frame.num_rows, asdict(design))


def draw(frame: pa.Table, design: Design, seed: str, announced: Announcement | None = None) -> pa.Table:
    """Draw the sample.

    Args:
        frame: One row per unit.
        design: How.
        seed: Any text; its hash must be the one announced.
        announced: What was published before; None for a draw that nobody has to trust.

    Returns:
        One row per unit drawn: key, stratum, cluster (where there are), `order` within the stratum, `is_reserve`,
        `probability` of inclusion (null for reserves) and `weight`, its inverse.

    Raises:
        DrawNotAsAnnounced: Something differs from the announcement.
        FrameUnusable: The frame cannot be drawn from.

    Source:
        Pareto sampling with fixed size: Rosén 1997, Journal of Statistical Planning and Inference 62; with equal
        sizes it is simple random sampling. Two stages: Cochran 1977, Sampling Techniques, chapter 9A.
    """
    _check(frame, design)
    frame_hash = hash_frame(frame, design)
    if announced is not None and announced != Announcement(frame_hash, _sha(seed), frame.num_rows, asdict(design)):
        wrong = [
            name
            for name, value in Announcement(frame_hash, _sha(seed), frame.num_rows, asdict(design)).as_dict().items()
            if announced.as_dict()[name] != value
        ]
        raise DrawNotAsAnnounced(
            f"Not as announced: {', '.join(wrong)}. Announce again before drawing; the first announcement stays on record.",
            differs=wrong,
        )
    keys = [str(key) for key in frame.column(design.key).to_pylist()]
    strata = _texts(frame, design.stratum)
    sizes = _sizes(frame, design)
    clusters = _texts(frame, design.cluster)
    rows: list[dict[str, Any]] = []
    shares = _allocate(strata, design)
    for stratum, wanted in shares.items():
        inside = np.flatnonzero(strata == stratum)
        chance = np.array([_uniform(seed, frame_hash, keys[n]) for n in inside])
        if design.cluster:
            drawn = _two_stages(inside, clusters[inside], chance, wanted, design, seed, frame_hash)
        else:
            drawn = _one_stage(inside, sizes[inside], chance, wanted, design.reserve)
        for order, (unit, probability) in enumerate(drawn, start=1):
            row: dict[str, Any] = {design.key: keys[unit], "stratum": stratum or "all"}
            if design.cluster:
                row["cluster"] = clusters[unit]
            row |= {"order": order, "is_reserve": probability is None, "probability": probability}
            rows.append(row | {"weight": None if probability is None else 1.0 / probability})
    names = [design.key, "stratum", *(["cluster"] if design.cluster else [])]
    kinds = [("order", pa.int64()), ("is_reserve", pa.bool_()), ("probability", pa.float64()), ("weight", pa.float64())]
    return pa.Table.from_pylist(rows, schema=pa.schema([*((name, pa.string()) for name in names), *kinds]))


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _uniform(seed: str, frame_hash: str, key: str) -> float:
    """Give the random number of a unit, above 0 and below 1.

    Examples:
        >>> round(_uniform("a", "b", "c"), 6)
        0.544167
    """
    digest = hashlib.sha256(f"{seed}\t{frame_hash}\t{key}".encode()).digest()
    return (int.from_bytes(digest[:7], "big") + 0.5) / 2**56


def _texts(frame: pa.Table, column: str) -> npt.NDArray[np.str_]:
    values = (
        ["" if v is None else str(v) for v in frame.column(column).to_pylist()] if column else [""] * frame.num_rows
    )
    return np.array(values, dtype=np.str_)


def _sizes(frame: pa.Table, design: Design) -> Floats:
    if not design.measure:
        return np.ones(frame.num_rows)
    try:
        sizes = np.array(
            [float(v) if v not in (None, "") else np.nan for v in frame.column(design.measure).to_pylist()]
        )
    except ValueError:
        sizes = np.array([np.nan])
    if not (np.isfinite(sizes).all() and (sizes > 0).all()):
        raise FrameUnusable(f"Every unit needs a size above 0 in the column '{design.measure}'.", column=design.measure)
    return sizes


def _check(frame: pa.Table, design: Design) -> None:
    wanted = [name for name in (design.key, design.stratum, design.measure, design.cluster) if name]
    lost = [name for name in wanted if name not in frame.schema.names]
    if lost:
        raise FrameUnusable(f"The frame has no column {', '.join(lost)}.", columns=lost)
    keys = frame.column(design.key)
    if keys.null_count or len(set(keys.to_pylist())) < frame.num_rows:
        raise FrameUnusable(f"The column '{design.key}' is blank or stands twice in places.", column=design.key)
    if not 0 < design.size <= frame.num_rows or bool(design.cluster) != bool(design.take):
        raise FrameUnusable(
            f"Draw from 1 to {frame.num_rows} units; with a cluster column say how many to take in each area.",
            units=frame.num_rows,
        )


def _allocate(strata: npt.NDArray[np.str_], design: Design) -> dict[str, int]:
    """Share the sample out by the strata's numbers of units, largest remainders first, none under the least.

    Examples:
        >>> _allocate(np.array(["a"] * 60 + ["b"] * 30 + ["c"] * 10), Design(key="k", size=10, least=2))
        {'a': 5, 'b': 3, 'c': 2}
    """
    names, counts = np.unique(strata, return_counts=True)
    floor = np.minimum(design.least if len(names) > 1 else 0, counts)
    wanted = np.maximum(floor, design.size * counts / counts.sum())
    fixed = wanted == floor
    spare = design.size - floor[fixed].sum()
    if spare > 0 and (~fixed).any():
        wanted[~fixed] = spare * counts[~fixed] / counts[~fixed].sum()
    shares = np.maximum(floor, np.floor(wanted)).astype(np.int64)
    for n in np.argsort(-(wanted - np.floor(wanted)), kind="stable"):
        if shares.sum() < design.size and not fixed[n]:
            shares[n] += 1
    return {str(name): int(min(share, count)) for name, share, count in zip(names, shares, counts, strict=True)}


def inclusion(sizes: Floats, wanted: int) -> Floats:
    """Give chances proportional to size that sum to the number wanted; who is too large is taken for certain.

    Examples:
        >>> inclusion(np.array([1.0, 1.0, 2.0, 8.0]), 2).tolist()
        [0.25, 0.25, 0.5, 1.0]

    Source:
        Cochran 1977, Sampling Techniques, 9A.
    """
    chance = np.zeros(len(sizes))
    certain = np.zeros(len(sizes), dtype=bool)
    while True:
        left = wanted - certain.sum()
        chance = np.where(certain, 1.0, left * sizes / sizes[~certain].sum() if (~certain).any() else 1.0)
        more = (chance >= 1.0) & ~certain
        if not more.any():
            return chance
        certain |= more


def _one_stage(
    inside: npt.NDArray[np.int64], sizes: Floats, chance: Floats, wanted: int, reserve: int
) -> list[tuple[int, float | None]]:
    probability = inclusion(sizes, wanted)
    ranked = _pareto_order(chance, probability)
    drawn: list[tuple[int, float | None]] = [(int(inside[n]), float(probability[n])) for n in ranked[:wanted]]
    return drawn + [(int(inside[n]), None) for n in ranked[wanted : wanted + reserve]]


def _pareto_order(chance: Floats, probability: Floats) -> npt.NDArray[np.int64]:
    with np.errstate(divide="ignore"):
        odds = np.where(probability >= 1.0, np.inf, probability / np.where(probability >= 1.0, 1.0, 1.0 - probability))
    return np.argsort(chance / (1.0 - chance) / odds, kind="stable")


def _two_stages(
    inside: npt.NDArray[np.int64],
    clusters: npt.NDArray[np.str_],
    chance: Floats,
    wanted: int,
    design: Design,
    seed: str,
    frame_hash: str,
) -> list[tuple[int, float | None]]:
    """Draw areas with chance proportional to their units, then units in each with equal chances."""
    names, counts = np.unique(clusters, return_counts=True)
    areas = min(max(1, round(wanted / design.take)), len(names))
    of_area = inclusion(counts.astype(np.float64), areas)
    own = np.array([_uniform(seed, frame_hash, f"cluster\t{name}") for name in names])
    drawn: list[tuple[int, float | None]] = []
    spare: list[tuple[int, float | None]] = []
    for n in _pareto_order(own, of_area)[:areas]:
        members = np.flatnonzero(clusters == names[n])
        members = members[np.argsort(chance[members], kind="stable")]
        take = min(design.take, len(members))
        drawn += [(int(inside[m]), float(of_area[n] * take / len(members))) for m in members[:take]]
        spare += [(int(inside[m]), None) for m in members[take : take + design.reserve]]
    return drawn + spare


def sample_size(population: int, margin: float, *, level: float = 0.95, response: float = 1.0) -> int:
    """Give the units needed to know a proportion within a margin, whatever it is, in a finite population.

    Args:
        population: Units of the frame.
        margin: Half width of the interval, such as 0.05.
        level: Confidence.
        response: Share of units who can be interviewed.

    Source:
        Cochran 1977, Sampling Techniques, 4.4: n0 = z² 0.25 / e², n = N n0 / (n0 + N).

    Examples:
        >>> sample_size(1000, 0.05), sample_size(59456, 0.05)
        (278, 382)
    """
    from scipy.stats import norm

    first = float(norm.ppf(0.5 + level / 2)) ** 2 * 0.25 / margin**2
    return int(np.ceil(population * first / (first + population) / response))


def verify_sample(sample: pa.Table, again: pa.Table) -> Sequence[int]:
    """Return the rows (from 0) in which a published sample differs from the draw repeated."""
    one, two = sample.to_pylist(), again.to_pylist()
    if len(one) != len(two):
        return list(range(max(len(one), len(two))))
    return [n for n, (left, right) in enumerate(zip(one, two, strict=True)) if left != right]
