"""`khana identity`: ask authorities about numbers, keep what they say, ask people for consent, check family claims.

What is answered is kept as evidence; a number becomes VERIFIED by it and nothing else in a file changes.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from khana.interfaces.cli.output import TeachingGroup, bar, printing, show
from khana.interfaces.cli.session import acting, token
from khana.platform import clock
from khana_methods.errors import InputError

KINDS = ("OFFLINE", "DCI", "MOSIP")


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana identity connect nadra --kind OFFLINE --max-age 180",
        "khana identity verify --authority nadra",
        "khana identity evidence 672",
        "khana identity family 80000001238 --claim 1110112345671",
    ),
)
def identity() -> None:
    """Verification against the national ID authority and civil registration, with evidence."""


def _settings(path: Path | None, registry: str, partner: str) -> dict[str, object]:
    made: dict[str, object] = {}
    if path is not None:
        try:
            made = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError("The settings are no JSON.") from error
        if not isinstance(made, dict):
            raise InputError("The settings are no JSON object.")
    return made | ({"registry": registry} if registry else {}) | ({"partner": partner} if partner else {})


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@identity.command(
    "connect",
    examples=(
        "khana identity connect nadra --kind OFFLINE --max-age 180",
        "khana identity connect crvs --kind DCI --registry crvs --per-second 20 --batch 100",
        "khana identity connect mosip --kind MOSIP --address https://ida.example.org/idauthentication/v1 --partner khana"
        " --sign-key key.pem --sign-certificate cert.pem --ida-certificate ida.pem --misp-key misp.txt --api-key api.txt",
    ),
)
@click.argument("code")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="The way in which it is asked.")
@click.option("--title", default="", help="Of the authority.")
@click.option("--address", default="", help="Base address of a MOSIP service.")
@click.option("--registry", default="", help="Code of `khana registries add`, for the kind DCI.")
@click.option("--partner", default="", help="Our partner id at a MOSIP service.")
@click.option(
    "--settings", type=_FILE, help="JSON: id_types, reg_type, reg_record_type, compare, decoy, signed_answers."
)
@click.option("--sign-key", type=_FILE, help="PEM, RSA; kept in a file of the owner alone.")
@click.option("--sign-certificate", type=_FILE, help="PEM.")
@click.option("--ida-certificate", type=_FILE, help="PEM: what requests are closed to and answers held against.")
@click.option("--misp-key", type=_FILE, help="A file with the licence key.")
@click.option("--api-key", type=_FILE, help="A file with the API key.")
@click.option(
    "--per-second", type=click.FloatRange(0.01, 10_000), default=5.0, show_default=True, help="Most requests."
)
@click.option("--batch", type=click.IntRange(1, 5000), default=100, show_default=True, help="Numbers a round.")
@click.option("--tries", type=click.IntRange(1, 10), default=4, show_default=True, help="Of one request.")
@click.option(
    "--timeout", type=click.FloatRange(0.1, 300), default=15.0, show_default=True, help="Seconds of one request."
)
@click.option(
    "--max-age", type=click.IntRange(1, 36_500), default=365, show_default=True, help="Days an answer counts."
)
@click.option("--needs-consent", is_flag=True, help="Ask only about people who gave a code for it.")
@printing
def connect(
    code: str, kind: str, title: str, address: str, registry: str, partner: str, settings: Path | None,
    sign_key: Path | None, sign_certificate: Path | None, ida_certificate: Path | None, misp_key: Path | None,
    api_key: Path | None, per_second: float, batch: int, tries: int, timeout: float, max_age: int, needs_consent: bool,
    as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Connect the authority CODE, or change how it is asked."""
    files = {"sign_key": sign_key, "sign_certificate": sign_certificate, "ida_certificate": ida_certificate,
             "misp_key": misp_key, "api_key": api_key}  # fmt: skip
    secrets = {name: path.read_bytes() for name, path in files.items() if path is not None}
    with acting():
        from khana.identity.services import connect as service

        terms = service.Terms(
            code=code, kind=kind, title=title, address=address, settings=_settings(settings, registry, partner),
            per_second=per_second, batch_size=batch, tries=tries, timeout_seconds=timeout, max_age_days=max_age,
            needs_consent=needs_consent,
        )  # fmt: skip
        service.connect(terms=terms, secrets=secrets, at=clock.now())
    show({"authority": code, "kind": kind, "state": "open"}, as_json=as_json, out=out)


