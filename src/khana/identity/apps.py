"""Django's registration of the room `identity`."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """The room `identity` under its explicit label."""

    name = "khana.identity"
    label = "identity"
    default_auto_field = "django.db.models.BigAutoField"
