"""One user after the other walks every page, every operation of the API and every command.

A registrar of one district meets nobody of another, an officer of one agency no row of another, an
analyst no person at all, and who is not signed in gets no further than the door. A new address or
command fails here until it stands in the tables below.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from tests.conftest import REPOSITORY, close_pool
from tests.journeys.commands import Nursery, nursery
from tests.journeys.database_state import rows, state

from khana.interfaces.cli.main import khana as root_command
from khana.platform import embedded, keys
from khana_methods.disclosure.masking import mask

PASSWORD = "not-a-secret-of-anyone"
KINDS = ("recipients", "overlaps", "cap", "unserved", "leakage", "findings", "quarantine")
FIGURES = ("recipients", "overlaps", "cap", "unserved", "leakage")

PUBLIC = {"slip-state", "sign-in", "second-factor", "passkey-ask", "passkey", "provider", "provider-back", "sign-out", "language", "health", "my-file", "my-file-code", "my-file-read", "my-file-say",
          "my-file-download", "my-file-leave", "public", "public-outlines", "public-values"}  # fmt: skip
# name of an address -> the requests to make; {x} are things of the other side, see `World.things`
PAGES: dict[str, list[str]] = {
    "sign-in": ["GET /sign-in"],
    "second-factor": ["GET /sign-in/code"],
    "passkey-ask": ["POST /sign-in/passkey/ask"],
    "passkey": ["POST /sign-in/passkey answer=x"],
    "provider": ["GET /sign-in/provider"],
    "provider-back": ["GET /sign-in/provider/back?code=x&state=y"],
    "sign-out": [],  # last of all
    "language": ["POST /language language=ur", "POST /language language=en"],
    "health": ["GET /health"],
    "answers": ["GET /", "GET /?area={area}", "GET /?area={own_area}"],
    "outlines": ["GET /outlines/{area}.geojson", "GET /outlines/{top}.geojson"],
    "answers-rows": [f"GET /answers/{k}/rows" for k in FIGURES] + [f"GET /answers/{k}/rows?area={{area}}" for k in FIGURES],
    "lookup": ["GET /look-up", "GET /look-up?q={number}", "GET /look-up?q={name}", "GET /look-up?q={household}",
               "GET /look-up?q={short_name}", "GET /look-up?q={own_name}"],
    "lookup-registers": ["GET /registers", "GET /registers?kind=members", "GET /registers?kind=members&area={area}"],
    "lookup-person": ["GET /person/{person}", "GET /person/{person}?as_of=2024-01-01&as_known_at=2030-01-01"],
    "lookup-household": ["GET /household/{household}", "GET /household/{household}?as_of=2024-01-01"],
    "lookup-recipient": ["GET /recipient/{recipient}"],
    "findings": ["GET /findings", "GET /findings?area={area}", "GET /findings?source={source}", "GET /findings?code=DUP_MOBILE"],
    "findings-codes": ["GET /findings/codes"],
    "findings-row": ["GET /findings/rows/{benefit}"],
    "findings-export": [f"GET /export/{k}.{f}" for k in KINDS for f in ("csv", "xlsx")]
    + [f"GET /export/{k}.csv?area={{area}}&source={{source}}" for k in KINDS],
    "matching": ["GET /matching", "GET /matching?state=LINKED"],
    "matching-next": ["GET /matching/next"],
    "matching-pair": ["GET /matching/pairs/1"],
    "matching-outcome": ["POST /matching/pairs/1/outcome outcome=SAME"],
    "matching-check": ["GET /matching/check", "POST /matching/check name={short_name}", "POST /matching/check number={number}"],
    "matching-ask": ["POST /matching/check/ask name={short_name}"],
    "matching-openings": ["GET /matching/openings"],
    "matching-answer": ["POST /matching/openings/1 outcome=REFUSED"],
    "matching-field": ["GET /matching/field"],
    "matching-start": ["POST /matching/start", "POST /matching/start what=changes"],
    "api-v1:get_queue": ["GET /api/v1/linkage/queue", "GET /api/v1/linkage/queue?state=LINKED"],
    "api-v1:get_sample": ["GET /api/v1/linkage/sample"],
    "api-v1:get_pair": ["GET /api/v1/linkage/pairs/1"],
    "api-v1:post_label": ["POST /api/v1/linkage/pairs/1/labels outcome=SAME"],
    "api-v1:post_check": ["POST /api/v1/linkage/check name={short_name}"],
    "api-v1:post_ask": ["POST /api/v1/linkage/check/ask name={short_name}"],
    "api-v1:get_openings": ["GET /api/v1/linkage/check/questions"],
    "api-v1:get_estimate": ["GET /api/v1/linkage/estimate"],
    "enrolments": ["GET /enrolments"],
    "trials": ["GET /trials"],
    "trials-start": ["POST /trials/start text=x"],
    "trials-trial": ["GET /trials/1", "GET /trials/1?state=APPEALED"],
    "trials-act": ["POST /trials/1/act what=apply"],
    "trials-stop": ["GET /stops/1"],
    "trials-stop-act": ["POST /stops/1/act what=appeal"],
    "trials-letter": ["GET /stops/1/letter"],
    "lookup-entitlements": ["GET /household/{household}/entitlements", "GET /household/{own_household}/entitlements?in=ur"],
    "api-v1:post_may_join": ["POST /api/v1/enrolments/may-join number={number} programme=KFL"],
    "api-v1:post_may_join_many": ["POST /api/v1/enrolments/may-join/many programme=KFL"],
    "api-v1:post_report": ["POST /api/v1/enrolments/reports number={number} programme=KFL state=ENROLLED day=2026-01-01"],
    "jobs": ["GET /jobs"],
    "jobs-start": ["POST /jobs/start kind=consolidate", "POST /jobs/start kind=study source={source}"],
    "jobs-job": ["GET /jobs/{job}"],
    "jobs-cancel": ["POST /jobs/{job}/cancel"],
    "jobs-retry": ["POST /jobs/{job}/retry"],
    "sources": ["GET /sources"],
    "sources-onboarding": ["GET /sources/onboarding"],
    "sources-connect": ["GET /sources/connect", "POST /sources/connect code={source}"],
    "sources-source": ["GET /sources/{source}"],
    "sources-upload": ["POST /sources/{source}/upload"],
    "sources-contract": ["GET /sources/{source}/contract", "POST /sources/{source}/contract text=x"],
    "sources-preview": ["POST /sources/{source}/contract/preview text={contract}"],
    "sources-quarantine": ["GET /sources/{source}/quarantine"],
    "sources-replay": ["POST /sources/{source}/quarantine/replay"],
    "sources-row": ["GET /sources/{source}/quarantine/{quarantined}", "POST /sources/{source}/quarantine/{quarantined} text=x"],
    "sources-study": ["GET /sources/{source}/study"],
    "sources-study-start": ["POST /sources/{source}/study/start"],
    "sources-list": ["GET /sources/{source}/list", "POST /sources/{source}/list x=y"],
    "models": ["GET /models"],
    "models-card": ["GET /models/LIVING/1"],
    "models-fit": ["GET /models/fit", "POST /models/fit spec=welfare"],
    "models-watch": ["GET /models/watch"],
    "simulator-communities": ["GET /communities", "POST /communities area={area} cut_off=100 margin=50",
                              "POST /communities area={own_area} cut_off=100 margin=50"],
    "models-watch-start": ["POST /models/watch/start cut_off=32"],
    "models-drift": ["POST /models/LIVING/1/drift welfare=pcc"],
    "models-propose": ["POST /models/LIVING/1/propose from=2026-01-01"],
    "models-sign": ["POST /models/LIVING/1/sign activation=1"],
    "scores-score": ["GET /scores/{score}"],
    "scores-desk": ["POST /household/{household}/score"],
    "scores-override": ["POST /household/{household}/override score=3 reason=because-of-something-grave"],
    "scores-decide": ["POST /household/{household}/override/1 what=confirm"],
    "programmes": ["GET /programmes"],
    "programmes-one": ["GET /programmes/KFL"],
    "unserved": ["GET /unserved", "GET /unserved?area={area}", "GET /unserved?area={own_area}&reason=not_enrolled"],
    "disasters": ["GET /disasters"],
    "lists": ["GET /lists"],
    "lists-one": ["GET /lists/L1", "GET /lists/L1?state=WAITING"],
    "lists-approve": ["POST /lists/L1/approve"],
    "lists-withdraw": ["POST /lists/L1/withdraw"],
    "lists-freeze": ["POST /lists/L1/freeze"],
    "lists-change": ["POST /lists/L1/change unit={household} to_state=REMOVED kind=OFFICE reason=because-of-something"],
    "rules": ["GET /rules", "POST /rules entity=household household={household}"],
    "rules-try": ["POST /rules/try entity=household household={household}"],
    "simulator": ["GET /simulator", "GET /simulator?cut_off=20&line=100"],
    "simulator-move": ["GET /simulator/move?cut_off=40"],
    "simulator-save": ["POST /simulator/save cut_off=30 title=mine"],
    "simulator-scenarios": ["GET /simulator/scenarios", "GET /simulator/scenarios?s=1"],
    "simulator-remove": ["POST /simulator/scenarios/1/remove"],
    "simulator-export": ["GET /simulator/compare.csv?s=1"],
    "topology": ["GET /outlines/{area}.topojson"],
    "monitoring": ["GET /monitoring", "GET /monitoring?area={area}&indicator=SHARE_POOR", "GET /monitoring?area={own_area}"],
    "monitoring-rows": ["GET /monitoring/rows?area={area}&indicator=HH_REGISTERED", "GET /monitoring/rows?area={own_area}&indicator=SHARE_POOR&part=denominator"],
    "monitoring-compare": ["GET /monitoring/compare?with={area}&with={own_area}"],
    "monitoring-definitions": ["GET /monitoring/definitions"],
    "monitoring-budgets": ["GET /monitoring/budgets", "GET /monitoring/budgets?year=FY2025-26"],
    "monitoring-budgets-load": ["POST /monitoring/budgets/load x=y"],
    "monitoring-reports": ["GET /monitoring/reports"],
    "monitoring-reports-write": ["POST /monitoring/reports/write form=html language=en period=2026Q1"],
    "monitoring-report": ["GET /monitoring/reports/1"],
    "monitoring-publishing": ["GET /monitoring/publishing"],
    "monitoring-publish": ["POST /monitoring/publish threshold=5"],
    "monitoring-withdraw": ["POST /monitoring/publications/999/withdraw"],
    "public": ["GET /public", "GET /public?area={area}"],
    "public-outlines": ["GET /public/outlines/{top}.topojson"],
    "public-values": ["GET /public/values.csv"],
    "ogc:landing": ["GET /ogc/"],
    "ogc:landing-plain": ["GET /ogc"],
    "ogc:conformance": ["GET /ogc/conformance"],
    "ogc:definition": ["GET /ogc/api"],
    "ogc:collections": ["GET /ogc/collections"],
    "ogc:collection": ["GET /ogc/collections/pak_adm1"],
    "ogc:items": ["GET /ogc/collections/pak_adm2_figures/items?limit=1000"],
    "ogc:item": ["GET /ogc/collections/pak_adm2/items/{area}"],
    "coverage": ["GET /coverage"],
    "coverage-new": ["GET /coverage/new", "POST /coverage/new look=1", "POST /coverage/new weight=w"],
    "coverage-study": ["GET /coverage/1"],
    "coverage-report": ["GET /coverage/1/report.html", "GET /coverage/1/report.docx?language=ur"],
    "coverage-plan-new": ["GET /coverage/plans/new", "POST /coverage/plans/new days=3 vans=1"],
    "coverage-plan": ["GET /coverage/plans/1"],
    "coverage-plan-send": ["POST /coverage/plans/1/send"],
    "users": ["GET /users"],
    "users-office": ["GET /users/steward/office"],
    "users-give": ["POST /users/steward/give role=auditor"],
    "users-clear": ["POST /users/steward/clear kind=TRAINING title=x on=2026-01-01 until=2027-01-01"],
    "users-link": ["POST /users/steward/link subject=mine"],
    "office-passkey-ask": ["POST /office/passkeys/ask"],
    "office-passkey-add": ["POST /office/passkeys/add name=mine answer=x"],
    "office-passkey-remove": ["POST /office/passkeys/1/remove", "POST /office/passkeys/1/remove username=steward"],
    "users-confirm": ["POST /users/grants/1/confirm"],
    "users-end": ["POST /users/grants/1/end"],
    "users-withdraw": ["POST /users/clearances/1/withdraw"],
    "office": ["GET /office"],
    "office-purpose": ["POST /office/purpose purpose=grievance", "POST /office/purpose purpose="],
    "office-break-glass": ["POST /office/break-glass area={area} reason=short"],
    "alarms": ["GET /alarms"],
    "cases": ["GET /cases"],
    "cases-answer": ["POST /cases/1/answer outcome=NOT_WRONG"],
    "partner": ["GET /partner", "GET /partner?partner=mine&failed=1"],
    "alarms-close": ["POST /alarms/1/close outcome=EXPLAINED finding=nothing-was-found"],
    "users-add": ["POST /users/add username=mine role=data_steward"],
    "users-renew": ["POST /users/steward/renew"],
    "users-activity": ["POST /users/steward/activity active=0"],
    "api-v1:get_person": ["GET /api/v1/persons?number={number}", "GET /api/v1/persons?number={own_number}"],
    "api-v1:get_household": ["GET /api/v1/households/{household}", "GET /api/v1/households/{own_household}"],
    "api-v1:get_answers": ["GET /api/v1/answers"],
    "api-v1:get_job": ["GET /api/v1/jobs/{job}"],
    "apidocs": ["GET /api/docs"],
    "apidocs-document": ["GET /api/docs/openapi.json"],
    "api-v1:get_openapi": ["GET /api/v1/openapi.json"],
    "api-v1:api-root": ["GET /api/v1/"],
    "intake": ["GET /intake", "GET /intake?state=WAITING"],
    "intake-submission": ["GET /intake/1"],
    "intake-settle": ["POST /intake/1/settle action=again"],
    "intake-file": ["GET /intake/1/file/1"],
    "intake-slip": ["GET /intake/1/slip"],
    "intake-telephone": ["GET /intake/telephone"],
    "intake-desk": ["GET /intake/desk", "GET /intake/desk?q={number}", "GET /intake/desk?q={name}", "GET /intake/desk?q={household}"],
    "intake-open": ["POST /intake/desk/khana_pak_household/open household={household}"],
    "intake-fill": ["GET /intake/desk/khana_pak_household/fill"],
    "intake-fill-arrived": ["GET /intake/desk/khana_pak_household/arrived?instance=uuid:x"],
    "slip-state": [],  # open to who holds a slip; a code that was not made here is not found: test_centres.py
    "structure": ["GET /household/{household}/structure"],
    "structure-propose": ["POST /household/{household}/structure/propose kind=SPLIT line=1 on=2026-01-01 reason=because-of-something-grave"],
    "structure-decide": ["POST /household/{household}/structure/1/confirm"],
    "centres": ["GET /centres"],
    "centres-point": ["GET /centres/at/C1"],
    "centres-act": ["POST /centres/at/C1/do/take purpose=NEW number={number}", "POST /centres/at/C1/do/next"],
    "centres-token": ["GET /centres/at/C1/token/1"],
    "centres-progress": ["GET /centres/progress", "GET /centres/progress?area={area}"],
    "centres-staff": ["GET /centres/staff"],
    "centres-enumerator": ["GET /centres/staff/1"],
    "centres-action": ["POST /centres/staff/1/action what=something-to-be-put-right due=2030-01-01"],
    "centres-actions": ["GET /centres/actions"],
    "centres-action-move": ["POST /centres/actions/1 state=DONE"],
    "intake-fill-xform": ["GET /intake/desk/khana_pak_household/xform"],
    "intake-fill-known": ["GET /intake/desk/khana_pak_household/known/00000000-0000-4000-8000-000000000001"],
    "intake-fill-media": ["GET /intake/desk/khana_pak_household/media/areas.csv", "GET /intake/desk/khana_pak_household/media/households.csv"],
    "intake-fill-send": ["POST /intake/desk/khana_pak_household/send"],
    "intake-forms": ["GET /intake/forms"],
    "intake-form-add": ["GET /intake/forms/add", "POST /intake/forms/add valid_from=2026-01-01"],
    "intake-form": ["GET /intake/forms/khana_pak_household/1"],
    "intake-form-withdraw": ["POST /intake/forms/khana_pak_household/1/withdraw"],
    "intake-form-workbook": ["GET /intake/forms/khana_pak_household/1/workbook"],
    "odk:form-list": ["GET /api/odk/v1/projects/1/formList"],
    "odk:submission": ["GET /api/odk/v1/projects/1/submission"],
    "odk:integrity": ["GET /api/odk/v1/projects/1/integrity"],
    "odk:form-xml": ["GET /api/odk/v1/projects/1/forms/khana_pak_household/xform"],
    "odk:manifest": ["GET /api/odk/v1/projects/1/forms/khana_pak_household/manifest"],
    "odk:media": ["GET /api/odk/v1/projects/1/forms/khana_pak_household/media/households.csv"],
    "odk:sessions": ["POST /api/odk/v1/sessions"],
    "odk:current-user": ["GET /api/odk/v1/users/current"],
    "odk:projects": ["GET /api/odk/v1/projects"],
    "odk:project": ["GET /api/odk/v1/projects/1"],
    "odk:forms": ["GET /api/odk/v1/projects/1/forms"],
    "odk:form": ["GET /api/odk/v1/projects/1/forms/khana_pak_household"],
    "odk:form-file": ["GET /api/odk/v1/projects/1/forms/khana_pak_household.xml"],
    "odk:form-versions": ["GET /api/odk/v1/projects/1/forms/khana_pak_household/versions"],
    "odk:submission-rows": ["GET /api/odk/v1/projects/1/forms/khana_pak_household.svc/Submissions"],
    "odk:submissions": ["GET /api/odk/v1/projects/1/forms/khana_pak_household/submissions"],
    "odk:submission-one": ["GET /api/odk/v1/projects/1/forms/khana_pak_household/submissions/uuid:x"],
    "odk:submission-xml": ["GET /api/odk/v1/projects/1/forms/khana_pak_household/submissions/uuid:x.xml"],
    "odk:attachments": ["GET /api/odk/v1/projects/1/forms/khana_pak_household/submissions/uuid:x/attachments"],
    "odk:attachment": ["GET /api/odk/v1/projects/1/forms/khana_pak_household/submissions/uuid:x/attachments/a.jpg"],
    "odk:datasets": ["GET /api/odk/v1/projects/1/datasets"],
    "odk:entities": ["GET /api/odk/v1/projects/1/datasets/households/entities"],
    "odk:entity": ["GET /api/odk/v1/projects/1/datasets/households/entities/00000000-0000-4000-8000-000000000001"],
    "odk:entity-rows": ["GET /api/odk/v1/projects/1/datasets/households.svc/Entities"],
    "odk-key:form-list": ["GET /api/odk/v1/key/nobody/projects/1/formList"],
    "odk-key:submission": ["GET /api/odk/v1/key/nobody/projects/1/submission"],
    "odk-key:integrity": ["GET /api/odk/v1/key/nobody/projects/1/integrity"],
    "odk-key:form-xml": ["GET /api/odk/v1/key/nobody/projects/1/forms/khana_pak_household/xform"],
    "odk-key:manifest": ["GET /api/odk/v1/key/nobody/projects/1/forms/khana_pak_household/manifest"],
    "odk-key:media": ["GET /api/odk/v1/key/nobody/projects/1/forms/khana_pak_household/media/areas.csv"],
    "my-file": ["GET /my-file", "POST /my-file number={number}"],
    "my-file-code": ["GET /my-file/code"],
    "my-file-read": ["GET /my-file/read"],
    "my-file-say": ["POST /my-file/say what=OBJECTION", "POST /my-file/say about=NAME"],
    "my-file-download": ["GET /my-file/download"],
    "my-file-leave": ["POST /my-file/leave"],
    # a partner's token alone opens these: test_dci.py walks them as partners of different agreements
    "dci:sr": ["POST /registry/sync/search x=y", "POST /sr/search x=y", "POST /dci/sr/v1.0.0/registry/notify x=y", "GET /registry/search"],
    "dci:ibr": ["POST /ibr/sync/enrolled x=y", "POST /dci/ibr/v1.0.0/registry/sync/search x=y"],
    "dci:extract": ["GET /dci/extracts/X1"],
    "dci:token": ["POST /oauth2/client/token grant_type=client_credentials client_id={number}"],
    "dci:jwks": ["GET /.well-known/jwks.json"],
    "dci:locations": ["GET /.well-known/locations.json"],
}  # fmt: skip
# command -> the words to type; what stands in NO_PEOPLE reads nothing of people from the database
COMMANDS: dict[str, list[str]] = {
    "areas load": ["{folder}/areas.csv --scheme s --level 2 --code code --name name"],
    "areas list": [""],
    "sample load": ["{folder}/sample.yaml --data {folder}"],
    "import": ["households {folder}/households.csv --contract {folder}/contracts/households.yaml",
               "persons {folder}/other-persons.csv --contract {folder}/contracts/persons.yaml",
               "identities {folder}/national_id.csv --contract {folder}/contracts/national_id.yaml",
               "scores {folder}/scores.csv --contract {folder}/contracts/scores.yaml",
               "benefits {folder}/other-list.csv --source {source}"],
    "sources add": ["--code {source} --title mine --agency mine --programme KFL"],
    "sources list": [""],
    "sources study": ["{source}"],
    "sources onboarding": [""],
    "contracts add": ["{folder}/contracts/zakat_2026h1.yaml"],
    "contracts list": [""],
    "consolidate": [""],
    "programmes load": ["--country pak"],
    "programmes list": [""],
    "programmes show": ["KFL"],
    "programmes evaluate": [""],
    "programmes answers": ["", "--programme KFL"],
    "programmes why": ["{household}"],
    "programmes quota": ["KFL --area {area} --places 1 --source mine"],
    "programmes filters": [""],
    "programmes withdraw-filter": ["VEHICLE --from 2026-01-01 --reason mine"],
    "programmes appeal": ["--list", "VEHICLE --household {household} --reason because-of-something", "--decide 1 --uphold"],
    "unserved": ["", "--rows", "--rows --area {area}"],
    "lists draw": ["KFL --places 3 --seed s"],
    "lists list": [""],
    "lists show": ["L1"],
    "lists approve": ["L1"],
    "lists freeze": ["L1"],
    "lists rederive": ["L1"],
    "lists withdraw": ["L1"],
    "lists publish": ["L1 --to {folder}/published.csv"],
    "lists change": ["L1 {household} --to REMOVED --kind OFFICE --reason because-of-something"],
    "lists propose": ["--list", "KFL --household {household} --minutes 12-of-may"],
    "lists answer": ["1 --accept"],
    "lists recheck": ["L1 --list", "L1 {household} --outcome CONFIRMED --on 2026-01-01"],
    "disaster notify": ["MINE --programme KFL --notification number-one --area {area} --starts 2026-01-01"],
    "disaster list": [""],
    "disaster draw": ["MINE --seed s"],
    "intake work": [""],
    "intake reconcile": [""],
    "intake list": [""],
    "intake accept": ["1 MEMBERS_LEFT"],
    "intake return": ["1"],
    "intake again": ["1"],
    "intake assign": ["steward --area {area}"],
    "centres add": ["mine --area {area}"], "centres close": ["C1"], "centres list": [""], "centres route": ["C1 {folder}/areas.csv"],
    "centres stops": ["", "C1"], "centres open": ["C1 1"], "centres leave": ["C1"], "centres token": ["C1 --purpose NEW"],
    "centres book": ["C1 --slot 2030-01-01T09:00"], "centres next": ["C1"], "centres done": ["1"],
    "centres figures": ["", "C1"], "centres staff": ["", "--expiring 30"], "centres accredit": ["steward --area {area} --subject x"],
    "centres device": ["d1 --to steward --area {area}"], "centres target": ["{area} 10 --from 2026-01-01 --until 2027-01-01"],
    "centres progress": ["", "--area {area}"], "centres actions": ["", "--move 1 --to DONE"],
    "intake review": ["", "--no-keep"], "forms evidence": ["khana_pak_household"], "forms ballot": ["khana_pak_household 1 2"],
    "households split": ["{household} --lines 1 --reason because-of-something-grave"],
    "households join": ["{household} --into {household} --reason because-of-something-grave"],
    "households move": ["{household} --lines 1 --into {household} --reason because-of-something-grave"],
    "households return": ["{household} --person {person} --reason because-of-something-grave"],
    "households confirm": ["1"], "households withdraw": ["1"], "households waiting": [""], "households history": ["{household}"],
    "households dwelling": ["{household} --code D1"],
    "forms add": ["--country pak"],
    "forms list": [""],
    "forms withdraw": ["khana_pak_household 1"],
    "models import": ["{repository}/tests/data/models/living.yaml"],
    "models list": [""],
    "models activate": ["LIVING --from 2024-01-01", "LIVING --confirm"],
    "models card": ["LIVING"],
    "score run": ["", "--trial --model LIVING"],
    "score one": ["{household}"],
    "score runs": [""],
    "score watch": ["--cut-off 32"],
    "score override": ["{household} --score 3 --reason because-of-something-grave", "--confirm 1"],
    "simulate prepare": [""],
    "validation draw": ["--area {area} --cut-off 100 --margin 50 --out {folder}/out-list.csv"],
    "validation settle": ["--area {area} --cut-off 100 --margin 50 --list {folder}/persons.csv"],
    "simulate run": ["--cut-off 32", "--cut-off 32 --save mine"],
    "simulate survey": ["{folder}/scores.csv --welfare score --size score --score score"],
    "simulate scenarios": ["", "1"],
    "replay": ["{score}"],
    "report": list(KINDS) + [f"{k} --area {{area}}" for k in KINDS] + [f"{k} --format csv --source {{source}}" for k in KINDS]
    + [f"{k} --out {{folder}}/out-{k}.{f}" for k in KINDS for f in ("xlsx", "parquet")],
    "monitoring indicators": ["", "--no-keep --level 1", "--definitions"],
    "monitoring load-budget": ["{folder}/other-list.csv"],
    "monitoring budgets": ["", "--year FY2025-26"],
    "monitoring report": ["--out {folder}/out-r.html", "--period 2026Q2 --out {folder}/out-p.html", "--out {folder}/out-r.docx --language ur"],
    "outreach send": ["1"],
    "outreach results": ["1"],
    "monitoring publish": ["--epsilon 0.5", "--threshold 5", "--withdraw 999"],
    "monitoring export": [f"--format {f} --out {{folder}}/out-m.{f}" for f in ("csv", "xlsx", "parquet", "dhis2", "sdmx-csv", "sdmx-json", "ddi")],
    "coverage study": ["--survey {folder}/survey.csv --design weight=w --match id_number=nid --title mine"],
    "checks run": ["--registry", "--registry --out {folder}/out-checks.csv"],
    "freshness due": ["--registry --area area_code", "--registry --out {folder}/out-due.csv"],
    "explain": ["{finding}", "DUP_NID", "{score} --score", "{score} --score --language ur"],
    "quarantine list": ["", "--source {source}"],
    "quarantine export": ["", "--source {source}", "--out {folder}/out-q.csv"],
    "quarantine replay": ["{folder}/other-corrections.csv"],
    "users add": ["--username mine --role data_steward"],
    "users list": [""],
    "users grant": ["steward --role data_steward"],
    "users reset": ["steward"],
    "users confirm": ["1"],
    "users clear": ["steward", "steward --withdraw 1", "steward --kind training --title x --on 2026-01-01 --until 2027-01-01"],
    "users close-idle": [""],
    "users passkeys": ["steward", "steward --remove 1"],
    "provider show": [""],
    "provider refresh": [""],
    "provider end": [""],
    "provider set": ["--issuer http://127.0.0.1:9 --client x --title x"],
    "provider link": ["steward --subject mine", "steward --end"],
    "access me": [""],
    "access break-glass": ["--area {area} --reason short"],
    "access alarms": ["", "--all"],
    "access close-alarm": ["1 --outcome EXPLAINED --finding nothing-was-found"],
    "access look": [""],
    "breaches add": ["--country PAK --what a-laptop-was-stolen-from-a-desk --kinds names --persons 1 --risk HIGH"],
    "breaches list": [""],
    "breaches letter": ["B-2026-0001 --to authority"],
    "breaches told": ["B-2026-0001 --to authority"],
    "breaches close": ["B-2026-0001 --lesson nothing-was-learned"],
    "dpia": [""],
    "retention rules": [""],
    "retention run": [""],
    "retention hold": ["--rule MESSAGES --reason a-court-asked-for-it"],
    "retention release": ["1"],
    "retention holds": [""],
    "persons merge": ["{person} --into {person} --reason x"],
    "persons split": ["{person} --reason x"],
    "persons merges": ["", "{person}"],
    "identity connect": ["mine --kind OFFLINE"],
    "identity close": ["mine"],
    "identity authorities": [""],
    "identity verify": ["--authority extract --person {person}", "--authority extract --limit 50"],
    "identity evidence": ["{person}"],
    "identity summary": [""],
    "identity consent ask": ["{person}"],
    "identity consent give": ["11111111-1111-1111-1111-111111111111 123456"],
    "identity family": ["{household}", "{own_household} --claim {number}", "{household} --list"],
    "identity decide": ["1 ACCEPTED --reason x"],
    "identity events list": ["", "--state ACCEPTED"],
    "identity events decide": ["1 REFUSED --reason x"],
    "identity events place": [""],
    "partners replay": ["mine"],
    "partners developer": ["mine"],
    "cases list": ["", "--all", "--person {person}"],
    "cases lodge": ["{person} --about NAME"],
    "cases answer": ["1 --outcome NOT_WRONG"],
    "partners notify": ["", "--partner mine"],
    "partners subscriptions": [""],
    "registries subscribe": ["mine --event Death"],
    "registries subscriptions": [""],
    "registries unsubscribe": ["1"],
    "partners tells": ["mine --kind DEATH"],
    "registries add": ["mine --address http://127.0.0.1:9 --sender-id x --profile cavage --signature-optional"],
    "registries list": [""],
    "linkage train": ["--version mine"],
    "linkage models": [""],
    "linkage approve": ["mine"],
    "linkage run": ["", "--changes"],
    "linkage queue": ["", "--state LINKED"],
    "linkage label": ["1 SAME"],
    "linkage sample": [""],
    "linkage estimate": [""],
    "linkage export": ["", "--json"],
    "linkage evaluate": ["--truth {folder}/persons.csv"],
    "crossrules dry-run": [""],
    "crossrules trials": [""],
    "crossrules approve": ["1"],
    "crossrules notice": ["1"],
    "crossrules stops": ["1", "1 --out {folder}/out-stops.csv"],
    "crossrules appeal": ["1"],
    "crossrules decide": ["1 --allow --note x"],
    "crossrules apply": ["1"],
    "crossrules withdraw": ["1 --note x"],
    "enrolments follow": ["", "--source {source}"],
    "enrolments comply": [""],
    "enrolments states": [""],
    "enrolments list": ["", "--counts", "--out {folder}/out-enrolments.csv"],
    "enrolments move": ["1 SUSPENDED --reason UNDER_REVIEW"],
    "enrolments choose": ["1"],
    "enrolments graduate": ["1 --criteria x --not-met --reentry 1"],
    "enrolments graduations": ["", "--due"],
    "enrolments follow-up": ["1 HOLDS"],
    "enrolments reopened": [""],
    "enrolments settle": ["1 --stands"],
    "enrolments ask": ["{folder}/survey.csv --programme KFL --column nid"],
    "audit verify": [""],
    "audit lodge": ["--to {folder}"],
    "partners add": ["--code mine --profile cavage --sandbox --signature-optional"],
    "partners list": [""],
    "partners renew": ["mine"],
    "partners close": ["mine"],
    "partners calls": ["mine"],
    "agreements draft": ["--number N --partner mine --level RECORD --purpose research --legal-basis x --fields name --from 2026-01-01 --to 2027-01-01"],
    "agreements approve": ["N"],
    "agreements end": ["N"],
    "agreements list": [""],
    "extracts draft": ["N"],
    "extracts approve": ["X1"],
    "extracts list": [""],
    "extracts fetch": ["X1 --to {folder}/x.jwe"],
    "extracts expire": [""],
    "extracts trace": ["{folder}/persons.csv"],
    "audit seal": [""],
}  # fmt: skip
NO_PEOPLE = {
    "targeting errors": "reads the user's own file", "poverty indices": "reads the user's own file",
    "rules check": "reads a rule", "rules eval": "reads a rule", "rules count": "reads the user's own file",
    "up": "starts servers", "down": "stops servers", "status": "counts of a folder's own server", "migrate": "the owner's",
    "bootstrap": "the owner's", "bootstrap operator": "the owner's", "bootstrap logins": "the owner's",
    "bootstrap administrator": "the owner's", "migrations-check": "reads models", "synth": "makes people up",
    "sources suggest": "reads the user's own file", "schema": "documents", "schema contract": "documents",
    "schema manifest": "documents", "schema facts": "documents", "login": "asks for a password", "logout": "ends a session",
    "outreach plan": "reads the user's own file", "outreach campaign draw": "reads the user's own file",
    "outreach campaign measure": "reads the user's own file", "coverage small-areas": "reads the user's own file",
    "incidence": "reads the user's own file",
    "survey estimate": "reads the user's own file",
    "intake telephone": "a token of one's own",
    "forms build": "writes questions", "forms check": "reads questions", "forms diff": "reads questions",
    "linkage dedupe": "reads the user's own file",
    "linkage evaluate": "reads the user's own file",
    "checks list": "documents", "families derive": "reads the user's own file",
    "models fit": "reads the user's own file",
    "models drift": "reads the user's own files; a model of the store is public to whoever reads models",
    "assign": "reads the user's own files", "filters report": "reads the user's own files",
    "spotcheck form": "reads questions", "checks hfc": "reads the user's own file", "spotcheck plan": "counts", "spotcheck announce": "reads the user's own file",
    "spotcheck draw": "reads the user's own file", "spotcheck analyse": "reads the user's own file",
    "freshness curve": "reads the user's own file",
    "agreements fields": "documents",
    "sdc check": "reads the user's own file", "sdc table": "reads the user's own file",
    "users code": "sample logins of a trial", "keys list": "counts of keys", "keys add": "the ring", "keys status": "counts of closed values", "keys reseal": "asks for a job", "keys retire": "the ring", "worker": "acts as who asked; see the jobs' tests",
}  # fmt: skip


def addresses(resolver: URLResolver | None = None, space: str = "") -> Iterator[str]:
    """Yield the name of every address, with its namespace."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, f"{pattern.namespace}:" if pattern.namespace else space)
        elif isinstance(pattern, URLPattern):
            assert pattern.name, f"{pattern.pattern} has no name"
            yield space + pattern.name


