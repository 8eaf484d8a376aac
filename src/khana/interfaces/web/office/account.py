"""My sign-in: where one is signed in, end it; change one's password. Password and code are asked for again.

A wrong proof counts as at the door and is shown here without being raised further, so that its count is kept.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.access import own_account, passwords
from khana.access import services as access
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock
from khana_methods.errors import KhanaError

_SHOWN = (
    passwords.PasswordWeak, passwords.PasswordsDiffer, own_account.ProofRefused, access.SignInLocked, limits.TooMany,
)  # fmt: skip


@require_GET
def account(request: HttpRequest) -> HttpResponse:
    """Show the sessions of the actor and the form of her password."""
    return _account(request)


def _account(request: HttpRequest, *, error: KhanaError | None = None) -> HttpResponse:
    context = {
        "sessions": [(one, wording.say(wording.SESSION, one.kind)) for one in own_account.sessions()],
        "has_code": own_account.has_second_factor(),
        "shortest": passwords.SHORTEST,
        "error": error_wording(error) if error else "",
    }
    return render(request, "office/account.html", context, status=error.http_status if error else 200)


@require_POST
def password(request: HttpRequest) -> HttpResponse:
    """Change the actor's password; her other sessions end."""
    new = request.POST.get("new", "")
    try:
        limits.SIGN_IN.take(f"user {session.actor_of(request).id}")
        if new != request.POST.get("again", ""):
            raise passwords.PasswordsDiffer("The two passwords are not the same.")
        own_account.change_password(
            old=request.POST.get("old", ""), code=request.POST.get("code", "")[:12], new=new, at=clock.now()
        )
    except _SHOWN as error:
        return _account(request, error=error)
    flash(request, "success", _("Your password is changed. Everywhere else you are signed out."))
    return redirect("account")


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """End one of the actor's sessions, or all but this one."""
    try:
        limits.SIGN_IN.take(f"user {session.actor_of(request).id}")
        ended = own_account.end_sessions(
            password=request.POST.get("old", ""), code=request.POST.get("code", "")[:12],
            mark=request.POST.get("mark", "")[:12], at=clock.now(),
        )  # fmt: skip
    except _SHOWN as error:
        return _account(request, error=error)
    flash(request, "success", _("Sessions ended: %(count)s") % {"count": ended})
    return redirect("account")
