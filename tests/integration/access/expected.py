"""What each user may do to each table: the permission table that row security is held against.

`s` reads (select), `i` adds, `u` changes, `d` removes; letters are the rows of `world.ROWS`; who is
not named reaches nothing. `-` in the code means that the database role has no privilege at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from khana_settings.walk.rows import UNGUARDED

ALL = "abcdm"
EVERYBODY = dict.fromkeys(
    ("steward", "admin", "registrar_a", "registrar_b", "registrar_xa", "officer_x", "officer_y", "officer_xa", "officer_xp",
     "officer_xq", "grievance_a", "analyst", "auditor", "protector", "keeper", "enumerator", "partner", "developer"), ALL)  # fmt: skip


@dataclass(frozen=True)
class Expect:
    """Rows by user for each verb; `column` is one that may be changed, `frozen` one that may not."""

    s: dict[str, str] = field(default_factory=dict)
    i: dict[str, str] = field(default_factory=dict)
    u: dict[str, str] = field(default_factory=dict)
    d: dict[str, str] = field(default_factory=dict)
    column: str = ""
    frozen: str = ""


AREA_READ = {
    "steward": ALL, "auditor": ALL, "registrar_a": "adm", "registrar_xa": "adm", "registrar_b": "bc",
    "grievance_a": "adm",
}  # fmt: skip
AREA_WRITE = {"steward": ALL, "registrar_a": "adm", "registrar_xa": "adm", "registrar_b": "bc"}
STEWARD = {"steward": ALL}
ASKS = dict.fromkeys(("steward", "registrar_a", "registrar_b", "registrar_xa"), ALL)  # who may ask an authority
FORMS = {"steward": ALL, "admin": ALL}
SENT = {**AREA_WRITE, "auditor": ALL}
READS_PAIRS = {"steward": ALL, "auditor": ALL}
MONITORS = {"steward": ALL, "analyst": ALL}
RESULTS = {name: ALL for name in EVERYBODY if name not in ("enumerator", "partner", "keeper", "developer")}


# what is published is open to anybody, signed in or not; what was withdrawn (c and d) to who reads results
PUBLIC_TOO = dict.fromkeys(("enumerator", "partner", "keeper", "developer", "None"), "abm")


def area(column: str, frozen: str = "") -> Expect:
    return Expect(s=AREA_READ, i=AREA_WRITE, u=AREA_WRITE, column=column, frozen=frozen)


CATALOGUE_WRITE = {"steward": ALL, "admin": ALL, "officer_x": "ac", "officer_y": "bd"}
AGENCY_WRITE = {"steward": ALL, "officer_x": "ac", "officer_y": "bd"}
NO_AGENCY = dict.fromkeys(("registrar_a", "registrar_b", "registrar_xa", "officer_xa", "officer_xp", "officer_xq"), "m")

MODEL_WRITE = dict.fromkeys(("steward", "analyst"), ALL)
SIGNERS = dict.fromkeys(("steward", "analyst", "admin"), ALL)
OVERRIDERS = {**AREA_WRITE, "grievance_a": "adm"}
SCENARIOS = dict.fromkeys(
    ("steward", "analyst", "officer_x", "officer_y", "officer_xa", "officer_xp", "officer_xq"), ALL
)
OWN_SCENARIOS = {"steward": "abcd"}  # the fifth row is the registrar's, who saves none
SHARING_READ = {"steward": ALL, "admin": ALL, "auditor": ALL, "protector": ALL}
OWN_CALLS = {"steward": "abcd", "registrar_a": "m"}

LISTS_READ = {**AREA_WRITE, "auditor": ALL, "registrar_xa": "a", "officer_x": "ac", "officer_y": "bd", "officer_xa": "a",
              "grievance_a": "adm"}  # fmt: skip
LIST_HEADERS = dict.fromkeys((*LISTS_READ, "officer_xp", "officer_xq"), ALL)
APPROVERS = {"officer_x": "ac", "officer_y": "bd"}
LIST_CHANGERS = {**AREA_WRITE, **APPROVERS}
APPEALS = {"steward": ALL, "grievance_a": "adm"}
BENEFITS_WRITE = {"steward": ALL, "officer_x": "ac", "officer_y": "bd", "officer_xa": "a", "officer_xp": "ac"}
BENEFITS_READ = {**BENEFITS_WRITE, "auditor": ALL, "grievance_a": "adm"}
STOP_APPEALS = {**BENEFITS_WRITE, "grievance_a": "adm"}

TABLES: dict[str, Expect] = {
    "geo_area": Expect(s=EVERYBODY, i={"steward": ALL, "admin": ALL}, u={"steward": ALL, "admin": ALL}, column="name"),
    "platform_storedfile": Expect(s=EVERYBODY, i=EVERYBODY),
    "platform_jobrun": Expect(
        s={"steward": "abcd", "registrar_a": "m", "admin": ALL},
        i=EVERYBODY,
        u={"steward": "abcd", "registrar_a": "m", "admin": ALL},
        column="cancel_requested",
        frozen="actor_id",
    ),
    "audit_event": Expect(s={"steward": "abcd", "registrar_a": "m", "auditor": ALL, "protector": ALL}),
    "audit_seal": Expect(s={"auditor": ALL, "protector": ALL}),
    "access_alarm": Expect(s={"auditor": ALL, "protector": ALL}),
    "access_breach": Expect(
        s={"auditor": ALL, "protector": ALL}, i={"protector": ALL}, u={"protector": ALL}, column="lesson", frozen="what"
    ),
    "access_erasure": Expect(s={"auditor": ALL, "protector": ALL}, i={"protector": ALL}),
    "access_tombstone": Expect(
        s={"steward": ALL, "auditor": ALL, "protector": ALL, "officer_x": "ac", "officer_y": "bd"}
    ),
    "access_legalhold": Expect(
        s={"auditor": ALL, "protector": ALL},
        i={"protector": ALL},
        u={"protector": ALL},
        column="ended_at",
        frozen="rule",
    ),
    "access_watchedsubject": Expect(s={"protector": ALL}, i={"protector": ALL}, d={"protector": ALL}),
    "deliveries_contract": Expect(
        s=EVERYBODY, i={**CATALOGUE_WRITE, "officer_x": "acm", "officer_y": "bdm", **NO_AGENCY}
    ),
    "deliveries_batch": Expect(
        s={"steward": ALL, "auditor": ALL, "officer_x": "ac", "officer_y": "bd", "registrar_a": "m"},
        i={"steward": ALL, "officer_x": "acm", "officer_y": "bdm", **NO_AGENCY},
        u={**AGENCY_WRITE, "registrar_a": "m"},
        column="state",
    ),
    "deliveries_quarantinedrow": Expect(
        s={**AGENCY_WRITE, "registrar_a": "m"},
        i={**AGENCY_WRITE, "registrar_a": "m"},
        u={**AGENCY_WRITE, "registrar_a": "m"},
        column="state",
        frozen="raw_ciphertext",
    ),
    "registry_household": area("created_at"),
    "registry_householdversion": area("superseded_at", "facts"),
    "registry_person": area("created_at"),
    "registry_personversion": area("superseded_at", "name"),
    "registry_membership": area("family_no", "person_id"),
    "registry_identifier": area("status", "token"),
    "registry_dwelling": Expect(s=AREA_READ, i=AREA_WRITE),
    "registry_occupancy": area("valid_to", "dwelling_id"),
    "registry_restructuring": area("withdrawn_at", "persons"),
    "registry_alias": Expect(s=AREA_READ, i=STEWARD, u=STEWARD, column="valid_to", frozen="current_id"),
    "registry_resident": area("superseded_at", "name"),
    "linkage_matchingmodel": Expect(s=READS_PAIRS, i=STEWARD, u=STEWARD, column="state", frozen="card"),
    "linkage_approval": Expect(s=READS_PAIRS, i=STEWARD),
    "linkage_linkagerun": Expect(s=READS_PAIRS, i=STEWARD, u=STEWARD, column="state", frozen="actor_id"),
    "linkage_pair": Expect(s=READS_PAIRS, i=STEWARD, u=STEWARD, d=STEWARD, column="decision", frozen="left_id"),
    "linkage_label": Expect(s=READS_PAIRS, i=STEWARD),
    "linkage_opening": Expect(s=STEWARD, u=STEWARD, column="state", frozen="person_id"),
    "linkage_clustermember": Expect(s=READS_PAIRS, i=STEWARD, d=STEWARD),
    "identity_nationalidrecord": Expect(s=STEWARD, i=STEWARD, d=STEWARD),
    "identity_simrecord": Expect(s=STEWARD, i=STEWARD, d=STEWARD),
    "identity_publicemployee": Expect(s=STEWARD, i=STEWARD, d=STEWARD),
    "identity_extractload": Expect(s=ASKS, i=STEWARD),
    "identity_authority": Expect(s=ASKS, i=STEWARD, u=STEWARD, column="title", frozen="kind"),
    "identity_consent": Expect(s=AREA_READ, i=AREA_WRITE),
    "identity_verification": Expect(s=AREA_READ, i=AREA_WRITE),
    "identity_civilevent": Expect(
        s=AREA_READ, i={"partner": ALL}, u=AREA_WRITE, column="decision_reason", frozen="kind"
    ),
    "identity_familycheck": Expect(s=AREA_READ, i=AREA_WRITE, u=AREA_WRITE, column="decision", frozen="result"),
    "assessment_score": Expect(  # d is of a model: a desk may put a newer one in its place
        s=AREA_READ,
        i=STEWARD,
        u={**STEWARD, "registrar_a": "d", "registrar_xa": "d"},
        column="superseded_at",
        frozen="score",
    ),
    "assessment_modelversion": Expect(s=RESULTS, i=MODEL_WRITE),
    "assessment_activation": Expect(s=RESULTS, i=SIGNERS, u=SIGNERS, column="confirmed_label", frozen="effective_from"),
    "assessment_scoringrun": Expect(s=RESULTS, i=STEWARD, u=STEWARD, column="summary", frozen="known_at"),
    "assessment_unscored": Expect(s=AREA_READ, i=STEWARD, d=STEWARD),
    "assessment_override": Expect(s=AREA_READ, i=OVERRIDERS, u=OVERRIDERS, column="confirmed_label", frozen="score"),
    "assessment_snapshot": Expect(s=RESULTS, i=MODEL_WRITE, d=MODEL_WRITE),
    "assessment_study": Expect(s=MODEL_WRITE, i=MODEL_WRITE),
    "assessment_scenario": Expect(s=RESULTS, i=SCENARIOS, d=OWN_SCENARIOS),
    "programmes_programme": Expect(s=EVERYBODY, i=CATALOGUE_WRITE, u=CATALOGUE_WRITE, d=CATALOGUE_WRITE, column="name"),
    "programmes_quota": Expect(s=EVERYBODY, i=CATALOGUE_WRITE),
    "programmes_exclusionfilter": Expect(s=EVERYBODY, i=CATALOGUE_WRITE, u=CATALOGUE_WRITE, column="name"),
    "programmes_filterappeal": Expect(s=APPEALS, i=APPEALS, u=APPEALS, column="decision", frozen="reason"),
    "programmes_evaluation": Expect(s=RESULTS, i=STEWARD, u=STEWARD, column="summary", frozen="known_at"),
    "programmes_answercount": Expect(s=RESULTS, i=STEWARD),
    "programmes_unserved": Expect(s={"steward": ALL, "auditor": ALL, "grievance_a": "adm"}, i=STEWARD),
    "programmes_disasterevent": Expect(s=EVERYBODY, i=STEWARD),
    "programmes_selectionlist": Expect(
        s=LIST_HEADERS, i=STEWARD, u={"steward": ALL, **APPROVERS}, column="frozen_hash", frozen="head_hash"
    ),
    "programmes_listentry": Expect(s=LISTS_READ, i=STEWARD),
    "programmes_listchange": Expect(s=LISTS_READ, i=LIST_CHANGERS),
    "programmes_listapproval": Expect(s=LIST_HEADERS, i=APPROVERS),
    "programmes_proposal": Expect(s=LISTS_READ, i=AREA_WRITE, u=APPROVERS, column="reason", frozen="minutes"),
    "programmes_recheck": Expect(s=LISTS_READ, i=LIST_CHANGERS),
    "beneficiaries_source": Expect(s=EVERYBODY, i=CATALOGUE_WRITE, u=CATALOGUE_WRITE, column="title"),
    "beneficiaries_benefit": Expect(
        s={
            "steward": ALL,
            "auditor": ALL,
            "officer_x": "ac",
            "officer_y": "bd",
            "officer_xa": "a",
            "officer_xp": "ac",
            "grievance_a": "adm",
        },
        i={"steward": ALL, "officer_x": "ac", "officer_y": "bd", "officer_xa": "a", "officer_xp": "ac"},
    ),
    "beneficiaries_exitrecord": Expect(
        s={"steward": ALL, "auditor": ALL, "officer_x": "ac", "officer_y": "bd"},
        i=AGENCY_WRITE,
        d=AGENCY_WRITE,
    ),
    "beneficiaries_run": Expect(s=RESULTS, i=STEWARD, u=STEWARD, column="state", frozen="actor_id"),
    "beneficiaries_finding": Expect(
        s={
            "steward": ALL,
            "auditor": ALL,
            "officer_x": "ac",
            "officer_y": "bd",
            "officer_xa": "a",
            "officer_xp": "ac",
            "grievance_a": "adm",
        },
        i=STEWARD,
        d=STEWARD,
    ),
    "beneficiaries_recipient": Expect(
        s={"steward": ALL, "auditor": ALL, "officer_x": "ac", "officer_y": "bd", "grievance_a": "adm"},
        i=STEWARD,
        d=STEWARD,
    ),
    "beneficiaries_unservedhousehold": Expect(
        s={"steward": ALL, "auditor": ALL, "grievance_a": "adm"}, i=STEWARD, d=STEWARD
    ),
    "beneficiaries_transition": Expect(s=EVERYBODY),
    "beneficiaries_enrolment": Expect(
        s=BENEFITS_READ, i=BENEFITS_WRITE, u=BENEFITS_WRITE, column="note", frozen="programme"
    ),
    "beneficiaries_statechange": Expect(s=BENEFITS_READ, i=STOP_APPEALS),
    "beneficiaries_graduation": Expect(
        s=BENEFITS_READ, i=BENEFITS_WRITE, u=BENEFITS_WRITE, column="follow_up_result", frozen="criteria"
    ),
    "beneficiaries_trial": Expect(s=RESULTS, i=STEWARD, u=FORMS, column="effect_sha256", frozen="rules"),
    "beneficiaries_stop": Expect(s=BENEFITS_READ, i=STEWARD, u=STOP_APPEALS, column="note", frozen="rule"),
    "beneficiaries_reopened": Expect(
        s=BENEFITS_READ, i=BENEFITS_WRITE, u=BENEFITS_WRITE, column="state", frozen="what"
    ),
    "beneficiaries_answer": Expect(s=BENEFITS_READ),
    "beneficiaries_areafigure": Expect(s=RESULTS, i=STEWARD, d=STEWARD),
    "intake_form": Expect(s=EVERYBODY, i=FORMS, u=FORMS, column="title", frozen="code"),
    "intake_formversion": Expect(s=EVERYBODY, i=FORMS, u=FORMS, column="state", frozen="xform"),
    "intake_submission": Expect(
        s=SENT, i={**AREA_WRITE, "enumerator": "adm"}, u=AREA_WRITE, column="state", frozen="sha256"
    ),
    "intake_submissionpart": Expect(s=SENT, i=AREA_WRITE),
    "intake_stamp": Expect(s=SENT, i=AREA_WRITE),
    "intake_entity": Expect(s={**AREA_WRITE, "enumerator": "adm"}, i=AREA_WRITE, u=AREA_WRITE, column="label"),
    "intake_entitychange": Expect(s=SENT, i=AREA_WRITE),
    "intake_enumeratorreview": Expect(s=SENT, i=STEWARD),
    "intake_questionevidence": Expect(s=EVERYBODY, i=STEWARD, u=STEWARD, column="asked", frozen="question"),
    "intake_correctiveaction": Expect(s=SENT, i=STEWARD, u=STEWARD, column="state", frozen="what"),
    "intake_amendmenteffect": Expect(
        s=AREA_WRITE, i=AREA_WRITE, u=AREA_WRITE, column="confirmed_label", frozen="score_after"
    ),
    "intake_registrationpoint": Expect(s=SENT, i=STEWARD, u=AREA_WRITE, column="valid_to", frozen="code"),
    "intake_stop": Expect(s=SENT, i=STEWARD, u=STEWARD, column="cancelled_at", frozen="day"),
    "intake_desksession": Expect(s=SENT, i=AREA_WRITE, u=AREA_WRITE, column="closed_at", frozen="actor_id"),
    "intake_appointment": Expect(s=SENT, i=AREA_WRITE, u=AREA_WRITE, column="state", frozen="slot"),
    "intake_queuetoken": Expect(s=SENT, i=AREA_WRITE, u=AREA_WRITE, column="state", frozen="number"),
    "intake_duevisit": Expect(s=SENT, i=STEWARD, u=STEWARD, d=STEWARD, column="best_before", frozen="household_id"),
    "intake_invitation": Expect(s=SENT, i=AREA_WRITE),
    "intake_accreditation": Expect(s=SENT, i=STEWARD, u=STEWARD, column="withdrawn_on", frozen="user_id"),
    "intake_device": Expect(s=SENT, i=STEWARD, u=STEWARD, column="returned_on", frozen="user_id"),
    "intake_target": Expect(s=SENT, i=STEWARD, u=STEWARD, column="households", frozen="area_path"),
    "intake_assignment": Expect(s=AREA_WRITE, i=AREA_WRITE, u=AREA_WRITE, column="valid_to", frozen="user_id"),
    "monitoring_coveragestudy": Expect(s=RESULTS, i=MONITORS),
    "monitoring_indicatorsnapshot": Expect(s=RESULTS, i=MONITORS),
    "monitoring_indicatorvalue": Expect(s=RESULTS, i=MONITORS),
    "monitoring_outreachplan": Expect(s=RESULTS, i=MONITORS),
    "monitoring_budget": Expect(s=RESULTS, i=MONITORS),
    "monitoring_spending": Expect(s=RESULTS, i=MONITORS),
    "monitoring_report": Expect(s=RESULTS, i=RESULTS),
    "monitoring_publication": Expect(
        s={**PUBLIC_TOO, **RESULTS}, i=MONITORS, u=MONITORS, column="withdrawn_at", frozen="title"
    ),
    "sharing_partner": Expect(
        s={"steward": ALL, "admin": ALL, "auditor": ALL, "protector": ALL, "partner": "a"},
        i={"admin": ALL},
        u={"admin": ALL},
        column="name",
        frozen="code",
    ),
    "sharing_agreement": Expect(
        s={**SHARING_READ, "registrar_a": "m"}, i=STEWARD, u=STEWARD, column="ended_at", frozen="fields"
    ),
    "sharing_approval": Expect(s=SHARING_READ, i={"admin": ALL, "protector": ALL}),
    "sharing_extract": Expect(
        s={**SHARING_READ, "registrar_a": "m"},
        i=STEWARD,
        u={"steward": ALL, "registrar_a": "m"},
        column="fetched_count",
        frozen="fields",
    ),
    "sharing_extractperson": Expect(s={**SHARING_READ, "registrar_a": "m"}, i={"partner": ALL}),
    "sharing_message": Expect(
        s={"admin": ALL, "auditor": ALL, "protector": ALL, **OWN_CALLS},
        i={"partner": ALL},
        u=OWN_CALLS,
        column="outcome",
        frozen="request_ciphertext",
    ),
    "sharing_subscription": Expect(
        s={"admin": ALL, "auditor": ALL, "protector": ALL, **OWN_CALLS},
        i={"partner": ALL},
        u=OWN_CALLS,
        column="ended_at",
        frozen="callback",
    ),
    "sharing_otherregistry": Expect(
        s={**ASKS, "admin": ALL, "auditor": ALL, "protector": ALL},
        i={"admin": ALL},
        u={"admin": ALL},
        column="title",
        frozen="code",
    ),
    "sharing_notice": Expect(
        s={"admin": ALL, "auditor": ALL, "protector": ALL, **OWN_CALLS},
        i={"partner": ALL},
        u=OWN_CALLS,
        column="attempts",
        frozen="body_ciphertext",
    ),
    "sharing_told": Expect(s=OWN_CALLS, i={"partner": ALL}, d=OWN_CALLS),
    "sharing_wish": Expect(
        s={"admin": ALL, "auditor": ALL, "protector": ALL, **OWN_CALLS},
        i={"admin": ALL},
        u={"admin": ALL, **OWN_CALLS},
        column="code",
        frozen="event_type",
    ),
    "sharing_refusal": area("ended_at", "kind"),
    "sharing_developer": Expect(
        s={"admin": ALL, "auditor": ALL, "protector": ALL, "developer": "a"},
        i={"admin": ALL},
        u={"admin": ALL},
        column="ended_at",
        frozen="partner_id",
    ),
    "grievances_case": Expect(s=AREA_READ, i=OVERRIDERS, u=OVERRIDERS, column="note", frozen="person_id"),
    "sharing_usage": Expect(s={"admin": ALL, "auditor": ALL, "protector": ALL, **OWN_CALLS}),
}

EXTRA = {"geo_area": 4}  # rows beside those of `world.ROWS`

# Tables without row policies: the walk says why none of their rows needs one.
OPEN = UNGUARDED
# Tables that only definer functions touch: forced row security and no privilege for web or worker.
CLOSED = (
    "access_user",
    "access_credential",
    "access_session",
    "access_grant",
    "access_rolepermission",
    "access_roletrait",
    "access_clearance",
    "access_passkey",
    "access_riddle",
    "access_provider",
    "access_link",
    "sharing_citizencode",
)
