"""Names: spelling classes, particles, attributes, three scripts, and the original untouched."""

from __future__ import annotations

import doctest

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from khana_methods.standardise import names, scripts, spelling
from khana_methods.standardise.names import name_columns, person_name
from khana_methods.standardise.spelling import fold, skeleton

# Domain report 7.3: variants of one name.
CLASSES = (
    "haque hoque huq haq",
    "chowdhury choudhury chaudhury chaudhry",
    "talukdar talukder",
    "mondol mandal",
    "siddique siddiqui siddiky",
    "rahman rahaman rehman",
    "hossain hussain hosain husain",
    "sarkar sarker",
    "miah mia",
    "mohammad mohammed muhammad md mohd",
    "mst mosammat mossammat most",
    "akter akhter akhtar",
    "begum begam",
    "khatun khatoon",
)


def test_doctests() -> None:
    for module in (names, spelling, scripts):
        told = doctest.testmod(module)
        assert told.attempted and told.failed == 0


@pytest.mark.parametrize("words", CLASSES)
def test_variants_are_one_class(words: str) -> None:
    assert len({fold(word) for word in words.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("hasan", "hussain"), ("karim", "kareema"), ("ali", "alam"), ("rashid", "rasul")]
)
def test_different_names_stay_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    "spellings",
    [
        ("Nasiruddin", "Nasir Uddin", "Nasir ud Din", "Nasir-ud-Din", "NASIR UD DEEN"),
        ("Asadullah", "Asad Ullah", "Asad ullah"),
        ("Azizur Rahman", "Aziz Ur Rehman", "Aziz-ur-Rahman"),
        ("Ziaul Haque", "Zia ul Haq", "Zia-ul-Huq"),
        ("Abdur Rahman", "Abdul Rehman", "Abdurrahman", "Abdul-Rahman"),
        ("Md. Rafiqul Islam", "Mohammad Rafiqul Islam", "MD RAFIQUL ISLAM"),
        ("Rahima Begum", "Mst. Rahima Begam", "Mosammat Rahima Begum"),
    ],
)
def test_spellings_meet(spellings: tuple[str, ...]) -> None:
    assert len({person_name(text).key for text in spellings}) == 1


