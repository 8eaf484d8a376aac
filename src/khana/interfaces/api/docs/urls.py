"""Addresses of the description of the API; they stand in the chain of the pages, behind its sign-in."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.api.docs import views

urlpatterns = [
    path("api/docs", views.page, name="apidocs"),
    path("api/docs/openapi.json", views.document, name="apidocs-document"),
]
