"""Addresses of all pages, and the pages of errors."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("khana.interfaces.web.signin.urls")),
    path("", include("khana.interfaces.web.answers.urls")),
    path("", include("khana.interfaces.web.lookup.urls")),
    path("", include("khana.interfaces.web.findings.urls")),
    path("", include("khana.interfaces.web.sources.urls")),
    path("", include("khana.interfaces.web.intake.urls")),
    path("", include("khana.interfaces.web.structure.urls")),
    path("", include("khana.interfaces.web.centres.urls")),
    path("", include("khana.interfaces.web.matching.urls")),
    path("", include("khana.interfaces.web.between.urls")),
    path("", include("khana.interfaces.web.jobs.urls")),
    path("", include("khana.interfaces.web.scoring.urls")),
    path("", include("khana.interfaces.web.programmes.urls")),
    path("", include("khana.interfaces.web.rules.urls")),
    path("", include("khana.interfaces.web.simulator.urls")),
    path("", include("khana.interfaces.web.monitoring.urls")),
    path("", include("khana.interfaces.web.coverage.urls")),
    path("", include("khana.interfaces.web.users.urls")),
    path("", include("khana.interfaces.web.office.urls")),
    path("", include("khana.interfaces.web.protection.urls")),
    path("", include("khana.interfaces.web.myfile.urls")),
    path("", include("khana.interfaces.web.cases.urls")),
    path("", include("khana.interfaces.web.civil.urls")),
    path("", include("khana.interfaces.web.partner.urls")),
]