@pytest.mark.parametrize(
    ("latin", "native"),
    [
        ("Shamim Mai", "شمیم مائی"),
        ("Aziz ur Rehman", "عزیز الرحمن"),
        ("Abdul Rehman", "عبدالرحمن"),
        ("Naseer ud Din", "نصیر الدین"),
        ("Nasir Uddin", "নাসির উদ্দিন"),
        ("Md. Abdur Rahman", "মোঃ আব্দুর রহমান"),
        ("Rahima Khatun", "রহিমা খাতুন"),
        ("Shirin Sharmin Chaudhury", "শিরীন শারমিন চৌধুরী"),
        ("Fazlul Haque Amini", "ফজলুল হক আমিনী"),
        ("Mizanur Rahman Chowdhury", "মিজানুর রহমান চৌধুরী"),
        ("Obaidul Quader", "ওবায়দুল কাদের"),
        ("Rowshan Ershad", "রওশন এরশাদ"),
        ("Ramesh Chandra Sen", "রমেশ চন্দ্র সেন"),
        ("Abul Hassan Mahmud Ali", "আবুল হাসান মাহমুদ আলী"),
        ("Khurshid Jahan Haque", "খুরশীদ জাহান হক"),
        ("Meher Afroz Chumki", "মেহের আফরোজ চুমকি"),
        ("Humayun Rashid Choudhury", "হুমায়ূন রশীদ চৌধুরী"),
        ("Mir Quasem Ali", "মীর কাসেম আলী"),
        ("Syed Mohsin Ali", "সৈয়দ মহসিন আলী"),
        ("Zafarullah Khan Jamali", "জাফরুল্লাহ খান জামালি"),
        ("Hamid-ul-Haq", "হামিদ-উল-হক"),
        ("Nizamuddin", "নিজামউদ্দিন"),
        ("Shyamal Biswas", "শ্যামল বিশ্বাস"),
        ("Swapna Rani", "স্বপ্না রানী"),
        ("Dwijen Sharma", "দ্বিজেন শর্মা"),
        ("Chand Mia", "চাঁদ মিয়া"),
        ("Uma Shankar", "উমা শংকর"),
        ("Uma Shankar", "উমা শঙ্কর"),
        ("Khawaja Saad Rafique", "خواجہ سعد رفیق"),
        ("Mahmood Khan Achakzai", "محمود خان اچکزئی"),
        ("Ghulam Ahmad Bilour", "غلام احمد بلور"),
        ("Sardar Ayaz Sadiq", "سردار اياز صادق"),
        ("Ameen Faheem", "امين فھيم"),
        ("Zafarullah Khan Jamali", "ظفرالله خان جمالی"),
        ("Shah Mehmood Qureshi", "شاہ محمود قریشی"),
        ("Ayesha Gulalai Wazir", "عائشہ گلالئی وزیر"),
        ("Murtaza Javed Abbasi", "مرتضیٰ جاوید عباسی"),
        ("Zulfiqar Ali", "ذوالفقار علی"),
        ("Mumtaz Buriro", "ممتاز برڑو"),
        ("Muhammad Ilyas", "محمد الیاس"),
        ("Zaibunnisa", "زیب النساء"),
        ("Abdullah", "عبداللہ"),
        ("Abul Kalam Azad", "ابو الکلام آزاد"),
        ("Abul Kalam Azad", "আবুল কালাম আজাদ"),
        ("Abul Hasanat Abdullah", "ابو الحسنات عبد اللہ"),
        ("A.K.M. Bahauddin", "آے کے ایم بہاؤ الدین"),
        ("AKM Shahjahan Kamal", "এ কে এম শাহজাহান কামাল"),
        ("Asaduzzaman Khan", "اسد الزمان خان"),
        ("Asaduzzaman Khan", "আসাদুজ্জামান খাঁন"),
        ("Ataur Rahman Khan", "আতাউর রহমান খান"),
        ("Mahbubul Alam Hanif", "মাহবুবউল আলম হানিফ"),
        ("Md. Anwarul Azim", "محمد انوار العظیم"),
        ("Hafizur Rahman", "হাফিজুর রহমান"),
        ("Hafiz Ahmed Majumder", "হাফিজ আহমেদ মজুমদার"),
        ("Hafiz Abdul Kareem", "حافظ عبدالکریم"),
        ("Hasan Imam Khan", "মোহাম্মদ হাছান ইমাম খাঁন"),
        ("Salim Uddin Tarafder", "ছলিম উদ্দীন তরফদার"),
        ("Mosharraf Hossain", "মোশাররফ হোসেন"),
        ("Tanveer Imam", "তানভীর ইমাম"),
        ("Mohammed Amanullah", "মোহাম্মদ আমানউল্লাহ"),
        ("Sayedul Haque", "ছায়েদুল হক"),
        ("Enamul Hoque Mostofa Shaheed", "এনামুল হক মোস্তফা শহীদ"),
        ("Nurunnabi Chowdhury", "نور النبی چودھری"),
        ("Ashrafunnesa", "Ashrafun Nessa"),
        ("Sheikh Afil Uddin", "Sk. Afil Uddin"),
        ("Muhammad Arif Chaudhry", "Muhammad Arif Ch"),
        ("Makhdoom Amin Fahim", "امین فہیم"),
        ("Zulfiqar Ali Bhatti", "ذو الفقار علی بھٹی"),
        ("Junaid Akbar", "জুনায়েদ আকবর"),
        ("Iqbal Muhammad Ali Khan", "ইকবাল মহম্মদ আলী খান"),
    ],
)
def test_skeletons_meet_across_scripts(latin: str, native: str) -> None:
    assert person_name(latin).skeleton == person_name(native).skeleton


