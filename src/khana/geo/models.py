"""Areas: an administrative unit under one code scheme, with its dates and its outline.

A *path* is the chain of codes from the country down, each ended by a point (`PK.PK2.PK201.`),
so that 'inside this area' is a prefix and never a walk. Outlines are WKB with box columns.
"""

from __future__ import annotations

from django.db import models


class Area(models.Model):
    """One row is one area in one code scheme while its dates hold.

    .. no_pii:
    """

    country = models.CharField(max_length=3)
    scheme = models.TextField(help_text="which vintage of codes, e.g. cod-ab-v03")
    code = models.TextField()
    level = models.SmallIntegerField(help_text="0 country, 1 province or division, 2 district, 3 tehsil or upazila")
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    path = models.TextField()
    name = models.TextField()
    names = models.JSONField(default=dict, help_text="by language: en, ur, bn")
    aliases = models.JSONField(default=list, help_text="other spellings that offices use")
    boundary = models.BinaryField(null=True, help_text="WKB, EPSG:4326")
    min_lon = models.FloatField(null=True)
    min_lat = models.FloatField(null=True)
    max_lon = models.FloatField(null=True)
    max_lat = models.FloatField(null=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)

    class Meta:
        """One code once a day."""

        constraints = [models.UniqueConstraint(fields=["scheme", "code", "valid_from"], name="area_once")]
        indexes = [models.Index(fields=["code"]), models.Index(fields=["level", "country"])]
