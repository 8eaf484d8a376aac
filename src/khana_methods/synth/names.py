"""Common Urdu and Bangla names for invented people, romanised in more than one way and in their own script.

A person's name is one index into a table of combinations (given name x second name); the
table holds three Latin spellings and the native one, so that a million names are four look-ups.
The lists are ordinary vocabulary written for this generator; no register was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

_PAK_MEN = """Muhammad|Mohammad|محمد;Ahmed|Ahmad|احمد;Ali|Aly|علی;Hassan|Hasan|حسن;Hussain|Husain|حسین;Abdullah|Abdulla|عبداللہ
Imran|Emran|عمران;Bilal|Belal|بلال;Usman|Osman|عثمان;Umar|Omar|عمر;Khalid|Khaled|خالد;Tariq|Tareq|طارق;Rashid|Rasheed|راشد
Javed|Jawed|جاوید;Iqbal|Eqbal|اقبال;Akram|Ikram|اکرم;Aslam|Islam|اسلم;Saleem|Salim|سلیم;Naeem|Naim|نعیم;Waseem|Wasim|وسیم
Kashif|Kaashif|کاشف;Asif|Aasif|آصف;Arif|Aarif|عارف;Yousaf|Yusuf|یوسف;Ismail|Ismaeel|اسماعیل;Ibrahim|Ebrahim|ابراہیم;Idrees|Idris|ادریس
Ilyas|Elyas|الیاس;Ishaq|Ishaque|اسحاق;Yaqoob|Yakub|یعقوب;Zubair|Zubayr|زبیر;Zahid|Zaahid|زاہد;Shahid|Shaheed|شاہد;Sajid|Saajid|ساجد
Majid|Maajid|ماجد;Wajid|Wajed|واجد;Nasir|Naseer|ناصر;Yasir|Yaser|یاسر;Amir|Aamir|عامر;Umair|Omair|عمیر;Hamza|Hamzah|حمزہ
Faisal|Faysal|فیصل;Fahad|Fahd|فہد;Adnan|Adnaan|عدنان;Kamran|Kaamran|کامران;Rizwan|Rizvan|رضوان;Irfan|Erfan|عرفان;Sohail|Suhail|سہیل
Shakeel|Shakil|شکیل;Jameel|Jamil|جمیل;Aqeel|Aqil|عقیل;Nadeem|Nadim|ندیم;Shafiq|Shafeeq|شفیق;Rafiq|Rafeeq|رفیق;Latif|Lateef|لطیف
Karim|Kareem|کریم;Rahim|Raheem|رحیم;Hameed|Hamid|حمید;Majeed|Majid|مجید;Waheed|Wahid|وحید;Ghulam|Gulam|غلام;Sher|Shair|شیر
Gul|Gull|گل;Noor|Nur|نور;Taj|Taaj|تاج;Fazal|Fazl|فضل;Dost|Dosst|دوست;Allah|Alla|اللہ;Pir|Peer|پیر;Mir|Meer|میر"""
_PAK_MEN_SECOND = """Khan|Khaan|خان;Ahmed|Ahmad|احمد;Ali|Aly|علی;Hussain|Hussein|حسین;Iqbal|Eqbal|اقبال;Akhtar|Akhter|اختر
Mahmood|Mehmood|محمود;Bakhsh|Bux|بخش;Nawaz|Navaz|نواز;Raza|Rza|رضا;Abbas|Abas|عباس;Haider|Hyder|حیدر;Malik|Malek|ملک
Butt|But|بٹ;Shah|Shaah|شاہ;Qureshi|Quraishi|قریشی;Ansari|Ansaari|انصاری;Mughal|Moghal|مغل;Baloch|Balouch|بلوچ;Jan|Jaan|جان
Din|Deen|دین;Rehman|Rahman|رحمان;Siddique|Siddiq|صدیق;Farooq|Faruq|فاروق;Anwar|Anwer|انور;Rafi|Rafee|رفیع;Zaman|Zamaan|زمان;Gul|Gull|گل"""
_PAK_WOMEN = """Fatima|Fatimah|فاطمہ;Ayesha|Aisha|عائشہ;Zainab|Zenab|زینب;Maryam|Mariam|مریم;Khadija|Khadeeja|خدیجہ;Amina|Aamina|آمنہ
Saima|Saimah|صائمہ;Sadia|Saadia|سعدیہ;Nadia|Nadiya|نادیہ;Shazia|Shaziya|شازیہ;Razia|Raziya|رضیہ;Nazia|Naziya|نازیہ;Rabia|Rabiya|رابعہ
Sobia|Sobiya|ثوبیہ;Asma|Asmaa|اسماء;Uzma|Ozma|عظمیٰ;Huma|Homa|ہما;Hina|Henna|حنا;Sana|Sanaa|ثناء;Iqra|Eqra|اقراء
Bushra|Boshra|بشریٰ;Farzana|Farzaana|فرزانہ;Rukhsana|Ruksana|رخسانہ;Shabana|Shabaana|شبانہ;Rehana|Raihana|ریحانہ;Sultana|Sultaana|سلطانہ
Parveen|Perveen|پروین;Nasreen|Nasrin|نسرین;Yasmeen|Yasmin|یاسمین;Shaheen|Shahin|شاہین;Tahira|Taahira|طاہرہ;Zahida|Zaahida|زاہدہ
Sajida|Saajida|ساجدہ;Shahida|Shaahida|شاہدہ;Khalida|Khaleda|خالدہ;Naseem|Nasim|نسیم;Shamim|Shameem|شمیم;Kausar|Kosar|کوثر
Zubaida|Zobaida|زبیدہ;Hameeda|Hamida|حمیدہ;Rasheeda|Rashida|رشیدہ;Jameela|Jamila|جمیلہ;Salma|Salmaa|سلمیٰ;Naheed|Nahid|ناہید
Robina|Rubina|روبینہ;Samina|Sameena|ثمینہ;Shakeela|Shakila|شکیلہ;Irshad|Ershad|ارشاد;Gulshan|Golshan|گلشن;Noor|Nur|نور
Mumtaz|Momtaz|ممتاز;Bakht|Bakhat|بخت;Zarina|Zareena|زرینہ;Sakina|Sakeena|سکینہ;Hafsa|Hafza|حفصہ;Areeba|Ariba|اریبہ"""
_PAK_WOMEN_SECOND = """Bibi|Bi Bi|بی بی;Begum|Begam|بیگم;Khatoon|Khatun|خاتون;Parveen|Perveen|پروین;Akhtar|Akhter|اختر;Batool|Batul|بتول
Sultana|Sultaana|سلطانہ;Kausar|Kosar|کوثر;Yasmeen|Yasmin|یاسمین;Naz|Naaz|ناز;Jan|Jaan|جان;Mai|Maee|مائی;Fatima|Fatimah|فاطمہ
Zahra|Zehra|زہرا;Noreen|Naureen|نورین;Shaheen|Shahin|شاہین;Tabassum|Tabasum|تبسم;Gul|Gull|گل;Kanwal|Kanwel|کنول;Rani|Raani|رانی"""
_BGD_MEN = """Abdul|Abdool|আব্দুল;Rahim|Raheem|রহিম;Karim|Kareem|করিম;Jamal|Jamaal|জামাল;Kamal|Kamaal|কামাল;Rafiqul|Rofiqul|রফিকুল
Shafiqul|Shofiqul|শফিকুল;Nurul|Noorul|নুরুল;Aminul|Ameenul|আমিনুল;Zahirul|Johirul|জহিরুল;Mizanur|Mijanur|মিজানুর;Mahbubur|Mahabubur|মাহবুবুর
Habibur|Hobibur|হাবিবুর;Lutfor|Lutfur|লুৎফর;Motiur|Matiur|মতিউর;Saidur|Sayedur|সাইদুর;Anisur|Anisor|আনিসুর;Siddiqur|Siddikur|সিদ্দিকুর
Mostafizur|Mustafizur|মোস্তাফিজুর;Ashraful|Asraful|আশরাফুল;Saiful|Syful|সাইফুল;Tariqul|Tarikul|তারিকুল;Nazrul|Nojrul|নজরুল;Shahidul|Sahidul|শহিদুল
Monirul|Munirul|মনিরুল;Jahangir|Jahangeer|জাহাঙ্গীর;Alamgir|Alomgir|আলমগীর;Humayun|Homayun|হুমায়ুন;Faruk|Farooq|ফারুক;Babul|Bablu|বাবুল
Sohel|Sohail|সোহেল;Rubel|Rubell|রুবেল;Shamim|Samim|শামীম;Selim|Salim|সেলিম;Masud|Masood|মাসুদ;Liton|Litan|লিটন;Ripon|Ripan|রিপন
Milon|Milan|মিলন;Swapan|Shopon|স্বপন;Tapan|Topon|তপন;Ratan|Roton|রতন;Uttam|Uttom|উত্তম;Bimal|Bimol|বিমল;Nitai|Netai|নিতাই
Gopal|Gopaal|গোপাল;Haripada|Horipod|হরিপদ;Arun|Orun|অরুণ;Kalam|Kolam|কালাম;Idris|Idrish|ইদ্রিস;Yunus|Younus|ইউনুস;Ismail|Ismael|ইসমাইল
Ibrahim|Ebrahim|ইব্রাহিম;Hasan|Hassan|হাসান;Hossain|Hosain|হোসেন;Belal|Bilal|বেলাল;Delwar|Delowar|দেলোয়ার;Monsur|Mansur|মনসুর"""
_BGD_MEN_SECOND = """Rahman|Rohman|রহমান;Islam|Islaam|ইসলাম;Hossain|Hossen|হোসেন;Uddin|Uddeen|উদ্দিন;Ahmed|Ahmmed|আহমেদ;Ali|Aly|আলী
Khan|Kha|খান;Mia|Miah|মিয়া;Sarkar|Sarker|সরকার;Sheikh|Shaikh|শেখ;Molla|Mollah|মোল্লা;Talukdar|Talukder|তালুকদার;Howlader|Hawlader|হাওলাদার
Mondal|Mandal|মণ্ডল;Biswas|Bishwas|বিশ্বাস;Das|Dash|দাস;Roy|Ray|রায়;Pramanik|Paramanik|প্রামাণিক;Bepari|Byapari|বেপারী;Gazi|Gaji|গাজী
Akand|Akondo|আকন্দ;Matubbar|Matbor|মাতুব্বর;Chowdhury|Choudhury|চৌধুরী;Khalil|Kholil|খলিল;Haque|Hoque|হক;Alam|Alom|আলম"""
_BGD_WOMEN = """Fatema|Fatima|ফাতেমা;Ayesha|Aysha|আয়েশা;Khadija|Khodeja|খাদিজা;Rahima|Rohima|রহিমা;Halima|Holima|হালিমা;Amena|Amina|আমেনা
Rokeya|Rokea|রোকেয়া;Jahanara|Jahanaara|জাহানারা;Hasina|Hosina|হাসিনা;Khaleda|Khalida|খালেদা;Rehana|Rihana|রেহানা;Nasima|Nachima|নাসিমা
Shirin|Shireen|শিরিন;Salma|Shalma|সালমা;Parul|Parool|পারুল;Shefali|Sefali|শেফালী;Beauty|Biuty|বিউটি;Lipi|Lippi|লিপি;Ruma|Rumaa|রুমা
Sumi|Shumi|সুমি;Mitu|Meetu|মিতু;Nargis|Nargish|নার্গিস;Tahmina|Tohmina|তাহমিনা;Farida|Forida|ফরিদা;Monowara|Manowara|মনোয়ারা;Anowara|Anwara|আনোয়ারা
Sufia|Sofia|সুফিয়া;Rabeya|Rabea|রাবেয়া;Morjina|Marjina|মর্জিনা;Kulsum|Kolsum|কুলসুম;Sakhina|Sokhina|সখিনা;Jorina|Jarina|জরিনা
Momtaz|Mumtaz|মমতাজ;Nurjahan|Noorjahan|নুরজাহান;Laily|Laili|লাইলী;Shahida|Sahida|শাহিদা;Rashida|Roshida|রাশিদা;Sabina|Shabina|সাবিনা
Asma|Achma|আসমা;Taslima|Toslima|তাসলিমা;Champa|Chompa|চম্পা;Minoti|Minati|মিনতি;Sandhya|Sondha|সন্ধ্যা;Lakshmi|Lokkhi|লক্ষ্মী
Gita|Geeta|গীতা;Rina|Reena|রিনা;Mina|Meena|মিনা;Bina|Beena|বীণা;Sharmin|Sarmin|শারমিন;Sadia|Sadiya|সাদিয়া;Mim|Meem|মীম;Tania|Taniya|তানিয়া"""
_BGD_WOMEN_SECOND = """Begum|Begom|বেগম;Khatun|Khatoon|খাতুন;Akter|Akhter|আক্তার;Bibi|Bebe|বিবি;Khanam|Khanom|খানম;Sultana|Soltana|সুলতানা
Parvin|Parveen|পারভীন;Rani|Ranee|রানী;Bala|Bola|বালা;Yasmin|Yeasmin|ইয়াসমিন;Nesa|Nessa|নেছা;Das|Dash|দাস;Mondal|Mandal|মণ্ডল
Jahan|Jahaan|জাহান;Banu|Banoo|বানু;Ara|Aara|আরা;Islam|Eslam|ইসলাম;Haque|Hoque|হক"""


def _parts(text: str) -> list[tuple[str, str, str]]:
    rows = [part for line in text.splitlines() for part in line.split(";") if part]
    return [(a, b, c) for a, b, c in (row.split("|") for row in rows)]


@dataclass(frozen=True)
class NameBook:
    """Every name that may occur in one country, by index; men come first.

    Attributes:
        men: How many of the names are men's; the rest are women's.
        latin: Three Arrow string arrays: usual spelling, other given name, other second name.
        native: The same names in Urdu or Bangla script.
    """

    men: int
    women: int
    latin: tuple[Any, Any, Any]
    native: Any

    def draw(self, rng: np.random.Generator, female: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return one name index per person; ``female`` is a boolean array."""
        men = (rng.random(female.size) ** 1.3 * self.men).astype(np.int32)
        women = self.men + (rng.random(female.size) ** 1.3 * self.women).astype(np.int32)
        return np.where(female, women, men)


