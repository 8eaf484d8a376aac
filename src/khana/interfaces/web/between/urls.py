"""Addresses of the officer's home, of trials and stops, and of a household's entitlements."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.between import views

urlpatterns = [
    path("enrolments", views.home, name="enrolments"),
    path("enrolments/reopened/<int:decision>", views.settle, name="enrolments-settle"),
    path("trials", views.trials, name="trials"),
    path("trials/start", views.start, name="trials-start"),
    path("trials/<int:trial_id>", views.trial, name="trials-trial"),
    path("trials/<int:trial_id>/act", views.act, name="trials-act"),
    path("stops/<int:stop_id>", views.stop, name="trials-stop"),
    path("stops/<int:stop_id>/act", views.act_on_stop, name="trials-stop-act"),
    path("stops/<int:stop_id>/letter", views.letter, name="trials-letter"),
    path("household/<str:number>/entitlements", views.entitlements, name="lookup-entitlements"),
]
