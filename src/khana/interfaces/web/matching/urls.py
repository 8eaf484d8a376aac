"""Addresses of the steward's queue."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.matching import desk, field, views

urlpatterns = [
    path("matching", views.queue, name="matching"),
    path("matching/next", views.following, name="matching-next"),
    path("matching/pairs/<int:pair_id>", views.pair, name="matching-pair"),
    path("matching/pairs/<int:pair_id>/outcome", views.outcome, name="matching-outcome"),
    path("matching/check", desk.check, name="matching-check"),
    path("matching/check/ask", desk.ask, name="matching-ask"),
    path("matching/openings", desk.openings, name="matching-openings"),
    path("matching/openings/<int:opening_id>", desk.answer, name="matching-answer"),
    path("matching/field", field.questions, name="matching-field"),
    path("matching/start", views.start, name="matching-start"),
]