def name_book(country: str) -> NameBook:
    """Build the name table of one country (``pak`` or ``bgd``)."""
    tables = {
        "pak": (_PAK_MEN, _PAK_MEN_SECOND, _PAK_WOMEN, _PAK_WOMEN_SECOND),
        "bgd": (_BGD_MEN, _BGD_MEN_SECOND, _BGD_WOMEN, _BGD_WOMEN_SECOND),
    }[country]
    pairs = [
        (g, s)
        for first, second in ((0, 1), (2, 3))
        for g in _parts(tables[first])
        for s in _parts(tables[second])
        if g[0] != s[0]
    ]
    men = sum(1 for g in _parts(tables[0]) for s in _parts(tables[1]) if g[0] != s[0])
    # Neighbouring indices must not share a given name, or a skewed draw would make one given name rule.
    order = np.concatenate([_spread(men, 0), _spread(len(pairs) - men, men)])
    pairs = [pairs[i] for i in order]
    return NameBook(
        men=men,
        women=len(pairs) - men,
        latin=(
            pa.array([f"{g[0]} {s[0]}" for g, s in pairs]),
            pa.array([f"{g[1]} {s[0]}" for g, s in pairs]),
            pa.array([f"{g[0]} {s[1]}" for g, s in pairs]),
        ),
        native=pa.array([f"{g[2]} {s[2]}" for g, s in pairs]),
    )


def _spread(count: int, offset: int) -> np.ndarray[Any, Any]:
    return offset + np.random.Generator(np.random.PCG64(7)).permutation(count)
