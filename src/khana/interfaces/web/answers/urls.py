"""Addresses of the five answers."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.answers import views

urlpatterns = [
    path("", views.answers, name="answers"),
    path("outlines/<str:code>.geojson", views.outlines, name="outlines"),
]
