"""Root addresses: pages at the root, machines under `/api/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("khana.interfaces.api.v1.urls", namespace="api-v1")),
    path("api/odk/v1/key/<str:key>/", include("khana.interfaces.api.odk.key_urls")),
    path("api/odk/v1/", include("khana.interfaces.api.odk.urls")),
    path("", include("khana.interfaces.api.docs.urls")),
    path("", include("khana.interfaces.api.dci.urls", namespace="dci")),
    path("", include("khana.interfaces.api.ogc.urls", namespace="ogc")),
    path("", include("khana.interfaces.web.urls")),
]
handler400 = "khana.interfaces.web.errors.pages.bad_request"
handler403 = "khana.interfaces.web.errors.pages.forbidden"
handler404 = "khana.interfaces.web.errors.pages.not_found"
handler500 = "khana.interfaces.web.errors.pages.our_mistake"
