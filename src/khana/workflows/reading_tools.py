"""What a reader needs of the country: its rules for numbers and its areas by name."""

from __future__ import annotations

from functools import lru_cache

from khana.geo.name_resolver import name_resolver
from khana_country.load import areas_cut_from, pack_folder
from khana_methods.standardise.areas import AreaResolver
from khana_methods.standardise.identifiers import IdentifierRules


@lru_cache(maxsize=4)
def identifier_rules(country: str) -> IdentifierRules:
    """Return the rules for personal numbers of a country pack."""
    return IdentifierRules.load(pack_folder(country) / "identifiers.yaml")


def area_resolver(country: str) -> AreaResolver:
    """Return a resolver over the areas that are loaded; it remembers what it found."""
    return name_resolver(areas_cut_from(country))
