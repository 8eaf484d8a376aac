"""Addresses of one's own office and of alarms."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.office import account, passkeys, views

urlpatterns = [
    path("office", views.office, name="office"),
    path("office/purpose", views.purpose, name="office-purpose"),
    path("office/break-glass", views.break_glass, name="office-break-glass"),
    path("office/passkeys/ask", passkeys.ask, name="office-passkey-ask"),
    path("office/passkeys/add", passkeys.add, name="office-passkey-add"),
    path("office/passkeys/<int:passkey>/remove", passkeys.remove, name="office-passkey-remove"),
    path("office/sign-in", account.account, name="account"),
    path("office/sign-in/password", account.password, name="account-password"),
    path("office/sign-in/end", account.end, name="account-end"),
    path("alarms", views.alarms, name="alarms"),
    path("alarms/<int:alarm>/close", views.close_alarm, name="alarms-close"),
]
