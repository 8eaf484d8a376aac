"""Addresses of the pages of indicators."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.monitoring import public, views

urlpatterns = [
    path("monitoring", views.monitoring, name="monitoring"),
    path("monitoring/rows", views.rows, name="monitoring-rows"),
    path("monitoring/compare", views.compare, name="monitoring-compare"),
    path("monitoring/definitions", views.definitions, name="monitoring-definitions"),
    path("monitoring/publishing", public.publishing, name="monitoring-publishing"),
    path("monitoring/publish", public.publish, name="monitoring-publish"),
    path("monitoring/publications/<int:number>/withdraw", public.withdraw, name="monitoring-withdraw"),
    path("public", public.public, name="public"),
    path("public/outlines/<str:code>.topojson", public.outlines, name="public-outlines"),
    path("public/values.csv", public.values, name="public-values"),
]
