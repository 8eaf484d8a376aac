"""Addresses of the steward's queue."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.matching import views

urlpatterns = [
    path("matching", views.queue, name="matching"),
    path("matching/next", views.following, name="matching-next"),
    path("matching/pairs/<int:pair_id>", views.pair, name="matching-pair"),
    path("matching/pairs/<int:pair_id>/outcome", views.outcome, name="matching-outcome"),
    path("matching/start", views.start, name="matching-start"),
]
