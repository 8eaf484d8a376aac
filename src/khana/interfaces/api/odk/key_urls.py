"""Addresses under `/api/odk/v1/key/<token>/`: what a telephone needs, and nothing else."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.api.odk import openrosa

_P = "projects/1"
app_name = "odk-key"
urlpatterns = [
    path(f"{_P}/formList", openrosa.form_list, name="form-list"),
    path(f"{_P}/submission", openrosa.submission, name="submission"),
    path(f"{_P}/integrity", openrosa.integrity, name="integrity"),
    path(f"{_P}/forms/<str:form>/xform", openrosa.form_xml, name="form-xml"),
    path(f"{_P}/forms/<str:form>/manifest", openrosa.manifest, name="manifest"),
    path(f"{_P}/forms/<str:form>/media/<str:name>", openrosa.media, name="media"),
]
