"""Addresses of the page of a partner's developer."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.partner import views

urlpatterns = [path("partner", views.partner, name="partner")]
