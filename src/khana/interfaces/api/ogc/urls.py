"""Addresses of OGC API Features, under `/ogc`."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.api.ogc import views

app_name = "ogc"
urlpatterns = [
    path("ogc/", views.landing, name="landing"),
    path("ogc", views.landing, name="landing-plain"),
    path("ogc/conformance", views.conformance, name="conformance"),
    path("ogc/api", views.definition, name="definition"),
    path("ogc/collections", views.collections, name="collections"),
    path("ogc/collections/<str:name>", views.collection, name="collection"),
    path("ogc/collections/<str:name>/items", views.items, name="items"),
    path("ogc/collections/<str:name>/items/<str:code>", views.item, name="item"),
]
