"""Addresses of sign-in, language and health."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.signin import views

urlpatterns = [
    path("sign-in", views.sign_in, name="sign-in"),
    path("sign-in/code", views.second_factor, name="second-factor"),
    path("sign-out", views.sign_out, name="sign-out"),
    path("language", views.language, name="language"),
    path("health", views.health, name="health"),
]
