"""Sentences of errors at the doors and in the machinery: sign-in, offices, jobs, files, keys, other systems, country data."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, Any] = {
    "access.breach.moved": _(
        "This breach has moved on: it was told or closed already, or somebody must be told first."
    ),
    "access.breach.not_found": _("No breach has this number, or you may not see the register."),
    "access.breach.wrong": _(
        "Something said of the breach does not fit. Look at the country, what happened, the kinds of data, the count, the risk and the time."
    ),
    "access.dates.wrong": _("Something ends before it begins, or has no title. Look at the days."),
    "access.not_found": _("There is no such user, area, grant or job."),
    "access.office.refused": _(
        "A rule of offices stands against it: duties that must stay apart, a second person who is needed, or something that was done already."
    ),
    "access.password.breached_list": _("The list of leaked passwords cannot be read. Tell your administrator."),
    "access.password.first": _("Choose a password of your own first: sign in on the page once."),
    **dict.fromkeys(
        ("access.permission.missing", "interfaces.refused_by_database", "access.scope.outside"),
        _("Your role, or the area and agency that you work for, does not reach that far."),
    ),
    "access.provider.none": _("No provider of sign-in is set. Sign in with your password."),
    "access.retention.leftovers_many": _(
        "Many files in the store are known to nothing: the database may be older than the folder. None was erased."
    ),
    "access.provider.key_wrong": _(
        "The key with which we sign for the provider of sign-in does not serve. Tell your administrator."
    ),
    "access.provider.wrong": _("What the provider says of itself does not fit what was set. Tell your administrator."),
    "access.purpose.unknown": _("There is no such purpose. Choose one of the list."),
    "access.reason.too_short": _("Say what happened in a sentence that somebody else can judge."),
    "access.retention.hold_not_found": _("No hold in force has this number."),
    "access.retention.rule_unknown": _(
        "There is no such rule of retention, or what is asked says too little. Name the rule, what it is about, and why."
    ),
    "access.role.unknown": _("There is no such role. Choose one of the list."),
    **dict.fromkeys(
        ("access.session.none", "audit.no_actor"),
        _("You are not signed in, or your session has ended. Sign in and try again."),
    ),
    "access.user.name_taken": _("This name is in use already. Choose another one."),
    "access.user.name_wrong": _("A user name has letters, digits and . _ @ + - alone, sixty at most."),
    "audit.action.unnamed": _("An event for the log has no proper name. This is our mistake."),
    "interfaces.file_missing": _("A file or folder cannot be read or written. Tell your administrator."),
    "interfaces.jobs.unknown_kind": _("This version knows no such kind of job. Tell your administrator."),
    "interfaces.jobs.our_mistake": _("A mistake of ours. Nothing was half-written; try again or tell us."),
    "interfaces.state_moved": _("Somebody else wrote the same thing first. Look again and retry."),
    "interfaces.value_impossible": _(
        "A value cannot be kept: it holds a sign that is not allowed, or too many digits."
    ),
    **dict.fromkeys(
        ("platform.database.too_old", "platform.database.unavailable"),
        _("The database does not work as it should. Tell your administrator."),
    ),
    **dict.fromkeys(
        ("platform.engine_unknown", "engine.spark_missing"),
        _("The engine of analyses is not set up. Tell your administrator."),
    ),
    "platform.files.damaged": _("A kept file is damaged. Your administrator must restore it from a backup."),
    "platform.files.not_kept": _("The file is not kept here."),
    **dict.fromkeys(
        ("platform.job.cancelled", "engine.cancelled"),
        _("The work was cancelled; nothing of it was written."),
    ),
    "platform.job.moved": _("The job is not in a state any more from which this is possible. Load the page again."),
    "platform.job.not_found": _("No job has that number. Look at the list of jobs."),
    "platform.job.worker_stopping": _("The worker is stopping; the job goes on when it starts again."),
    **dict.fromkeys(
        ("platform.keys.exist", "platform.keys.mark_unknown", "platform.keys.missing", "platform.keys.unknown"),
        _(
            "A key of this installation is missing or damaged, or may not be changed so. Tell your administrator; nothing was changed."
        ),
    ),
    "platform.outgoing.address_bad": _(
        "The address cannot be used: it is http or https with a host, in production https alone."
    ),
    **dict.fromkeys(
        ("platform.outgoing.busy", "platform.outgoing.no_answer"),
        _("The other system did not answer as it should. Try again in a few minutes."),
    ),
    "platform.printing.failed": _("The page was not printed. Try again."),
    "platform.printing.no_printer": _(
        "No PDF can be printed on this server. Take another form, or tell your administrator."
    ),
    "platform.telephone.silent": _("The message to the telephone could not be sent. Try again in a few minutes."),
    "engine.exhausted": _("The analysis ran out of memory or disk. Tell your administrator; nothing was written."),
    "engine.frame_unlike": _("A table of the analysis lacks columns. This is our mistake."),
    **dict.fromkeys(
        ("engine.file_unreadable", "engine.text_unreadable"),
        _(
            "The file cannot be read as a table. Give CSV in UTF-8, XLSX or Parquet, with one header and rows of its width."
        ),
    ),
    "country.not_in_force": _("The country's data state no value for that day. Tell your administrator."),
    **dict.fromkeys(
        ("country.pack.invalid", "country.questionnaire.invalid", "standardise.identifiers.invalid"),
        _("The country's data contradict themselves. Tell your administrator."),
    ),
    "country.unknown": _("There are no data of that country here."),
}
