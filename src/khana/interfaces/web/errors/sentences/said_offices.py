"""What is said about deliveries and offices, sentence by sentence: files, breaches, grants, areas, figures, agreements.

Each English sentence stands as it is raised, with names for its figures; see `khana.interfaces.web.errors.own_words`.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

OFFICES: dict[str, tuple[str, ...]] = {
    "deliveries.batch.unknown": (
        _("There is no batch {number} in your scope."),
        _("There is no batch {number} of this source that still stands. `khana sources` shows the batches of a list."),
    ),
    "deliveries.contract.unknown": (
        _("There is no contract '{code}' here. Give a YAML file, or add it with `khana contracts add FILE`."),
    ),
    "deliveries.document.missing": (_("There is no file {file}."),),
    "deliveries.file.missing": (_("There is no file {file}."),),
    "deliveries.file.archive_unsafe": (
        _("{file} unpacks to more than {times} times its size and was not read further."),
        _("{file} declares a document type, which no workbook does and bombs do. It was not read."),
        _(
            "{file} would unpack to {mib} MiB and was not opened: it looks like a zip bomb. Ask the office for the list as CSV."
        ),
        _("{file} holds too much text for a list. Ask for it as CSV."),
    ),
    "deliveries.file.column_missing": (
        _(
            "The column{_s} {columns} {_are} not in this file. Add the header to contract {contract} as an alternative, or ask the office for the column."
        ),
        _("The contract reads column {wanted}, and this file has {n} columns."),
        _("No record has {paths}. Mend the path in contract {contract}, or mark the fact 'optional: true'."),
    ),
    "deliveries.file.contract_for_another": (
        _(
            "This file is not one that contract {contract} is for: of {asked} columns that it maps, {found} are here. Choose the source's own contract, or draft one with 'khana sources suggest'."
        ),
        _(
            "This file is not one that contract {contract} is for: of {asked} paths that it maps, {found} are here. Choose the source's own contract."
        ),
    ),
    "deliveries.file.damaged": (
        _("{file} is damaged or no Parquet file."),
        _("{file} is damaged: it cannot be unpacked to its end. Ask the office to send it again."),
        _("{file} is damaged or no Excel workbook. Open it, save it again as .xlsx and send that."),
        _("{file} is locked with a password. Ask for it without one, or over a safer road."),
    ),
    "deliveries.file.delimiter_wrong": (
        _(
            "The columns of {file} are parted by a {mark}, not by a {contract_mark} as the contract says. Write 'delimiter: {sign}' in the contract."
        ),
    ),
    "deliveries.file.empty": (
        _("{file} is empty."),
        _("{file} holds nothing but blank lines."),
        _("{file} is empty: it has no bytes. Ask the office to send it again."),
        _("{file} cannot be opened."),
        _("{file} has no filled cell in its first sheet."),
        _("{file} has no filled cell."),
    ),
    "deliveries.file.encoding_wrong": (
        _(
            "The contract reads {encoding}, but this file is {seen}. Write 'encoding: {seen_too}' in the contract, or have the file saved again."
        ),
        _(
            "The contract reads {encoding}, but many lines of this file are not valid in it. It looks like cp1252 (Windows): write 'encoding: cp1252' in the contract, or have the file saved again."
        ),
    ),
    "deliveries.file.erased": (
        _(
            "This very file was loaded before, as batch {number}, and erased on {day} because its time was over (rule {rule}, `khana retention rules`). Nothing was loaded: what was erased does not come back."
        ),
    ),
    "deliveries.file.format_wrong": (
        _("{file} is one JSON document, not JSON lines. Ask for one record a line, each with its own braces."),
        _("{file} is no Excel workbook (.xlsx); choose the contract for the kind of file that it is."),
        _("{file} is no {kind}; choose the contract for the kind of file that it is."),
        _(
            "{file} holds no JSON records; the contract reads jsonl, one record a line. Say in the contract what kind of file it is, or convert it."
        ),
        _("{file} is not packed with gzip as the contract says."),
        _("{file} is {kind}; the contract reads {wanted}. Save it as .xlsx and send it again."),
        _("{file} is {kind}; the contract reads {wanted}. {_hint}"),
    ),
    "deliveries.file.header_only": (
        _("{file} has columns and no row. Ask the office whether the list is empty."),
        _("{file} has its header and no row under it. Ask the office whether the list is empty."),
        _("{file} has headers and no row. Ask the office whether the list is empty."),
    ),
    "deliveries.file.header_twice": (
        _(
            "Two columns are headed '{name}': number {first} and number {second}. Give each its own name, so that neither is taken for the other."
        ),
    ),
    "deliveries.file.line_too_long": (_("{file} has a line of more than {most} bytes; a list has one line a row."),),
    "deliveries.file.sheet_missing": (_("The workbook has no sheet {missing}; it has {there}."),),
    "deliveries.file.too_many_columns": (
        _(
            "This file has {n} columns; a list of people has at most {most}. Check the delimiter in the contract, or send the list with one row a person."
        ),
    ),
    "deliveries.quarantine.correction_empty": (
        _("A correction is the whole row as it should have come; this one is empty or far too long."),
        _("Say why the row is discarded: somebody may ask later."),
    ),
    "deliveries.quarantine.row_moved": (
        _("This row does not wait any more: somebody replayed or discarded it. Load the list again."),
        _("This row does not wait any more. Load the list again."),
    ),
    "access.breach.moved": (
        _("They were told already, or the breach is closed."),
        _("To be told first: {audiences}."),
        _("It is closed already."),
    ),
    "access.breach.wrong": (
        _("There is no rule for {country}. There are: {countries}."),
        _("Say what happened in at least twenty characters, a count, a risk, and a moment that has passed."),
        _("Say which kinds of data: {kinds}."),
        _("Tell {audiences}."),
        _("Say what was learned."),
        _("A letter is to the authority or to persons, in en, ur or bn."),
    ),
    "access.dates.wrong": (
        _("The grant would end before it begins."),
        _("A clearance needs a title, and ends after the day on which it was completed."),
    ),
    "access.not_found": (_("There is no such {thing}."),),
    "access.purpose.unknown": (_("There is no purpose '{name}'. The purposes are: {known}."),),
    "access.reason.too_short": (_("Say what happened, in at least {least} characters."),),
    "access.retention.rule_unknown": (
        _("There is no rule {rule}. There are: {rules}, and * for all."),
        _("Say why, and name a batch:NUMBER, a partner:NUMBER, a person:NUMBER, an area:PATH or nothing."),
        _("Say which file, and by which right and paper it is to be erased; never who she is."),
    ),
    "access.role.unknown": (
        _("roles.yaml names what it does not define: {names}."),
        _("There is no role '{name}'. The roles are: {known}."),
    ),
    "access.permission.missing": (
        _("You may not do this: it needs the permission '{permission}'."),
        _("You may not do this: it needs the permission '{permission}' ({_meaning}){_extent}."),
        _("You may not open this page: it needs the permission '{permission}'."),
    ),
    "interfaces.refused_by_database": (
        _("You may not do this: it needs the permission '{permission}'."),
        _("The database refused it: your role or scope does not reach that far."),
    ),
    "platform.job.moved": (
        _("The job is {job_state}: it cannot become {job_state_next}."),
        _("The job has ended already: there is nothing to cancel."),
    ),
    "geo.area.unknown": (_("There is no area '{code}'. `khana areas list` shows the codes."),),
    "geo.areas.invalid": (
        _(
            "{file} cannot be read as areas of level {level}: {problem} at {place}. Check the names of its properties in the manifest."
        ),
        _("Area {code} names the parent {parent}, which is not there. Load upper levels first."),
    ),
    "geo.outline.unreadable": (
        _("The outline covers nothing."),
        _("The outline is no GeoJSON with surfaces."),
    ),
    "monitoring.budget_spent": (
        _(
            "This would spend {epsilon} of the privacy budget, and {left} of {whole} are left this year. Publish with suppression instead, or with a smaller budget."
        ),
    ),
    "monitoring.nothing_measured": (
        _("There is no open publication of that number."),
        _("There is no snapshot yet. Run `khana monitoring indicators`."),
        _("There is no coverage study yet. Run `khana coverage study`."),
        _("There is no outreach plan yet. Run `khana outreach plan`."),
        _("There is no report of that number."),
        _("No snapshot is as of a day from {start} on. Run `khana monitoring indicators --as-of {end}`."),
    ),
    "sharing.agreement.terms_wrong": (_("The agreement needs {wanted}."),),
    "sharing.agreement.unknown": (_("There is no agreement '{number}'. `khana agreements list` shows them."),),
    "sharing.approval.not_waiting": (
        _("There is an agreement {number} already."),
        _("The agreement {number} is {agreement_state} already."),
        _("This is not waiting for your approval: it is decided, or you approved it already."),
    ),
    "sharing.callback.not_taken": (
        _("The partner's system answered {status}."),
        _("The partner's system did not answer."),
    ),
    "sharing.extract.refused": (
        _("The agreement ended while the extract was made."),
        _("More than the {most} rows that the agreement allows."),
    ),
    "sharing.extract.stands_out": (
        _(
            "{n} of {total} rows violate {k}-anonymity: ask for fewer or coarser fields (`khana sdc check` shows what to change)."
        ),
    ),
    "sharing.extract.unknown": (_("There is no extract '{number}'. `khana extracts list` shows them."),),
    "sharing.field.unknown": (
        _("There is no field {fields}. Fields are: {known}."),
        _("At the level {level} these may not leave: {fields}."),
    ),
    "sharing.partner.unknown": (_("There is no partner '{code}'. `khana partners list` shows them."),),
    "sharing.registry.not_believed": (
        _("The answer is of another sender."),
        _("The signature of the answer does not hold."),
    ),
    "sharing.registry.refused": (
        _("The registry answered {status}."),
        _("The answer of the registry cannot be read."),
        _("The registry answered with another action."),
        _("The registry did not take the message."),
        _("The registry gave no token."),
    ),
    "sharing.registry.unknown": (_("No registry '{code}' is connected. `khana registries list` shows them."),),
    "access.office.refused": (
        _("Who keeps keys may hold no role that shows people, and the other way round."),
        _("This role is not for a user of that kind."),
        _("A programme stands under its agency: name the agency too."),
        _("A grant is ended and given anew, never changed."),
        _("There is no training or no undertaking in force for you."),
        _("Say more: what happened, or what was found."),
        _(
            "A new way in is added from a fresh session: sign out, sign in again, and add it within a quarter of an hour."
        ),
        _("This passkey is known already, or its riddle is used or old. Begin again."),
        _("You have ten passkeys. Remove one that you do not use."),
        _("Another user is linked to this subject. End that link first."),
        _("An erasure is carried out by somebody else than who asked for it."),
        _("There is no such file, or it was erased already."),
        _("A legal hold keeps this file. `khana retention holds` shows which."),
        _("A claim that she belongs to a family waits for a decision. Decide it first."),
        _("She belongs to a household. End her membership first, with the day on which it ended."),
        _("The file is merged with another. Split them first, or erase both."),
        _("She is on a programme, or was on a list within a year: money must be accounted for first."),
        _("You have broken the glass three times in thirty days. Ask an administrator for a grant."),
    ),
}
