"""Area names: tolerant of spelling, silent where two areas could be meant."""

from __future__ import annotations

from khana_methods.standardise.areas import AreaMatch, AreaName, AreaResolver

AREAS = AreaResolver(
    [
        AreaName("C", 0, "", ("Country",)),
        AreaName("C1", 1, "C", ("Khyber Pakhtunkhwa", "KP", "خیبر پختونخوا")),
        AreaName("C2", 1, "C", ("Punjab", "پنجاب")),
        AreaName("C11", 2, "C1", ("Lower Chitral", "Chitral Lower", "Chitral")),
        AreaName("C12", 2, "C1", ("Upper Chitral", "Chitral")),
        AreaName("C13", 2, "C1", ("Nowshera", "نوشہرہ")),
        AreaName("C14", 2, "C1", ("Kachhi",)),
        AreaName("C21", 2, "C2", ("Gujranwala",)),
        AreaName("C22", 2, "C2", ("Gujrat",)),
        AreaName("C23", 2, "C2", ("Dera Ghazi Khan", "DG Khan")),
        AreaName("C121", 3, "C12", ("Mastuj",)),
        AreaName("C221", 3, "C22", ("Kharian",)),
        AreaName("C211", 3, "C21", ("Town-I",)),
        AreaName("C212", 3, "C21", ("Town-II",)),
    ]
)


def code(*names: str) -> str:
    return AREAS.resolve(names).code


def test_spellings_of_offices() -> None:
    assert code("K.P", "Naushera") == code("خیبر پختونخوا", "نوشہرہ") == code("", "NOWSHERA ") == "C13"
    assert code("Punjab", "Gujran Wala") == code("", "Distt. Gujranwala") == "C21"
    assert code("", "Kachhi (Bolan)") == code("", "Kachi") == "C14"
    assert code("", "D.G Khan") == code("", "D. G. KHAN") == code("", "Dera Gazi Khan") == "C23"
    assert code("", "Chitral, Lower") == "C11"


def test_slips_of_the_pen() -> None:
    assert code("", "Gujart", "Kharain") == "C221"


def test_a_name_that_two_areas_bear_is_not_guessed() -> None:
    assert AREAS.resolve(("KP", "Chitral")) == AreaMatch("C1", 1, "PARTIAL", 1.0)
    assert code("Punjab", "Gujranwala", "Town-IIv") == "C21"


def test_the_name_below_settles_it() -> None:
    assert code("KP", "Chitral", "Mastuj") == "C121"


def test_a_row_that_contradicts_itself_stays_above() -> None:
    assert AREAS.resolve(("Punjab", "Nowshera")) == AreaMatch("C2", 1, "PARTIAL", 1.0)
    assert code("Punjab", "Nowshera", "Kharian") == "C2"


def test_nothing_and_nonsense() -> None:
    assert AREAS.resolve(("", "", "")).state == "MISSING"
    assert AREAS.resolve(("", "Atlantis")) == AreaMatch("", 0, "UNKNOWN", 0.0)


def test_ancestors() -> None:
    assert (AREAS.ancestor("C221", 2), AREAS.ancestor("C2", 2), AREAS.has_code("C9")) == ("C22", "", False)
