"""How static files are collected."""

from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


def _without_maps(patterns: Any) -> Any:
    """Return Django's patterns of references between static files, but for those to maps for debuggers."""
    kept = [(files, [rule for rule in rules if "sourceMappingURL" not in str(rule)]) for files, rules in patterns]
    return tuple((files, tuple(rules)) for files, rules in kept if rules)


class StaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Compressed files under names that change with their content. Files may name maps that have not been collected."""

    patterns = _without_maps(CompressedManifestStaticFilesStorage.patterns)
