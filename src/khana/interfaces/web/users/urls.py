"""Addresses of users."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.users import views

urlpatterns = [
    path("users", views.users, name="users"),
    path("users/add", views.add, name="users-add"),
    path("users/<str:username>/renew", views.renew, name="users-renew"),
    path("users/<str:username>/activity", views.activity, name="users-activity"),
]
