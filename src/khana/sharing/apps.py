"""Django's registration of the room `sharing`."""

from django.apps import AppConfig


class SharingConfig(AppConfig):
    """The room `sharing` under its explicit label."""

    name = "khana.sharing"
    label = "sharing"
    default_auto_field = "django.db.models.BigAutoField"
