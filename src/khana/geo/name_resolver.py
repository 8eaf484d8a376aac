"""Codes of areas from what lists call them: the areas that are loaded, with what they were called and where they lay before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from khana.geo.selectors import list_named_areas
from khana_methods.standardise.areas import AreaName, AreaResolver


def name_resolver(cut_from: Mapping[str, Sequence[str]]) -> AreaResolver:
    """Return a resolver over the areas that are loaded; it remembers what it found.

    Args:
        cut_from: Codes of the areas in which one lay before it was made, by its code, as the country pack tells.
    """
    return AreaResolver(
        AreaName(
            a.code, a.level, a.parent_code, a.names, a.former_names,
            tuple(dict.fromkeys([*a.former_parents, *cut_from.get(a.code, ())])),
        )
        for a in list_named_areas()
    )  # fmt: skip
