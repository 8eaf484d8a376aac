"""Django's registration of the room `audit`."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The room `audit` under its explicit label."""

    name = "khana.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"
