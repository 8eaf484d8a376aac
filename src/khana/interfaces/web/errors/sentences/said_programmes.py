"""What is said about programmes and scores, sentence by sentence: models, rules, lists, enrolments, reports.

Each English sentence stands as it is raised, with names for its figures; see `khana.interfaces.web.errors.own_words`.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

PROGRAMMES: dict[str, tuple[str, ...]] = {
    "assessment.model.none_in_force": (
        _("No model is in force on {day}. Two people sign one with `khana models activate`."),
    ),
    "assessment.model.not_of_facts": (
        _(
            "Model {code} cannot score the registry: {variables} are no facts of a household and have no expression. Give each an expression over facts in the model's file."
        ),
    ),
    "assessment.model.unknown": (
        _("The store holds no model {code} version {version}. `khana models list` shows what it holds."),
        _("The store holds no model {code}{version}. `khana models list` shows what it holds."),
        _("The store holds no such model."),
    ),
    "assessment.model.version_taken": (
        _(
            "Model {code} version {version} is kept already, from another file. A version never changes: give yours the next number."
        ),
    ),
    "assessment.model.words_invalid": (
        _("The words stand by language: {languages}."),
        _("The words name variables that the model does not have: {variables}."),
        _("The file {file} is not YAML in UTF-8."),
    ),
    "assessment.override.reason_missing": (_("Say why in a sentence, at least {least} letters."),),
    "assessment.override.unknown": (
        _("No such household, or it lies outside the area that you work for."),
        _("No such override, or it lies outside the area that you work for."),
    ),
    "assessment.rule.household_unknown": (
        _("No such household, or it lies outside the area that you work for."),
        _("No household of that number, or it lies outside the area that you work for."),
        _("Nothing was known of this household on that day."),
    ),
    "assessment.scenario.unknown": (
        _("No scenario of yours has that number."),
        _("No scenario has that number."),
    ),
    "assessment.signature.days": (
        _("Model {code} holds from {first} to {last}."),
        _("The last day must come after the first and lie within the model's own days."),
        _("Recertification is due after 1 to 240 months."),
    ),
    "assessment.signature.moved": (
        _("This was confirmed or withdrawn already."),
        _("This proposal was signed or taken back already."),
    ),
    "assessment.signature.same_person": (
        _("You proposed this yourself: another person must confirm it."),
        _("You proposed this yourself: the second signature must be another person's."),
    ),
    "programmes.catalogue.invalid": (
        _("Programme {code} names {unknown}, which the catalogue does not have."),
        _("The list of areas names programme {code}, which the catalogue does not have."),
    ),
    "programmes.appeal.unknown": (
        _("No such household or line, or it lies outside the area that you work for."),
        _("No appeal has that number, or it lies outside the area that you work for."),
    ),
    "programmes.disaster.invalid": (
        _("A notification has a number, a first day, and a last day that does not come before it."),
        _("No areas are called {areas}. `khana areas list` shows the codes."),
        _("Say where: P-codes, or an outline that covers an area."),
    ),
    "programmes.disaster.served_already": (
        _("This family, or this person, has a benefit for this event already."),
        _("Somebody of this list has a benefit for this event already. Draw again."),
    ),
    "programmes.disaster.there": (_("A disaster {code} was notified already."),),
    "programmes.disaster.unknown": (_("No disaster was notified as {code}. `khana disaster list` shows them."),),
    "programmes.filter.unknown": (
        _("There is no filter {code}."),
        _("There is no filter {code}, or it is another agency's."),
    ),
    "programmes.list.approvals_missing": (
        _("{n} of {needed} people have approved the list as it stands. A change asks for new approvals."),
    ),
    "programmes.list.change_invalid": (
        _("The unit is {entry_state}. A change is {change_kinds} and moves it to another state."),
        _("Say why in a sentence; a change without a reason is not recorded."),
        _("What a community decided names its minutes: number and day."),
        _("No place of this area is free: take somebody out first."),
    ),
    "programmes.list.moved": (
        _("The list {code} is {list_state}: it does not change any more."),
        _("The list changed while it was frozen. Look at it and freeze it again."),
        _("This list is another agency's, or it is no longer open."),
        _("Only a frozen list is published."),
        _("There is a list {code} already. Give this one another code."),
    ),
    "programmes.list.unknown": (_("There is no list {code}. `khana lists list` shows those there are."),),
    "programmes.programme.unknown": (_("The catalogue has no programme {code}. `khana programmes list` shows it."),),
    "programmes.proposal.invalid": (
        _("Name the minutes of the meeting: number and day."),
        _("Households {households} of the list are not registered within your area. Register the missed first."),
        _("Say why it is refused."),
    ),
    "programmes.proposal.moved": (
        _("This proposal is answered already."),
        _("The household is accepted already."),
    ),
    "programmes.quota.invalid": (
        _("Quota {number} is of programme {code}, which the catalogue does not have."),
        _("Quota {number} states either places or a budget, and nothing negative."),
    ),
    "programmes.recheck.invalid": (
        _("A visit is {recheck_outcomes} and lies not ahead. No facts of a household: {facts}."),
        _("A visit is {recheck_outcomes} and lies not ahead.{named}"),
    ),
    "beneficiaries.ask.outside_agreement": (
        _("You may ask about programmes of your own agency or agreement only."),
        _(
            "No agreement of that number lets you ask this: it must be yours, in force, for eligibility or enrolment, and name the programme."
        ),
    ),
    "beneficiaries.finding.none": (_("There is no finding {number}. `khana report findings` lists them."),),
    "beneficiaries.move.refused": (
        _("It is {enrolment_state} already."),
        _("Nobody enrolled this number here: it cannot become {enrolment_state}."),
        _("It waits for no approval: it is approved already, or closed."),
        _("You tried it yourself: a second person approves."),
        _("The trial is {trial_state}: notice comes first, and it takes effect once."),
        _("Persons may appeal until {day}: nothing takes effect before."),
        _("A person suspended it, and only a person lifts that."),
        _("It is too early to come back: see from when she may."),
        _("The appeal window is still open: nothing takes effect before it closes."),
        _("The appeal window is over."),
        _("Nobody has approved it yet: a second person must."),
        _("There is no such move: {move}. The table of transitions says which there are."),
    ),
    "beneficiaries.reason.unknown": (_("'{reason}' is no reason. The reasons are: {move_reasons}."),),
    "beneficiaries.run.none": (
        _("There is no finished run yet. Consolidate first: `khana consolidate`."),
        _("There is no finished run {number}. Consolidate first: `khana consolidate`."),
        _("{_which}. Consolidate first: `khana consolidate`."),
    ),
    "beneficiaries.source.unknown": (_("There is no source '{code}'. `khana sources list` shows them."),),
    "beneficiaries.state.nothing_there": (
        _("There is no such enrolment within your agency and area."),
        _("There is no such graduation within your agency and area."),
        _("There is no such decision within your agency and area."),
        _("There is no such trial. `khana crossrules trials` shows them."),
        _("There is no such stop within your agency and area."),
    ),
    "dossiers.area_too_large": (_("This area holds more than {most} households. Open an area below it."),),
    "dossiers.contract.unreadable": (
        _("The text cannot be read as YAML at line {line}, column {column}. Look at indents and colons there."),
        _("The text cannot be read as YAML{place}. Look at indents and colons there."),
    ),
    "dossiers.registers.kind_unknown": (_("There is no comparison '{kind}'. There are: {kinds}."),),
    "dossiers.report.filter_not_of_kind": (
        _("The report '{kind}' cannot be filtered by {name}; it can by {filters}."),
    ),
    "dossiers.report.format_unknown": (_("There is no format '{format}'. A report is written as {formats}."),),
    "dossiers.report.kind_unknown": (_("There is no report '{kind}'. The reports are: {kinds}."),),
    "dossiers.report.programme_unknown": (_("There is no programme '{code}' in the catalogue or on a list."),),
    "dossiers.source.not_found": (_("There is no source '{code}'."),),
    "dossiers.validation.area_too_large": (
        _("A community's list is of a district or less: name a smaller area."),
        _("The area holds more than {most} households, more than one list may have. Name a smaller area."),
    ),
    "workflows.draw_list.differs": (
        _(
            "The list {code} cannot be derived again from what was known when it was drawn: rows were being written just then. Withdraw it and draw again."
        ),
    ),
    "workflows.draw_list.rule_not_in_force": (
        _("Programme {code} has no rule in force on {day}: nobody may be drawn by it."),
    ),
    "workflows.enrol_list.not_frozen": (_("The list {code} is {list_state}: freeze it first."),),
    "workflows.import.entity_mismatch": (
        _(
            "The contract '{code}' reads {entities} files, and this command loads {entity} rows. Use the contract that belongs to this file."
        ),
    ),
    "workflows.manifest.file_missing": (_("The manifest names files that are not there: {files}. Check --data."),),
    "workflows.publish.format_unknown": (_("Indicators are exported as {formats}."),),
    "workflows.replay.unreadable": (
        _(
            "{file} is not a file of corrections: it needs the columns 'row' and 'raw' that `khana quarantine export` writes, in UTF-8."
        ),
    ),
    "workflows.report.format_unknown": (_("A report is written as {formats}."),),
    "workflows.report.period_format_unknown": (_("A report is written as {formats}, in {languages}."),),
    "workflows.simulation.survey_invalid": (
        _("No row of the survey has score, welfare and size."),
        _("The survey lacks the column(s) {columns}."),
    ),
    "khana.input": (
        _("A graduation names its criteria, months until re-entry and months until follow-up."),
        _("A person has at least {days} days to appeal."),
        _("A decision says why."),
    ),
}
