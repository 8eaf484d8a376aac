"""Codes of the registry in plain words, in the languages of the pages.

The words of finding codes come from their own vocabulary; programme and area names from their
catalogues. Only what pages alone need stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from khana_methods.overlap.finding_codes import FindingCode, load_finding_codes

SEX = {"M": _("man"), "F": _("woman"), "O": _("transgender person"), "": _("not stated")}
MARITAL = {
    "S": _("single"), "M": _("married"), "W": _("widowed"), "D": _("divorced"), "A": _("annulled"), "L": _("separated"),
    "U": _("not known"), "": _("not stated"),
}  # fmt: skip
NUMBER_STATUS = {
    "VERIFIED": _("verified"), "CLAIMED": _("claimed, not verified"), "DISPUTED": _("disputed: another person holds it"),
}  # fmt: skip
MERGE_STATE = {
    "PROPOSED": _("waits for a second person"), "IN_FORCE": _("merged"), "END_PROPOSED": _("its end waits for a second person"),
    "ENDED": _("split again"), "WITHDRAWN": _("withdrawn"),
}  # fmt: skip
MERGE_DONE = {
    "PROPOSED": _("Kept. The merge waits for a second person, because money hangs on it."),
    "IN_FORCE": _("Kept. The two files are one now; a split takes it back."),
}
PAIR_STATE = {
    "REVIEW": _("waits for somebody"), "ASK_FIELD": _("asked the field"), "LINKED": _("linked"), "REJECTED": _("told apart"),
}  # fmt: skip
PAIR_KIND = {"PERSON": _("Two files"), "ROW": _("A row of a list and a file"), "ROWS": _("Two rows of lists")}
STAKE = {"3": _("the cap"), "2": _("two payments"), "1": _("a payment"), "0": _("no payment")}
CONTRADICTION = {
    "two_verified_numbers": _("two verified numbers"), "sex_differs": _("sex differs"), "born_far_apart": _("born far apart"),
}  # fmt: skip
OUTCOME = {
    "SAME": _("One person"), "DIFFERENT": _("Two people"), "UNSURE": _("I cannot tell"), "ASK_FIELD": _("Ask the field"),
}  # fmt: skip
QUESTION = {
    "name": _("Name"), "guardian": _("Father or husband"), "birth": _("Born"), "sex": _("Sex"),
    "number": _("Number, last four digits"), "place": _("Place"), "household": _("Household"),
}  # fmt: skip
QUESTION_OF_MODEL = {
    "name": _("Name"), "birth": _("Born"), "sex": _("Sex"), "number": _("Number"), "family": _("Family"), "place": _("Place"),
    "company": _("Who stands with her"), "frequency": _("How rare the name is"),
}  # fmt: skip
OPENING_STATE = {
    "ASKED": _("waits for the other area"), "OPENED": _("opened to you"), "REFUSED": _("it is somebody else"),
}  # fmt: skip
AGREES = {"yes": _("agrees"), "near": _("nearly"), "no": _("differs"), "unknown": _("not known")}
SEVERITY = {"REFUSE": _("Do not pay yet"), "WARN": _("Look at it"), "NOTE": _("Good to know")}
ROLE = {"beneficiary": _("beneficiary"), "payee": _("payee"), "row": _("the row itself")}
BATCH_STATE = {"KEPT": _("received"), "LOADED": _("loaded"), "FAILED": _("failed")}
SUBMISSION_STATE = {
    "RECEIVED": _("received"), "CHECKED": _("checked"), "VERIFIED": pgettext_lazy("filled form", "verified"),
    "MATCHED": _("matched"), "REGISTERED": _("registered"), "RETURNED": _("returned"), "WAITING": _("waits for a steward"),
}  # fmt: skip
POINT_KIND = {"CENTRE": _("centre"), "VAN": _("van"), "CAMP": _("camp")}
VISIT_STATE = {
    "WAITING": pgettext_lazy("visit", "waits"), "CALLED": _("at a desk"), "SERVED": _("served"), "MISSED": _("was not there"), "LEFT": _("went away"),
}  # fmt: skip
CALL_OUTCOME = {
    "COMING": _("comes at the hour below"), "NO_ANSWER": _("no answer"), "HERE": _("is here"), "REFUSED": _("refuses"),
    "MOVED_AWAY": _("has moved away"),
}  # fmt: skip
STRUCTURE_KIND = {"SPLIT": _("split"), "JOIN": _("join"), "MOVE": _("move"), "RETURN": _("return")}
LIST_STATE = {
    "OPEN": _("open"), "FROZEN": _("frozen"), "PUBLISHED": _("published"), "WITHDRAWN": _("withdrawn"),
    "SELECTED": _("selected"), "RESERVE": _("in reserve"), "WAITING": _("waits"), "REMOVED": _("taken out"),
}  # fmt: skip
VISIT_OUTCOME = {
    "CONFIRMED": _("as the registry says"), "DIFFERENT": _("otherwise than the registry says"), "NOT_FOUND": _("nobody was found"),
    "MOVED": _("moved away"),
}  # fmt: skip
STRUCTURE_STATE = {"IN_FORCE": _("in force"), "WAITING": _("waits for a second person"), "WITHDRAWN": _("withdrawn")}
STRUCTURE_FLAG = {
    "SAME_DWELLING": _("A split under one roof"), "SOON_AFTER_A_SCORE_OVER_A_LINE": _("Within a year of a score over a line"),
}  # fmt: skip
ACTION_STATE = {"OPEN": _("open"), "DONE": _("done, to be seen by another"), "CLOSED": _("closed")}
MEASURE = {
    "days": _("Days with interviews"), "minutes_median": _("Minutes of an interview, median"), "short_share": _("Very short interviews"),
    "negative_share": _("Ended before they began"), "long_share": _("Very long interviews"), "overlap_share": _("Began before the one before ended"),
    "day_most": _("Interviews on the fullest day"), "alike_median": _("Likeness to her other interviews"), "alike_share": _("Interviews nearly alike"),
    "twice_share": _("Interviews wholly alike"), "missing_share": _("Answers left empty"), "other_share": _("Answers 'other'"),
    "outlier_share": _("Interviews with far-out numbers"), "far_share": _("Far from the village"), "same_spot_share": _("On the spot of the one before"),
    "speed_share": _("Too fast from the one before"), "whipple": _("Preference of ages with 0 and 5 (100 is none)"),
}  # fmt: skip
REVIEW_FINDING = {
    "DURATION_SHORT": MEASURE["short_share"], "DURATION_NEGATIVE": MEASURE["negative_share"], "DURATION_LONG": MEASURE["long_share"],
    "OVERLAPS_PREVIOUS": MEASURE["overlap_share"], "DAY_TOO_MANY": MEASURE["day_most"], "ANSWERS_ALIKE": MEASURE["alike_share"],
    "ANSWERS_TWICE": MEASURE["twice_share"], "OUTLIER": MEASURE["outlier_share"], "GPS_FAR_FROM_VILLAGE": MEASURE["far_share"],
    "GPS_SAME_SPOT": MEASURE["same_spot_share"], "SPEED_IMPOSSIBLE": MEASURE["speed_share"],
}  # fmt: skip
CHECK_SEVERITY = {"REFUSE": _("To be corrected"), "WARN": _("Look at it"), "NOTE": _("Good to know")}
JOB_STATE = {
    "QUEUED": _("waiting"), "RUNNING": _("running"), "DONE": _("done"), "FAILED": _("failed"), "CANCELLED": _("cancelled"),
}  # fmt: skip
JOB_KIND = {
    "linkage_run": _("Matching of the registry"), "linkage_changes": _("Matching of what changed"), "linkage_train": _("Training of a matching model"),
    "import_file": _("Import a file"), "import_upload": _("Import a file"), "load_manifest": _("Load a whole set"), "consolidate": _("Consolidation"),
    "replay": _("Replay corrected rows"), "study": _("Compatibility study"), "export_report": _("Export a report"),
    "score_registry": _("Score the registry"), "try_cross_rules": _("Try rules between programmes"),
    "prepare_simulation": _("Count the scores for the simulator"),
    "watch_scores": _("Watch over the scores"), "fit_model": _("Fit a model"), "judge_model": _("Hold a model against a survey"),
    "answer_message": _("Answer a partner"), "make_extract": _("Make an extract"),
    "measure_indicators": _("Computation of the indicators"), "study_coverage": _("Coverage study"), "publish_figures": _("Publication of figures"),
    "write_report": _("Writing of a report"), "plan_outreach": _("Outreach plan"),
    "register_submissions": _("Work off filled forms"), "review_field": _("Checks of filled forms"),
    "find_due": _("Who is due for a visit"),
    "verify_identities": _("Questions to an authority"), "place_events": _("People of civil events"),
    "reseal_values": _("Closing of values with new keys"),
    "erase_over": _("Erasure of what is over"), "preview_erasure": _("What would be erased"),
    "evaluate_programmes": _("Rules against the registry"), "freeze_list": _("Freezing of a list"),
    "enrol_list": _("Enrolments of a list"), "notify_list": _("Notices of a list"), "answer_disaster": _("A list for a disaster"),
}  # fmt: skip
JOB_PHASE = {
    "received": _("checking filled forms"), "checked": _("verifying numbers"), "verified": _("matching households"),
    "matched": _("registering households"),
    "reading": _("reading"), "writing": _("writing"), "replaying": _("reading corrections"), "done": _("finishing"),
    "frames": _("preparing"), "rows": _("preparing the rows"), "registers": _("preparing the registers"), "areas": _("areas"),
    "links": _("linking rows to persons"), "parties": _("who draws for whom"), "checks": _("checking"),
    "findings": _("writing findings"), "recipients": _("the one list"), "overlaps": _("overlaps"),
    "computing": _("computing"), "hiding": _("hiding small cells"), "matching": _("matching with the registry"),
    "estimating": _("estimating"), "unserved": _("the poor served by nothing"), "preparing": _("preparing"), "scoring": _("scoring"),
    "fitting": _("fitting"), "card": _("errors and the card"),
    "asking": _("asking"), "erasing": _("erasing"),
    "deciding": _("deciding the rules"), "comparing": _("comparing"),
}  # fmt: skip
ERASURE_WAITS = {"run": _("after the next consolidation"), "held": _("a legal hold is on it")}
ERASED_WHAT = {"ROWS": _("rows"), "FILE": _("file")}
# what of a job's result people want to read, in this order
JOB_RESULT = {
    "asked": _("Numbers asked about"), "placed": _("Events placed"),
    "rows_in": _("Rows in"), "rows_loaded": _("Rows loaded"), "rows_quarantined": _("Rows in quarantine"),
    "lines_not_data": _("Lines that are no rows"), "replayed": _("Rows replayed"), "still_waiting": _("Rows still waiting"),
    "rows": _("Rows"), "linked": _("Rows linked to a person"), "unmatched": _("Rows of nobody registered"),
    "recipients": _("All recipients"), "over_cap": _("Over the cap"), "unserved": _("Poor and served by nothing"),
    "leakage": _("Well off and receiving"), "scored": _("Households with a score"), "refused": _("Households without a score"),
    "values": _("Values"), "hidden": _("Hidden"), "spent": _("Privacy budget spent"), "households": _("Households of the survey"), "registered": _("Of these registered"),
    "r2": _("R² in the sample"), "r2_out_of_sample": _("R² outside the sample"),
    "deliveries": _("Deliveries"), "LISTS": _("Rows of lists erased"), "FILES": _("Files erased"), "UNREAD": _("Files erased that could never be loaded"),
    "LEFTOVERS": _("Files erased that an interrupted load left behind"),
    "written": _("Scores written"), "superseded": _("Scores superseded"),
}  # fmt: skip
ENROLMENT_STATE = {
    "IDENTIFIED": _("identified"), "WAITLISTED": _("on the waiting list"), "SELECTED": _("selected"), "NOTIFIED": _("has had notice"),
    "ENROLLED": _("enrolled"), "SUSPENDED": _("suspended"), "GRADUATED": _("graduated"), "EXITED": _("has left"), "DECLINED": _("declined"),
}  # fmt: skip
TRIAL_STATE = {
    "TRIED": _("tried"), "NOTICED": _("notice was given"), "APPLIED": _("in effect"), "WITHDRAWN": _("taken back"),
}  # fmt: skip
STOP_STATE = {
    "PROPOSED": _("tried"), "NOTIFIED": _("has had notice"), "APPEALED": _("appeal waits"), "UPHELD": _("the stop stands"),
    "ALLOWED": _("she keeps it"), "EFFECTIVE": _("stopped"), "REOPENED": _("looked at again"), "WITHDRAWN": _("taken back"),
}  # fmt: skip
APPEAL_STATE = {
    "LODGED": _("waits for a decision"),
    "UPHELD": _("upheld: the filter no longer counts"),
    "DISMISSED": _("dismissed"),
}
MOVED_BY = {"HUMAN": _("by a person"), "MIS": _("by the scheme's list"), "RUN": _("by a rule")}
MOVE_REASON = {
    "": "", "GRADUATED": _("criteria of leaving met"), "AGED_OUT": _("past the age"), "DECEASED": _("died"), "MOVED": _("moved away"),
    "REMARRIED": _("remarried"), "NON_COMPLIANCE": _("conditions not met"), "INELIGIBLE_FOUND": _("found not eligible"),
    "DUPLICATE": _("listed twice"), "VOLUNTARY": _("of her own will"), "CYCLE_END": _("end of the cycle"),
    "PAYMENT_RETURNED": _("payment came back"), "UNDER_REVIEW": _("under review"), "COURT_ORDER": _("order of a court"),
}  # fmt: skip
POVERTY = {"poor": _("poor"), "not poor": _("not poor"), "unknown": _("not known"), "": "–"}
CORRECTED = {"GONE": _("her row is gone"), "NEW": _("a row of hers came"), "CHANGED": _("her row changed")}
PER = {
    "day": _("a day"), "month": _("a month"), "quarter": _("a quarter"), "half_year": _("a half-year"), "year": _("a year"), "once": _("once"),
    "": "",
}  # fmt: skip
LACKING = {
    "score": _("the poverty score"), "birth_date": _("a date of birth of every member"), "other": _("further answers of an interview"),
}  # fmt: skip
FREQUENCY = {
    "weekly": _("every week"), "fortnightly": _("every two weeks"), "monthly": _("every month"),
    "quarterly": _("every quarter"), "half_yearly": _("every half-year"), "yearly": _("every year"), "once": _("once"), "": "–",
}  # fmt: skip
BENEFIT_TYPE = {
    1: _("cash"), 2: _("voucher"), 3: _("in kind"), 4: _("training"), 5: _("work"), 6: pgettext_lazy("benefit", "insurance"),
}  # fmt: skip
ROLES = {
    "administrator": _("administrator"), "data_steward": _("data steward"), "programme_officer": _("programme officer"),
    "registrar": _("registrar"), "enumerator": _("enumerator"),
    "field_supervisor": _("field supervisor"), "analyst": _("analyst"), "finance_officer": _("finance officer"),
    "grievance_officer": _("grievance officer"), "auditor": _("auditor"),
    "data_protection_officer": _("data-protection officer"), "system": _("the system itself"),
    "key_owner": _("owner of the keys"), "emergency_reader": _("reader by broken glass"),
}  # fmt: skip
SESSION = {"WEB": _("pages"), "TOKEN": _("commands, programmes, a telephone"), "JOB": _("a job that goes on")}
CLEARANCE = {"TRAINING": _("Training"), "UNDERTAKING": _("Undertaking")}
WORK = {
    "registration": _("registering households and keeping files true"), "eligibility": _("deciding who may have a benefit"),
    "payment": _("paying, and checking before money moves"), "grievance": _("answering a complaint or an appeal"),
    "correction": _("correcting what is wrong"), "monitoring": _("watching how programmes work"),
    "statistics": _("making figures"), "audit": _("seeing that the rules are kept"), "emergency": _("helping in a disaster"),
}  # fmt: skip
ALARM = {
    "GLASS_BROKEN": _("Broken glass"), "VOLUME": _("Many files in one hour"), "HOUR": _("Reading at night"),
    "SEQUENCE": _("Numbers in a row"), "CELEBRITY": _("File of a well-known person"), "NEIGHBOUR": _("File of a neighbour"),
    "PASSKEY_TWICE": _("A passkey that is there twice"),
}  # fmt: skip
BREACH_KIND = {
    "names": _("names"), "numbers": _("personal numbers"), "addresses": _("addresses"), "telephones": _("telephone numbers"),
    "accounts": _("accounts"), "health": _("health"), "scores": _("poverty scores"), "benefits": _("benefits drawn"),
    "biometrics": _("fingerprints or faces"),
}  # fmt: skip
BREACH_RISK = {"UNLIKELY": _("harm is unlikely"), "LIKELY": _("harm is likely"), "HIGH": _("grave harm is likely")}
CLOCK = {
    "told": _("told in time"), "told_late": _("told late"), "not_needed": _("need not be told"), "runs": _("to be told"),
    "over": _("overdue"),
}  # fmt: skip
ALARM_OUTCOME = {"": "", "EXPLAINED": _("It was in order"), "MISUSE": _("Misuse"), "BREACH": _("A breach")}
RELATION = {
    "head": _("head"), "spouse": _("spouse"), "child": _("child"), "son/daughter": _("child"), "parent": _("parent"),
    "father/mother": _("parent"), "grandchild": _("grandchild"), "brother/sister": _("brother or sister"),
    "sibling": _("brother or sister"), "other": _("other relative"), "servant": _("servant"),
}  # fmt: skip

# what a partner's developer reads of a call, and what she does about it; codes of the standard
CALL_STATE = {
    "RECEIVED": _("taken, to be answered by a call-back"), "ANSWERED": _("answered"), "FAILED": _("call-back not taken"),
    "REFUSED": _("refused at the door"),
}  # fmt: skip
CALL_ERROR = {
    "callback": _("Your address did not take our answer three times. See that it is up and answers with 2xx, then ask the office for a replay."),
    "err.request.bad": _("The message is not as the standard has it. Look at the sentence in our answer: it names the part."),
    "err.request.forbidden": _("This token may not ask this."),
    "err.request.not_found": _("There is nothing of this kind at this address."),
    "err.version.not_supported": _("Only version 1.0.0 is spoken here."),
    "err.sender_id.invalid": _("The sender_id of the header is not the one of your token."),
    "err.sender_uri.invalid": _("The call-back address is none of the hosts that were agreed. Have the host added."),
    "err.signature.missing": _("The message is not signed. Sign it in the profile above."),
    "err.signature.invalid": _("The signature does not hold: another key or profile, another text than was sent, or more than five minutes old."),
    "err.encryption.invalid": _("The message could not be opened. Encrypt it to the key with use enc of our key set."),
    "rjct.version.invalid": _("Only version 1.0.0 is spoken here."),
    "rjct.message_id.duplicate": _("This message_id was used before. Make a new one for each message."),
    "rjct.message_ts.invalid": _("The message is more than five minutes old or from the future. Set your clock right."),
    "rjct.action.not_supported": _("The action of the header does not fit the address."),
    "rjct.total_count.invalid": _("total_count is not the number of items sent."),
    "rjct.total_count.limit_exceeded": _("One message has at most a thousand items. Send several."),
    "rjct.reference_id.duplicate": _("A reference_id stands twice in one message."),
    "rjct.search_criteria.invalid": _("No agreement in force allows this question, or the criteria are not complete."),
    "rjct.filter.invalid": _("The filter names what is not known or not agreed. See the fields of the agreement above."),
    "rjct.sort.invalid": _("The sort names what is not known or not agreed."),
    "rjct.pagination.invalid": _("page_size and page_number are whole numbers from 1; a page has at most a thousand."),
    "rjct.search.too_many_records_found": _("The question finds more than the agreement allows. Ask more narrowly."),
    "rjct.notify_types.invalid": _("There is no such event in this registry."),
    "rjct.notify_details.invalid": _("The subscription is not complete, or asks for what is not agreed."),
    "rjct.event.already_subscribed": _("You are subscribed to this already."),
    "rjct.event.already_unsubscribed": _("This subscription was ended before."),
    "rjct.subscription_code.invalid": _("A code is none of your subscriptions."),
    "other": _("Look the code up in the standard, or ask the office with the message_id."),
}  # fmt: skip
CASE_ABOUT = {
    "NAME": _("my name"), "BIRTH": _("my date of birth"), "HOUSEHOLD": _("who lives with me"), "ADDRESS": _("where I live"),
    "SCORE": _("my score"), "PAYMENT": _("a payment"), "OTHER": _("something else"),
}  # fmt: skip
CASE_OUTCOME = {
    "CORRECTED": _("it was put right"), "NOT_WRONG": _("it was looked at and is right as it stands"),
    "COME_TO_OFFICE": _("please come to the office with your papers"),
}  # fmt: skip
CASE_KIND = {
    "CORRECTION": _("You said that something is wrong"), "APPEAL": _("Appeal against an exclusion"), "STOP": _("A benefit that is to stop"),
    "OBJECTION": _("You object to sharing"),
}  # fmt: skip
CASE_STATE = {
    "OPEN": _("waits for an answer"), "ANSWERED": _("answered"), "LODGED": _("waits for an answer"), "UPHELD": _("decided: it stands"),
    "DISMISSED": _("decided: turned down"), "NOTIFIED": _("you may appeal"), "APPEALED": _("your appeal waits for an answer"),
    "ALLOWED": _("decided: you keep it"), "EFFECTIVE": _("stopped"), "REOPENED": _("is looked at again"), "IN_FORCE": _("in force"),
    "ENDED": _("ended"),
}  # fmt: skip
OWN_APPEAL_STATE = {
    "UPHELD": _("decided: your appeal was right")
}  # of a filter: what is upheld is the appeal, of a stop the stop


def language() -> str:
    """Return the reader's language as two letters."""
    return (get_language() or "en")[:2]


def say(words: Mapping[Any, Any], code: Any) -> str:
    """Return the words of a code, or the code itself where it has none."""
    return str(words.get(code, code))


def phase(name: str) -> str:
    """Return what long work is doing in words; a check is called by the title of its finding."""
    return finding(name)["title"] if name in load_finding_codes() else say(JOB_PHASE, name)


def finding(code: str) -> dict[str, str]:
    """Return title, meaning and what to do of one finding code, in the reader's language."""
    known: FindingCode | None = load_finding_codes().get(code)
    if known is None:
        return {"code": code, "title": code, "meaning": "", "what_to_do": "", "severity": "NOTE"}
    tongue = language()
    return {
        "code": code,
        "title": known.title[tongue],
        "meaning": known.meaning[tongue],
        "what_to_do": known.what_to_do[tongue],
        "severity": known.severity,
    }


def choices_of_findings() -> list[dict[str, str]]:
    """Return every finding code with its title, in the order of the vocabulary."""
    return [finding(code) for code in load_finding_codes()]
