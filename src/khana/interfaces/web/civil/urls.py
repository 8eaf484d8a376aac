"""Addresses of civil events and of authorities."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.civil import authorities, events

urlpatterns = [
    path("civil-events", events.events, name="civil"),
    path("civil-events/export.<str:form>", events.export, name="civil-export"),
    path("civil-events/<int:event>/decide", events.decide, name="civil-decide"),
    path("authorities", authorities.authorities, name="authorities"),
    path("authorities/export.csv", authorities.export, name="authorities-export"),
    path("authorities/connect", authorities.connect, name="authorities-connect"),
    path("authorities/ask", authorities.ask, name="authorities-ask"),
    path("authorities/<str:code>/change", authorities.change, name="authorities-change"),
    path("authorities/<str:code>/close", authorities.close, name="authorities-close"),
]