@identity.command("close", examples=("khana identity close nadra",))
@click.argument("code")
@printing
def close(code: str, as_json: bool, out: Path | None) -> None:
    """Ask the authority CODE no more; its answers stay."""
    with acting():
        from khana.identity.services import connect as service

        service.close(code=code, at=clock.now())
    show({"authority": code, "state": "closed"}, as_json=as_json, out=out)


@identity.command("authorities", examples=("khana identity authorities", "khana identity authorities --json"))
@printing
def authorities(as_json: bool, out: Path | None) -> None:
    """List connected authorities and how they are asked."""
    with acting():
        from khana.identity import authorities as held

        rows = held.list_authorities()
    show({"rows": rows}, as_json=as_json, out=out)


@identity.command(
    "verify",
    examples=(
        "khana identity verify --authority nadra",
        "khana identity verify --authority crvs --area PK101 --limit 5000 --json",
        "khana identity verify --authority mosip --person 672",
        "khana identity verify --authority crvs --background    as a job: khana worker does it, a page shows it",
    ),
)
@click.option("--authority", required=True, help="Its code; see `khana identity authorities`.")
@click.option("--area", default="", help="Only files of this area.")
@click.option("--person", type=int, help="Only this file.")
@click.option("--again", is_flag=True, help="Also numbers with an answer that is young enough.")
@click.option("--limit", type=click.IntRange(0), default=0, help="At most so many numbers.")
@click.option("--background", is_flag=True, help="As a job with progress and cancel.")
@printing
def verify(
    authority: str, area: str, person: int | None, again: bool, limit: int, background: bool, as_json: bool, out: Path | None
) -> None:  # fmt: skip
    """Ask an authority about every number that it has not answered lately, and keep what it says.

    Stopped at any moment it goes on from there when it is typed again: an answer is kept as soon as it comes. A number
    is VERIFIED by a match that is young enough; every answer stays as evidence (`khana identity evidence`).
    """
    wanted = {"authority": authority, "area": area, "person": person, "again": again, "limit": limit}
    if background:
        with acting() as actor:
            from khana.access import services as access
            from khana.platform import jobs

            access.require("identity.verify")
            number = jobs.enqueue(kind="verify_identities", arguments=wanted, actor=actor, at=clock.now())
        show({"job": str(number)}, as_json=as_json, out=out)
        return
    acting_token = token()
    from khana.workflows import verify_identities

    with bar(as_json=as_json) as progress:
        result = verify_identities.run(token=acting_token, **wanted, progress=progress, at=clock.now())  # type: ignore[arg-type]
    show(result, as_json=as_json, out=out)


@identity.command("evidence", examples=("khana identity evidence 672", "khana identity evidence 672 --json"))
@click.argument("person", type=int)
@printing
def evidence(person: int, as_json: bool, out: Path | None) -> None:
    """List what authorities said about PERSON's numbers: when, of which moment, what agreed, whether it counts today."""
    with acting():
        from khana.identity import evidence as held

        rows = held.answers_of(person)
    show({"rows": rows}, as_json=as_json, out=out)


@identity.command("summary", examples=("khana identity summary",))
@printing
def summary(as_json: bool, out: Path | None) -> None:
    """Count numbers by authority and by the newest answer about each."""
    with acting():
        from khana.identity import evidence as held

        rows = held.summary()
    show({"rows": rows}, as_json=as_json, out=out)


@identity.group(
    cls=TeachingGroup,
    examples=(
        "khana identity consent ask 672 --purpose identity_verification",
        "khana identity consent give TRANSACTION 123456",
    ),
)
def consent() -> None:
    """Consent by a code to the citizen's registered telephone."""


