"""Addresses of centres, vans and camps."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.centres import due, enumerators, progress, views

urlpatterns = [
    path("centres", views.centres, name="centres"),
    path("centres/progress", progress.progress, name="centres-progress"),
    path("centres/staff", progress.staff, name="centres-staff"),
    path("centres/staff/<int:user>", enumerators.enumerator, name="centres-enumerator"),
    path("centres/staff/<int:user>/action", enumerators.open_action, name="centres-action"),
    path("centres/actions", enumerators.actions, name="centres-actions"),
    path("centres/actions/<int:number>", enumerators.move_action, name="centres-action-move"),
    path("centres/due/find", due.find, name="centres-due-find"),
    path("centres/at/<str:code>/due", due.due, name="centres-due"),
    path("centres/at/<str:code>/due/call", due.call, name="centres-due-call"),
    path("centres/at/<str:code>/due/here", due.here, name="centres-due-here"),
    path("centres/at/<str:code>", views.centre, name="centres-point"),
    path("centres/at/<str:code>/do/<str:action>", views.act, name="centres-act"),
    path("centres/at/<str:code>/token/<int:number>", views.token, name="centres-token"),
]
