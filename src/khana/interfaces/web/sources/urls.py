"""Addresses of sources."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.sources import views

urlpatterns = [
    path("sources", views.sources, name="sources"),
    path("sources/onboarding", views.onboarding, name="sources-onboarding"),
    path("sources/<str:code>", views.source, name="sources-source"),
    path("sources/<str:code>/upload", views.upload, name="sources-upload"),
    path("sources/<str:code>/contract", views.contract, name="sources-contract"),
    path("sources/<str:code>/contract/preview", views.preview, name="sources-preview"),
]
