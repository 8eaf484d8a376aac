"""Django's registration of the room `linkage`."""

from django.apps import AppConfig


class LinkageConfig(AppConfig):
    """The room `linkage` under its explicit label."""

    name = "khana.linkage"
    label = "linkage"
    default_auto_field = "django.db.models.BigAutoField"
