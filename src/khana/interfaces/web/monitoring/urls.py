"""Addresses of the pages of indicators, budgets and reports."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.monitoring import budgets, public, reports, views

urlpatterns = [
    path("monitoring", views.monitoring, name="monitoring"),
    path("monitoring/rows", views.rows, name="monitoring-rows"),
    path("monitoring/compare", views.compare, name="monitoring-compare"),
    path("monitoring/definitions", views.definitions, name="monitoring-definitions"),
    path("monitoring/budgets", budgets.budgets, name="monitoring-budgets"),
    path("monitoring/budgets/load", budgets.load, name="monitoring-budgets-load"),
    path("monitoring/reports", reports.reports, name="monitoring-reports"),
    path("monitoring/reports/write", reports.write, name="monitoring-reports-write"),
    path("monitoring/reports/<int:number>", reports.report, name="monitoring-report"),
    path("monitoring/publishing", public.publishing, name="monitoring-publishing"),
    path("monitoring/publish", public.publish, name="monitoring-publish"),
    path("monitoring/publications/<int:number>/withdraw", public.withdraw, name="monitoring-withdraw"),
    path("public", public.public, name="public"),
    path("public/outlines/<str:code>.topojson", public.outlines, name="public-outlines"),
    path("public/values.csv", public.values, name="public-values"),
]
