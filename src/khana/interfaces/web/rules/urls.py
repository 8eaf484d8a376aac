"""Addresses of the rule editor."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.rules import views

urlpatterns = [
    path("rules", views.rules, name="rules"),
    path("rules/try", views.attempt, name="rules-try"),
]
