"""The console script `khana`: one group, one module a verb, one table of exit codes.

Commands act as a user under the same row policies as the pages: the token comes from
`KHANA_TOKEN`, from `khana login`, or from the operator whom `khana up` made for this folder.
Exit codes: 10 input, 11 not found, 12 conflict, 13 not permitted, 14 not configured,
15 unavailable, 130 interrupted, 1 our mistake.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from typing import Any

import click

from khana import __version__
from khana_methods.errors import KhanaError

# verb -> (module, attribute, one line of help)
VERBS: dict[str, tuple[str, str, str]] = {
    "up": ("serve", "up", "Start everything of one folder: database, sample, web server, worker."),
    "down": ("serve", "down", "Stop everything of one folder."),
    "status": ("serve", "status", "Say what runs, where, and what data is in it."),
    "synth": ("synth", "synth", "Make a synthetic country of any size, with planted truth."),
    "areas": ("work", "areas", "Load areas: codes, parents, names, outlines."),
    "sample": ("work", "sample", "Load a whole set of files that a manifest names."),
    "import": ("work", "import_", "Read one file under its contract: registers, extracts, lists."),
    "sources": ("sources", "sources", "Ministries' systems: add, list, suggest a contract, study, onboarding."),
    "contracts": ("schema", "contracts", "Contracts kept here: add, list."),
    "schema": ("schema", "schema", "What contracts, manifests and facts may say."),
    "forms": ("forms", "forms", "Questionnaires: build, check, add a version, compare, withdraw."),
    "checks": ("checks", "checks", "Check rosters and interviews in any file."),
    "families": ("families", "families", "Derive the families inside households of any roster."),
    "intake": ("intake", "intake", "Submissions of the field: work off, reconcile, settle, set up telephones."),
    "centres": ("centres", "centres", "Centres, vans and camps: queue, figures, people in the field, targets."),
    "spotcheck": ("spotcheck", "spotcheck", "Third-party checks: plan, announce, draw, analyse."),
    "freshness": ("freshness", "freshness", "How old facts are, how fast they go stale, who is due."),
    "consolidate": ("work", "consolidate", "Link every list row, check it, write the five answers."),
    "programmes": ("programmes", "programmes", "Programmes of every agency: catalogue, rules, quotas, filters."),
    "unserved": ("programmes", "unserved", "Who is eligible and served by nothing, why, and what reaches her."),
    "lists": ("lists", "lists", "Selection lists: draw, approve, freeze, derive again, publish."),
    "disaster": ("disasters", "disaster", "Disasters: notify areas, draw one benefit a family."),
    "filters": ("filters", "filters", "Exclusion filters: hits, waterfall, distinct persons removed."),
    "crossrules": ("crossrules", "crossrules", "Rules between programmes: dry run, notice, appeal, decision, effect."),
    "enrolments": ("enrolments", "enrolments", "Who is on which programme: states, conditions, exits, graduation."),
    "assign": ("assign", "assign", "Who gets which programme: the best assignment under places, cap, exclusions."),
    "households": ("households", "households", "Who lives with whom: split, join, move, return, dwellings, history."),
    "persons": ("persons", "persons", "Merge two files of one person, and split them again."),
    "cases": ("cases", "cases", "What people say is wrong in their own files: list, lodge, answer."),
    "identity": ("identity", "identity", "Ask authorities about numbers, with evidence; consent; family claims."),
    "linkage": ("linkage", "linkage", "Find the same person twice, in the registry or a file; measure how well."),
    "sdc": ("sdc", "sdc", "May a file leave? k-anonymity, risk, what to coarsen, small cells."),
    "survey": ("survey", "survey", "Estimates of any survey file, with design-based errors."),
    "models": ("models", "models", "Poverty models: fit on a survey, bring in, sign by two people, card."),
    "score": ("score", "score", "Poverty scores: the whole registry, one household, earlier runs."),
    "targeting": ("targeting", "targeting", "What a cut-off does, on any survey: errors with standard errors."),
    "poverty": ("targeting", "poverty", "Poverty and inequality of any survey, with standard errors."),
    "rules": ("rules", "rules", "Rules: check, evaluate one household with reasons, count in a file."),
    "replay": ("score", "replay", "Make a score again from stored versions: the same number?"),
    "coverage": ("coverage", "coverage", "Who is missing from the registry: hold a survey against it."),
    "incidence": ("incidence", "incidence", "Who is reached, by quantile of welfare, on any survey with receipt."),
    "monitoring": ("monitoring", "monitoring", "Indicators of the results framework: compute, export."),
    "simulate": ("simulate", "simulate", "The policy simulator: what a cut-off, a quota, a budget do."),
    "validation": ("validation", "validation", "Lists for community validation, and what comes of the verdicts."),
    "outreach": ("outreach", "outreach", "Where to send the vans, with the gap to the best plan."),
    "partners": ("partners", "partners", "Systems of other organisations: credentials, keys, calls."),
    "registries": ("registries", "registries", "Registries of other offices that are asked: connect, list."),
    "agreements": ("agreements", "agreements", "What may leave, to whom, on what terms; approved by two."),
    "extracts": ("agreements", "extracts", "Files under an agreement: ask, approve, fetch, trace a leak."),
    "report": ("report", "report", "Print or export one answer: csv, xlsx, json, parquet."),
    "explain": ("evidence", "explain", "Say what a finding means and what to do, or why a score is what it is."),
    "quarantine": ("evidence", "quarantine", "Rows that could not be read: list, export, replay."),
    "login": ("login", "login", "Log in for this folder."),
    "logout": ("login", "logout", "End the saved login of this folder."),
    "users": ("users", "users", "Users, roles and scopes: add, list, grant, reset, code."),
    "provider": ("provider", "provider", "Sign-in of staff by the government's OpenID Connect provider."),
    "access": ("access", "access", "Your office: grants, broken glass, alarms, the walk through every table and page."),
    "breaches": ("breaches", "breaches", "Breaches of personal data: clocks, letters, who was told."),
    "dpia": ("dpia", "dpia", "The data-protection impact assessment, filled from the configuration."),
    "retention": ("retention", "retention", "Erase what is over by rule; legal holds keep it."),
    "audit": ("evidence", "audit", "The event log: verify, seal."),
    "keys": ("keys", "keys", "The key ring of this folder: list, add, close old values anew, retire."),
    "worker": ("work", "worker", "Do the long work that pages ask for."),
    "migrate": ("serve", "migrate", "Bring the database to this version (as its owner)."),
    "bootstrap": ("bootstrap", "bootstrap", "First users of a folder (the owner of the database)."),
    "migrations-check": ("serve", "migrations_check", "Fail where a model changed without a migration."),
}
HIDDEN = {"bootstrap", "migrations-check"}


class Verbs(click.Group):
    """Loads the module of a verb only when it is asked for, so that the command starts fast."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the verbs in the order of a working day."""
        return list(VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return the command behind a verb."""
        if name not in VERBS:
            return None
        module, attribute, _help = VERBS[name]
        command: click.Command = getattr(importlib.import_module(f"khana.interfaces.cli.{module}"), attribute)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without loading their modules."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row[2]) for name, row in VERBS.items() if name not in HIDDEN])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="khana %(version)s")
def khana() -> None:
    """Khana: the social registry and the single registry of a country.

    \b
    Start here:  khana up                      a running system with a sample country
                 khana report overlaps         who is on two lists
                 khana sources suggest FILE    read a ministry's list for the first time

    Every command takes --json, and every command that prints rows takes --out FILE.
    """  # noqa: D301 - \b is click's own mark for a block that keeps its lines


def say(code: str, message: str, details: dict[str, Any], exit_code: int, as_json: bool) -> int:
    """Print one error in words or as JSON on standard error; return its exit code."""
    if as_json:
        print(json.dumps({"code": code, "message": message, "details": details}, default=str), file=sys.stderr)
    else:
        print(f"khana: {message}\n       ({code}, exit code {exit_code})", file=sys.stderr)
    return exit_code


def fail(error: KhanaError, as_json: bool) -> int:
    """Print one of our errors; return its exit code."""
    message = error.message
    if error.code == "access.session.none":  # the room says 'sign in'; here one does it so
        message = "Your token is unknown, or your session has ended. Run `khana login`, or set KHANA_TOKEN."
    return say(error.code, message, error.details, error.exit_code, as_json)


def misused(error: click.ClickException, as_json: bool) -> int:
    """Print what is wrong with the words of the command; return its exit code."""
    exit_code = 10 if isinstance(error, click.UsageError) else error.exit_code
    if as_json:
        return say("cli.usage", error.format_message(), {}, exit_code, as_json)
    error.show()
    return exit_code


def unexpected(error: Exception, as_json: bool) -> int:
    """Print a foreign error in our kinds, or that it is a mistake of ours, without its text."""
    from khana.interfaces.errors import translate

    known = translate(error)
    if known is not None:
        return fail(known, as_json)
    if os.environ.get("KHANA_TRACEBACK"):
        traceback.print_exc()
    place = traceback.extract_tb(error.__traceback__)[-1]
    message = (
        f"a mistake of ours ({type(error).__name__} at {place.name}:{place.lineno}). Nothing was half-written. "
        "Run again with KHANA_TRACEBACK=1 and send us what it prints."
    )
    return say("cli.our_mistake", message, {}, 1, as_json)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    os.environ.setdefault("KHANA_DB_ROLE", "worker")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "khana_settings.settings")
    words = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in words
    try:
        result: Any = khana.main(args=words, prog_name="khana", standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except KhanaError as error:
        sys.exit(fail(error, as_json))
    except (click.exceptions.Abort, KeyboardInterrupt):
        sys.exit(say("cli.stopped", "stopped; nothing was half-written.", {}, 130, as_json))
    except click.ClickException as error:
        sys.exit(misused(error, as_json))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads: do not complain at the end
        sys.exit(0)
    except Exception as error:
        sys.exit(unexpected(error, as_json))
