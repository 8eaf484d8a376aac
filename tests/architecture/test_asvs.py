"""OWASP ASVS 5.0, levels 1 and 2: each requirement is answered once, and each answer names tests and pages that are there."""

from __future__ import annotations

import re
from fnmatch import fnmatch

from tests.architecture.sources import REPOSITORY

PAGE = (REPOSITORY / "docs" / "asvs.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| ([^|]+) \| (met|not applicable|not met) \| (.+) \|$", re.M)
# the level of each requirement of each section of version 5.0.0, in order: figures alone, the text is OWASP's
LEVELS = """
1.1 22  1.2 1111122223  1.3 112222222223  1.4 222  1.5 123  2.1 122  2.2 112  2.3 12223  2.4 23
3.1 3  3.2 113  3.3 12223  3.4 11222233  3.5 11122333  3.6 3  3.7 22333  4.1 12233  4.2 23333  4.3 22  4.4 1222
5.1 2  5.2 112333  5.3 113  5.4 222  6.1 122  6.2 111111112222  6.3 11223333  6.4 112233  6.5 22222333  6.6 2223
6.7 33  6.8 2222  7.1 222  7.2 1111  7.3 22  7.4 11222  7.5 223  7.6 22  8.1 1233  8.2 1123  8.3 133  8.4 23
9.1 111  9.2 1222  10.1 22  10.2 223  10.3 22223  10.4 1111122222233333  10.5 22222  10.6 22  10.7 222
11.1 2233  11.2 22233  11.3 11233  11.4 1222  11.5 23  11.6 23  11.7 33  12.1 12233  12.2 11  12.3 22223
13.1 2333  13.2 222223  13.3 2233  13.4 1222233  14.1 22  14.2 12223333  14.3 122  15.1 12233  15.2 12233
15.3 1222222  15.4 3333  16.1 2  16.2 22222  16.3 2222  16.4 222  16.5 2223  17.1 23  17.2 22223333  17.3 22
"""


def wanted() -> dict[str, str]:
    """Return number -> level of every requirement of levels 1 and 2."""
    parts = LEVELS.split()
    return {
        f"{section}.{place}": level
        for section, levels in zip(parts[::2], parts[1::2], strict=True)
        for place, level in enumerate(levels, 1)
        if level in "12"
    }


def named_tests() -> set[str]:
    """Return the name of every test function of the repository."""
    found: set[str] = set()
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        found |= set(re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.M))
    return found


CHECKED = re.findall(r"script/[\w*]+\.py", (REPOSITORY / "script" / "check").read_text())  # script/test runs it first


def test_every_requirement_is_answered_once() -> None:
    levels = wanted()
    assert (len(levels), sum(level == "1" for level in levels.values())) == (253, 70)
    rows = ROW.findall(PAGE)
    assert len(rows) == len(re.findall(r"^\| \d", PAGE, re.M)), "a row does not have the form"
    numbers = [row[0] for row in rows]
    assert sorted(numbers) == sorted(set(numbers)), "a requirement is answered twice"
    assert {row[0]: row[1] for row in rows} == levels


def test_each_answer_names_what_is_there() -> None:
    there = named_tests()
    wrong = []
    for number, _level, _asks, state, where in ROW.findall(PAGE):
        named = set(re.findall(r"`(test_\w+)`", where))
        files = re.findall(r"`((?:tests|src|docs|script)/[\w./-]+)(?: --check)?`", where)
        if named - there:
            wrong.append(f"{number}: no test {sorted(named - there)}")
        wrong += [f"{number}: no file {path}" for path in files if not (REPOSITORY / path).exists()]
        checked = any(path.startswith("tests/") or any(fnmatch(path, one) for one in CHECKED) for path in files)
        if state == "met" and not named and not checked:
            wrong.append(f"{number} is met and names no test")
        if state != "met" and len(re.sub(r"`[^`]*`", "", where)) < 7:
            wrong.append(f"{number} is {state} and does not say why")
    assert wrong == []


def test_the_summary_counts_what_stands_below() -> None:
    counts = {
        state: sum(row[3] == state for row in ROW.findall(PAGE)) for state in ("met", "not applicable", "not met")
    }
    said = re.search(r"\*\*(\d+) met, (\d+) not applicable, (\d+) not met\*\*", PAGE)
    assert said and tuple(map(int, said.groups())) == tuple(counts.values()), counts
