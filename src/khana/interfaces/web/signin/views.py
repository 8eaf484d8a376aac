"""Sign in with name and password, show the second factor, choose a first password of one's own, sign out, choose a language.

A refused try says neither which part was wrong nor whether the name exists.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from khana.access import own_account, passkeys, passwords, provider
from khana.access import selectors as who
from khana.access import services as access
from khana.interfaces.web import limits, session
from khana.interfaces.web.errors.pages import wording
from khana.platform import clock


def wanted_page(request: HttpRequest) -> str:
    """Return the page that was asked for before, if it is one of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours else reverse("answers")


def gate(request: HttpRequest, context: dict[str, str], status: int = 200) -> HttpResponse:
    """Show the sign-in page with every door that there is."""
    held = provider.in_force()
    doors = {"provider_title": held.title if held else "", "has_passkeys": passkeys.is_possible(origin_of(request))}
    return render(
        request, "signin/sign_in.html", {"next": "", "username": "", "error": "", **context, **doors}, status=status
    )


def origin_of(request: HttpRequest) -> str:
    """Return the address of the pages as this browser knows it: scheme, host and port."""
    return f"{request.scheme}://{request.get_host()}"


@session.public
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the form, or open a session and go on to the second factor or the page asked for."""
    context = {"next": request.GET.get("next", ""), "username": "", "error": ""}
    if request.method == "GET":
        return gate(request, context)
    username = request.POST.get("username", "").strip()[:150]
    context |= {"next": request.POST.get("next", ""), "username": username}
    try:
        limits.SIGN_IN.take(str(request.META.get("REMOTE_ADDR", "")))
        opened = access.sign_in(username=username, password=request.POST.get("password", ""))
    except access.PasswordFirst as first:
        return _to_choose(request, first.token)
    except (access.SignInRefused, access.SignInLocked, access.PasswordOver, limits.TooMany) as error:
        return gate(request, {**context, "error": wording(error)}, status=error.http_status)
    target = wanted_page(request)
    request.session.flush()
    if opened.needs_second_factor:
        request.session[session.PENDING] = opened.token
        return redirect(f"{reverse('second-factor')}?{urlencode({'next': target})}")
    return enter(request, opened.token, target)


@session.public
@require_http_methods(["GET", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """Ask for the six figures of the telephone, and enter."""
    token = request.session.get(session.PENDING, "")
    if not token:
        return redirect("sign-in")
    target = wanted_page(request)
    context = {"next": target, "error": ""}
    if request.method == "GET":
        return render(request, "signin/second_factor.html", context)
    try:
        limits.SIGN_IN.take(str(request.META.get("REMOTE_ADDR", "")))
        access.confirm_second_factor(token=token, code=request.POST.get("code", "")[:12], at=clock.now())
    except access.PasswordFirst as first:
        return _to_choose(request, first.token)
    except (access.SignInLocked, access.PasswordOver) as error:
        request.session.flush()
        return gate(request, {"error": wording(error)}, status=403)
    except (access.SignInRefused, limits.TooMany) as error:
        return render(
            request, "signin/second_factor.html", {**context, "error": wording(error)}, status=error.http_status
        )
    request.session.flush()
    return enter(request, token, target)


def _to_choose(request: HttpRequest, token: str) -> HttpResponse:
    target = wanted_page(request)
    request.session.flush()
    request.session[session.CHOOSING] = token
    return redirect(f"{reverse('first-password')}?{urlencode({'next': target})}")


@session.public
@require_http_methods(["GET", "POST"])
def first_password(request: HttpRequest) -> HttpResponse:
    """Ask for a password of one's own in place of the one that was handed over, and enter."""
    token = request.session.get(session.CHOOSING, "")
    if not token:
        return redirect("sign-in")
    target = wanted_page(request)
    context = {"next": target, "error": "", "shortest": passwords.SHORTEST}
    if request.method == "GET":
        return render(request, "signin/first_password.html", context)
    new = request.POST.get("new", "")
    try:
        limits.SIGN_IN.take(str(request.META.get("REMOTE_ADDR", "")))
        if new != request.POST.get("again", ""):
            raise passwords.PasswordsDiffer("The two passwords are not the same.")
        opened = own_account.choose(token=token, password=new)
    except access.NoSession:
        request.session.flush()
        return redirect("sign-in")
    except (passwords.PasswordWeak, passwords.PasswordsDiffer, limits.TooMany) as error:
        return render(
            request, "signin/first_password.html", {**context, "error": wording(error)}, status=error.http_status
        )
    request.session.flush()
    return enter(request, opened, target)


def enter(request: HttpRequest, token: str, target: str) -> HttpResponse:
    """Keep the token of an open session in the cookie and go on."""
    with access.scoped(token):
        me = who.me()
    request.session[session.TOKEN] = token
    response = redirect(target)
    if me is not None and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        _remember_language(response, me.language)
    return response


@session.public
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Close the session here and in the database."""
    token = session.token_of(request)
    request.session.flush()
    if token:
        access.sign_out(token=token)
    return session.forget_pages(redirect("sign-in"))


@session.public
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember the language of the pages in a cookie and go back."""
    response = HttpResponseRedirect(wanted_page(request))
    _remember_language(response, request.POST.get("language", ""))
    return response


def _remember_language(response: HttpResponse, code: str) -> None:
    if code in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, code, max_age=365 * 86400, httponly=True, samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )  # fmt: skip


@session.public
@require_GET
def health(request: HttpRequest) -> HttpResponse:
    """Say that the process answers and whether its database does; nothing else."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (Error, OSError):
        return JsonResponse({"status": "database unavailable"}, status=503)
    return JsonResponse({"status": "ok"})
