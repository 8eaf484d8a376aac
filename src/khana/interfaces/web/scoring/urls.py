"""Addresses of models and scores."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.scoring import cards, communities, laboratory, scores

urlpatterns = [
    path("models", cards.models, name="models"),
    path("models/fit", laboratory.fit, name="models-fit"),
    path("models/watch", laboratory.watch, name="models-watch"),
    path("communities", communities.lists, name="simulator-communities"),
    path("models/watch/start", laboratory.start_watch, name="models-watch-start"),
    path("models/<str:code>/<int:version>/drift", laboratory.drift, name="models-drift"),
    path("models/<str:code>/<int:version>", cards.card, name="models-card"),
    path("models/<str:code>/<int:version>/propose", cards.propose, name="models-propose"),
    path("models/<str:code>/<int:version>/sign", cards.sign, name="models-sign"),
    path("scores/<int:number>", scores.score, name="scores-score"),
    path("household/<str:household>/score", scores.desk, name="scores-desk"),
    path("household/<str:household>/override", scores.override, name="scores-override"),
    path("household/<str:household>/override/<int:number>", scores.decide, name="scores-decide"),
]
