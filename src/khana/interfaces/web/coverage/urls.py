"""Addresses of coverage studies and outreach plans."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.coverage import new_plan, plans, views

urlpatterns = [
    path("coverage", views.coverage, name="coverage"),
    path("coverage/new", views.new, name="coverage-new"),
    path("coverage/<int:number>", views.study, name="coverage-study"),
    path("coverage/<int:number>/report.<str:form>", views.report, name="coverage-report"),
    path("coverage/plans/new", new_plan.new_plan, name="coverage-plan-new"),
    path("coverage/plans/<int:number>", plans.plan, name="coverage-plan"),
    path("coverage/plans/<int:number>/send", plans.send, name="coverage-plan-send"),
]
