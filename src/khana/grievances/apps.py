"""Django's registration of the room `grievances`."""

from django.apps import AppConfig


class GrievancesConfig(AppConfig):
    """The room `grievances` under its explicit label."""

    name = "khana.grievances"
    label = "grievances"
    default_auto_field = "django.db.models.BigAutoField"
