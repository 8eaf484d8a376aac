"""Addresses of breaches, retention and erasure."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.protection import views

urlpatterns = [
    path("breaches", views.breaches, name="breaches"),
    path("breaches/add", views.add, name="breaches-add"),
    path("breaches/<str:number>/letter", views.letter, name="breaches-letter"),
    path("breaches/<str:number>/tell", views.tell, name="breaches-tell"),
    path("breaches/<str:number>/close", views.close, name="breaches-close"),
    path("retention", views.retention, name="retention"),
    path("retention/preview", views.preview, name="retention-preview"),
    path("retention/run", views.run, name="retention-run"),
    path("retention/hold", views.hold, name="retention-hold"),
    path("retention/holds/<int:number>/release", views.release, name="retention-release"),
    path("retention/erase", views.erase, name="retention-erase"),
    path("retention/erasures/<int:number>/confirm", views.confirm, name="retention-confirm"),
]
