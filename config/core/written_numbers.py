"""Numbers as people read them: 1,234.5 in English is 1.234,5 in Dutch."""

from django.utils.formats import get_format


def in_language(written: str) -> str:
    """Return a number that Python has written, such as 1,234.5, with the separators of the current language."""
    separators = {",": get_format("THOUSAND_SEPARATOR"), ".": get_format("DECIMAL_SEPARATOR")}
    return written.translate(str.maketrans(separators))
