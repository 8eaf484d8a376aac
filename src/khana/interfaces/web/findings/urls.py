"""Addresses of findings and exports."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.findings import views

urlpatterns = [
    path("findings", views.findings, name="findings"),
    path("findings/codes", views.codes, name="findings-codes"),
    path("findings/rows/<int:benefit_id>", views.row, name="findings-row"),
    path("export/<str:kind>.<str:form>", views.export, name="findings-export"),
]