@pytest.mark.parametrize(
    ("text", "call_name", "core"),
    [
        ("Hafizur Rahman", "hafij", "hafij rahman"),  # a title nowhere
        ("Shahid Uddin", "shahid", "din shahid"),
        ("Abdul Malik Khan", "abdul malik", "abdul malik"),
        ("Mamun Rahman", "mamun", "mamun rahman"),  # no article: it would be Mamur
        ("Firoz Alam", "firuj", "alam firuj"),
        ("Gul Hasan", "gul", "gul hasan"),
        ("Abu Sayed", "abu", "abu syed"),
        ("Abu Md. Saleh", "abu", "abu sali"),
        ("Muhammad Din", "muhammad", "din muhammad"),
        ("Syed Abu Hossain", "abu", "abu husain"),
    ],
)
def test_halves_of_a_name_are_no_titles_and_whole_names_no_halves(text: str, call_name: str, core: str) -> None:
    assert (person_name(text).call_name, person_name(text).core) == (call_name, core)


def test_attributes_are_kept() -> None:
    name = person_name("Alhaj Md. A.K.M. Fazlul Haque Chowdhury (Retd.)")
    assert name.original == "Alhaj Md. A.K.M. Fazlul Haque Chowdhury (Retd.)"
    assert name.prefixes == ("MUHAMMAD",)
    assert set(name.titles) == {"HAJI", "RETIRED"}
    assert name.initials == ("a", "k", "m")
    assert name.courtesy == ("CHAUDHRY",)
    assert name.call_name == "fajl"


@pytest.mark.parametrize("text", ["", " ", "?", "---", "12"])
def test_nothing_to_read(text: str) -> None:
    name = person_name(text)
    assert (name.key, name.script) == ("", "")
    assert name.original == text


@pytest.mark.parametrize("text", ["M", "Md", "Begum", "Haji", "محمد", "মোঃ"])
def test_a_name_of_one_attribute_is_still_a_name(text: str) -> None:
    assert person_name(text).key != ""


def test_columns_keep_order_and_originals() -> None:
    texts = ["Rehman", "", "রহমান", "Rehman"]
    table = name_columns(pa.array(texts))
    assert table.column("original").to_pylist() == texts
    assert table.column("script").to_pylist() == ["latin", "", "bangla", "latin"]
    assert name_columns(pa.array([], pa.string())).num_rows == 0


@given(st.text(max_size=40))
def test_any_text_is_read_and_kept(text: str) -> None:
    name = person_name(text)
    assert name.original == text
    assert len(name.key.split()) == len(name.key.split(" ")) or name.key == ""


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12))
def test_skeleton_has_no_inner_vowel(word: str) -> None:
    assert not set(skeleton(word)[1:]) & set("aeiouwvyh")


