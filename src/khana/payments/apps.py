"""Django's registration of the room `payments`."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """The room `payments` under its explicit label."""

    name = "khana.payments"
    label = "payments"
    default_auto_field = "django.db.models.BigAutoField"
