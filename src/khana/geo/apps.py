"""Django's registration of the room `geo`."""

from django.apps import AppConfig


class GeoConfig(AppConfig):
    """The room `geo` under its explicit label."""

    name = "khana.geo"
    label = "geo"
    default_auto_field = "django.db.models.BigAutoField"
