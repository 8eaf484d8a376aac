"""Every sentence of the pages stands in Urdu and Bangla, with the same places for values."""

from __future__ import annotations

import re

import pytest

from khana.interfaces.web import messages
from khana_methods.overlap.finding_codes import load_finding_codes

PLACES = re.compile(r"%\(\w+\)s")


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_nothing_is_untranslated(language: str) -> None:
    assert messages.untranslated(language) == []


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_values_keep_their_places(language: str) -> None:
    wrong = []
    for message in messages.read(language):
        if not message.id:
            continue
        asked = [message.id] if isinstance(message.id, str) else list(message.id)
        given = [message.string] if isinstance(message.string, str) else list(message.string)
        pairs = zip(asked, given, strict=True)
        wrong += [one for one, text in pairs if set(PLACES.findall(text)) != set(PLACES.findall(one))]
    assert wrong == []


def test_finding_codes_speak_every_language_of_the_pages() -> None:
    for code in load_finding_codes().values():
        assert all(code.title[language] for language in ("en", *messages.LANGUAGES))


def test_the_collector_finds_what_templates_and_modules_say() -> None:
    found = {text if isinstance(text, str) else text[0] for _, text in messages.collect()}
    assert {"Sign in", "Open the row", "Number missing"} & found == {"Sign in", "Open the row"}
    assert len(found) > 250
