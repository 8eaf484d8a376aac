"""Django's registration of the room `assessment`."""

from django.apps import AppConfig


class AssessmentConfig(AppConfig):
    """The room `assessment` under its explicit label."""

    name = "khana.assessment"
    label = "assessment"
    default_auto_field = "django.db.models.BigAutoField"
