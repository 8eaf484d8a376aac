"""Addresses of the policy simulator."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.simulator import scenarios, views

urlpatterns = [
    path("simulator", views.simulator, name="simulator"),
    path("simulator/move", views.move, name="simulator-move"),
    path("simulator/save", scenarios.save, name="simulator-save"),
    path("simulator/scenarios", scenarios.scenarios, name="simulator-scenarios"),
    path("simulator/scenarios/<int:number>/remove", scenarios.remove, name="simulator-remove"),
    path("simulator/compare.csv", scenarios.export, name="simulator-export"),
]
