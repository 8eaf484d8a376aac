"""Addresses of the five answers."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.answers import rows, views

urlpatterns = [
    path("", views.answers, name="answers"),
    path("outlines/<str:code>.geojson", views.outlines, name="outlines"),
    path("outlines/<str:code>.topojson", views.topology, name="topology"),
    path("answers/<str:key>/rows", rows.rows, name="answers-rows"),
]
