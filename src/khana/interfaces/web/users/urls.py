"""Addresses of users."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.users import grants, views

urlpatterns = [
    path("users", views.users, name="users"),
    path("users/add", views.add, name="users-add"),
    path("users/grants/<int:grant>/confirm", grants.confirm, name="users-confirm"),
    path("users/grants/<int:grant>/end", grants.end, name="users-end"),
    path("users/clearances/<int:clearance>/withdraw", grants.withdraw, name="users-withdraw"),
    path("users/<str:username>/office", grants.office, name="users-office"),
    path("users/<str:username>/give", grants.give, name="users-give"),
    path("users/<str:username>/clear", grants.clear, name="users-clear"),
    path("users/<str:username>/link", grants.link, name="users-link"),
    path("users/<str:username>/renew", views.renew, name="users-renew"),
    path("users/<str:username>/activity", views.activity, name="users-activity"),
]
