"""Addresses of who lives with whom."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.structure import views

urlpatterns = [
    path("household/<str:number>/structure", views.structure, name="structure"),
    path("household/<str:number>/structure/propose", views.propose, name="structure-propose"),
    path("household/<str:number>/structure/<int:proposal>/<str:what>", views.decide, name="structure-decide"),
]
