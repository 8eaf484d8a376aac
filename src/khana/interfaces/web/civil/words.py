"""Words of civil events and of authorities in the reader's language: kinds, states, doubts, ways of asking, registers."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

KIND = {
    "BIRTH": _("birth"),
    "DEATH": _("death"),
    "MARRIAGE": _("marriage"),
    "DIVORCE": _("divorce"),
    "": _("not known"),
}
STATE = {
    "PROPOSED": _("to be decided"), "UNMATCHED": _("nobody found"), "AMBIGUOUS": _("several people found"),
    "UNREADABLE": _("cannot be read"), "ACCEPTED": pgettext_lazy("event", "accepted"), "REFUSED": pgettext_lazy("event", "refused"),
    "REPEATED": _("told before"),
}  # fmt: skip
CHILD = {"F": _("girl"), "M": _("boy"), "": ""}
# what an event proposes, in the words of the button's page
PROPOSES = {
    "BIRTH": _("A child becomes a member of the household."),
    "DEATH": _("The person is dead from that day on, and her memberships end."),
    "MARRIAGE": _("The two are married from that day on."),
    "DIVORCE": _("The two are divorced from that day on."),
}  # fmt: skip
WHY = {
    "ALIVE_SINCE": _("An authority saw the person alive after that day."),
    "PARENT_WITHOUT_HOUSEHOLD": _("The parent is in no household now."),
    "BORN_THAT_DAY_KNOWN": _("The household has a member who was born on that day: perhaps the same child."),
    "KIND_UNKNOWN": _("It is none of the events that are known here."),
    "NO_RECORD": _("It holds no record."),
    "NO_DATE": _("It names no day."),
    "DATE_IMPOSSIBLE": _("Its day lies ahead, or before 1900."),
    "NO_PARENTS": _("A birth without the number of a parent."),
    "NO_NUMBER": _("It names nobody by number."),
    "NOT_AGREED": _("It was not agreed that this office tells such events."),
    "NUMBER_UNREADABLE": _("The number is no personal number of this country."),
}  # fmt: skip
WAY = {
    "OFFLINE": _("an extract that is kept here"), "DCI": _("a registry of another office, by message"),
    "MOSIP": _("an identity service of the kind MOSIP"),
}  # fmt: skip
REGISTER = {
    "identity_nationalidrecord": _("Extract of the national identity register"), "identity_simrecord": _("Register of telephones"),
    "identity_publicemployee": _("Public employees and pensioners"),
}  # fmt: skip
