"""How severe allergies are, in the words of those who write it down."""

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

# As people write severities, gravest first; what is not here comes after.
_SEVERITIES: dict[str, str | Promise] = {
    "fatal": pgettext_lazy("severity", "fatal"),
    "life threatening": pgettext_lazy("severity", "life threatening"),
    "severe": pgettext_lazy("severity", "severe"),
    "high": pgettext_lazy("severity", "high"),
    "moderate": pgettext_lazy("severity", "moderate"),
    "medium": pgettext_lazy("severity", "medium"),
    "mild": pgettext_lazy("severity", "mild"),
    "low": pgettext_lazy("severity", "low"),
}
GRAVEST_FIRST = tuple(_SEVERITIES)


def severity_word(severity: str) -> str:
    """Return a severity in the current language; as it is recorded where it is no word of GRAVEST_FIRST, or in English."""
    word = severity.casefold()
    told = str(_SEVERITIES.get(word, word))
    return severity if told == word else told
