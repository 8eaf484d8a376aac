"""Addresses of look-up and files."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.lookup import registers, views

urlpatterns = [
    path("look-up", views.lookup, name="lookup"),
    path("registers", registers.registers, name="lookup-registers"),
    path("person/<int:person_id>", views.person, name="lookup-person"),
    path("household/<str:number>", views.household, name="lookup-household"),
    path("recipient/<int:recipient_id>", views.recipient, name="lookup-recipient"),
]