# Names of public persons as newspapers, encyclopaedias and book covers spell them; one row a person.
_PUBLIC = (
    (
        "Yousaf Raza Gillani",
        "Yusuf Raza Gilani",
        "Yousuf Raza Gilani",
        "Yousaf Raza Geelani",
        "Syed Yousuf Raza Gillani",
    ),
    ("A. K. Fazlul Huq", "A K Fazlul Haque", "Fazl-ul-Haq", "Fazlul Haq"),
    ("Abdus Salam", "Abdul Salam", "Abdussalam", "Mohammad Abdus Salam"),
    ("Kazi Nazrul Islam", "Qazi Nazrul Islam", "Kazi Nozrul Islam"),
    (
        "Huseyn Shaheed Suhrawardy",
        "Hussain Shaheed Suhrawardy",
        "Hussein Shaheed Suhrawardi",
        "Hossain Shaheed Sohrawardi",
    ),
    ("Nawaz Sharif", "Nawaz Shareef", "Mian Nawaz Sharif", "Muhammad Nawaz Sharif", "نواز شریف"),
    ("Benazir Bhutto", "Benazeer Bhutto", "Bénazir Bhutto", "بینظیر بھٹو"),
    ("Ziaur Rahman", "Zia ur Rahman", "Zia-ur-Rehman", "Ziaur Rehman"),
    ("Tajuddin Ahmad", "Tajuddin Ahmed", "Taj Uddin Ahmed", "Taj-ud-Din Ahmad"),
    ("Liaquat Ali Khan", "Liaqat Ali Khan", "Liyaqat Ali Khan", "Liaquat Ali", "لیاقت علی خان"),
    (
        "Iftikhar Muhammad Chaudhry",
        "Iftikhar Mohammad Chaudhary",
        "Iftikhar Chowdhury",
        "Iftekhar Chaudhry",
        "Iftikhar Choudhry",
    ),
    ("Sheikh Hasina", "Shaikh Hasina", "Sheikh Haseena", "শেখ হাসিনা"),
    ("Muhammad Yunus", "Mohammad Younus", "Md. Yunus", "Mohammed Yunis", "মুহাম্মদ ইউনূস"),
    ("Zulfikar Ali Bhutto", "Zulfiqar Ali Bhutto", "Zulfeqar Ali Bhutto", "ذوالفقار علی بھٹو"),
    ("Pervez Musharraf", "Parvez Musharraf", "Pervaiz Musharaf", "Perwez Musharraf"),
    ("Fatima Jinnah", "Fatimah Jinnah", "Fathima Jinnah", "فاطمہ جناح"),
    ("Nusrat Fateh Ali Khan", "Nusrat Fatih Ali Khan", "Ustad Nusrat Fateh Ali Khan"),
    ("Malala Yousafzai", "Malala Yusufzai", "Malala Yousufzai"),
    ("Ayub Khan", "Ayyub Khan", "Ayoub Khan", "Mohammad Ayub Khan"),
    ("Begum Rokeya", "Begum Rokheya", "Begum Rokea", "Roquia Begum"),
    ("Sheikh Mujibur Rahman", "Shaikh Mujib-ur-Rahman", "Sheikh Mujibur Rehman", "Mujibur Rahman"),
    ("Shaikh Abdullah", "Sheikh Abdulla", "Sheikh Abdullah"),
    ("Mamnoon Hussain", "Mamnun Hussain", "Mamnoon Husain", "Mamnoon Hussein"),
    ("Tariq Jameel", "Tariq Jamil", "Tarique Jamil", "Maulana Tariq Jamil"),
)


@pytest.mark.parametrize("spellings", _PUBLIC, ids=lambda spellings: spellings[0])
def test_public_spellings_of_one_name_agree(spellings: tuple[str, ...]) -> None:
    first, *others = map(person_name, spellings)
    for other in others:
        assert first.key == other.key or first.core == other.core or first.skeleton == other.skeleton, other.original


def test_public_names_of_different_people_stay_apart() -> None:
    names = [person_name(spellings[0]) for spellings in _PUBLIC]
    assert len({name.skeleton for name in names}) == len(names)
    assert len({name.key for name in names}) == len(names)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("কাসেেম আলী", "কাসেম আলী"), ("আক্তাার", "আক্তার"), ("হুমা\u09af\u09bcুন", "হুমা\u09dfুন"), ("র\u200d্যাব", "র্যাব")],
)
def test_bangla_that_a_keyboard_broke_is_read_and_kept(typed: str, meant: str) -> None:
    read = person_name(typed)
    assert read.original == typed
    assert (read.key, read.skeleton) == (person_name(meant).key, person_name(meant).skeleton)


def test_attributes_in_spellings_of_bangla_that_no_table_has() -> None:
    assert person_name("মোহাম্মেদ আলী").prefixes == ("MUHAMMAD",)
    assert person_name("রহিমা বেগাম").courtesy == ("BEGUM",)
    assert person_name("মাহমুদ আলী").prefixes == ()


def test_names_of_one_script_stay_apart() -> None:
    told = ["রহিমা", "রহমান", "হাসান", "হোসেন জাহান", "শাহিনা", "سلمیٰ", "سلیم رضا", "نسیمہ ناز", "نسرین"]
    assert len({person_name(text).skeleton for text in told}) == len(told)


@given(st.text(alphabet="কখগঘঙচযরলশসহমবদতাি ীুূেোৌ়্ংঃঁৎ\u200d\u200c\u09df\u09dc", max_size=24))
def test_any_bangla_is_read_and_kept(text: str) -> None:
    name = person_name(text)
    assert name.original == text
    assert not set("".join(skeleton(word)[1:] for word in name.key.split())) & set("aeiouwvyh")
