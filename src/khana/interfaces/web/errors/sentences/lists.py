"""Sentences of errors about lists and programmes: deliveries, benefits, findings, reports, rules between programmes, selection."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, Any] = {
    "deliveries.batch.unknown": _("There is no such batch within what you may see."),
    "deliveries.contract.invalid": _("The contract says something that cannot be followed; nothing is read under it."),
    "deliveries.contract.unknown": _("There is no contract of that code here."),
    **dict.fromkeys(
        ("deliveries.document.missing", "deliveries.file.missing", "workflows.manifest.file_missing"),
        _("The file is not there."),
    ),
    "deliveries.file.archive_unsafe": _(
        "The compressed file would unpack to far more than a list is, and was not opened. Ask the office for the list itself."
    ),
    "deliveries.file.column_missing": _(
        "A column that the contract reads is not in the file. Mend the contract or the file."
    ),
    "deliveries.file.contract_for_another": _(
        "This file is not one that the contract is for. Choose another contract, or another file."
    ),
    "deliveries.file.damaged": _("The file is damaged or breaks off. Ask the office to send it again."),
    "deliveries.file.delimiter_wrong": _(
        "The columns are parted by another sign than the contract says. Change the contract or the file."
    ),
    "deliveries.file.empty": _("The file is empty."),
    "deliveries.file.encoding_wrong": _(
        "The letters are stored in another encoding than the contract says. Change the contract, or have the file saved as UTF-8."
    ),
    "deliveries.file.erased": _(
        "This very file was loaded before and erased since, because its time was over. Nothing was loaded: what was erased does "
        "not come back."
    ),
    "deliveries.file.format_wrong": _(
        "The file is of another kind than the contract says, or of none that can be read."
    ),
    "deliveries.file.header_only": _("The file has its header and no row. Ask the office whether the list is empty."),
    "deliveries.file.header_twice": _("Two columns bear one name. Give each its own."),
    "deliveries.file.line_too_long": _("One line is so long that the file cannot be a list."),
    "deliveries.file.of_others": _(
        "This very file was brought before, by somebody whose deliveries you may not see. Nothing was loaded twice."
    ),
    "deliveries.file.sheet_missing": _("A sheet that the contract names is not in the workbook."),
    "deliveries.file.too_many_columns": _(
        "The file has more columns than any list of people. Look at the sign that parts them."
    ),
    "deliveries.manifest.invalid": _("The manifest says something that cannot be followed; nothing of it is loaded."),
    "deliveries.quarantine.correction_empty": _(
        "A correction is the whole row as it should have come; a row that is discarded needs a reason."
    ),
    "deliveries.quarantine.row_moved": _(
        "This row does not wait any more: somebody replayed or discarded it. Load the list again."
    ),
    **dict.fromkeys(
        ("beneficiaries.finding.none", "beneficiaries.state.nothing_there"),
        _("There is nothing of this number within your agency and area."),
    ),
    "beneficiaries.move.refused": _(
        "This step is not possible from the state in which it is, or its time has not come."
    ),
    "beneficiaries.reason.unknown": _("There is no such reason. Choose one of the list."),
    **dict.fromkeys(
        ("beneficiaries.run.none", "workflows.crossrules.no_run_yet"),
        _("Nothing was consolidated yet. Start a consolidation first."),
    ),
    **dict.fromkeys(
        ("beneficiaries.source.unknown", "dossiers.source.not_found"),
        _("There is no source of that code within your agency."),
    ),
    **dict.fromkeys(
        (
            "beneficiaries.programme.unknown",
            "programmes.programme.unknown",
            "dossiers.report.programme_unknown",
            "country.programme.unknown",
        ),
        _("The catalogue has no such programme."),
    ),
    "beneficiaries.ask.outside_agreement": _("This question lies outside the agreement under which you ask."),
    **dict.fromkeys(
        ("dossiers.area_too_large", "dossiers.validation.area_too_large"),
        _("This area holds too many households. Choose a smaller one."),
    ),
    "dossiers.contract.unreadable": _("The text cannot be read as YAML. Look at indents and colons."),
    "dossiers.no_households": _("This figure is not a count of households."),
    **dict.fromkeys(
        ("dossiers.registers.kind_unknown", "dossiers.report.kind_unknown", "dossiers.report.filter_not_of_kind"),
        _("There is no such report, or it cannot be filtered so."),
    ),
    **dict.fromkeys(
        (
            "dossiers.report.format_unknown",
            "workflows.publish.format_unknown",
            "workflows.report.format_unknown",
            "workflows.report.period_format_unknown",
        ),
        _("It is not written in that form or language. Choose one of the list."),
    ),
    "dossiers.report.too_many_rows": _("A spreadsheet holds at most 1,048,575 rows. Take CSV, or filter the report."),
    "dossiers.score.arrived": _(
        "This score arrived with a registry: it was made elsewhere and cannot be made again here."
    ),
    "overlap.crossrules.invalid": _(
        "The rules contradict themselves or the catalogue, or none is in force on that day."
    ),
    **dict.fromkeys(
        ("overlap.filters.invalid", "overlap.finding_codes.invalid"),
        _("The list of filters or findings contradicts itself. Tell your administrator."),
    ),
    "overlap.finding_codes.unknown": _("There is no such finding. Look at what the codes mean."),
    "overlap.parameter_out_of_range": _(
        "The cap must be 0 or more, the poor cut-off 0 to 100, the well-off percentile above 0 and up to 100."
    ),
    "overlap.study.source_empty": _("The source has no row yet. Import a list of it first."),
    **dict.fromkeys(
        ("programmes.catalogue.invalid", "programmes.quota.invalid"),
        _("The catalogue or a quota contradicts itself: a programme is unknown, or an amount negative."),
    ),
    "programmes.disaster.invalid": _("The notification lacks something: its number, its days, or areas that exist."),
    "programmes.disaster.served_already": _(
        "This family or person has a benefit for this event already. Draw the list again."
    ),
    "programmes.disaster.there": _("A disaster of that code was notified already."),
    "programmes.disaster.unknown": _("No disaster was notified under that code."),
    "programmes.evaluation.none": _("The programmes' rules were not held against the registry yet."),
    "programmes.filter.unknown": _("There is no such filter, or it is another agency's."),
    "programmes.list.approvals_missing": _("Two people must approve the list as it stands before it is frozen."),
    "programmes.list.approved_already": _(
        "You have approved this list as it stands: the second approval is another person's."
    ),
    "programmes.list.change_invalid": _(
        "A change has a kind, a reason in a sentence and another state; a community's decision names its minutes."
    ),
    "programmes.list.moved": _("The list is no longer open, or it changed meanwhile. Load it again."),
    "programmes.list.same_person": _("You drew this list yourself: two other people approve it."),
    "programmes.list.unknown": _("There is no such list within your agency."),
    "programmes.proposal.invalid": _(
        "A proposal names its minutes and households that are registered within your area, a thousand at most."
    ),
    "programmes.proposal.moved": _("This proposal is answered, or the household was proposed already."),
    "programmes.proposal.same_person": _("You proposed this household yourself: another person answers."),
    "programmes.proposal.unknown": _("No proposal has that number, or it is another agency's."),
    "programmes.recheck.invalid": _("A visit names its day, its outcome and facts of the catalogue."),
    "workflows.draw_list.differs": _(
        "The list cannot be derived again from what was known when it was drawn. Withdraw it and draw it again."
    ),
    "workflows.draw_list.rule_not_in_force": _(
        "The programme has no rule in force on that day: nobody may be drawn by it."
    ),
    "workflows.draw_list.unit_unsuited": _(
        "The rule is about persons and the benefit about households, or the other way about."
    ),
    "workflows.enrol_list.not_frozen": _("Freeze the list first: only what two people approved enrols anybody."),
    "workflows.import.entity_mismatch": _(
        "The contract is for another kind of file. Choose the contract that belongs to it."
    ),
    "workflows.keep_list.not_keepable": _("Fill in the row first, under a contract for a plain table with a header."),
    "workflows.replay.unreadable": _("This is not a file of corrections as the quarantine writes it."),
    "workflows.report.period_unreadable": _(
        "A report is of a quarter (2026Q1), a half-year (2026H1), a calendar year (2026) or a fiscal year (FY2025-26)."
    ),
}
