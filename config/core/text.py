"""Text as people see it: what looks alike to them is one, and what they cannot see is nothing. Pure functions."""

import re
import unicodedata
from functools import lru_cache

_APOSTROPHES = (
    "`\u00b4\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c0\u02c8\u02ca\u02cb\u0374\u0384\u055a\u05f3\u1fbd\u1fbf\u1fef\u1ffd\u1ffe"
    "\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a\u275b\u275c\ua78b\ua78c\uff07\uff40"
)
_QUOTES = "\u00ab\u00bb\u02ba\u05f4\u201c\u201d\u201e\u201f\u2033\u2036\u300c\u300d\uff02"
_HYPHENS = (
    "\u00ad\u058a\u05be\u1400\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u207b\u208b\u2212"
    "\u2e17\u2e3a\u2e3b\u301c\u30a0\ufe58\ufe63\uff0d\uff5e"
)
_MIDDLE_DOTS = "\u0387\u16eb\u2022\u2027\u2219\u22c5\u2e31\u30fb\uff65"
# Letters that NFKD leaves whole, with what people type for them.
_LETTERS = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
# Those of African languages and of Azerbaijani, which are also typed without their hooks.
_LETTERS |= {"ɓ": "b", "ɖ": "d", "ɗ": "d", "ƒ": "f", "ƙ": "k", "ŋ": "n", "ɲ": "n", "ɔ": "o", "ƴ": "y"} | dict.fromkeys("əǝɛ", "e")
# Yeh, kaf, heh and alef as Persian and Urdu keyboards have them, with those of Arabic, and the tatweel that stretches a word.
_ARABIC_LETTERS = (
    dict.fromkeys("\u0649\u06cc\u06d2", "\u064a")
    | dict.fromkeys("\u06a9\u06aa", "\u0643")
    | dict.fromkeys("\u0629\u06be\u06c1\u06c3\u06d5", "\u0647")
    | {"\u0671": "\u0627", "\u0640": ""}
)
# Han characters that names are written with in several forms, old, new, simplified and variant. The first one stands for all.
_HAN_VARIANTS = (
    "高髙 崎﨑嵜 辺邊邉边 斎齋斉齊齐 国國 沢澤泽 浜濱濵滨 広廣广 陳陈 吉𠮷 島嶋嶌岛 桜櫻樱 徳德 恵惠 真眞 渕淵渊 冨富 "
    "浅淺 栄榮荣 黒黑 関關关 竜龍龙 滝瀧 柳栁 槙槇 遥遙 実實实 寿壽 豊豐 静靜 峰峯 橋桥 館舘 薗園园 亀龜龟 万萬 円圓 "
    "学學 寛寬 礼禮 蔵藏 鉄鐵铁 張张 劉刘 黄黃 楊杨 趙赵 吳吴呉 鄭郑 孫孙 馬马 羅罗 謝谢 許许 鄧邓 馮冯 蕭萧 葉叶 蘇苏 "
    "盧卢 蔣蒋 賈贾 鍾钟 陸陆 譚谭 韓韩 龔龚 賴赖頼 錢钱 湯汤 嚴严 顧顾 鄒邹 呂吕 賀贺 龐庞 華华 麗丽 偉伟 強强 軍军 "
    "東东 紅红 蘭兰 鳳凤 飛飞 輝辉 雲云 愛爱 傑杰 曉晓暁"
)
_HAN = {variant: forms[0] for forms in _HAN_VARIANTS.split() for variant in forms[1:]}
_HIRAGANA = {chr(katakana): chr(katakana - 0x60) for katakana in range(0x30A1, 0x30F7)}
# Signs without ink that are no format characters: fillers, selectors of variants of a letter, and what stands for an object.
_WITHOUT_INK = frozenset(
    {
        *"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\ufffc\U0001d159",
        *map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))),
    }
)
_SIGNS = (
    dict.fromkeys(_APOSTROPHES, "'")
    | dict.fromkeys(_QUOTES, '"')
    | dict.fromkeys(_HYPHENS, "-")
    | dict.fromkeys(_MIDDLE_DOTS, "\u00b7")
    | dict.fromkeys(_WITHOUT_INK, "")
    | {"\u2800": " "}
)
_ALIKE_SIGNS, _ALIKE = str.maketrans(_SIGNS), str.maketrans(_SIGNS | _LETTERS | _ARABIC_LETTERS | _HAN | _HIRAGANA)
# Letters that are also written as two, decomposed.
_UMLAUT, _RING = re.compile("([aou])\u0308"), "a\u030a"

# Characters that cannot be seen, beside those of the categories: blanks, controls, format characters, surrogates and marks.
_UNSEEN = frozenset({"\u2800", "\u2065", *_WITHOUT_INK, *map(chr, (*range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000)))})
_UNSEEN_CATEGORIES = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Mn", "Mc", "Me"})


def fold(text: str | None) -> str:
    """Return `text` as it is compared, sorted and searched: no case, no accents, no outer blanks.

    Apostrophes, hyphens and digits of all kinds are those of ASCII.
    """
    if not text:
        return ""
    if text.isascii():
        return text.lower().strip().replace("`", "'")
    return _folded(text)


@lru_cache(maxsize=64)  # The columns of one record need the same text more than once.
def _folded(text: str) -> str:
    return _without_marks(_decomposed(text))


def spelled_out(text: str | None) -> str:
    """Return `text` folded, with ae, oe, ue for ä, ö, ü, aa for å and oe for ø: mueller for Müller, which folds to muller."""
    if not text or text.isascii():
        return fold(text)
    return _spelled_out(text)


@lru_cache(maxsize=64)
def _spelled_out(text: str) -> str:
    return _without_marks(_UMLAUT.sub(r"\1e", _decomposed(text)).replace(_RING, "aa").replace("ø", "oe"))


def _decomposed(text: str) -> str:
    """Return `text` without case, with marks apart from their letters."""
    # The signs go first, as NFKD makes a blank and a mark of some of them.
    decomposed = unicodedata.normalize("NFKD", text.translate(_ALIKE_SIGNS))
    return unicodedata.normalize("NFKD", decomposed.casefold())


def _without_marks(decomposed: str) -> str:
    return "".join(map(_without_mark, decomposed)).translate(_ALIKE).strip()


def _without_mark(char: str) -> str:
    """Return "" for a mark or a format character, the ASCII digit for a digit, and another character as it is."""
    if unicodedata.combining(char) or unicodedata.category(char) == "Cf":
        return ""
    digit = unicodedata.decimal(char, None)
    return char if digit is None else str(digit)


def is_blank(text: str) -> bool:
    """Tell whether nothing of `text` can be seen: it holds blanks, controls, format characters, and marks on no letter."""
    if text.isascii() and text.isprintable():
        return not text.strip()
    return all(char in _UNSEEN or unicodedata.category(char) in _UNSEEN_CATEGORIES for char in text)
