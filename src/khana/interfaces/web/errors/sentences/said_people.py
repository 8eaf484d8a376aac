"""What is said about files of people, sentence by sentence: authorities, households, forms, centres, cases, pairs.

Each English sentence stands as it is raised, with names for its figures; see `khana.interfaces.web.errors.own_words`.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

PEOPLE: dict[str, tuple[str, ...]] = {
    "identity.authority.secret_missing": (
        _("This authority is asked through a registry that is not connected."),
        _("The secret '{name}' of the authority '{code}' is missing: give it with `khana identity connect`."),
    ),
    "identity.authority.unknown": (
        _("No authority '{code}' is connected. `khana identity authorities` lists them."),
        _("No authority '{code}' was connected."),
    ),
    "identity.authority.wrong": (
        _("A code has small letters, digits and hyphens, 2 to 41 of them."),
        _("There is no kind '{kind}'. Kinds are: {kinds}."),
        _("A rate, size, count, time or age is out of its range."),
        _("A DCI authority names the registry that is asked (`khana registries add`)."),
        _("An authority of the kind {kind} has no secret '{name}'."),
        _("An authority keeps its kind: close it and connect another code."),
        _("Choose one of the ways of asking."),
        _("This code was connected before: change its terms in its row."),
        _("Name the registry that is asked."),
    ),
    "identity.mosip.certificates": (
        _("Keys and certificates of this authority must be RSA."),
        _("A key or certificate of this authority is missing or damaged."),
    ),
    "identity.consent.code_over": (
        _("Three codes were sent to this person in the last hour. Wait."),
        _("This code is used up or too old. Send another one."),
    ),
    "identity.consent.unknown": (
        _("No such file, or it lies outside the area that you work for."),
        _("There is no such transaction within the area that you work for."),
        _("There is no such transaction."),
    ),
    "registry.civil.impossible": (
        _("This file has no current version within your area."),
        _("No parent of this child is a member of the household any more."),
        _("The household of this child is not there any more."),
        _("These files say that already, or lie outside your area."),
    ),
    "registry.merge.second_person_needed": (
        _("You proposed this merge; money hangs on it, so somebody else must confirm it."),
        _("You proposed this split; money hangs on it, so somebody else must confirm it."),
    ),
    "registry.structure.decided": (
        _("It is in force, or was withdrawn."),
        _("You proposed this yourself: another person must confirm it."),
    ),
    "registry.structure.invalid": (
        _("Name members of the household who go."),
        _("A split leaves somebody behind; where all go the household moves."),
        _("The household was interviewed after that day: say a later one."),
        _("Name who came back."),
        _("A dwelling has a code and is a HOUSE, TENT, NOMADIC or INSTITUTION."),
        _("She never left this household before that day, or lives in another one now."),
        _("The spouse is not in the household that she comes to."),
        _("It is a SPLIT, JOIN, MOVE or RETURN, between two households."),
        _("Nobody stands on that line."),
    ),
    "registry.structure.moved": (
        _("The household has no members now, or it lies outside your area."),
        _("Nothing is known of the household now."),
    ),
    "registry.structure.reason": (_("Say why in a sentence, at least {least} letters."),),
    "registry.structure.unknown": (
        _("No such household, or it lies outside the area that you work for."),
        _("There is no such proposal in your area."),
    ),
    "intake.action.moved": (
        _("An action that is {action_state} cannot become {action_state_next}."),
        _("You did it yourself: another person must have seen it."),
    ),
    "intake.action.unknown": (
        _("There is no such action in your area."),
        _("Nobody of this number is in the field of your area."),
    ),
    "intake.centres.code_unknown": (_("'{code}' is not on the list: {known}."),),
    "intake.centres.stop_unreadable": (
        _("A point has a code, is a CENTRE, VAN or CAMP, and has 1 to 200 desks."),
        _("A position is a latitude of -90 to 90 and a longitude of -180 to 180 degrees."),
        _("Row {number}: there is no area '{area}'."),
        _("The point has desks 1 to {desks}."),
        _("Row {number} names no day, or a number or time that cannot be read."),
        _("Choose a day and an hour."),
    ),
    "intake.centres.taken": (
        _("The code '{code}' is in use."),
        _("Desk {desk} is open under somebody else. Choose another one."),
    ),
    "intake.centres.unknown": (
        _("There is no centre, van or camp '{code}' in your area."),
        _("'{code}' has no stop {number}."),
        _("There is no such stop in your area, or it was cancelled before."),
    ),
    "intake.due.call_unreadable": (
        _("Say what came of the call: {call_outcomes}."),
        _("A family that comes has a day and an hour, and only such a family."),
    ),
    "intake.field.invalid": (
        _("It is a TRAINING or an ACCREDITATION in something, with a mark of 0 to 100 per cent."),
        _("It would end before it begins."),
        _("Say the device's id as the form states it (`deviceid`)."),
        _("A device is RETURNED, LOST or BROKEN."),
        _("A target is one household or more, and ends after it begins."),
    ),
    "intake.field.unknown": (
        _("There is no such accreditation in your area, or it was withdrawn before."),
        _("There is no such device in use in your area."),
    ),
    "intake.form.drops_facts": (
        _("This version no longer asks what is in use: {facts}. Ask it, or let it go by name with a reason."),
    ),
    "intake.form.invalid": (
        _("This is no form that can be used: {problem}"),
        _("This is no workbook with the sheets of an XLSForm (survey, choices, settings)."),
        _("The form cannot be tied to the registry's facts: {problems}."),
        _("The workbook is damaged: its archive cannot be opened."),
        _("The mapping is no YAML file of question: fact."),
    ),
    "intake.form.refused_by_validate": (_("ODK Validate refuses the form: {problem}"),),
    "intake.form.too_large": (
        _("A form may have ten megabytes at most; this file is larger."),
        _("The workbook unpacks to more than two hundred megabytes."),
    ),
    "intake.form.unknown": (
        _("The form of this submission is not registered here."),
        _("There is no form '{code}' of version {version}."),
        _("There is no form '{code}'{version}."),
        _("This form is not to be filled today."),
        _("The form needs no such file."),
    ),
    "intake.form.version_taken": (
        _("Version {version} of '{code}' is there with other questions. Raise the version in 'settings'."),
    ),
    "intake.queue.moved": (
        _("That hour has passed. Choose a later one."),
        _("This quarter of an hour is full. Choose another one."),
        _("This appointment is for another day, or was used or cancelled."),
        _("A visit that is {visit_state} cannot become {visit_state_next}."),
    ),
    "intake.queue.unknown": (
        _("There is no appointment of this reference in your area."),
        _("There is no open appointment of this reference in your area."),
        _("There is no such visit in your area."),
        _("There is nothing of this name to do at a queue."),
    ),
    "intake.reason.unknown": (
        _("The submission does not wait for this reason."),
        _("There is no such reason to return a submission."),
    ),
    "intake.submission.moved": (
        _("The answers of this submission cannot be read: it has to be sent again."),
        _("The submission is {submission_state}: this is not possible now."),
        _("A submission that is {submission_state} cannot become {submission_state_next}."),
    ),
    "intake.submission.unknown": (
        _("No submission within your area has this number."),
        _("This submission has no such file."),
    ),
    "intake.submission.unreadable": (
        _("The answers are larger than five megabytes: no questionnaire is."),
        _("The answers name no form or no instance id."),
        _("The instance id is longer than any telephone makes it."),
        _("The answers hold a document type or entities, which no telephone sends."),
        _("The answers are no well-formed XML: cut or damaged at line {line}."),
        _("The answers are deeper or more than any questionnaire asks."),
    ),
    "grievances.case.stands": (
        _("This case was answered before."),
        _("A case about the same thing is open already."),
    ),
    "grievances.case.unknown": (
        _("There is no such person in your area."),
        _("There is no such case in your area."),
    ),
    "grievances.case.wrong": (
        _("What may be wrong is one of: {case_abouts}."),
        _("An outcome is one of: {case_outcomes}."),
    ),
    "linkage.model_not_found": (_("There is no matching model {version}. See `khana linkage models`."),),
    "linkage.opening_not_found": (
        _("The file lies outside the area that you work for."),
        _("No such question, or its file lies outside the area that you work for."),
    ),
    "linkage.pair_not_found": (
        _("One of the two files lies outside the area that you work for."),
        _("The row of the list lies outside what you may read."),
        _("No such pair, or one of its files lies outside the area that you work for."),
    ),
    "linkage.too_much_changed": (_("{n} files changed: `khana linkage run` costs less."),),
    "linkage.version_taken": (_("There is a model {version} already. Choose another version."),),
    "dossiers.file.not_found": (
        _("No such row, or it lies outside the area that you work for."),
        _("No such household, or it lies outside the area that you work for."),
        _("No such file, or it lies outside the area that you work for."),
    ),
}
