"""Django's registration of the room `intake`."""

from django.apps import AppConfig


class IntakeConfig(AppConfig):
    """The room `intake` under its explicit label."""

    name = "khana.intake"
    label = "intake"
    default_auto_field = "django.db.models.BigAutoField"
