"""Django's registration of the room `monitoring`."""

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    """The room `monitoring` under its explicit label."""

    name = "khana.monitoring"
    label = "monitoring"
    default_auto_field = "django.db.models.BigAutoField"
