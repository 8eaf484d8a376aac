"""Addresses of jobs."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.jobs import views

urlpatterns = [
    path("jobs", views.jobs, name="jobs"),
    path("jobs/start", views.start, name="jobs-start"),
    path("jobs/<uuid:uuid>", views.job, name="jobs-job"),
    path("jobs/<uuid:uuid>/cancel", views.cancel, name="jobs-cancel"),
    path("jobs/<uuid:uuid>/retry", views.retry, name="jobs-retry"),
]
