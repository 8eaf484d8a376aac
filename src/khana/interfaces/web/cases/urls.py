"""Addresses of cases."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.cases import views

urlpatterns = [
    path("cases", views.cases, name="cases"),
    path("cases/<int:case>/answer", views.answer, name="cases-answer"),
]
