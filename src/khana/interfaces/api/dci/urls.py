"""Addresses of the standard interfaces, with the short ones that other systems use.

`/dci/sr/v1.0.0/registry/…` and `/dci/ibr/v1.0.0/registry/…` are the bases; `/registry/…` and `/sr/…` are the social
registry, `/ibr/…` the single registry.
"""

from __future__ import annotations

from django.urls import path, re_path

from khana.interfaces.api.dci import credentials, views

_WORDS = "|".join(sorted((word.replace(".", r"\.") for word in views.OPERATIONS), key=len, reverse=True))

app_name = "dci"
urlpatterns = [
    re_path(rf"^(?:dci/sr/v1\.0\.0/registry|dci/sr/registry|registry|sr/registry|sr)/(?P<operation>{_WORDS})$",
            views.registry, {"registry": "sr"}, name="sr"),
    re_path(rf"^(?:dci/ibr/v1\.0\.0/registry|dci/ibr/registry|ibr/registry|ibr)/(?P<operation>{_WORDS})$",
            views.registry, {"registry": "ibr"}, name="ibr"),
    re_path(r"^(?:dci/(?:sr|ibr)/v1\.0\.0/)?oauth2/client/token$", credentials.token, name="token"),
    re_path(r"^(?:dci/(?:sr|ibr)/v1\.0\.0/)?\.well-known/jwks\.json$", credentials.jwks, name="jwks"),
    path("dci/extracts/<str:number>", views.extract, name="extract"),
    path(".well-known/locations.json", credentials.locations, name="locations"),
]  # fmt: skip