def commands(group: click.Group, path: str = "") -> Iterator[str]:
    """Yield every command that can be typed."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}"


def test_every_address_stands_in_the_table() -> None:
    assert set(addresses()) == set(PAGES)


def test_every_command_stands_in_a_table() -> None:
    found = set(commands(root_command))
    assert found - set(COMMANDS) - set(NO_PEOPLE) == set(), "say what a new command shows of people"
    assert set(COMMANDS) <= found


@dataclass
class World:
    """A made-up country, consolidated; what belongs to one side only, and who looks."""

    folder: Path
    database: str
    commands: Nursery
    tokens: dict[str, str] = field(default_factory=dict)
    things: dict[str, dict[str, str]] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    ids: dict[str, set[int]] = field(default_factory=dict)

    def found(self, user: str, text: str, asked: str) -> list[str]:
        """Return what of the other side's people appears in a text; what the user asked for herself is no find."""
        shown = [
            f"{kind} {value}" for value, kind in self.secrets[user].items() if value in text and value not in asked
        ]
        for match in re.finditer(r'/person/(\d+)|"person": ?(\d+)|"person_id": ?(\d+)', text):
            number = int(next(part for part in match.groups() if part))
            if number in self.ids[user] and f"/person/{number}" not in asked:
                shown.append(f"person {number}")
        return shown


