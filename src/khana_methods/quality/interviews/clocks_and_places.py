"""What clocks and positions of submissions show: durations, interviews a day, distances.

Each function writes SQL over `submission` that gives `k`, `code`, `variable`, `value`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from khana_methods.quality.interviews.submissions import Layout

EARTH_METRES = 6_371_008.8


def metres(latitude: str, longitude: str, other_latitude: str, other_longitude: str) -> str:
    """Write SQL for the great-circle distance of two positions in degrees, none of them null.

    Source:
        Haversine formula (Sinnott 1984, Sky and Telescope 68) on the mean radius of the earth, IUGG 1980.
    """
    return (
        f"(2 * {EARTH_METRES} * asin(least(1.0, sqrt(pow(sin(radians({other_latitude} - {latitude}) / 2), 2) + "
        f"cos(radians({latitude})) * cos(radians({other_latitude})) * "
        f"pow(sin(radians({other_longitude} - {longitude}) / 2), 2)))))"
    )


def findings(layout: Layout, limits: Mapping[str, float], today: str) -> Iterator[str]:
    """Yield the SQL of every check that the named columns allow."""
    yield """SELECT k, 'SUBMISSION_TWICE', 'submission', count(*) OVER (PARTITION BY submission) FROM submission
        QUALIFY count(*) OVER (PARTITION BY submission) > 1"""
    if layout.has("minutes") or layout.has("started", "ended"):
        yield _over("minutes < 0", "DURATION_NEGATIVE", "minutes")
        yield _over(f"minutes >= 0 AND minutes < {limits['minutes_least']}", "DURATION_SHORT", "minutes")
        yield _over(f"minutes > {limits['minutes_most']}", "DURATION_LONG", "minutes")
    if layout.has("started"):
        yield _over(f"day < DATE '2000-01-01' OR day > DATE '{today}'", "CLOCK_WRONG", "year(day)")
        yield f"""SELECT k, 'DAY_TOO_MANY', 'day', count(*) OVER (PARTITION BY enumerator, day) FROM submission
            WHERE day IS NOT NULL QUALIFY count(*) OVER (PARTITION BY enumerator, day) > {limits["day_most"]}"""
    if layout.has("started", "ended"):
        yield """SELECT k, 'OVERLAPS_PREVIOUS', 'started', date_diff('second', began, before) / 60.0 FROM (
                SELECT k, began, max(finished) OVER (PARTITION BY enumerator ORDER BY began, k
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM submission WHERE began IS NOT NULL)
            WHERE before > began"""
    yield from _places(layout, limits)


def _over(condition: str, code: str, value: str) -> str:
    return f"SELECT k, '{code}', '{value.split('(')[-1].strip(')')}', {value} FROM submission WHERE {condition}"


def _places(layout: Layout, limits: Mapping[str, float]) -> Iterator[str]:
    if layout.has("accuracy"):
        yield _over(f"accuracy > {limits['accuracy_metres']}", "GPS_INACCURATE", "accuracy")
    if not layout.has("latitude", "longitude"):
        return
    yield "SELECT k, 'GPS_MISSING', 'latitude', NULL FROM submission WHERE latitude IS NULL OR longitude IS NULL"
    if layout.has("village_latitude", "village_longitude"):
        away = metres("latitude", "longitude", "village_latitude", "village_longitude")
        yield f"""SELECT k, 'GPS_FAR_FROM_VILLAGE', 'village', round({away}, 1) FROM submission
            WHERE latitude + longitude + village_latitude + village_longitude IS NOT NULL AND {away} > {limits["village_metres"]}"""
    if layout.has("started"):
        step = f"""SELECT k, {metres("latitude", "longitude", "lat0", "lon0")} AS away, date_diff('second', left_at, began) AS seconds
            FROM (SELECT k, latitude, longitude, began,
                    lag(latitude) OVER w AS lat0, lag(longitude) OVER w AS lon0, lag(coalesce(finished, began)) OVER w AS left_at
                  FROM submission WHERE began IS NOT NULL AND latitude IS NOT NULL AND longitude IS NOT NULL
                  WINDOW w AS (PARTITION BY enumerator, day ORDER BY began, k)) WHERE lat0 IS NOT NULL"""
        yield f"""SELECT k, 'GPS_SAME_SPOT', 'previous', round(away, 1) FROM ({step}) WHERE away < {limits["same_spot_metres"]}"""
        yield f"""SELECT k, 'SPEED_IMPOSSIBLE', 'previous', round(away / seconds * 3.6, 1) FROM ({step})
            WHERE away > 1000 AND seconds > 0 AND away / seconds * 3.6 > {limits["speed_km_hour"]}"""
