"""Addresses of programmes, lists, proposals, the unserved and disasters."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.programmes import catalogue, disasters, lists, proposals

urlpatterns = [
    path("programmes", catalogue.programmes, name="programmes"),
    path("programmes/<str:code>", catalogue.programme, name="programmes-one"),
    path("unserved", catalogue.unserved, name="unserved"),
    path("disasters", disasters.disasters, name="disasters"),
    path("disasters/notify", disasters.notify, name="disasters-notify"),
    path("disasters/<str:code>/draw", disasters.draw, name="disasters-draw"),
    path("proposals", proposals.proposals, name="proposals"),
    path("proposals/<int:proposal>/answer", proposals.answer, name="proposals-answer"),
    path("lists", lists.lists, name="lists"),
    path("lists/<str:code>", lists.one, name="lists-one"),
    path("lists/<str:code>/approve", lists.approve, name="lists-approve"),
    path("lists/<str:code>/withdraw", lists.withdraw, name="lists-withdraw"),
    path("lists/<str:code>/freeze", lists.freeze, name="lists-freeze"),
    path("lists/<str:code>/enrol", lists.enrol, name="lists-enrol"),
    path("lists/<str:code>/notify", lists.notify, name="lists-notify"),
    path("lists/<str:code>/visit", lists.visit, name="lists-visit"),
    path("lists/<str:code>/change", lists.change, name="lists-change"),
]
