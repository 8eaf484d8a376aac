"""Addresses of programmes, lists, the unserved and disasters."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.programmes import catalogue, lists

urlpatterns = [
    path("programmes", catalogue.programmes, name="programmes"),
    path("programmes/<str:code>", catalogue.programme, name="programmes-one"),
    path("unserved", catalogue.unserved, name="unserved"),
    path("disasters", catalogue.disasters, name="disasters"),
    path("lists", lists.lists, name="lists"),
    path("lists/<str:code>", lists.one, name="lists-one"),
    path("lists/<str:code>/approve", lists.approve, name="lists-approve"),
    path("lists/<str:code>/withdraw", lists.withdraw, name="lists-withdraw"),
    path("lists/<str:code>/freeze", lists.freeze, name="lists-freeze"),
    path("lists/<str:code>/change", lists.change, name="lists-change"),
]
