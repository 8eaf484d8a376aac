"""From an error kind to a page: its title, its sentence, its one next step."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy

from khana.interfaces.web.session import public
from khana_methods.errors import KhanaError, NotPermitted

TOO_MANY = "web.too_many"
TITLES = {
    403: gettext_lazy("You may not open this"),
    404: gettext_lazy("Nothing here, or not for your area"),
    405: gettext_lazy("This address does not take that"),
    409: gettext_lazy("Somebody was faster"),
    422: gettext_lazy("Something in what you sent is wrong"),
    429: gettext_lazy("Too many tries in a short time"),
    500: gettext_lazy("This is our mistake"),
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
    503: gettext_lazy("Something that Khana needs does not answer. Nothing was changed; try again in a minute."),
}

# sentences of our own errors that people meet often, in the languages of the pages; the others
# are shown as they are written
BY_CODE = {
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


def wording(error: KhanaError) -> str:
    """Return the sentence of one of our errors in the reader's language, else as it is written."""
    return str(BY_CODE.get(error.code, error.message))


def error_page(request: HttpRequest, error: KhanaError | None, status: int | None = None) -> HttpResponse:
    """Show one error: ours with its own sentence, anything else with an apology and a reference."""
    code = status or (error.http_status if error else 500)
    if error is not None and error.code == TOO_MANY:
        code = 429
    context: dict[str, Any] = {
        "status": code,
        "heading": TITLES.get(code, TITLES[500]),
        "sentence": SENTENCES.get(code, SENTENCES[500]),
        "permission": error.details.get("permission", "") if error else "",
        "detail": wording(error) if error is not None and code != 500 and "permission" not in error.details else "",
        "is_translated": error is not None and error.code in BY_CODE,
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
