"""Addresses of a person's own file."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.myfile import views

urlpatterns = [
    path("my-file", views.start, name="my-file"),
    path("my-file/code", views.code, name="my-file-code"),
    path("my-file/read", views.read, name="my-file-read"),
    path("my-file/say", views.say, name="my-file-say"),
    path("my-file/download", views.download, name="my-file-download"),
    path("my-file/leave", views.leave, name="my-file-leave"),
]
