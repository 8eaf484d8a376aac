"""Django's registration of the room `programmes`."""

from django.apps import AppConfig


class ProgrammesConfig(AppConfig):
    """The room `programmes` under its explicit label."""

    name = "khana.programmes"
    label = "programmes"
    default_auto_field = "django.db.models.BigAutoField"
