"""The finding codes that this package decides, with their severity.

REFUSE: do not pay before it is settled. WARN: look at it. NOTE: worth knowing, harmless by
itself. The words that people read stand in `finding_codes.yaml` beside this file.
"""

from __future__ import annotations

REFUSE = "REFUSE"
WARN = "WARN"
NOTE = "NOTE"

BENEFICIARY = "beneficiary"
PAYEE = "payee"

SEVERITIES: dict[str, str] = {
    "NID_MISSING": WARN,
    "NID_MALFORMED": WARN,
    "NID_YEAR_PREFIX": WARN,
    "NID_NOT_FOUND": REFUSE,
    "NID_DOB_MISMATCH": WARN,
    "DUP_NID": REFUSE,
    "DUP_HOUSEHOLD": REFUSE,
    "DUP_MOBILE": WARN,
    "DUP_MOBILE_HOUSEHOLD": NOTE,
    "DUP_ACCOUNT": REFUSE,
    "DUP_ACCOUNT_HOUSEHOLD": NOTE,
    "MOBILE_NOT_REGISTERED_TO_NID": WARN,
    "NID_HAS_NO_SIM": NOTE,
    "DECEASED": REFUSE,
    "GOVT_EMPLOYEE": REFUSE,
    "PENSIONER": WARN,
    "GOVT_EMPLOYEE_SPOUSE": WARN,
    "AGE_OUT_OF_RANGE": WARN,
    "OUT_OF_AREA": WARN,
    "WELL_OFF": WARN,
    "PREREQUISITE_MISSING": REFUSE,
    "OTHER_PROGRAMME_CONFLICT": REFUSE,
    "CAP_EXCEEDED": REFUSE,
    "GRADUATED_STILL_LISTED": REFUSE,
    "NOT_IN_SOCIAL_REGISTRY": NOTE,
}
