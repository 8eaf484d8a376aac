"""Addresses of sign-in, language and health."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.signin import doors, views

urlpatterns = [
    path("sign-in", views.sign_in, name="sign-in"),
    path("sign-in/code", views.second_factor, name="second-factor"),
    path("sign-in/passkey/ask", doors.passkey_ask, name="passkey-ask"),
    path("sign-in/passkey", doors.passkey, name="passkey"),
    path("sign-in/provider", doors.to_provider, name="provider"),
    path("sign-in/provider/back", doors.from_provider, name="provider-back"),
    path("sign-in/password", views.first_password, name="first-password"),
    path("sign-out", views.sign_out, name="sign-out"),
    path("language", views.language, name="language"),
    path("health", views.health, name="health"),
]
