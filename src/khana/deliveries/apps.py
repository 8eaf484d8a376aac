"""Django's registration of the room `deliveries`."""

from django.apps import AppConfig


class DeliveriesConfig(AppConfig):
    """The room `deliveries` under its explicit label."""

    name = "khana.deliveries"
    label = "deliveries"
    default_auto_field = "django.db.models.BigAutoField"
