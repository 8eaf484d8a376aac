"""Django's registration of the room `registry`."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """The room `registry` under its explicit label."""

    name = "khana.registry"
    label = "registry"
    default_auto_field = "django.db.models.BigAutoField"
