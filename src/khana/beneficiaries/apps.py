"""Django's registration of the room `beneficiaries`."""

from django.apps import AppConfig


class BeneficiariesConfig(AppConfig):
    """The room `beneficiaries` under its explicit label."""

    name = "khana.beneficiaries"
    label = "beneficiaries"
    default_auto_field = "django.db.models.BigAutoField"
