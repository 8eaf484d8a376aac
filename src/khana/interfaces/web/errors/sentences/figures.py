"""Sentences of errors about scores and figures: models, rules, surveys, targeting, coverage, disclosure, areas."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, Any] = {
    "assessment.household.nothing_known": _(
        "Nothing was known of this household on that day, or it lies outside the area that you work for."
    ),
    **dict.fromkeys(
        ("assessment.model.none_in_force", "pmt.model.not_in_force"),
        _("No model is in force on that day: two people sign one first."),
    ),
    "assessment.model.not_of_facts": _(
        "This model cannot score the registry: a variable is neither a fact nor made of facts."
    ),
    "assessment.model.unknown": _("There is no such model or version."),
    "assessment.model.version_taken": _(
        "This version is kept already from another file. A version never changes: give yours the next number."
    ),
    "assessment.model.words_invalid": _("The file of words is not labels by language and variable."),
    "assessment.override.outside_scale": _("The score lies from 0, the poorest, to 100."),
    "assessment.scenario.title_missing": _("Give the scenario a name."),
    "assessment.scenario.unknown": _("No scenario of yours has that number."),
    "assessment.signature.days": _(
        "The days do not fit: the last comes after the first, both within the model's own days."
    ),
    "assessment.signature.moved": _("This was signed, confirmed or taken back already."),
    "assessment.signature.same_person": _("You proposed this yourself: another person must sign or confirm it."),
    "assessment.signature.unknown": _("No proposal has that number."),
    "assessment.snapshot.none": _("Nothing is prepared yet. Score the registry first."),
    "assessment.snapshot.unknown": _("That snapshot is gone; open the page again for the newest."),
    "coverage.budget_file_wrong": _("The budget's file is refused whole: columns are missing, or lines are wrong."),
    **dict.fromkeys(
        ("coverage.framework_invalid", "coverage.parameter_missing"),
        _("The framework of indicators cannot be computed: it contradicts itself, or the country states no value."),
    ),
    "coverage.hours_unreadable": _("Opening hours are written as mon-thu 9-15, fri 9-12:30."),
    **dict.fromkeys(
        (
            "coverage.linkage_rates_wrong",
            "coverage.lists_impossible",
            "coverage.nobody_visited",
            "coverage.nothing_planned",
            "coverage.nothing_to_compare",
            "coverage.nothing_to_match",
            "coverage.study_unreadable",
        ),
        _("The study cannot be made so: columns, numbers or answers that it needs are missing or cannot be."),
    ),
    **dict.fromkeys(
        ("coverage.outreach.impossible", "coverage.outreach.places_unreadable", "workflows.plan_places_unknown"),
        _("No plan can be made so: look at the places, vans, days, budget and floors."),
    ),
    **dict.fromkeys(
        ("disclosure.budget_wrong", "disclosure.noise_missing", "monitoring.budget_spent"),
        _("This publication is not possible within the privacy budget of the year."),
    ),
    **dict.fromkeys(
        (
            "disclosure.column_absent",
            "disclosure.nothing_to_check",
            "disclosure.table_too_large",
            "disclosure.table_wrong",
            "disclosure.weight_wrong",
        ),
        _("The table cannot be protected so: a column, a key or a count is missing, wrong or too many."),
    ),
    "monitoring.nothing_measured": _("There is no such snapshot, study, plan or publication yet."),
    "geo.area.unknown": _("There is no area of that code."),
    **dict.fromkeys(
        ("geo.areas.invalid", "geo.outline.unreadable"),
        _("The areas or the outline cannot be read, or cover nothing."),
    ),
    "pmt.cut_off.outside_scale": _("The cut-off lies outside the model's scale."),
    **dict.fromkeys(
        ("pmt.estimate.quantile_unsolved", "pmt.estimate.single_unit_stratum", "pmt.survey.too_small"),
        _("The survey is too small or too uniform for this model: fewer variables, or joined strata."),
    ),
    "pmt.likelihood.unknown": _("The published table has no entry for that score or line."),
    **dict.fromkeys(
        ("pmt.model.invalid", "pmt.spec.invalid"),
        _("The file of the model or of the fit contradicts itself. The sentence below says where."),
    ),
    **dict.fromkeys(
        (
            "pmt.score.feature_missing",
            "pmt.survey.column_missing",
            "surveys.tables.column_missing",
            "targeting.population.column_missing",
            "workflows.simulation.survey_invalid",
        ),
        _("The survey lacks a column that is needed."),
    ),
    **dict.fromkeys(
        (
            "pmt.survey.value_missing",
            "targeting.population.value_missing",
            "targeting.poverty.welfare_not_positive",
            "surveys.values_wrong",
            "surveys.weights_wrong",
        ),
        _("Weights, sizes or amounts of the survey are missing or cannot be. Settle these first."),
    ),
    **dict.fromkeys(
        ("rules.compile.dialect_unknown", "rules.compile.two_entities", "rules.decide.too_many_facts"),
        _("The rule cannot be run so: it is too large, or mixes households and persons."),
    ),
    "rules.expression.incompatible": _("The rule joins what cannot be joined, or names a fact that is not known."),
    "rules.expression.refused": _("The rule uses something that is not in the rule language."),
    "rules.expression.unreadable": _("The rule cannot be read: it is empty, too long, or no expression."),
    **dict.fromkeys(
        ("rules.facts.invalid", "rules.file.invalid"),
        _("The file of facts or rules contradicts itself. Tell your administrator."),
    ),
    **dict.fromkeys(
        ("rules.facts.not_of_entity", "rules.facts.unknown"),
        _("There is no such fact, or it belongs to another register."),
    ),
    "rules.rule.not_in_force": _("The rule is not in force on that day."),
    "rules.rule.unknown": _("There is no rule of that code."),
    **dict.fromkeys(
        (
            "surveys.design.unreadable",
            "surveys.design_incomplete",
            "surveys.finite_population_wrong",
            "surveys.lonely_units",
            "surveys.units_across_strata",
        ),
        _("The design of the survey does not fit its rows: look at strata, units and finite population."),
    ),
    **dict.fromkeys(
        ("surveys.estimate_refused", "surveys.logit_wrong", "surveys.measure_unknown", "surveys.weights_unknown"),
        _("This estimate cannot be made from this survey."),
    ),
    **dict.fromkeys(
        ("targeting.drift.nothing_scored", "targeting.errors.nobody_poor"),
        _("Nothing can be held against anything: nobody has a score, or everybody or nobody is poor at that line."),
    ),
    **dict.fromkeys(
        (
            "targeting.errors.mode_unknown",
            "targeting.measures.cut_off_out_of_range",
            "targeting.population.basis_unknown",
            "targeting.poverty.line_not_positive",
            "targeting.select.out_of_range",
            "targeting.select.tie_rule_unknown",
        ),
        _("A cut-off, share, line or way of choosing is not one that can be."),
    ),
    "targeting.selection.quota_invalid": _("The quotas overlap, are negative, or state both places and a budget."),
    "targeting.selection.terms_invalid": _(
        "The list cannot be drawn by these terms: look at ties, the seed and the reserve."
    ),
    "targeting.simulate.policy_invalid": _(
        "A position of the sliders means nothing: look at amounts, shares and the line."
    ),
    "targeting.validation.list_empty": _("No household with a score lies at or near the cut-off."),
    "targeting.validation.margin_invalid": _("The margin is a number of points over nothing."),
    "targeting.validation.verdict_unclear": _(
        "Some verdicts are none of the known words, or of households that are on no list."
    ),
}
