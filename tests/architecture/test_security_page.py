"""docs/security.md says what the code does: its figures, its keys, the settings that the code reads."""

from __future__ import annotations

import re
from pathlib import Path

from tests.architecture.sources import REPOSITORY, SOURCE

PAGE = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")


def sql(path: str, pattern: str) -> str:
    """Return the first group of a pattern in an SQL file of the product."""
    found = re.search(pattern, (SOURCE / "khana" / path).read_text(encoding="utf-8"))
    assert found, (path, pattern)
    return found[1]


def mib(count: int) -> str:
    return f"{count >> 30} GiB" if count >= 1 << 30 else f"{count >> 20} MiB"


def figures() -> dict[str, str]:
    """Return what the tables of the page must say, from the code."""
    from django.conf import settings

    from khana.access import passwords, services
    from khana.deliveries.reading import header, opening, sheets
    from khana.intake import answers
    from khana.intake.xlsform import read
    from khana.interfaces.api.odk import upload
    from khana.interfaces.api.v1 import bearer
    from khana.interfaces.web import limits, session, uploads
    from khana.interfaces.web.findings import views as findings
    from khana.platform import incoming
    from khana.sharing import envelopes

    hours = int(services.SESSION_LENGTH.total_seconds() // 3600)
    assert services.SESSION_LENGTH.total_seconds() == settings.SESSION_COOKIE_AGE
    return {
        "a request of any kind": mib(incoming.MOST_BYTES),
        "a file that a browser sends": mib(uploads.MOST_BYTES),
        "files of browsers that wait to be read": mib(uploads.MOST_WAITING),
        "fields of a form": f"{settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,}",
        "a form without its files": mib(settings.DATA_UPLOAD_MAX_MEMORY_SIZE),
        "a message of a partner": mib(envelopes.MOST_BYTES),
        "items in a message of a partner": f"{envelopes.MOST_ITEMS:,}",
        "nesting of a message of a partner": str(envelopes.MOST_DEPTH),
        "a page of an answer to a partner": f"{envelopes.LARGEST_PAGE:,}",
        "answers of one submission": mib(answers.MOST_BYTES),
        "one picture of a submission": mib(upload.MOST_BYTES),
        "an XLSForm": mib(read.MOST_BYTES),
        "unpacked to packed size of a list": str(opening.MOST_RATIO),
        "files in a workbook": f"{sheets._MOST_ENTRIES:,}",
        "one line of a list": mib(opening.LONGEST_LINE),
        "columns of a list": f"{header.MOST_COLUMNS:,}",
        "tries to sign in from one address, a minute": str(round(limits.SIGN_IN.per_second * 60)),
        "look-ups of one user, a minute": str(round(limits.LOOK_UP.per_second * 60)),
        "exports of one user, a minute": str(round(limits.EXPORT.per_second * 60)),
        "calls of one token, a second": f"{bearer.PER_SECOND:g}",
        "rows of one export of findings": f"{findings.EXPORTED_AT_MOST:,}",
        "emergency readings of one user in thirty days": sql(
            "access/sql/offices.sql", r"interval '30 days'\) >= (\d+) THEN"
        ),
        "shortest password": str(passwords.SHORTEST),
        "days that a first password is good for": str(services.FIRST_PASSWORD.days),
        "failures that lock a name": sql("access/sql/sessions.sql", r"IF failures < (\d+) THEN"),
        "minutes for which it is locked": sql(
            "access/sql/sessions.sql", r"locked_until = now\(\) \+ interval '(\d+) minutes'"
        ),
        "minutes to show the code": sql("access/sql/sessions.sql", r"opened_at \+ interval '(\d+) minutes'"),
        "digits of a code": str(len(services._totp(b"0" * 20).generate(0))),
        "seconds of a code of an authenticator": str(services._STEP),
        "pages": f"{hours} hours | {int(session.IDLE.total_seconds() // 3600)} hour",
        "token of staff for commands": sql("access/sql/sessions.sql", r"ELSE interval '(\d+ days)'")
        + " | ends with the user, or when its owner signs it out",
        "a job": sql("access/sql/sessions.sql", r"WHEN 'JOB' THEN interval '(\d+ days)'") + " | with the job",
    }


def test_figures_of_the_page_are_those_of_the_code() -> None:
    wanted = figures()
    missing = [f"| {name} | {value} |" for name, value in wanted.items() if f"| {name} | {value} |" not in PAGE]
    assert missing == []


def test_every_purpose_of_a_key_stands_in_the_page() -> None:
    from khana.platform import keys

    section = PAGE.split("## Keys and algorithms")[1].split("\n## ")[0]
    assert [one for one in keys.PURPOSES if f"(`{one}`)" not in section] == []
    text = (SOURCE / "khana/access/services.py").read_text(encoding="utf-8")
    assert "N = 2^15, r = 8, p = 3" in section and re.search(r"n=2\*\*15,\s+r=8", text)


def test_settings_that_the_code_reads_are_written_down() -> None:
    read: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        read |= set(re.findall(r"""(?:environ(?:\.get|\.setdefault|\.pop)?[(\[]\s*|envvar=)["'](KHANA_[A-Z_]+)["']""", path.read_text(encoding="utf-8")))  # fmt: skip
    pages: list[Path] = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
    written = set(re.findall(r"KHANA_[A-Z_]+", "\n".join(page.read_text(encoding="utf-8") for page in pages)))
    assert len(read) > 15 and read - written == set()
