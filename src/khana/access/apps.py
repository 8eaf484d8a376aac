"""Django's registration of the room `access`."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """The room `access` under its explicit label."""

    name = "khana.access"
    label = "access"
    default_auto_field = "django.db.models.BigAutoField"
