"""From an error to a page: its title, its sentence in the reader's language, its one next step.

An error is raised in English, with the place and the values. A reader of English gets that sentence; everybody else gets the
same sentence in her language with the same figures where it is listed (`own_words`), else the sentence of the code, and what
was written beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy

from khana.interfaces.web.errors.own_words import own_words
from khana.interfaces.web.errors.sentences import doors, figures, lists, registry, sharing
from khana.interfaces.web.session import public
from khana_methods.errors import InputError, KhanaError, NotConfigured, NotPermitted

TOO_MANY = "web.too_many"
TITLES = {
    403: gettext_lazy("You may not open this"),
    404: gettext_lazy("Nothing here, or not for your area"),
    405: gettext_lazy("This address does not take that"),
    409: gettext_lazy("Somebody was faster"),
    422: gettext_lazy("Something in what you sent is wrong"),
    429: gettext_lazy("Too many tries in a short time"),
    500: gettext_lazy("This is our mistake"),
    501: gettext_lazy("Something is not set up yet"),
    503: gettext_lazy("Not available right now"),
}
SENTENCES = {
    403: gettext_lazy("Your role does not reach this page. Ask your administrator if you need it for your work."),
    404: gettext_lazy("What you asked for does not exist, or it lies outside the area or agency that you work for."),
    405: gettext_lazy("Go back and use the button of the page."),
    409: gettext_lazy(
        "What you saw has changed in the meantime. Load the page again, look at it, and repeat your change."
    ),
    422: gettext_lazy("Go back, mend it and send it again. Nothing was changed."),
    429: gettext_lazy("Wait a minute, then try again."),
    500: gettext_lazy(
        "Nothing was changed. Try again; if it stays so, give the reference below to your administrator."
    ),
    501: gettext_lazy("Tell your administrator what stands below. Nothing was changed."),
    503: gettext_lazy("Something that Khana needs does not answer. Nothing was changed; try again in a minute."),
}

NOT_SET_UP = 501  # the key of the words above, never a status: a page of this kind is sent as 500
# sentences that say the same to readers of every language, English among them, in place of what was written: who stands
# before a door is told no more than this
BY_CODE: Mapping[str, Any] = {
    "access.sign_in.refused": gettext_lazy("The name, the password or the code is not right."),
    "access.sign_in.locked": gettext_lazy("Too many wrong attempts. Wait fifteen minutes, or ask an administrator."),
    "access.passkey.refused": gettext_lazy(
        "This passkey does not open the door. Try again, or sign in with your password."
    ),
    "access.passkey.wrong": gettext_lazy("The browser did not send a passkey for this address. Try again."),
    "access.provider.refused": gettext_lazy(
        "The provider did not let you in. Begin again, or sign in with your password."
    ),
    "access.provider.not_linked": gettext_lazy(
        "The provider knows you, but you are not linked to a user here. Ask your administrator."
    ),
    "access.provider.away": gettext_lazy("The provider does not answer. Try again, or sign in with your password."),
    "access.password.weak": gettext_lazy(
        "Choose another password: twelve signs at least, on no list of known ones, not made of names, dates or words of this "
        "registry, and not one that somebody else knows. Four words in a row that have nothing to do with each other are good."
    ),
    "access.password.differ": gettext_lazy("The two passwords are not the same."),
    "access.password.over": gettext_lazy(
        "Your first password is older than seven days. Ask your administrator for a new one."
    ),
    "access.proof.refused": gettext_lazy(
        "The password or the code is not right. A code is good once: wait for the next one."
    ),
    "interfaces.database_gone": gettext_lazy("The database does not answer. Ask your administrator to start it."),
    "interfaces.disk_full": gettext_lazy(
        "The disk of the server is full. Tell your administrator: nothing was half-written."
    ),
    "dossiers.answers.area_unknown": gettext_lazy("No area has that code today. Go back to the whole country."),
    "dossiers.file.not_found": gettext_lazy("No such file, or it lies outside the area that you work for."),
    "web.stale_form": gettext_lazy("The form was open too long, or cookies are off. Load the page again and repeat."),
    "web.too_many": gettext_lazy("You have asked very often in a short time. Wait a minute, then go on."),
}


class StaleForm(NotPermitted):
    """The form does not carry the sign of this browser's session."""

    code: ClassVar[str] = "web.stale_form"


# sentences in the reader's language for what rooms write in English; held complete by a test
SENTENCES_OF_CODES: Mapping[str, Any] = {
    **doors.SENTENCES, **registry.SENTENCES, **lists.SENTENCES, **figures.SENTENCES, **sharing.SENTENCES
}  # fmt: skip


class FormUnclear(InputError):
    """What was typed into a form of a page cannot be read; the page says so in the reader's language itself."""

    code: ClassVar[str] = "web.form_unclear"


class Told(str):
    """A sentence for a reader; on a page what was written in English stands below it, marked as English."""

    as_written: str

    def __new__(cls, sentence: str, as_written: str = "") -> Self:
        """Keep both; what was written is empty where the sentence says all, and the sentence itself where nobody has put it in words."""
        told = super().__new__(cls, sentence)
        told.as_written = as_written
        return told

    def __html__(self) -> SafeString:
        """Return what a template shows: the sentence, then what was written."""
        if not self.as_written:
            return escape(str(self))
        written = format_html('<span class="k-as-written" lang="en" dir="ltr">{}</span>', self.as_written)
        return written if self.as_written == str(self) else format_html("{} {}", str(self), written)


def in_words(code: str, message: str) -> Told:
    """Return what an error of a code says to the reader, whose language is the page's.

    Args:
        code: Its dotted code.
        message: As it was written.
    """
    if code in BY_CODE:
        return Told(str(BY_CODE[code]))
    if code.startswith("web.") or (get_language() or "en").startswith("en"):
        return Told(message)  # pages write in the reader's language themselves
    own = own_words(code, message)
    if own:
        return Told(own)  # it says all that was written
    return Told(str(SENTENCES_OF_CODES.get(code, message)), message)


def wording(error: KhanaError) -> Told:
    """Return the sentence of one of our errors in the reader's language."""
    return in_words(error.code, error.message)


def error_page(request: HttpRequest, error: KhanaError | None, status: int | None = None) -> HttpResponse:
    """Show one error: ours with its own sentence, anything else with an apology and a reference."""
    code = status or (error.http_status if error else 500)
    if error is not None and error.code == TOO_MANY:
        code = 429
    words = NOT_SET_UP if isinstance(error, NotConfigured) else code
    has_detail = error is not None and words != 500 and "permission" not in error.details
    context: dict[str, Any] = {
        "status": code,
        "heading": TITLES.get(words, TITLES[500]),
        "sentence": SENTENCES.get(words, SENTENCES[500]),
        "permission": error.details.get("permission", "") if error else "",
        "detail": wording(error) if error is not None and has_detail else "",
        "error_code": error.code if error else "",
        "reference": getattr(request, "reference", ""),
    }
    name = "errors/part.html" if request.headers.get("HX-Request") else "errors/page.html"
    return render(request, name, context, status=code)


@public
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Show that no page has this address."""
    return error_page(request, None, 404)


@public
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Show that the request was refused."""
    return error_page(request, None, 403)


@public
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Show that the request cannot be understood."""
    return error_page(request, None, 422)


@public
def our_mistake(request: HttpRequest) -> HttpResponse:
    """Apologise."""
    return error_page(request, None, 500)


@public
def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Show that the form is too old or came from elsewhere."""
    return error_page(
        request, StaleForm("The form was open too long, or cookies are off. Load the page again and repeat.")
    )
