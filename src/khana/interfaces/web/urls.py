"""Addresses of all pages, and the pages of errors."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("khana.interfaces.web.signin.urls")),
    path("", include("khana.interfaces.web.answers.urls")),
]
