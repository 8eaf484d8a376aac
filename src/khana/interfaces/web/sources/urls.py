"""Addresses of sources."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.sources import connect, kept_list, quarantine, study, views

urlpatterns = [
    path("sources", views.sources, name="sources"),
    path("sources/onboarding", views.onboarding, name="sources-onboarding"),
    path("sources/connect", connect.connect, name="sources-connect"),
    path("sources/<str:code>", views.source, name="sources-source"),
    path("sources/<str:code>/upload", views.upload, name="sources-upload"),
    path("sources/<str:code>/contract", views.contract, name="sources-contract"),
    path("sources/<str:code>/contract/preview", views.preview, name="sources-preview"),
    path("sources/<str:code>/quarantine", quarantine.quarantine, name="sources-quarantine"),
    path("sources/<str:code>/quarantine/replay", quarantine.replay, name="sources-replay"),
    path("sources/<str:code>/quarantine/<int:row_id>", quarantine.row, name="sources-row"),
    path("sources/<str:code>/study", study.study, name="sources-study"),
    path("sources/<str:code>/study/start", study.start, name="sources-study-start"),
    path("sources/<str:code>/list", kept_list.kept_list, name="sources-list"),
]