@pytest.fixture(scope="module")
def world(server: None, database: str, tokens, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    from khana.interfaces.web import limits

    folder = tmp_path_factory.mktemp("walk") / "land"
    steward = tokens("data_steward")
    for bucket in (limits.LOOK_UP, limits.EXPORT, limits.SIGN_IN, limits.OPEN_PAGES):
        bucket.burst = 100_000  # how often one may ask is another test
    with nursery() as lent:
        ask: dict[str, Any] = {"database": database, "token": steward}
        for words in (
            ("synth", "--country", "pak", "--households", 150, "--seed", 5, "--out", folder),
            ("sample", "load", folder / "sample.yaml", "--data", folder),
            ("consolidate",),
            ("simulate", "prepare"),
            ("monitoring", "indicators"),
            ("identity", "connect", "extract", "--kind", "OFFLINE"),
            ("monitoring", "publish", "--threshold", 5),
            ("intake", "work"),  # the journey is a user of its own from its first run on
        ):
            done = lent.run(*words, "--json", **ask)
            assert done.code == 0, done.err
        made = World(folder, database, lent)
        _learn(made, steward)
        _users(made, database)
        yield made


def _learn(made: World, steward: str) -> None:
    """Find out, past row security, what belongs to one district or one agency alone."""
    database = made.database
    persons = rows(
        database,
        "SELECT v.area_path, v.person_id, v.name, v.name_native, h.number FROM registry_personversion v"
        " JOIN registry_membership m ON m.person_id = v.person_id JOIN registry_household h ON h.id = m.household_id"
        " WHERE v.superseded_at IS NULL AND v.valid_to IS NULL",
    )
    numbers = rows(
        database, "SELECT area_path, person_id, ciphertext FROM registry_identifier WHERE retired_at IS NULL"
    )
    plain = [(str(path), person, _text(keys.decrypt(bytes(c)))) for path, person, c in numbers]  # type: ignore[call-overload]
    districts = sorted({_district(str(row[0])) for row in persons})
    assert len(districts) >= 2
    own, other = districts[0], districts[1]
    ours = [row for row in persons if _district(str(row[0])) == own]
    others = [row for row in persons if _district(str(row[0])) != own]
    our_numbers = {n for path, _, n in plain if _district(path) == own}
    residents = rows(
        database,
        "SELECT area_path, name, name_native, ciphertext FROM registry_resident WHERE superseded_at IS NULL",
    )
    our_residents = [row for row in residents if _district(str(row[0])) == own]
    our_numbers |= {_text(keys.decrypt(bytes(row[3]))) for row in our_residents if row[3]}  # type: ignore[call-overload]
    ours_known = {str(x) for row in ours for x in (row[2], row[3], row[4])}
    listed_here = rows(database, "SELECT area_path, name, payee_name FROM beneficiaries_benefit")
    ours_known |= {str(x) for row in listed_here if _district(str(row[0])) == own for x in row[1:]}
    secrets = _secrets(others, ours_known | {str(x) for row in our_residents for x in (row[1], row[2])})
    secrets |= _number_secrets({n for path, _, n in plain if _district(path) != own}, our_numbers)
    made.secrets["registrar"], made.ids["registrar"] = secrets, {int(row[1]) for row in others}  # type: ignore[call-overload]
    everybody = _secrets(persons, set()) | _number_secrets({n for _, _, n in plain}, set())
    made.secrets["analyst"] = made.secrets["nobody"] = everybody
    made.ids["analyst"] = made.ids["nobody"] = {int(row[1]) for row in persons}  # type: ignore[call-overload]
    lists = rows(
        database, "SELECT agency, source_code, id, name, id_token, area_path FROM beneficiaries_benefit ORDER BY id"
    )
    agency = "Federal income support agency"
    our_names = {str(row[3]) for row in lists if row[0] == agency}
    foreign = [row for row in lists if row[0] != agency]
    made.secrets["officer"] = {
        str(row[3]): "name on a list"
        for row in foreign
        if _is_telling(str(row[3])) and not any(str(row[3]) in n for n in our_names)
    }
    made.ids["officer"] = set()
    assert all(len(found) > 20 for found in made.secrets.values()), {k: len(v) for k, v in made.secrets.items()}
    foreigner = next(row for row in others if _is_telling(str(row[2])) and str(row[2]) in secrets)
    number = next(n for path, person, n in plain if _district(path) != own and n)
    listed = next(row for row in foreign if str(row[3]) in made.secrets["officer"])
    recipient = rows(
        database,
        f"SELECT id FROM beneficiaries_recipient WHERE area_path NOT LIKE '%{own}%' AND NOT agencies ? '{agency}' LIMIT 1",
    )
    quarantined = rows(
        database,
        f"SELECT id, source_code FROM deliveries_quarantinedrow WHERE agency <> '{agency}' ORDER BY id LIMIT 1",
    )
    finding = rows(
        database,
        f"SELECT id FROM beneficiaries_finding WHERE agency <> '{agency}' AND area_path NOT LIKE '%{own}%' LIMIT 1",
    )
    score = rows(database, f"SELECT id FROM assessment_score WHERE area_path NOT LIKE '%{own}%' ORDER BY id LIMIT 1")
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as owner:
        job = owner.execute(
            "INSERT INTO platform_jobrun (uuid, kind, arguments, state, actor_id, actor_label, phase, progress_done, progress_total,"
            " cancel_requested, message, error_code, result, queued_at) SELECT gen_random_uuid(), 'study', '{}', 'FAILED',"
            " (SELECT min(id) FROM access_user), 'steward', '', 0, 0, false, %s, 'x', '{}', %s RETURNING uuid",
            [next(iter(secrets)), datetime.now(UTC)],
        ).fetchone()
    assert job
    common = {
        "area": other, "own_area": own, "top": str(persons[0][0]).split(".")[0], "person": str(foreigner[1]), "household": str(foreigner[4]),
        "number": number, "name": str(foreigner[2]), "short_name": str(foreigner[2]).split()[0], "own_name": str(ours[0][2]),
        "own_number": min(our_numbers), "own_household": str(ours[0][4]), "recipient": str(recipient[0][0]),
        "benefit": str(listed[2]), "source": str(listed[1]), "finding": str(finding[0][0]), "job": str(job[0]),
        "quarantined": str(quarantined[0][0]) if quarantined else "1", "folder": str(made.folder), "contract": "code: x",
        "repository": str(REPOSITORY), "score": str(score[0][0]),
    }  # fmt: skip
    for user in ("registrar", "officer", "analyst", "nobody"):
        made.things[user] = common
    header, *lines = (made.folder / "persons.csv").read_text().splitlines()
    theirs = {str(row[4]) for row in others}
    (made.folder / "other-persons.csv").write_text(
        "\n".join([header, *[line.replace(",1,", ",2,", 1) for line in lines if line.split(",")[0] in theirs], ""])
    )
    text = next(made.folder.glob("zakat*.csv")).read_bytes()
    (made.folder / "other-list.csv").write_bytes(text + b"\n")
    (made.folder / "survey.csv").write_text(
        "".join(["w,nid\n", *[f"1,{n}\n" for n in sorted(our_numbers)[:5]], f"1,{number}\n"])
    )
    (made.folder / "other-corrections.csv").write_text(f"row,raw\n{common['quarantined']},mine\n")


def _district(path: str) -> str:
    """Return the district of a path such as `PK.PK2.PK201.`."""
    return path.split(".")[2] if len(path.split(".")) > 3 else ""


def _is_telling(name: str) -> bool:
    return len(name) >= 8 and " " in name


def _secrets(people: list[tuple[object, ...]], known: set[str]) -> dict[str, str]:
    out: dict[str, str] = {}
    for row in people:
        for value, kind in ((str(row[2]), "name"), (str(row[3]), "native name")):
            if _is_telling(value) and not any(value in other for other in known):
                out[value] = kind
        if str(row[4]) not in known:
            out[str(row[4])] = "household"
    return out


def _number_secrets(theirs: set[str], ours: set[str]) -> dict[str, str]:
    masked = {mask(number) for number in ours}
    out = dict.fromkeys(theirs - ours, "number")
    return out | {mask(number): "masked number" for number in theirs if mask(number) not in masked}


def _users(made: World, database: str) -> None:
    """Make the three who look, each with a password to sign in by."""
    from django.db import connection

    from khana.access import services as access

    kept = dict(connection.settings_dict)
    close_pool(connection)
    owner = embedded.connection_parameters("owner")
    connection.settings_dict.update(USER=owner["user"], PASSWORD=owner["password"], NAME=database, OPTIONS={})
    try:
        for name, role, area, agency in (
            ("registrar", "registrar", made.things["registrar"]["own_area"], ""),
            ("officer", "programme_officer", "", "Federal income support agency"),
            ("analyst", "analyst", "", ""),
        ):
            user = access.add_user(
                username=name, display_name=name, role=role, area_code=area, agency=agency, password=PASSWORD,
                second_factor=False, at=datetime.now(UTC),
            )  # fmt: skip
            made.tokens[name] = user.token
    finally:
        close_pool(connection)
        connection.settings_dict.clear()
        connection.settings_dict.update(kept)


def text_of(content: bytes) -> str:
    """Return everything that a file or page says; a workbook and a Parquet file are opened."""
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "\n".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
    if content[:4] == b"PAR1":
        import pyarrow.parquet as pq

        return json.dumps(pq.read_table(io.BytesIO(content)).to_pylist(), default=str, ensure_ascii=False)
    return content.decode("utf-8", "replace")


def ask(client: Client, request: str, things: dict[str, str], token: str = "") -> tuple[int, str, str]:
    """Make one request of the table; return status, text and what was asked."""
    verb, target, *fields = request.format(**things).split(" ") if " text=" not in request else request.split(" ")
    target = target.format(**things)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if verb == "GET":
        path, _, query = request.removeprefix("GET ").format(**things).partition("?")
        data = dict(part.split("=", 1) for part in query.split("&") if part)
        response = client.get(path, data, headers=headers)
        target = f"{path}?{query}"
    else:
        data = dict(part.format(**things).split("=", 1) for part in fields)
        response = client.post(target, data, headers=headers)
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return response.status_code, text_of(content) + json.dumps(dict(response.headers)), target


def sign_in(user: str) -> Client:
    client = Client()
    response = client.post("/sign-in", {"username": user, "password": PASSWORD})
    assert response.status_code == 302, response.content
    return client


@pytest.mark.parametrize("user", ["registrar", "officer", "analyst"])
def test_pages_and_operations(world: World, user: str) -> None:
    client, met, served = sign_in(user), [], 0
    for name, requests in PAGES.items():
        token = world.tokens[user] if name.startswith(("api-v1:", "odk:", "dci:")) else ""
        for request in requests:
            status, text, asked = ask(client, request, world.things[user], token)
            assert status < 500 and status != 429, (request, status, text[:400])
            served += status == 200
            met += [(request, status, thing) for thing in world.found(user, text, asked)]
    assert met == []
    assert served >= 8, "she sees what is hers"


def test_the_registrar_does_see_her_own(world: World) -> None:
    client, things = sign_in("registrar"), world.things["registrar"]
    status, text, _ = ask(client, "GET /household/{own_household}", things)
    assert (status, things["own_name"] in text) == (200, True)
    for request in ("GET /person/{person}", "GET /household/{household}"):
        assert ask(client, request, things)[0] == 404
    for person in sorted(world.ids["registrar"])[:40]:
        assert client.get(f"/person/{person}").status_code == 404


def test_nobody_gets_no_further_than_the_door(world: World) -> None:
    for name, requests in PAGES.items():
        for request in requests:
            status, text, asked = ask(Client(), request, world.things["nobody"])
            if name in PUBLIC:
                assert status in ((403,) if name == "passkey" else (200, 302)), (request, status)
            elif name.startswith("api-v1:"):
                assert status in (401, 404), (request, status)
            elif name.startswith("odk"):
                assert status in (400, 401, 403), (request, status)
            elif name.startswith("ogc:"):
                assert status in ((200, 404) if name == "ogc:item" else (200,)), (request, status)
            elif name.startswith("dci:"):
                is_public = name in ("dci:jwks", "dci:locations")
                assert status in ((200,) if is_public else (400, 401, 405)), (request, status)
            else:
                assert status == 302 and "/sign-in" in text, (request, status)
            assert world.found("nobody", text, asked) == [], request


def test_a_session_that_ended_opens_nothing(world: World) -> None:
    client = sign_in("registrar")
    assert client.get("/look-up").status_code == 200
    cookies = dict(client.cookies)
    assert client.post("/sign-out").status_code in (200, 302)
    again = Client()
    for name, morsel in cookies.items():
        again.cookies[name] = morsel.value
    assert again.get("/look-up").status_code == 302


@pytest.mark.parametrize("user", ["registrar", "officer", "analyst"])
def test_commands(world: World, user: str) -> None:
    allowed = ("deliveries_", "platform_", "audit_event", "beneficiaries_source", "access_session")
    before = {t: s for t, s in state(world.database).items() if not t.startswith(allowed)}
    met, ended = [], {}
    for command, lines in COMMANDS.items():
        for line in lines:
            words = [*command.split(), *line.format(**world.things[user]).split()]
            for as_json in (
                ((), ("--json",)) if command in ("report", "sources study", "explain", "quarantine list") else ((),)
            ):
                done = world.commands.run(*words, *as_json, database=world.database, token=world.tokens[user])
                assert done.code in (0, 10, 11, 12, 13), (words, done.code, done.err)
                assert "Traceback" not in done.err
                ended[" ".join(words[:2])] = done.code
                shown = done.out + done.err
                for path in world.folder.glob("out-*"):
                    shown += text_of(path.read_bytes())
                    path.unlink()
                met += [(words, thing) for thing in world.found(user, shown, " ".join(words))]
    assert met == []
    after = {t: s for t, s in state(world.database).items() if not t.startswith(allowed)}
    hers = {
        "registrar": {"registry_householdversion", "identity_verification", "identity_familycheck"},
        "analyst": {
            "assessment_modelversion",
            "assessment_activation",
            "assessment_scenario",
            "assessment_snapshot",
            "monitoring_publication",
        },
        "officer": {
            "assessment_scenario",
            "beneficiaries_enrolment",
            "beneficiaries_statechange",
            "beneficiaries_graduation",
            "beneficiaries_answer",
            "programmes_quota",
        },
    }
    assert {t for t in after if after[t] != before[t]} <= hers.get(user, set())
    assert {ended[c] for c in ("users add", "users list", "audit verify", "consolidate")} == {13}


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
