"""Django's registration of the room `platform`."""

from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """The room `platform` under its explicit label."""

    name = "khana.platform"
    label = "platform"
    default_auto_field = "django.db.models.BigAutoField"
