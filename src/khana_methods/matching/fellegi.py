"""m and u by question and level, and the order that they keep: a better level never weighs less than a worse one."""

from __future__ import annotations

Parameters = dict[str, dict[str, float]]
_UNORDERED = ("family", "company")  # a guardian at a place has no single order: rare and far against common and near


def ordered(m: Parameters, u: Parameters) -> Parameters:
    """Give neighbouring levels one weight where a worse level would outweigh a better one (pooled adjacent violators).

    Examples:
        >>> made = ordered({"name": {"same": 0.1, "near": 0.8, "other": 0.1}}, {"name": {"same": 0.1, "near": 0.1, "other": 0.8}})
        >>> {code: round(share, 3) for code, share in made["name"].items()}
        {'same': 0.45, 'near': 0.45, 'other': 0.1}
    """
    made: Parameters = {}
    for name, levels in m.items():
        if name in _UNORDERED:
            made[name] = dict(levels)
            continue
        blocks: list[tuple[list[str], float, float]] = []
        for code in levels:
            block = ([code], m[name][code], u[name][code])
            while blocks and blocks[-1][1] / blocks[-1][2] < block[1] / block[2]:
                before = blocks.pop()
                block = (before[0] + block[0], before[1] + block[1], before[2] + block[2])
            blocks.append(block)
        made[name] = {code: u[name][code] * share / rest for codes, share, rest in blocks for code in codes}
    return made
