"""Addresses under `/api/odk/v1/`: of a bearer token, and the same under `key/<token>/` for telephones."""

from __future__ import annotations

from django.urls import path, re_path

from khana.interfaces.api.odk import central, key_urls

_P = "projects/1"
_S = f"{_P}/forms/<str:form>/submissions"
app_name = "odk"
urlpatterns = [
    *key_urls.urlpatterns,
    path("sessions", central.sessions, name="sessions"),
    path("users/current", central.current_user, name="current-user"),
    path("projects", central.projects, name="projects"),
    path("projects/<int:project>", central.projects, name="project"),
    path(f"{_P}/forms", central.forms, name="forms"),
    re_path(rf"^{_P}/forms/(?P<form>[^/]+)\.(?P<suffix>xml|xlsx)$", central.form_file, name="form-file"),
    re_path(rf"^{_P}/forms/(?P<form>[^/]+)\.svc/(?P<table>[\w.]+)$", central.submission_rows, name="submission-rows"),
    path(f"{_P}/forms/<str:form>/versions", central.form_versions, name="form-versions"),
    path(_S, central.submissions, name="submissions"),
    re_path(
        rf"^{_P}/forms/(?P<form>[^/]+)/submissions/(?P<instance>[^/]+)\.xml$",
        central.submission_xml,
        name="submission-xml",
    ),
    path(f"{_S}/<str:instance>", central.submission, name="submission-one"),
    path(f"{_S}/<str:instance>/attachments", central.attachments, name="attachments"),
    path(f"{_S}/<str:instance>/attachments/<str:name>", central.attachment, name="attachment"),
    path(f"{_P}/datasets", central.datasets, name="datasets"),
    re_path(rf"^{_P}/datasets/(?P<name>[^/]+)\.svc/Entities$", central.entity_rows, name="entity-rows"),
    path(f"{_P}/datasets/<str:name>/entities", central.entities, name="entities"),
    path(f"{_P}/datasets/<str:name>/entities/<uuid:uid>", central.entity, name="entity"),
    path(f"{_P}/forms/<str:form>", central.form, name="form"),
]