@consent.command("ask", examples=("khana identity consent ask 672 --purpose identity_verification",))
@click.argument("person", type=int)
@click.option("--purpose", default="identity_verification", show_default=True, help="Code of what she agrees to.")
@printing
def consent_ask(person: int, purpose: str, as_json: bool, out: Path | None) -> None:
    """Send PERSON a code for one purpose; outside production it lands in run/messages.jsonl."""
    with acting():
        from khana.identity.services import consent as service

        asked = service.ask(person_id=person, purpose=purpose, at=clock.now())
    show(asdict(asked), as_json=as_json, out=out)


@consent.command("give", examples=("khana identity consent give 0b2f8f1e-... 123456",))
@click.argument("transaction")
@click.argument("code")
@printing
def consent_give(transaction: str, code: str, as_json: bool, out: Path | None) -> None:
    """Take the CODE that the person told: she consents."""
    acting_token = token()
    from khana.workflows import take_consent

    result = take_consent.run(token=acting_token, number=transaction, code=code, at=clock.now())
    show(result, as_json=as_json, out=out)


@identity.command(
    "family",
    examples=("khana identity family 80000001238", "khana identity family 80000001238 --claim 1110112345671 --json"),
)
@click.argument("household")
@click.option("--claim", "claims", multiple=True, help="A number that is claimed to belong to it; may be repeated.")
@click.option("--list", "only_list", is_flag=True, help="Show earlier checks only.")
@printing
def family(household: str, claims: tuple[str, ...], only_list: bool, as_json: bool, out: Path | None) -> None:
    """Hold claimed members, or every member, of HOUSEHOLD against the families of the others: verified, manual, rejected."""
    with acting():
        from khana.workflows import check_family

        rows = check_family.run(household=household, claims=claims, only_list=only_list, at=clock.now())
    show({"rows": rows}, as_json=as_json, out=out)


@identity.command("decide", examples=("khana identity decide 17 ACCEPTED --reason 'birth certificate seen'",))
@click.argument("check", type=int)
@click.argument("decision", type=click.Choice(("ACCEPTED", "REFUSED")))
@click.option("--reason", required=True, help="Why; no numbers or names of people.")
@printing
def decide(check: int, decision: str, reason: str, as_json: bool, out: Path | None) -> None:
    """Decide about a claim that the register could not settle."""
    with acting():
        from khana.identity.services import family_tree

        family_tree.decide(check_id=check, decision=decision, reason=reason, at=clock.now())
    show({"check": check, "decision": decision}, as_json=as_json, out=out)


@identity.group(
    cls=TeachingGroup,
    examples=("khana identity events list", "khana identity events decide 3 ACCEPTED --reason 'certificate seen'"),
)
def events() -> None:
    """Births, deaths and marriages that civil registration told: proposals for the register, decided by people."""


@events.command("list", examples=("khana identity events list", "khana identity events list --state UNMATCHED --json"))
@click.option(
    "--state", default="PROPOSED", show_default=True, help="PROPOSED, UNMATCHED, AMBIGUOUS, ACCEPTED, REFUSED, ..."
)
@printing
def events_list(state: str, as_json: bool, out: Path | None) -> None:
    """List events of your area: what happened to whom, and why one is in doubt."""
    with acting():
        from khana.identity.services import civil_events

        rows = civil_events.list_events(state=state.upper())
    show({"rows": rows}, as_json=as_json, out=out)


@events.command("decide", examples=("khana identity events decide 3 REFUSED --reason 'she stood here today'",))
@click.argument("event", type=int)
@click.argument("decision", type=click.Choice(("ACCEPTED", "REFUSED")))
@click.option("--reason", required=True, help="Why; no numbers or names of people.")
@printing
def events_decide(event: int, decision: str, reason: str, as_json: bool, out: Path | None) -> None:
    """Accept what EVENT proposes, which changes the register, or refuse it."""
    with acting():
        from khana.identity.services import civil_events

        result = civil_events.decide(event_id=event, decision=decision, reason=reason, at=clock.now())
    show(result, as_json=as_json, out=out)


@events.command("place", examples=("khana identity events place",))
@printing
def events_place(as_json: bool, out: Path | None) -> None:
    """Look again for the people of events that nobody was found for: they may have registered since."""
    with acting():
        from khana.identity.services import civil_events

        placed = civil_events.place(at=clock.now())
    show({"placed": placed}, as_json=as_json, out=out)
