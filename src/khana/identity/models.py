"""Extracts of other registers that prove or deny: national ID, telephones, public payrolls.

Numbers are kept as tokens with ciphertext beside; rows are replaced as a whole by a newer
extract (`batch_id` names it), never edited.
"""

from __future__ import annotations

from django.db import models


class NationalIdRecord(models.Model):
    """One row is one number that the identity authority has issued.

    .. pii: number, names, birth, death, relatives' tokens; replaced by the next extract
    """

    type = models.TextField()
    token = models.BinaryField(max_length=32)
    ciphertext = models.BinaryField()
    name = models.TextField(default="")
    name_native = models.TextField(default="")
    father_name = models.TextField(default="")
    husband_name = models.TextField(default="")
    sex = models.CharField(max_length=1, default="")
    birth_date = models.DateField(null=True)
    status = models.TextField(default="")
    death_date = models.DateField(null=True)
    marital = models.CharField(max_length=1, default="")
    father_token = models.BinaryField(null=True)
    spouse_token = models.BinaryField(null=True)
    batch_id = models.BigIntegerField()

    class Meta:
        """By number."""

        indexes = [models.Index(fields=["token"], name="national_id_token")]


class SimRecord(models.Model):
    """One row is one mobile number and the identifier it is registered to.

    .. pii: telephone and number as tokens
    """

    mobile_token = models.BinaryField(max_length=32)
    id_token = models.BinaryField(max_length=32)
    batch_id = models.BigIntegerField()

    class Meta:
        """Both ways."""

        indexes = [
            models.Index(fields=["mobile_token"], name="sim_mobile"),
            models.Index(fields=["id_token"], name="sim_id"),
        ]


class PublicEmployee(models.Model):
    """One row is one serving or retired public employee.

    .. pii: number, name, employer
    """

    employee_number = models.TextField()
    name = models.TextField(default="")
    guardian_name = models.TextField(default="")
    id_token = models.BinaryField(null=True)
    id_ciphertext = models.BinaryField(null=True)
    department = models.TextField(default="")
    grade = models.SmallIntegerField(null=True)
    birth_date = models.DateField(null=True)
    status = models.TextField(help_text="SERVING or PENSIONER")
    batch_id = models.BigIntegerField()

    class Meta:
        """By number."""

        indexes = [models.Index(fields=["id_token"], name="employee_token")]
