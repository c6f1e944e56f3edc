"""Text as people see it: what is one to them, and what is nothing."""

import unicodedata

import pytest

from config.core.text import fold, is_blank, spelled_out

ALIKE = {
    "apostrophes": [
        f"O{sign}Neill"
        for sign in "'\u2019\u2018\u201b\u02bb\u02bc\u00b4`\u2032\uff07\u02b9\u055a\u05f3\ua78c\u0060\u02ca\u02c0\u275b\u275c"
    ],
    "hyphens": [
        f"anna{sign}lena"
        for sign in "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad\ufe58\ufe63\uff0d\u05be\u2043\u207b\uff5e\u301c"
    ],
    "middle dots": ["gal\u00b7la", "gal\u2022la", "gal\u2027la", "gal\u30fbla", "gal\uff65la", "Ga\u0140la"],
    "yeh": ["عل\u064a", "عل\u06cc", "عل\u0649", "عل\ufef2"],
    "kaf": ["\u0643ريم", "\u06a9ريم", "\ufb8fريم"],
    "heh": ["فاطم\u0629", "فاطم\u0647", "فاطم\u06c1", "فاطم\u06d5", "فاطم\u06c0"],
    "alef": ["\u0627حمد", "\u0623حمد", "\u0625حمد", "\u0622حمد", "\u0671حمد"],
    "tatweel": ["محمد", "مح\u0640\u0640مد", "مُحَمَّد"],
    "digits": ["0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "０１２３４５６７８９", "०१२३४५६७८९"],
    "kana": ["やまだ", "ヤマダ", "ﾔﾏﾀﾞ", "やまた\u3099"],
    "hangul": ["김", unicodedata.normalize("NFD", "김"), "김\u3164"],
    "Han": ["葛", "葛\U000e0100", "葛\ufe00", "葛\ufffc"],
    "Han variants": ["高崎辺斎国沢浜広陳", "髙﨑邊齋國澤濱廣陳", "高嵜邉齊國沢濵広陈", "高崎边斉国泽滨广陈"],
    "hooked letters": ["bdkydnoefen", "ɓɗƙƴɖŋɔɛƒəɲ", "ƁƊƘƳƉŊƆƐƑƏƝ"],
    "widths": ["ab c", "ａｂ\u3000ｃ", "AB\u00a0C"],
    "sharp s": ["weiss", "Weiß", "WEIẞ"],
    "joiners": ["علیرضا", "علی\u200cرضا", "علی\u200dرضا"],
}


@pytest.mark.parametrize("kind", ALIKE)
def test_what_looks_alike_folds_to_one(kind):
    folded = {fold(text).replace("\xa0", " ") for text in ALIKE[kind]}
    assert len(folded) == 1
    assert folded == {fold(text) for text in folded}


@pytest.mark.parametrize(
    ("text", "folded", "spelled"),
    [
        ("Müller", "muller", "mueller"),
        ("ÄÖÜ", "aou", "aeoeue"),
        ("Mu\u0308ller", "muller", "mueller"),
        ("Åse Kjær Sørensen", "ase kjaer sorensen", "aase kjaer soerensen"),
        ("Zoë", "zoe", "zoe"),
        ("Lǘ", "lu", "lue"),
        ("Samuel", "samuel", "samuel"),
    ],
)
def test_umlauts_are_also_spelled_out(text, folded, spelled):
    assert (fold(text), spelled_out(text)) == (folded, spelled)


def test_both_foldings_separate_the_same_words():
    """The search pairs them word by word."""
    for char in filter(unicodedata.decomposition, map(chr, range(0x80, 0xFFFF))):
        assert len(fold(f"ä{char}b").split()) == len(spelled_out(f"ä{char}b").split()), ascii(char)


BLANK = [
    "",
    " ",
    "\t\r\n",
    "\xa0",
    "\u3000",
    "\u2003",
    "\u2028",
    "\u200b",
    "\u200d\u200c",
    "\ufeff",
    "\u2060",
    "\u00ad",
    "\u0301",
    "\u20dd",
]
BLANK += [
    "\u202e\u202c",
    "\u2066",
    "\u2800",
    "\u3164",
    "\u115f\u1160",
    "\uffa0",
    "\ufe0f",
    "\U000e0100",
    "\U000e0041",
    "\x00",
    "\x85",
    "\u180e",
    "\u17b4",
    "\ufffc",
]


@pytest.mark.parametrize("text", BLANK, ids=ascii)
def test_what_cannot_be_seen_is_blank(text):
    assert is_blank(text)


@pytest.mark.parametrize(
    "text", ["a", "-", "?", "王", "е\u0301", "\u200dन", "\ue000", "\U00031350", "😀", "\u200e.", "0"], ids=ascii
)
def test_what_can_be_seen_is_not_blank(text):
    assert not is_blank(text)
