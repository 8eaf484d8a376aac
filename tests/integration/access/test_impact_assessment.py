"""The impact assessment says what the installation is: a change of the configuration changes the document."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from khana.access import retention, services
from khana.dossiers import impact_assessment

from .world import World

NOW = datetime.now(UTC)


def test_it_fills_itself(world: World, as_role) -> None:  # type: ignore[no-untyped-def]
    as_role("web")
    with services.scoped(world.tokens["auditor"]):
        before = impact_assessment.assess(at=NOW)
    tables = {row["table"] for row in before["holdings"]}
    assert {"registry_personversion", "registry_identifier", "beneficiaries_benefit", "access_user"} <= tables
    assert "geo_area" not in tables and sum(before["facts"].values()) > 20
    assert {"sensitive", "personal"} <= set(before["facts"])
    roles = {row["role"]: row for row in before["roles"]}
    assert (roles["registrar"]["holders"], roles["registrar"]["shows_people"]) == (3, True)
    assert (roles["analyst"]["shows_people"], roles["auditor"]["strong"]) == (False, True)
    with services.scoped(world.tokens["protector"]):
        retention.hold(rule="*", reason="a court asked for it", at=NOW)
    with services.scoped(world.tokens["admin"]):
        services.add_user(username="one-more", display_name="O", role="registrar", area_code="DA", at=NOW)
    with services.scoped(world.tokens["auditor"]):
        after = impact_assessment.assess(at=NOW)
    assert after["holds"] == before["holds"] + 1
    assert {row["role"]: row["holders"] for row in after["roles"]}["registrar"] == 4
    text = impact_assessment.as_markdown(after)
    for part in ("registry_personversion", "QUARANTINE", "National Commission for Personal Data Protection", "____"):
        assert part in text
    for user in ("steward", "admin", "analyst"):
        with services.scoped(world.tokens[user]), pytest.raises(services.PermissionMissing):
            impact_assessment.assess(at=NOW)
