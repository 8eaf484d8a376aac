"""Sentences of errors about files of people: authorities, households, forms, centres, cases, matching, checks."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, Any] = {
    "identity.authority.lies": _(
        "The authority confirms a number that was never issued. Nobody was asked about; tell its operators."
    ),
    **dict.fromkeys(
        ("identity.authority.secret_missing", "identity.mosip.certificates"),
        _(
            "A secret, key or certificate with which this authority is asked is missing or damaged. Tell your administrator."
        ),
    ),
    "identity.authority.silent": _(
        "The authority does not answer. What it answered is kept; run the same again to go on."
    ),
    "identity.authority.unknown": _("No authority of that code is connected, or it is closed."),
    "identity.authority.wrong": _(
        "What is said of the authority cannot be used: look at its code, its kind, its registry and the numbers."
    ),
    "identity.extract.none": _("No extract of the authority is loaded yet."),
    "identity.event.decided": _("No such event waits for a decision within your area."),
    "identity.event.decision_wrong": _("Accept or refuse, and say why."),
    **dict.fromkeys(
        ("identity.consent.code_over", "identity.consent.code_wrong", "sharing.citizen.code_wrong"),
        _("The code is wrong or too old. Ask for another one."),
    ),
    "identity.consent.no_telephone": _("No telephone of hers is known."),
    "identity.consent.unknown": _("Nobody was asked for consent under this number."),
    "identity.family.decided": _("No such check waits for a decision."),
    "identity.family.decision_wrong": _("Accept or refuse, and say why."),
    **dict.fromkeys(
        (
            "identity.family.number_unreadable",
            "dossiers.lookup.number_malformed",
            "intake.queue.number_unreadable",
            "sharing.citizen.number_unreadable",
        ),
        _("This is no personal number of this country: check the digits and their count."),
    ),
    "registry.civil.impossible": _(
        "The file is not as the change needs it any more: it is gone, merged, or outside your area."
    ),
    "registry.merge.elsewhere": _("This file stands for another one already. Split it first."),
    **dict.fromkeys(
        (
            "registry.merge.file_unknown",
            "intake.household.unknown",
            "linkage.opening_not_found",
            "linkage.pair_not_found",
            "registry.structure.unknown",
            "assessment.override.unknown",
            "assessment.rule.household_unknown",
            "assessment.score.unknown",
            "workflows.score.household_unknown",
            "dossiers.lookup.household_not_found",
            "dossiers.lookup.person_not_found",
            "identity.family.household_unknown",
            "intake.due.family_unknown",
            "programmes.list.entry_unknown",
            "intake.submission.unknown",
            "intake.field.unknown",
            "intake.action.unknown",
            "intake.centres.unknown",
            "intake.queue.unknown",
            "grievances.case.unknown",
        ),
        _("There is nothing of this number, or it lies outside the area that you work for."),
    ),
    "registry.merge.impossible": _("These are one file already."),
    "registry.merge.not_merged": _("This file stands for no other, or the other lies outside your area."),
    "registry.merge.second_person_needed": _("You proposed this; money hangs on it, so somebody else must confirm it."),
    "registry.structure.decided": _(
        "It is in force or withdrawn already, or you proposed it yourself and another person must confirm it."
    ),
    "registry.structure.invalid": _(
        "This change cannot be: name members of the household who go, and a household and a day that fit."
    ),
    "registry.structure.moved": _("Somebody changed the household in the meantime. Load the page again."),
    **dict.fromkeys(
        ("registry.structure.reason", "assessment.override.reason_missing"),
        _("Say why in a full sentence."),
    ),
    "intake.action.empty": _("Say in a sentence what is to be put right, and a day from today on."),
    "intake.action.moved": _(
        "The action is in another state, or you did it yourself and another person must have seen it."
    ),
    "intake.centres.code_unknown": _("What was chosen is not on the list. Load the page again and choose."),
    "intake.centres.stop_unreadable": _(
        "Something of the centre or the stop is missing: its code and kind, its desks, its day, hour, place or area."
    ),
    "intake.centres.taken": _(
        "The code is in use, the desk is open under somebody else, or the van stands there already."
    ),
    "intake.due.call_unreadable": _(
        "Say what came of the call; a family that comes has a day and an hour, and only such a family."
    ),
    "intake.effect.own_form": _("You sent this form yourself: another person must confirm what it does."),
    "intake.field.device_taken": _("This device is in somebody's hands. Record its return first."),
    "intake.field.invalid": _(
        "This entry cannot be: look at the training, its mark and days, the device, or the target."
    ),
    "intake.form.drops_facts": _(
        "The new version no longer asks facts that models or rules read. Ask them, or let them go by name with a reason."
    ),
    "intake.form.invalid": _("This is no form that can be used. The sentence below says where and why."),
    "intake.form.refused_by_validate": _("ODK Validate refuses the form: telephones could not open it."),
    "intake.form.too_large": _("The form is larger than any questionnaire is: ten megabytes at most."),
    "intake.form.unknown": _("There is no such form or version, or it is not to be filled today."),
    "intake.form.validate_silent": _("ODK Validate did not answer in two minutes. Try again."),
    "intake.form.version_taken": _(
        "This version of the form is there with other questions. Raise the version in the sheet 'settings'."
    ),
    "intake.form.without_version": _(
        "The sheet 'settings' states no version. Give one that grows, such as 2026110101."
    ),
    "intake.queue.desk_closed": _("Open a desk first."),
    "intake.queue.moved": _(
        "This visit or appointment is not possible any more: the hour has passed or is full, or it was used already."
    ),
    "intake.reason.unknown": _("There is no such reason, or the form does not wait for it."),
    "intake.slip.unknown": _("No slip has this code. Look at the picture again, or ask at a registration centre."),
    "intake.submission.instance_changed": _(
        "The same form came from somebody else with other answers; both are kept, and the first one stands."
    ),
    "intake.submission.moved": _("The form is in another state now. Load the page again."),
    "intake.submission.other_form": _("The answers belong to another form."),
    "intake.submission.unreadable": _(
        "The answers cannot be read: they are cut, too large, or hold what a filled form never holds."
    ),
    "grievances.case.stands": _("A case about the same thing is open, or this one was answered before."),
    "grievances.case.wrong": _("Choose what is wrong, or what became of it, from the list."),
    **dict.fromkeys(
        ("linkage.answer_unknown", "linkage.outcome_unknown"),
        _("Choose one of the answers."),
    ),
    "linkage.model_changed": _("Another model is in use than at the last whole matching: match the registry again."),
    "linkage.model_not_found": _("There is no matching model of that version."),
    **dict.fromkeys(
        ("linkage.no_active_model", "matching.card_not_active"),
        _("No matching model is in use: one must be trained, and two people must approve it."),
    ),
    **dict.fromkeys(
        ("linkage.not_laid_out", "linkage.nothing_matched"),
        _("Nothing was matched yet: match the registry first."),
    ),
    "linkage.nothing_to_open": _("No file outside your area is like hers, or you asked for it already."),
    "linkage.opening_answered": _("This question has been answered already."),
    "linkage.too_much_changed": _("So much has changed that a whole matching costs less: match the registry again."),
    "linkage.version_taken": _("A model of this version is kept already. Choose another version."),
    "matching.block_poisoned": _(
        "One value is so common that it alone would make too many pairs. Nothing was compared."
    ),
    "matching.card_unreadable": _("The matching model cannot be read by this version: train one again."),
    **dict.fromkeys(
        ("matching.column_unknown", "matching.pairs_unreadable", "matching.truth_unknown", "matching.labels_missing"),
        _("The file for the matching lacks a column, or names what is not there."),
    ),
    "matching.second_approver_needed": _("You approved this model already; somebody else must be the second."),
    **dict.fromkeys(
        ("matching.too_few_records", "matching.one_person_at_a_time"),
        _("There are too few records, or too many, for this matching."),
    ),
    **dict.fromkeys(
        ("quality.checks.invalid", "quality.freshness.best_before_invalid"),
        _("The list of checks contradicts itself. Tell your administrator."),
    ),
    "quality.checks.unknown": _("There is no check of that code."),
    **dict.fromkeys(
        ("quality.families.correction_unusable", "quality.families.fact_missing"),
        _("Families cannot be derived so: facts, reasons or lines are missing."),
    ),
    "quality.freshness.dates_missing": _("Nothing states the day on which the facts were asked."),
    **dict.fromkeys(
        ("quality.interviews.limit_unknown", "quality.interviews.role_unknown"),
        _("A limit or a column for the checks of interviews is not one that is known."),
    ),
    **dict.fromkeys(
        ("quality.roster.unrecognised", "quality.roster.values_not_understood"),
        _("The roster cannot be read: a column is missing, or its codes are not understood."),
    ),
    **dict.fromkeys(
        ("quality.waiver.no_reason", "quality.waiver.not_allowed"),
        _("This finding cannot be set aside: a reason is missing, or it must be corrected."),
    ),
}
