"""Addresses of the pages of indicators."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.monitoring import views

urlpatterns = [
    path("monitoring", views.monitoring, name="monitoring"),
    path("monitoring/rows", views.rows, name="monitoring-rows"),
    path("monitoring/compare", views.compare, name="monitoring-compare"),
    path("monitoring/definitions", views.definitions, name="monitoring-definitions"),
]
