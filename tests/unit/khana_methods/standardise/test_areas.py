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


def test_a_list_of_an_older_vintage() -> None:
    """Nawabshah was renamed in 2008; Hub left Lasbela in 2022; one old district may have become two."""
    older = AreaResolver(
        [
            AreaName("S", 1, "", ("Sindh",)),
            AreaName("B", 1, "", ("Balochistan",)),
            AreaName("S1", 2, "S", ("Shaheed Benazirabad",), ("Nawabshah",)),
            AreaName("S2", 2, "S", ("Sanghar",)),
            AreaName("B1", 2, "B", ("Lasbela",)),
            AreaName("B2", 2, "B", ("Hub",)),
            AreaName("B21", 3, "B2", ("Hub",), (), ("B1",)),
            AreaName("B22", 3, "B2", ("Gaddani",), (), ("B1",)),
            AreaName("K", 1, "", ("Khyber Pakhtunkhwa",)),
            AreaName("K1", 2, "K", ("Upper South Waziristan",), ("South Waziristan Agency", "South Waziristan")),
            AreaName("K2", 2, "K", ("Lower South Waziristan",), ("South Waziristan Agency", "South Waziristan")),
            AreaName("K11", 3, "K1", ("Ladha",)),
            AreaName("K21", 3, "K2", ("Wana",)),
        ]
    )
    assert older.resolve(("Sindh", "Nawab Shah")) == AreaMatch("S1", 2, "OK", 0.9)
    assert older.resolve(("Balochistan", "Lasbela", "Hub")).code == "B21"
    assert older.resolve(("Balochistan", "Hub", "Hub")).code == "B21"
    assert older.resolve(("Sindh", "Sanghar", "Gaddani")).code == "S2", "Gaddani never lay in Sanghar"
    assert older.resolve(("Khyber Pakhtunkhwa", "South Waziristan", "Wana")).code == "K21"
    assert older.resolve(("Khyber Pakhtunkhwa", "South Waziristan Agency")).code == "K", (
        "either of two: the one above stays"
    )
